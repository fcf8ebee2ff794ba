"""Refusals while parent and child are saved in parallel: writes that would leave them different."""

from __future__ import annotations

from membership_refactor.portrait import Column
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.refuse_writes import refusal
from membership_refactor.sql.types import differs


def refuse_contradiction(sides: Sides, row: str, condition: str) -> str:
    """plpgsql that raises 23514 and names the columns in which ``row`` differs from ``parent``.

    ``condition`` says which columns count: ``given`` those that are not NULL in ``row``, ``wrote``
    those that the statement changed.
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
        MESSAGE = pg_catalog.format('%s %s refers to a %s with other values in: %s',
          {literal(plan.link)}, {row}.{sides.link}, {literal(plan.parent)},
          pg_catalog.array_to_string(ARRAY[{named}], ', ')),
        HINT = {literal(f"Give only {plan.link}, or write the columns of {plan.parent}.")},
        SCHEMA = {literal(sides.names.schema)}, TABLE = {literal(plan.child)};
    END IF;"""


def refuse_resistance(sides: Sides, rows: str, apart: str) -> str:
    """plpgsql at the end of a trigger function: raises 55000 if a child of ``rows`` (alias c)
    differs from its parent (alias p) by the condition ``apart``.

    A BEFORE trigger of the application may return NULL or restore the old value. Then no event
    follows, and parent and child would differ without any error.
    """
    plan, names = sides.plan, sides.names
    message = f"a row of {plan.child} and its parent in {plan.parent} could not be made equal"
    hint = (
        f"A BEFORE trigger of {plan.child} or {plan.parent} drops or undoes the write. "
        "Change it so that it accepts a value that the other table has."
    )
    schema, table = f"SCHEMA = {literal(names.schema)}", f"TABLE = {literal(plan.child)}"
    return f"""IF EXISTS (SELECT FROM {names.child} AS c
    JOIN {names.parent} AS p ON p.{sides.uuid} = c.{sides.link}
    WHERE {rows} AND ({apart})) THEN
    {refusal(literal(message), literal(hint), schema, table)}
  END IF;"""
