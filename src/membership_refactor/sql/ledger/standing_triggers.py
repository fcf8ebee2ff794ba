"""Which triggers of the tool have to stand while a step is under way.

Each action of the runner records which stand after it. A step may be interrupted for days between
two of them, and DROP TRIGGER leaves no trace in the catalog.
"""

from __future__ import annotations

from membership_refactor.sql.ledger.own_objects import TRIGGER, any_triggers
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import is_idle, is_never


def _standing(names: Names) -> str:
    """FROM and WHERE of those that stand now and are not disabled for good."""
    # This is asked before each action: the text of a trigger is made only where it has a WHEN.
    return f"{any_triggers(names)}\n  AND (t.tgqual IS NULL OR NOT {is_never('t')})"


def standing(names: Names) -> str:
    """An expression: the names of those that stand now."""
    return f"ARRAY(SELECT {TRIGGER} FROM {_standing(names)})"


def known(names: Names, rows: StepRows) -> str:
    """An expression: the names of those that stood after the newest action of the step, or before
    the first one. NULL where a script did that action: scripts record none."""
    of_step = f"FROM {rows.table('action')} AS a WHERE (a.plan, a.step, a.direction) = ({rows.key})"
    return (
        f"CASE WHEN EXISTS (SELECT {of_step})\n"
        f"  THEN (SELECT a.triggers {of_step} ORDER BY a.done_at DESC LIMIT 1)\n"
        f"  ELSE ARRAY(SELECT r.name FROM {rows.table('own_object')} AS r\n"
        f"    WHERE r.plan = {literal(rows.plan)} AND r.kind = 'trigger'\n"
        "    AND pg_catalog.to_regclass(r.at)\n"
        f"      IS DISTINCT FROM pg_catalog.to_regclass({literal(names.old_shape)})) END"
    )


def _gone(names: Names, rows: StepRows) -> str:
    """SELECT of one text for each that has to stand and is not among ``s (name)``."""
    return (
        "SELECT pg_catalog.format('%s is gone', k.name)\n"
        f"FROM pg_catalog.unnest({known(names, rows)}) AS k (name)\n"
        "WHERE NOT EXISTS (SELECT FROM s WHERE s.name = k.name)"
    )


def idle_or_gone(names: Names, rows: StepRows) -> str:
    """SELECT of one text for each that does not fire always, and for each that has to stand and
    does not."""
    return (
        f"WITH s AS MATERIALIZED (SELECT {TRIGGER} AS name, {is_idle('t')} AS idle\n"
        f"  FROM {_standing(names)})\n"
        f"SELECT s.name FROM s WHERE s.idle\nUNION ALL\n{_gone(names, rows)} ORDER BY 1"
    )


def raise_if_gone(names: Names, rows: StepRows) -> Statement:
    """Raise object_not_in_prerequisite_state for the first one that has to stand and does not.
    Under a lock: it may have been waited for behind the very transaction that dropped it."""
    body = f"""
DECLARE
  found text;
BEGIN
  WITH s AS MATERIALIZED (SELECT {TRIGGER} AS name FROM {_standing(names)})
  {_gone(names, rows)} ORDER BY 1 LIMIT 1 INTO found;
  IF FOUND THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'trigger ' || found || ', and writes may have slipped past',
      HINT = 'Take the step back (abandon), then run it again.';
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")
