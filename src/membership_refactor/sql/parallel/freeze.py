"""Freeze: from 0009 on nobody writes the child's deprecated columns."""

from __future__ import annotations

from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function
from membership_refactor.sql.types import differs


def _refuse(sides: Sides, column: str) -> str:
    plan = sides.plan
    message = f'column "{column}" of {plan.copy} is frozen'
    hint = (
        f'Write "{column}" of {plan.parent}, and give {plan.copy} only {plan.link}; '
        "leave the column out of the statement."
    )
    return (
        f"RAISE object_not_in_prerequisite_state USING MESSAGE = {literal(message)},\n"
        f"        HINT = {literal(hint)}, SCHEMA = {literal(sides.names.schema)},\n"
        f"        TABLE = {literal(plan.copy)}, COLUMN = {literal(column)};"
    )


def frozen_function(sides: Sides) -> tuple[Statement, ...]:
    """BEFORE INSERT OR UPDATE: a deprecated value is refused with 55000, each by its name."""
    inserts, updates = [], []
    for column in sides.deprecated:
        refuse = _refuse(sides, column.name)
        c = ident(column.name)
        inserts.append(f"IF NEW.{c} IS NOT NULL THEN\n      {refuse}\n    END IF;")
        updates.append(f"IF {differs((column,), 'NEW', 'OLD')} THEN\n      {refuse}\n    END IF;")
    body = "  IF TG_OP = 'INSERT' THEN\n    {}\n  ELSE\n    {}\n  END IF;\n  RETURN NEW;".format(
        "\n    ".join(inserts), "\n    ".join(updates)
    )
    return trigger_function(sides.names.own("frozen"), body)


def refilling_function(sides: Sides) -> tuple[Statement, ...]:
    """BEFORE INSERT OR UPDATE on the way down: frozen, but filled from the parent.

    It goes by the state, not by who writes: what makes the child agree with its parent passes, so
    the tool's own writes need no sign that others could forge or nested triggers inherit.
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
    # OLD is all NULL in an INSERT from PostgreSQL 11 on.
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
    """AFTER INSERT OR UPDATE OF the link on the way down: the parent is touched.

    The BEFORE trigger's lock does not reach a REPEATABLE READ writer of the parent, whose snapshot
    would go on missing this child.
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
    )
