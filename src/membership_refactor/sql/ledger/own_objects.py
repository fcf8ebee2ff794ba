"""The tool's own triggers and functions, recorded at the end of each step and compared later.

Between two steps weeks pass. DISABLE and ENABLE TRIGGER, a restore or a DROP in that time would
let writes slip past without a word.
"""

from __future__ import annotations

from membership_refactor.sql.names import BEFORE_PREFIX, LATER_PREFIX, OWN_PREFIXES, Names
from membership_refactor.sql.old_shape.view import KIND, drop_view, prepare, put
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import is_idle, is_never


def _table(names: Names) -> str:
    return qualified(names.ledger, "own_object")


def _prefix(names: Names) -> str:
    """How the names of this plan's functions begin. A long one ends in a hash of the whole."""
    return f"{names.plan.name}_".encode()[:40].decode(errors="ignore")


def is_own_function(names: Names) -> str:
    """A condition: the row ``p`` of pg_proc is a function of the plan. The fence is left out:
    repair changes it."""
    return (
        f"p.pronamespace = pg_catalog.to_regnamespace({literal(ident(names.ledger))})\n"
        f"    AND p.prokind = 'f' AND p.proname <> {literal(names.own_name('fence'))}\n"
        f"    AND pg_catalog.starts_with(p.proname::pg_catalog.text, {literal(_prefix(names))})"
    )


def any_triggers(names: Names, partition: str = "") -> str:
    """FROM and WHERE of the tool's triggers (``t``), those that are disabled for good included.
    With ``partition`` (quoted and qualified) only those of that table."""
    ours = " OR ".join(
        f"pg_catalog.starts_with(t.tgname::pg_catalog.text, {literal(p)})" for p in OWN_PREFIXES
    )
    if not names.partitioned and not names.looks_at_members:
        named = ", ".join(literal(table) for table in names.plan.tables)
        return (
            "pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid\n"
            "  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
            f"  WHERE n.nspname = {literal(names.schema)} AND c.relname IN ({named}) AND ({ours})"
        )
    later = f"pg_catalog.starts_with(t.tgname::pg_catalog.text, {literal(LATER_PREFIX)})"
    tables = f"ANY (ARRAY({_tables_and_partitions(names)}))"
    if partition:
        tables = f"pg_catalog.to_regclass({literal(partition)})"
    # From each table to its triggers: the planner takes the tool's triggers for one row, and would
    # look all tables up for each of them. Foreign keys have internal ones on each partition.
    return (
        "(SELECT k.oid, k.relname, k.relispartition, s.nspname FROM pg_catalog.pg_class AS k\n"
        "    JOIN pg_catalog.pg_namespace AS s ON s.oid = k.relnamespace\n"
        f"    WHERE k.oid = {tables} OFFSET 0) AS c\n"
        "  CROSS JOIN LATERAL (SELECT c.nspname) AS n\n"
        "  CROSS JOIN LATERAL (SELECT t.* FROM pg_catalog.pg_trigger AS t\n"
        f"    WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND NOT {later} AND ({ours})\n"
        "    OFFSET 0) AS t\n"
        "  WHERE true"
    )


def _tables_and_partitions(names: Names) -> str:
    """SELECT of their OIDs. An array of them is looked up in the index of pg_trigger. A partition
    whose DETACH CONCURRENTLY was not finished still has its triggers."""
    tables = (literal(qualified(names.schema, name)) for name in names.plan.tables)
    listed = ", ".join(f"(pg_catalog.to_regclass({table}))" for table in tables)
    if names.partitioned:
        # Under short locks pg_partition_tree would take too long: it looks up the way to the root
        # of each partition.
        return (
            f"WITH RECURSIVE x AS (\n    SELECT r.r::pg_catalog.oid AS x FROM (VALUES {listed})"
            " AS r (r)\n    UNION\n"
            "    SELECT i.inhrelid FROM x JOIN pg_catalog.pg_inherits AS i ON i.inhparent = x.x)\n"
            "    SELECT x.x FROM x"
        )
    return (
        f"SELECT x.x FROM (VALUES {listed}) AS r (r), LATERAL (\n"
        "    SELECT r.r::pg_catalog.oid UNION\n"
        "    SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(r.r) AS p UNION\n"
        "    SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_inherits AS i,\n"
        "      pg_catalog.pg_partition_tree(i.inhrelid) AS p\n"
        "    WHERE i.inhdetachpending AND (i.inhparent = r.r OR i.inhparent IN (\n"
        "      SELECT q.relid FROM pg_catalog.pg_partition_tree(r.r) AS q))) AS x (x)"
    )


