"""A closed table: applications are refused (55000), the tool's own functions are let through."""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import (
    NOT_SYNC,
    OwnTrigger,
    after,
    trigger_function,
)


def close_functions(names: Names, purpose: str, message: str, hint: str) -> tuple[Statement, ...]:
    """The function that refuses. Whoever sets the mark by hand is stopped by privileges, or is
    the owner and shows up in the next check: the table is not relied upon before then.

    A foreign key's own cascade is let through: its DELETE or UPDATE is sent even where the rows
    have followed their children already, and refusing it would refuse the deletion of a person.
    """
    # Only PostgreSQL's referential action sends "... ONLY table ... OPERATOR(pg_catalog.=) ...";
    # the line below our own in the stack is the statement that fired us.
    body = f"""  IF pg_catalog.pg_trigger_depth() > 1 THEN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    sender := pg_catalog.split_part(stack, E'\\n', 2);
    IF pg_catalog.strpos(sender, ' ONLY "') > 0
      AND pg_catalog.strpos(sender, ' OPERATOR(pg_catalog.=) ') > 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  RAISE object_not_in_prerequisite_state USING
    MESSAGE = {literal(message)}, HINT = {literal(hint)};"""
    return trigger_function(names.own(purpose), body, declare="  stack text; sender text;")


def close_triggers(names: Names, purpose: str, table: str) -> tuple[OwnTrigger, ...]:
    """Statement triggers, so that a write without rows is refused too."""
    return tuple(
        OwnTrigger(
            name=after(f"{purpose}_{kind.lower().replace(' ', '_')}"),
            table=table,
            event=f"BEFORE {kind}",
            function=names.own(purpose),
            when=NOT_SYNC,
        )
        for kind in ("INSERT OR UPDATE OR DELETE", "TRUNCATE")
    )
