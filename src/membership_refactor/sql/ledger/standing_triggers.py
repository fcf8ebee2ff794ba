"""Which triggers of the tool have to stand while a step is under way.

Each action of the runner records which stand after it, and their text. A step may be interrupted
for days between two of them, and DROP TRIGGER leaves no trace in the catalog. Those of partitions
are recorded by their names alone, because this is done under short locks: their text is that of the
table's trigger, for another table.
"""

from __future__ import annotations

from membership_refactor.sql.ledger.own_objects import TRIGGER, any_triggers
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import is_idle, is_never


def _standing(names: Names, partition: str = "") -> str:
    """FROM and WHERE of those that stand now and are not disabled for good; those of one partition,
    or all."""
    # This is asked often: the text of a trigger is made only where it has a WHEN.
    # On a partition none is disabled for good.
    part = "c.relispartition OR " if names.partitioned else ""
    return (
        f"{any_triggers(names, partition)}\n  AND ({part}t.tgqual IS NULL OR NOT {is_never('t')})"
    )


def standing(names: Names) -> str:
    """An expression: the definitions of those that stand now, by name; JSON's null for those of
    partitions."""
    text = "pg_catalog.pg_get_triggerdef(t.oid)"
    if names.partitioned:
        text = f"CASE WHEN NOT c.relispartition THEN {text} END"
    return f"(SELECT pg_catalog.jsonb_object_agg({TRIGGER}, {text})\n  FROM {_standing(names)})"


def standing_with(names: Names, rows: StepRows, partition: str, now: str) -> str:
    """An expression: those that are known, and those of one ``partition`` as they stand on ``now``,
    its name after the action; empty where it has left. ``standing`` where nothing is known.

    That takes about as long for many partitions as for a few, and forgets no trigger of another one
    that somebody dropped meanwhile."""
    others = (
        "w.known - ARRAY(SELECT k.k FROM pg_catalog.jsonb_object_keys(w.known) AS k (k)\n"
        f"    WHERE {_is_of('k.k')})"
    )
    own = (
        f"SELECT pg_catalog.jsonb_object_agg({TRIGGER}, NULL::pg_catalog.text)\n"
        f"    FROM {_standing(names, now)}"
    )
    added = f"\n    || coalesce(({own}), '{{}}')" if now else ""
    return (
        f"(SELECT CASE WHEN w.known IS NULL THEN {standing(names)}\n  ELSE {others}{added} END\n"
        f"  FROM (SELECT {known(names, rows)} AS known OFFSET 0) AS w, {_place(partition)})"
    )


def _place(partition: str) -> str:
    """A FROM item ``p (at)``: how the names of that table's triggers end, made once."""
    name = f"VARIADIC pg_catalog.parse_ident({literal(partition)})"
    return f"(SELECT pg_catalog.format(' on %I.%I', {name}) AS at OFFSET 0) AS p"


def _is_of(name: str) -> str:
    """A condition: the trigger called ``name`` is of the table of ``_place``."""
    return f"pg_catalog.right({name}, pg_catalog.length(p.at)) = p.at"


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


def _gone(names: Names, rows: StepRows, partition: str = "") -> str:
    """FROM and WHERE of those (``k``) that have to stand and are not among ``s (name)``."""
    place = f"{_place(partition)}, " if partition else ""
    of_it = f"{_is_of('k.name')} AND " if partition else ""
    return (
        f"FROM {place}pg_catalog.jsonb_each_text({known(names, rows)}) AS k (name, definition)\n"
        f"WHERE {of_it}NOT EXISTS (SELECT FROM s WHERE s.name = k.name)"
    )


def _names(names: Names, partition: str = "") -> str:
    return (
        f"WITH s AS MATERIALIZED (SELECT {TRIGGER} AS name, {is_idle('t')} AS idle\n"
        f"  FROM {_standing(names, partition)})"
    )


def idle_or_gone(names: Names, rows: StepRows) -> str:
    """SELECT of one text for each that does not fire always, and for each that has to stand and
    does not."""
    return (
        f"{_names(names)}\n"
        "SELECT s.name FROM s WHERE s.idle\nUNION ALL\n"
        f"SELECT pg_catalog.format('%s is gone', k.name) {_gone(names, rows)} ORDER BY 1"
    )