def _triggers(names: Names) -> str:
    """The same without those."""
    return f"{any_triggers(names)}\n  AND NOT {is_never('t')}"


def _found(names: Names) -> str:
    """SELECT of (kind, name, definition, state, at) of what stands in the catalog now. ``at`` is
    the quoted table of a trigger."""
    return f"""\
SELECT 'trigger' AS kind, {TRIGGER} AS name,
    pg_catalog.pg_get_triggerdef(t.oid) AS definition, t.tgenabled::pg_catalog.text AS state,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS at, t.tgname::pg_catalog.text AS bare
  FROM {_triggers(names)}
  UNION ALL
  SELECT 'function', p.oid::pg_catalog.regprocedure::pg_catalog.text,
    pg_catalog.pg_get_functiondef(p.oid), '', '', p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  WHERE {is_own_function(names)}{_old_shape(names)}"""


def _old_shape(names: Names) -> str:
    """The view of the old shape, and the trigger on it, which fires for every session as it is."""
    if not names.plan.old_shape_view:
        return ""
    of_view = (
        f"n.nspname = {literal(names.old_schema)} AND c.relname = {literal(names.plan.source)}"
    )
    at = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
    return f"""
  UNION ALL
  SELECT {literal(KIND)}, {at}, pg_catalog.format('CREATE OR REPLACE VIEW %I.%I WITH (%s) AS\n%s',
    n.nspname, c.relname, pg_catalog.array_to_string(c.reloptions, ', '),
    pg_catalog.pg_get_viewdef(c.oid)), '', {at}, c.relname::pg_catalog.text
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'v' AND {of_view}
  UNION ALL
  SELECT 'trigger', {TRIGGER},
    pg_catalog.pg_get_triggerdef(t.oid), '', {at}, t.tgname::pg_catalog.text
  FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE {of_view} AND pg_catalog.starts_with(t.tgname::pg_catalog.text, {literal(BEFORE_PREFIX)})"""


def record_own_objects(names: Names) -> tuple[Statement, ...]:
    """Record what stands; run in the transaction that ends a step."""
    plan = literal(names.plan.name)
    return (
        Statement(f"DELETE FROM {_table(names)} AS r WHERE r.plan = {plan}"),
        Statement(
            f"INSERT INTO {_table(names)} (plan, kind, name, definition, at, bare)\n"
            f"SELECT {plan}, f.kind, f.name, f.definition, f.at, f.bare FROM (\n  {_found(names)}\n"
            "  ) AS f"
        ),
    )


def _broken(names: Names) -> str:
    """FROM clause of what was recorded (``r``) beside what stands (``f``), where they differ."""
    return (
        f"{_table(names)} AS r LEFT JOIN (\n  {_found(names)}\n  ) AS f\n"
        "  ON f.kind = r.kind AND f.name = r.name\n"
        f"WHERE r.plan = {literal(names.plan.name)} AND (f.name IS NULL\n"
        "  OR f.definition <> r.definition OR f.state NOT IN ('', 'A'))"
    )


def broken_own_objects(names: Names) -> str:
    """SELECT of one text an object of ours that is missing, has another text, or is disabled."""
    return (
        "SELECT pg_catalog.format('%s %s %s', r.kind, r.name, CASE WHEN f.name IS NULL\n"
        "  THEN 'is missing' WHEN f.definition <> r.definition THEN 'has another text'\n"
        "  WHEN f.state = 'D' THEN 'is disabled'\n"
        "  ELSE 'does not fire for replicated and bulk-loaded rows (ENABLE ALWAYS)' END)\n"
        f"FROM {_broken(names)} ORDER BY r.kind DESC, r.name"
    )


TRIGGER = "pg_catalog.format('%I on %I.%I', t.tgname, n.nspname, c.relname)"
"""What a trigger of ``any_triggers`` is called."""


