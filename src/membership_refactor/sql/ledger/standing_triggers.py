"""Which triggers of the tool have to stand while a step is under way.

Each action of the runner records which stand after it, and their text. A step may be interrupted
for days between two of them, and DROP TRIGGER leaves no trace in the catalog. Those of partitions
are recorded by their names alone, because this is done under short locks: their text is that of the
table's trigger, for another table.

An action of a partitioned table that changes the triggers of one partition records those alone, and
one that changes none records that: all of them would take longer with each partition.
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
    return (
        f"(SELECT pg_catalog.jsonb_object_agg({TRIGGER}, {_text(names)})\n"
        f"  FROM {_standing(names)})"
    )


def _text(names: Names) -> str:
    """An expression: what is recorded of a trigger beside its name."""
    text = "pg_catalog.pg_get_triggerdef(t.oid)"
    return f"CASE WHEN NOT c.relispartition THEN {text} END" if names.partitioned else text


NO_OTHERS = "'[]'::pg_catalog.jsonb"
"""An expression: what an action of a partitioned table records that changed no trigger."""


def standing_on(names: Names, rows: StepRows, table: str, now: str) -> str:
    """An expression: those of one ``table`` of a partitioned plan as they stand on ``now``, its
    name after the action; empty where it has left. ``standing`` where nothing is known.

    That takes as long for many partitions as for a few, and forgets no trigger of another one that
    somebody dropped meanwhile."""
    own = (
        f"(SELECT pg_catalog.jsonb_object_agg({TRIGGER}, {_text(names)})\n"
        f"    FROM {_standing(names, now)})"
    )
    then = f", coalesce({own}, '{{}}'), n.at" if now else ", '{}'::pg_catalog.jsonb"
    places = f"{_place(table)}, {_place(now, 'n')}" if now else _place(table)
    return (
        f"(WITH {_last_whole(names, rows)}\n"
        f"  SELECT CASE WHEN w.triggers IS NULL THEN {standing(names)}\n"
        f"  ELSE pg_catalog.jsonb_build_array(p.at{then}) END\n"
        f"  FROM whole AS w, {places})"
    )


def _place(table: str, item: str = "p") -> str:
    """A FROM item ``(at)``: how the names of that table's triggers end, made once."""
    name = f"VARIADIC pg_catalog.parse_ident({literal(table)})"
    return f"(SELECT pg_catalog.format('%I.%I', {name}) AS at OFFSET 0) AS {item}"


_AT = "pg_catalog.substr(e.name, pg_catalog.strpos(e.name, ' on ') + 4)"
"""An expression: the table of the trigger called ``e.name``. The tool's own names, which come
first, have no blank in them."""


def known(names: Names, rows: StepRows) -> str:
    """An expression: the same of those that stood after the newest action of the step, or before
    the first one. NULL where a script did that action: scripts record none."""
    if names.partitioned:
        return (
            "(SELECT pg_catalog.jsonb_object_agg(k.name, k.definition)\n"
            f"  FROM ({_known_rows(names, rows)}) AS k)"
        )
    of_step = _of_step(rows)
    return (
        f"CASE WHEN EXISTS (SELECT {of_step})\n"
        f"  THEN (SELECT a.triggers {of_step} ORDER BY a.done_at DESC LIMIT 1)\n"
        f"  ELSE {_before(names, rows)} END"
    )


def _of_step(rows: StepRows) -> str:
    return f"FROM {rows.table('action')} AS a WHERE (a.plan, a.step, a.direction) = ({rows.key})"


def _before(names: Names, rows: StepRows) -> str:
    """An expression: those that were recorded at the end of the step before."""
    return (
        "(SELECT pg_catalog.jsonb_object_agg(r.name, r.definition)\n"
        f"    FROM {rows.table('own_object')} AS r\n"
        f"    WHERE r.plan = {literal(rows.plan)} AND r.kind = 'trigger'\n"
        "    AND pg_catalog.to_regclass(r.at)\n"
        f"      IS DISTINCT FROM pg_catalog.to_regclass({literal(names.old_shape)}))"
    )


def _last_whole(names: Names, rows: StepRows) -> str:
    """WITH of ``whole (done_at, triggers)``: the newest record of all triggers, NULL where a script
    did that action."""
    # From the newest on, because a record of all is large.
    return f"""\
last AS (SELECT a.done_at, a.triggers
    FROM (SELECT a.done_at, a.triggers {_of_step(rows)} ORDER BY a.done_at DESC OFFSET 0) AS a
    WHERE a.triggers IS NULL OR pg_catalog.jsonb_typeof(a.triggers) = 'object' LIMIT 1
  ), whole AS (SELECT l.done_at, l.triggers FROM last AS l
    UNION ALL SELECT '-infinity', {_before(names, rows)}
    WHERE NOT EXISTS (SELECT FROM last))"""


def _known_rows(names: Names, rows: StepRows) -> str:
    """SELECT of (name, definition): ``known`` of a partitioned plan. All that stood, but for each
    table that an action changed since those that stood there after it."""
    listed = (
        f"SELECT s.done_at, e.name, e.definition, {_AT} AS at\n"
        "    FROM {} AS s, pg_catalog.jsonb_each_text(s.triggers) AS e (name, definition)"
    )
    return f"""\
WITH {_last_whole(names, rows)},
  since AS (SELECT a.done_at, a.triggers ->> 0 AS at, a.triggers -> 1 AS triggers {_of_step(rows)}
    AND a.done_at > (SELECT w.done_at FROM whole AS w) AND a.triggers ->> 0 IS NOT NULL
  ), listed AS ({listed.format("whole")}
    UNION ALL {listed.format("since")}
  )
  SELECT e.name, e.definition FROM listed AS e
  LEFT JOIN (SELECT s.at, pg_catalog.max(s.done_at) AS done_at FROM since AS s GROUP BY s.at) AS n
    ON n.at = e.at
  WHERE n.done_at IS NULL OR n.done_at <= e.done_at"""


def _known_rows_on(names: Names, rows: StepRows, table: str) -> str:
    """The same of that table: from the newest action back to the first that tells of it."""
    return f"""\
SELECT e.name, e.definition FROM {_place(table)}, LATERAL (
    SELECT CASE WHEN a.triggers ->> 0 IS NULL THEN a.triggers ELSE a.triggers -> 1 END AS triggers
    FROM (SELECT a.triggers {_of_step(rows)} ORDER BY a.done_at DESC OFFSET 0) AS a
    WHERE a.triggers IS NULL OR p.at IN (a.triggers ->> 0, a.triggers ->> 2)
    OR pg_catalog.jsonb_typeof(a.triggers) = 'object'
    UNION ALL SELECT {_before(names, rows)} LIMIT 1
  ) AS a, pg_catalog.jsonb_each_text(a.triggers) AS e (name, definition)
  WHERE {_AT} = p.at"""


def _gone(names: Names, rows: StepRows, partition: str = "") -> str:
    """FROM and WHERE of those (``k``) that have to stand and are not among ``s (name)``."""
    there = f"pg_catalog.jsonb_each_text({known(names, rows)}) AS k (name, definition)"
    if names.partitioned:
        on_it = _known_rows_on(names, rows, partition) if partition else _known_rows(names, rows)
        there = f"({on_it}) AS k"
    return f"FROM {there}\nWHERE NOT EXISTS (SELECT FROM s WHERE s.name = k.name)"


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