def raise_if_gone(names: Names, rows: StepRows, partition: str = "") -> Statement:
    """Raise object_not_in_prerequisite_state for the first one that has to stand and does not.
    With ``partition`` ask only for those of that table, which alone is locked then, and also
    whether they fire always: nobody has asked before its lock.
    Under a lock: it may have been waited for behind the very transaction that dropped it."""
    idle = (
        "SELECT s.name || ' does not fire always' FROM s WHERE s.idle\n  UNION ALL\n  "
        if partition
        else ""
    )
    body = f"""
DECLARE
  missed text;
BEGIN
  {_names(names, partition)}
  {idle}SELECT k.name || ' is gone' {_gone(names, rows, partition)} ORDER BY 1 LIMIT 1 INTO missed;
  IF missed IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'trigger ' || missed || ', and writes may have slipped past',
      HINT = 'Take the step back (abandon), then run it again.';
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def _of_partition(names: Names) -> str:
    """A condition: the trigger called ``k.name`` is of no table that the plan names."""
    return (
        f"NOT EXISTS (SELECT FROM ({_tables(names)}) AS r\n"
        "      WHERE pg_catalog.right(k.name, pg_catalog.length(r.at)) = r.at)"
    )


def _tables(names: Names) -> str:
    """SELECT of the tables of the plan, as they end the name of a trigger."""
    listed = ", ".join(f"({literal(table)})" for table in names.plan.tables)
    schema = literal(names.schema)
    return (
        f"SELECT pg_catalog.format(' on %I.%I', {schema}, v.v) AS at,\n"
        f"      pg_catalog.format(' ON %I.%I ', {schema}, v.v) AS on_table,\n"
        f"      pg_catalog.to_regclass(pg_catalog.format('%I.%I', {schema}, v.v)) AS oid\n"
        f"      FROM (VALUES {listed}) AS v (v)"
    )


def _gone_of_partitions(names: Names, rows: StepRows) -> str:
    """SELECT of the definitions of those of partitions that have to stand and do not, made from
    what is recorded of the table. WITH ``s``."""
    bare = "pg_catalog.left(k.name, -pg_catalog.length(r.at))"
    of_partition = f"{bare} || pg_catalog.format(' on %I.%I', n.nspname, c.relname)"
    return f"""SELECT pg_catalog."overlay"(k.definition,
      pg_catalog.format(' ON %I.%I ', n.nspname, c.relname),
      pg_catalog.strpos(k.definition, r.on_table), pg_catalog.length(r.on_table)) AS definition
    FROM (SELECT {known(names, rows)} AS known) AS w, ({_tables(names)}) AS r,
      pg_catalog.jsonb_each_text(w.known) AS k (name, definition),
      pg_catalog.pg_partition_tree(r.oid) AS p,
      pg_catalog.pg_class AS c, pg_catalog.pg_namespace AS n
    WHERE pg_catalog.right(k.name, pg_catalog.length(r.at)) = r.at AND k.definition IS NOT NULL
    AND p.level > 0 AND c.oid = p.relid AND n.oid = c.relnamespace
    AND w.known ? ({of_partition})
    AND NOT EXISTS (SELECT FROM s WHERE s.name = {of_partition})
    ORDER BY c.relname, k.name"""


def wake_triggers(names: Names, rows: StepRows) -> Statement:
    """Make those again that have to stand and do not, and let all fire always; SHARE ROW EXCLUSIVE
    on their tables."""
    body = f"""
DECLARE
  found record;
BEGIN
  FOR found IN {_names(names)}
    SELECT k.definition {_gone(names, rows)} AND k.definition IS NOT NULL
    AND NOT {_of_partition(names)} ORDER BY k.name
  LOOP
    EXECUTE found.definition;
  END LOOP;
  -- PostgreSQL clones a row trigger of a table to its partitions, the others have to be made.
  FOR found IN {_names(names)}
    {_gone_of_partitions(names, rows)}
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
