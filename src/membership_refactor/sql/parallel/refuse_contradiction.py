"""Contradiction: a new-style write gives a deprecated column another value than the parent."""

from __future__ import annotations

from membership_refactor.portrait import Column
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs


def refuse_contradiction(sides: Sides, row: str, condition: str) -> str:
    """plpgsql that raises 23514 and names the columns, where ``row`` says something else than the
    parent in a column for which ``condition`` (with ``%s`` for the bare NEW/OLD test) holds.

    ``condition`` is ``given`` (a value that is not NULL) or ``wrote`` (the statement changed it).
    """

    def bad(column: Column) -> str:
        given = f"{row}.{ident(column.name)} IS NOT NULL"
        on = given if condition == "given" else differs((column,), "NEW", "OLD")
        return f"({on} AND {differs((column,), row, 'parent')})"

    named = ", ".join(
        f"CASE WHEN {bad(c)} THEN {literal(ident(c.name))} END" for c in sides.deprecated
    )
    plan = sides.plan
    return f"""IF {" OR ".join(bad(c) for c in sides.deprecated)} THEN
      RAISE check_violation USING
        MESSAGE = pg_catalog.format('%s %s belongs to another %s: it contradicts %s',
          {literal(plan.link)}, {row}.{sides.link}, {literal(plan.parent)},
          pg_catalog.array_to_string(ARRAY[{named}], ', ')),
        HINT = {literal(f"Give {plan.link} alone, or write the columns of {plan.parent}.")},
        SCHEMA = {literal(sides.names.schema)}, TABLE = {literal(plan.copy)};
    END IF;"""
