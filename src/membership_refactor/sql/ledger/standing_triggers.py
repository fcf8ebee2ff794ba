"""Which triggers of the tool have to stand while a step is under way.

Each action of the runner records which stand after it. A step may be interrupted for days between
two of them, and DROP TRIGGER leaves no trace in the catalog.
"""

from __future__ import annotations

from membership_refactor.sql.ledger.own_objects import own_triggers
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement


def standing(names: Names) -> str:
    """An expression: the names of those that stand now."""
    return f"ARRAY({own_triggers(names)})"


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


def gone(names: Names, rows: StepRows) -> str:
    """SELECT of one text for each that has to stand and does not."""
    return (
        "SELECT pg_catalog.format('%s is gone', k.name)\n"
        f"FROM pg_catalog.unnest({known(names, rows)}) AS k (name)\n"
        f"WHERE k.name NOT IN ({own_triggers(names)})"
    )


def raise_if_gone(names: Names, rows: StepRows) -> Statement:
    """Raise object_not_in_prerequisite_state for the first of them. Under a lock: it may have been
    waited for behind the very transaction that dropped the trigger."""
    body = f"""
DECLARE
  found text;
BEGIN
  SELECT g.g INTO found FROM ({gone(names, rows)}) AS g (g) ORDER BY 1 LIMIT 1;
  IF FOUND THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'trigger ' || found || ', and writes may have slipped past',
      HINT = 'Take the step back (abandon), then run it again.';
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")
