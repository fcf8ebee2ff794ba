"""The link until 0008: triggers keep it the uuid of the row's key."""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, of_child, trigger_function


def keep_link_function(names: Names) -> tuple[Statement, ...]:
    """The BEFORE ROW function: sets the link to the uuid of the key. It refuses (55000) a statement
    that gives another link; such a value would not be stored.

    It has no side effects, because ON CONFLICT DO NOTHING may drop the row afterwards.
    """
    plan = names.plan
    link = ident(plan.link)
    message = f'column "{plan.link}" of {plan.child} follows the key and cannot be written yet'
    hint = (
        f"Leave {plan.link} out of the statement. An application may write it "
        "once parent and child are saved in parallel."
    )
    # OLD is all NULL in an INSERT.
    body = f"""  IF NEW.{link} IS NOT DISTINCT FROM OLD.{link} THEN
    NEW.{link} := {computed(names, "NEW", "link")};
  ELSIF NEW.{link} IS DISTINCT FROM {computed(names, "NEW", "link")} THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {literal(message)},
      HINT = {literal(hint)}, SCHEMA = {literal(names.schema)}, TABLE = {literal(plan.child)},
      COLUMN = {literal(plan.link)};
  END IF;
  RETURN NEW;"""
    return trigger_function(names.own("keep_link"), body)


def keep_link_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """The child's triggers; they fire after the application's own BEFORE triggers."""
    plan = names.plan
    changed = " OR ".join(
        f"OLD.{ident(c)} IS DISTINCT FROM NEW.{ident(c)}" for c in (*plan.key, plan.link)
    )
    if plan.copy is None:
        # A row may get an id whose range has been filled already.
        changed += f" OR {names.id.changed()} AND NEW.{ident(plan.link)} IS NULL"
    return (
        of_child(names, "BEFORE INSERT", "keep_link_insert", "keep_link"),
        of_child(names, "BEFORE UPDATE", "keep_link_update", "keep_link", when=changed),
    )
