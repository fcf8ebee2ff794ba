"""The frozen deprecated columns: from 0009 on a write to one of them is refused (55000)."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.refuse_writes import refusal
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function
from membership_refactor.sql.types import differs


def _refuse(sides: Sides, column: str) -> str:
    plan = sides.plan
    message = f'column "{column}" of {plan.child} is frozen'
    hint = (
        f'Leave "{column}" out of the statement and give only {plan.link}. '
        f'Write "{column}" of {plan.parent}.'
    )
    return refusal(
        literal(message),
        literal(hint),
        f"SCHEMA = {literal(sides.names.schema)}",
        f"TABLE = {literal(plan.child)}",
        f"COLUMN = {literal(column)}",
    )


def frozen_function(sides: Sides, only: Iterable[str] | None = None) -> tuple[Statement, ...]:
    """BEFORE INSERT OR UPDATE: refuses a value in a column that leaves, and names it; with ``only``
    in those of them that are there."""
    inserts, updates = [], []
    there = None if only is None else {*only}
    for column in (c for c in sides.leaving if there is None or c.name in there):
        refuse = _refuse(sides, column.name)
        c = ident(column.name)
        inserts.append(f"IF NEW.{c} IS NOT NULL THEN\n      {refuse}\n    END IF;")
        updates.append(f"IF {differs((column,), 'NEW', 'OLD')} THEN\n      {refuse}\n    END IF;")
    body = "  IF TG_OP = 'INSERT' THEN\n    {}\n  ELSE\n    {}\n  END IF;\n  RETURN NEW;".format(
        "\n    ".join(inserts), "\n    ".join(updates)
    )
    return trigger_function(sides.names.own("frozen"), body)


def refilling_function(sides: Sides) -> tuple[Statement, ...]:
    """BEFORE INSERT OR UPDATE during the downgrade of 0009: frozen, but filled from the parent.

    It accepts every value that the parent has, whoever writes it. So the tool's own writes need no
    mark that others could forge or that nested triggers would inherit.
    """
    checks = []
    for column in sides.deprecated:
        c = ident(column.name)
        checks.append(
            f"IF (CASE WHEN TG_OP = 'INSERT' THEN NEW.{c} IS NOT NULL "
            f"ELSE {differs((column,), 'NEW', 'OLD')} END)\n"
            f"      AND {differs((column,), 'NEW', 'parent')} THEN\n"
            f"      {_refuse(sides, column.name)}\n    END IF;"
        )
    fill = "\n      ".join(
        f"NEW.{ident(c.name)} := parent.{ident(c.name)};" for c in sides.deprecated
    )
    filled = f"TG_OP = 'INSERT' OR NEW.{sides.link} IS DISTINCT FROM OLD.{sides.link}"
    # In an INSERT every column of OLD is NULL.
    body = f"""  {guard(sides.names)}
  IF {filled} OR {differs(sides.deprecated, "NEW", "OLD")} THEN
    SELECT {sides.parent_row("p")} INTO parent
    FROM {sides.names.parent} AS p WHERE p.{sides.uuid} = NEW.{sides.link} FOR NO KEY UPDATE;
    {chr(10).join(checks)}
    IF ({filled}) AND parent.{sides.uuid} IS NOT NULL THEN
      {fill}
    END IF;
  END IF;
  RETURN NEW;"""
    return trigger_function(
        sides.names.own("refilling"), body, declare="  parent record;", whole=sides.tables
    )


def filled_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER INSERT OR UPDATE OF the link during the downgrade of 0009: updates the parent without
    changing it.

    The lock of the BEFORE trigger is not enough for a REPEATABLE READ writer of the parent: its
    snapshot would still not contain this child.
    """
    body = f"""  {guard(sides.names, sides.key_share())}
  {sides.reread_child()}
  {sides.touch(f"saved.{sides.link}")}
  RETURN NULL;"""
    return trigger_function(
        sides.names.own("child_filled"),
        body,
        declare="  saved record; parent record;",
        whole=sides.tables,
        path=sides.names.search_path,
    )
