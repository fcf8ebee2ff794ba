"""Resistance: no application trigger undoes or drops the tool's write in silence.

A BEFORE trigger may return NULL or put the old value back; then no event arises at all, and
parent and child would differ for ever.
"""

from __future__ import annotations

from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import literal


def refuse_resistance(sides: Sides, rows: str, apart: str) -> str:
    """plpgsql at the end of a trigger function: raises 55000 where a child of ``rows`` (alias c)
    differs from its parent (alias p) as ``apart`` says."""
    plan, names = sides.plan, sides.names
    message = f"a row of {plan.copy} and its parent in {plan.parent} could not be kept alike"
    hint = (
        f"A BEFORE trigger of {plan.copy} or {plan.parent} drops or undoes the write; "
        "let it accept a value that the other table has."
    )
    return f"""IF EXISTS (SELECT FROM {names.copy} AS c
    JOIN {names.parent} AS p ON p.{sides.uuid} = c.{sides.link}
    WHERE {rows} AND ({apart})) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {literal(message)},
      HINT = {literal(hint)}, SCHEMA = {literal(names.schema)}, TABLE = {literal(plan.copy)};
  END IF;"""
