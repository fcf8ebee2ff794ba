"""Which triggers of the tool have to stand while a step is under way.

Each action of the runner records which stand after it, and their text. A step may be interrupted
for days between two of them, and DROP TRIGGER leaves no trace in the catalog.
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
    """An expression: the definitions of those that stand now, by name."""
    return (
        f"(SELECT pg_catalog.jsonb_object_agg({TRIGGER}, pg_catalog.pg_get_triggerdef(t.oid))\n"
        f"  FROM {_standing(names)})"
    )


def known(names: Names, rows: StepRows) -> str:
    """An expression: the same of those that stood after the newest action of the step, or before
    the first one. NULL where a script did that action: scripts record none."""
    of_step = f"FROM {rows.table('action')} AS a WHERE (a.plan, a.step, a.direction) = ({rows.key})"
    return (
        f"CASE WHEN EXISTS (SELECT {of_step})\n"
        f"  THEN (SELECT a.triggers {of_step} ORDER BY a.done_at DESC LIMIT 1)\n"
        "  ELSE (SELECT pg_catalog.jsonb_object_agg(r.name, r.definition)\n"
        f"    FROM {rows.table('own_object')} AS r\n"
        f"    WHERE r.plan = {literal(rows.plan)} AND r.kind = 'trigger'\n"
        "    AND pg_catalog.to_regclass(r.at)\n"
        f"      IS DISTINCT FROM pg_catalog.to_regclass({literal(names.old_shape)})) END"
    )


def _gone(names: Names, rows: StepRows) -> str:
    """FROM and WHERE of those (``k``) that have to stand and are not among ``s (name)``."""
    return (
        f"FROM pg_catalog.jsonb_each_text({known(names, rows)}) AS k (name, definition)\n"
        "WHERE NOT EXISTS (SELECT FROM s WHERE s.name = k.name)"
    )


def _names(names: Names) -> str:
    return f"WITH s AS MATERIALIZED (SELECT {TRIGGER} AS name FROM {_standing(names)})"


def idle_or_gone(names: Names, rows: StepRows) -> str:
    """SELECT of one text for each that does not fire always, and for each that has to stand and
    does not."""
    return (
        f"WITH s AS MATERIALIZED (SELECT {TRIGGER} AS name, {is_idle('t')} AS idle\n"
        f"  FROM {_standing(names)})\n"
        "SELECT s.name FROM s WHERE s.idle\nUNION ALL\n"
        f"SELECT pg_catalog.format('%s is gone', k.name) {_gone(names, rows)} ORDER BY 1"
    )


def raise_if_gone(names: Names, rows: StepRows) -> Statement:
    """Raise object_not_in_prerequisite_state for the first one that has to stand and does not.
    Under a lock: it may have been waited for behind the very transaction that dropped it."""
    body = f"""
DECLARE
  dropped text;
BEGIN
  {_names(names)}
  SELECT k.name {_gone(names, rows)} ORDER BY 1 LIMIT 1 INTO dropped;
  IF dropped IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'trigger ' || dropped || ' is gone, and writes may have slipped past',
      HINT = 'Take the step back (abandon), then run it again.';
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def wake_triggers(names: Names, rows: StepRows) -> Statement:
    """Make those again that have to stand and do not, and let all fire always; SHARE ROW EXCLUSIVE
    on their tables."""
    body = f"""
DECLARE
  found record;
BEGIN
  FOR found IN {_names(names)}
    SELECT k.definition {_gone(names, rows)} ORDER BY k.name
  LOOP
    EXECUTE found.definition;
  END LOOP;
  FOR found IN SELECT c.oid::pg_catalog.regclass AS at, t.tgname
    FROM {_standing(names)} AND {is_idle("t")}
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', found.at, found.tgname);
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")
