"""Children that move to another partition while parent and child are saved in parallel.

PostgreSQL carries out such an UPDATE as DELETE and INSERT, and the triggers of INSERT take a value
that the statement set to NULL for one that it did not give. So the BEFORE trigger of UPDATE, which
fires first, refuses a statement that also changes a column of the parent.
"""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.lost_values import move_entry
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.refuse_writes import refusal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, of_child, trigger_function
from membership_refactor.sql.types import differs


def moving_function(sides: Sides) -> tuple[Statement, ...]:
    """BEFORE UPDATE of the partition key: the row's entry in the ledger gets the new id."""
    plan = sides.plan
    if not sides.names.partitioned:
        return ()
    message = (
        f"a row of {plan.child} cannot move to another partition while the same statement changes "
        f"a column of {plan.parent}"
    )
    hint = "Use two statements: one for the columns of the partition key, one for the others."
    link = f"NEW.{sides.link} IS DISTINCT FROM OLD.{sides.link}"
    body = f"""  IF {link} OR {differs(sides.deprecated, "NEW", "OLD")} THEN
    {refusal(literal(message), literal(hint))}
  END IF;
  {move_entry(sides)}
  RETURN NEW;"""
    return trigger_function(sides.names.own("child_moving"), body)


def moving_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The trigger of a partitioned child."""
    if child.partitioning is None:
        return ()
    changed = " OR ".join(
        f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in map(ident, child.partitioning.key_columns)
    )
    return (of_child(names, "BEFORE UPDATE", "moving", "child_moving", when=changed),)