def idle_own_triggers(names: Names) -> str:
    """SELECT of one text a trigger of ours that does not fire always, whatever is recorded. While a
    step is under way, the record is that of the step before."""
    return f"SELECT {TRIGGER} FROM {_triggers(names)} AND {is_idle('t')} ORDER BY 1"


def mend_own_objects(names: Names) -> Statement:
    """Make what is broken again as it was recorded: functions first, then the view of the old
    shape, then triggers, enabled ALWAYS.

    Locks: SHARE ROW EXCLUSIVE on each table whose triggers are made or enabled; ACCESS EXCLUSIVE
    where a trigger of another text is dropped first, and on the view where it is made again.
    """
    first, of_view = _mend_old_shape(names) if names.plan.old_shape_view else ("", "")
    body = f"""
DECLARE
  own_object record;
BEGIN{first}
  FOR own_object IN
    SELECT r.*, f.name IS NULL AS missing, f.definition IS DISTINCT FROM r.definition AS apart
    FROM {_broken(names)}
    -- PostgreSQL clones a row trigger of a table to its partitions: those come last.
    ORDER BY r.kind, coalesce((SELECT c.relispartition FROM pg_catalog.pg_class AS c
      WHERE c.oid = pg_catalog.to_regclass(nullif(r.at, ''))), false), r.name
  LOOP
    IF own_object.kind = 'function' THEN
      EXECUTE own_object.definition;
      CONTINUE;
    END IF;{of_view}
    own_object.apart := own_object.apart AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = pg_catalog.to_regclass(own_object.at) AND t.tgparentid <> 0
      AND t.tgname = own_object.bare);
    IF own_object.apart AND NOT own_object.missing THEN
      EXECUTE pg_catalog.format('DROP TRIGGER %I ON %s', own_object.bare, own_object.at);
    END IF;
    IF own_object.apart THEN
      EXECUTE own_object.definition;
    END IF;
    CONTINUE WHEN pg_catalog.to_regclass(own_object.at)
      = pg_catalog.to_regclass({literal(names.old_shape)});
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own_object.at,
      own_object.bare);
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def _mend_old_shape(names: Names) -> tuple[str, str]:
    """plpgsql before the loop and in it. A view with other columns cannot be replaced."""
    needed = "".join(f"\n    EXECUTE {literal(s.text)};" for s in prepare(names))
    stood = f"r.plan = {literal(names.plan.name)} AND r.kind = {literal(KIND)}"
    first = f"""
  IF EXISTS (SELECT FROM {_table(names)} AS r WHERE {stood}) THEN{needed}
  END IF;"""
    of_view = f"""
    IF own_object.kind = {literal(KIND)} THEN
      IF NOT own_object.missing THEN
        BEGIN
          EXECUTE own_object.definition;
        EXCEPTION WHEN invalid_table_definition THEN
          {drop_view(names).text};
        END;
      END IF;
      {put(names, "own_object.definition")}
      CONTINUE;
    END IF;"""
    return first, of_view


def _fence_is_foreign(names: Names) -> str:
    """A condition: the fence stands and refuses even a snapshot of this moment. Its transaction id
    is one of another cluster, from which this database was restored."""
    fence = f"pg_catalog.to_regprocedure({literal(names.own('fence') + '()')})"
    # The number is read from the function's text: a call of a function that may not exist would
    # not parse, and XML is not built into every server.
    return (
        "coalesce(NOT pg_catalog.pg_visible_in_snapshot(pg_catalog.substring(\n"
        f"  pg_catalog.pg_get_function_sqlbody({fence}), '[0-9]+')::pg_catalog.xid8,\n"
        "  pg_catalog.pg_current_snapshot()), false)"
    )


def foreign_fence(names: Names) -> str:
    """SELECT of one text where the fence is another cluster's."""
    return f"SELECT {literal(names.own('fence'))} WHERE {_fence_is_foreign(names)}"


def renew_foreign_fence(names: Names) -> Statement:
    """Put this cluster's transaction id into a fence that is another cluster's."""
    body = (
        f"BEGIN IF {_fence_is_foreign(names)} THEN EXECUTE {literal(raise_fence(names).text)}; "
        "END IF; END"
    )
    return Statement(f"DO {dollar_quoted(body)}")
