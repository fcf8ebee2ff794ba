"""Which partitions the ledger knows, and what has become of them since.

No trigger fires when a partition is attached with rows in it, detached or dropped, and one that is
made later has no triggers of its own. So the ledger knows each partition by its OID and by the
transaction that attached it. One that was detached and attached again has another transaction: it
may have been written meanwhile. A partition is known once its twin stands and its rows agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.names import LATER_PREFIX, OWN_PREFIXES, Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import is_never

KNOWN, LEFT = "partition known", "partition left"
"""The events by which the ledger knows partitions. The last one of an OID counts."""


def _event(names: Names) -> str:
    return qualified(names.ledger, "event")


def _own(trigger: str) -> str:
    """A condition: the row of pg_trigger is a trigger of the tool that may fire."""
    ours = " OR ".join(
        f"pg_catalog.starts_with({trigger}.tgname::pg_catalog.text, {literal(p)})"
        for p in OWN_PREFIXES
    )
    return f"({ours}) AND NOT {trigger}.tgisinternal AND NOT {_later(trigger)}\n" + (
        f"  AND NOT {is_never(trigger)}"
    )


def _later(trigger: str) -> str:
    """A condition: the row of pg_trigger is one for partitions that come later."""
    return f"pg_catalog.starts_with({trigger}.tgname::pg_catalog.text, {literal(LATER_PREFIX)})"


def _with(names: Names) -> str:
    """WITH of ``root``, the partitioned tables of the plan; of ``member``, their partitions on all
    levels; and of ``known``. A table is watched while triggers of the tool hang on it. The archive
    is not: nobody writes it, and what goes on comes to the child."""
    tables = ", ".join(literal(table) for table in names.plan.tables)
    return f"""\
WITH RECURSIVE root AS (
  SELECT c.oid, c.relname, c.relname <> {literal(names.plan.retired)}
    AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = c.oid AND {_own("t")}) AS watched
  FROM pg_catalog.pg_class AS c WHERE c.relkind = 'p' AND c.relname IN ({tables})
  AND c.relnamespace = pg_catalog.to_regnamespace({literal(ident(names.schema))})
), branch AS (
  SELECT r.oid AS root, i.inhparent AS parent, i.inhrelid AS oid,
    i.xmin::pg_catalog.text AS since, i.inhdetachpending
  FROM root AS r JOIN pg_catalog.pg_inherits AS i ON i.inhparent = r.oid
  UNION ALL
  SELECT b.root, i.inhparent, i.inhrelid, i.xmin::pg_catalog.text, i.inhdetachpending
  FROM branch AS b JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
), member AS (
  SELECT b.*, r.relname AS of, r.watched, c.relkind, n.nspname AS schema, c.relname AS bare,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM branch AS b JOIN root AS r ON r.oid = b.root
  JOIN pg_catalog.pg_class AS c ON c.oid = b.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
), own AS MATERIALIZED (
  -- Once for each trigger of the tables: its text tells whether it may fire.
  SELECT t.* FROM pg_catalog.pg_trigger AS t
  WHERE t.tgrelid IN (SELECT r.oid FROM root AS r) AND {_own("t")}
), known AS (
  SELECT l.detail ->> 'oid' AS oid, l.detail ->> 'since' AS since, l.detail ->> 'name' AS name,
    l.detail ->> 'of' AS of
  FROM (SELECT DISTINCT ON (e.detail ->> 'oid') e.event, e.detail FROM {_event(names)} AS e
    WHERE e.plan = {literal(names.plan.name)} AND e.event IN ({literal(KNOWN)}, {literal(LEFT)})
    ORDER BY e.detail ->> 'oid', e.n DESC) AS l WHERE l.event = {literal(KNOWN)}
)"""


_UNKNOWN = (
    "NOT EXISTS (SELECT FROM known AS k WHERE k.oid = m.oid::pg_catalog.text AND k.since = m.since)"
)
_GONE = "NOT EXISTS (SELECT FROM member AS m WHERE m.oid::pg_catalog.text = k.oid)"
_SILENT = """\
FROM member AS m JOIN own AS t ON t.tgrelid = m.root
-- One look into the index for each: otherwise all triggers of the partition are read each time.
LEFT JOIN LATERAL (SELECT o.tgname, o.tgenabled FROM pg_catalog.pg_trigger AS o
  WHERE o.tgrelid = m.oid AND o.tgname = t.tgname AND o.tgfoid = t.tgfoid OFFSET 0) AS o ON true
WHERE o.tgenabled IS DISTINCT FROM 'A'"""
"""FROM and WHERE of the triggers of the root (``t``) that a partition lacks, or that do not fire
there for every write (``o``)."""


def changed_members(names: Names, lonely: Iterable[str], nets: Iterable[str]) -> str:
    """SELECT of one text for each partition that came, left, is leaving, or lacks a trigger; for
    each of ``lonely``, which say what two portraits do not have in common; and for each of ``nets``
    (quoted and qualified) that has been written: it is emptied when a twin is made."""
    more = "".join(f"UNION ALL SELECT {literal(text)}\n" for text in lonely)
    more += "".join(
        f"UNION ALL SELECT {literal(f'default partition {net} holds rows of other partitions')}\n"
        f"  WHERE pg_catalog.pg_relation_size(pg_catalog.to_regclass({literal(net)})) > 0\n"
        for net in nets
    )
    return f"""\
{_with(names)}
SELECT pg_catalog.format('partition %s of %I is detached half-way: ALTER TABLE %s DETACH '
    'PARTITION %s FINALIZE', m.name, m.of, m.parent::pg_catalog.regclass, m.name)
  FROM member AS m WHERE m.inhdetachpending
UNION ALL
SELECT pg_catalog.format(CASE
    WHEN EXISTS (SELECT FROM known AS k WHERE k.oid = m.oid::pg_catalog.text)
    THEN 'partition %s of %I was detached and attached again'
    ELSE 'partition %s of %I was made or attached' END, m.name, m.of)
  FROM member AS m WHERE m.watched AND NOT m.inhdetachpending AND {_UNKNOWN}
UNION ALL
SELECT pg_catalog.format('partition %s of %I was detached or dropped', k.name, k.of)
  FROM known AS k WHERE {_GONE} AND EXISTS (SELECT FROM root AS r WHERE r.watched)
UNION ALL
SELECT pg_catalog.format('trigger %I on partition %s %s', t.tgname, m.name,
    CASE WHEN o.tgenabled IS NULL THEN 'is missing' WHEN o.tgenabled = 'D' THEN 'is disabled'
    ELSE 'does not fire for replicated and bulk-loaded rows (ENABLE ALWAYS)' END)
  {_SILENT} AND EXISTS (SELECT FROM known AS k WHERE k.oid = m.oid::pg_catalog.text
    AND k.since = m.since)
{more}ORDER BY 1"""


def unfollowed_members(names: Names) -> str:
    """SELECT of (table, OID, attached by, schema, name, whether it holds rows itself, whether it is
    known) of each partition that is not known, or that lacks a trigger which fires always. One that
    is being detached is left out."""
    silent = f"m.oid IN (SELECT m.oid {_SILENT})"
    return (
        f"{_with(names)}\nSELECT m.of::pg_catalog.text, m.oid::pg_catalog.text, m.since,\n"
        "  m.schema::pg_catalog.text, m.bare::pg_catalog.text, m.relkind <> 'p',\n"
        f"  NOT {_UNKNOWN}\nFROM member AS m WHERE NOT m.inhdetachpending\n"
        f"AND (m.watched AND {_UNKNOWN} OR {silent}) ORDER BY m.name"
    )


def left_members(names: Names) -> str:
    """SELECT of the name of each known partition that has left."""
    return f"{_with(names)}\nSELECT k.name FROM known AS k WHERE {_GONE} ORDER BY 1"


def know_all_members(names: Names, *, of: str | None = None) -> Statement:
    """Record the partitions that stand, or those of the table ``of``, and forget those that left.
    For a moment at which nothing was missed, under a lock: what comes later is not known."""
    if of is None:
        return _know(names, "true")
    return _know(names, f"m.of = {literal(of)}", f"k.of = {literal(of)}")


def know_members(names: Names, handled: Iterable[tuple[str, str]]) -> Statement:
    """Record these (OID, attached by), if they stand like that, and forget those that have left."""
    pairs = ", ".join(f"({literal(oid)}, {literal(since)})" for oid, since in handled)
    chosen = f"(m.oid::pg_catalog.text, m.since) IN ({pairs})" if pairs else "false"
    return _know(names, chosen)


def forget_archive(names: Names) -> Statement:
    """Let the partitions of the archive, which was dropped, be known no more."""
    plan = names.plan
    return _know(names, "false", f"k.of IN ({literal(plan.source)}, {literal(plan.retired)})")


def release_left(names: Names) -> Statement:
    """Drop the tool's triggers and foreign keys from tables that were detached, where both stay.
    The triggers would capture nothing, and their functions could never be dropped. By the foreign
    keys no parent could ever go. ACCESS EXCLUSIVE on those tables, and on the parent."""
    plan = names.plan
    parent = names.parent if plan.parent else ""
    keys = ", ".join(map(literal, (names.link_key_name, names.kept_key_name) if parent else ()))
    ours = f"f.contype = 'f' AND f.conname IN ({keys})" if parent else "false"
    body = f"""
DECLARE
  detached record;
BEGIN
  FOR detached IN
    {_with(names)}
    SELECT t.tgrelid::pg_catalog.regclass AS at, t.tgname
    FROM known AS k JOIN pg_catalog.pg_trigger AS t ON t.tgrelid::pg_catalog.text = k.oid
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    WHERE {_GONE} AND t.tgparentid = 0
    AND p.pronamespace = pg_catalog.to_regnamespace({literal(ident(names.ledger))})
    ORDER BY k.name, t.tgname
  LOOP
    EXECUTE pg_catalog.format('DROP TRIGGER %I ON %s', detached.tgname, detached.at);
  END LOOP;
  FOR detached IN
    {_with(names)}
    SELECT f.conrelid::pg_catalog.regclass AS at, f.conname
    FROM known AS k JOIN pg_catalog.pg_constraint AS f ON f.conrelid::pg_catalog.text = k.oid
    WHERE {_GONE} AND {ours}
    AND f.confrelid = pg_catalog.to_regclass({literal(parent)}) AND f.conparentid = 0
    ORDER BY k.name, f.conname
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', detached.at, detached.conname);
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE)


def forget_triggers_of_left(names: Names) -> Statement:
    """Triggers of partitions that have left need not stand any more."""
    tables = ", ".join(literal(table) for table in names.plan.tables)
    return Statement(
        f"DELETE FROM {qualified(names.ledger, 'own_object')} AS r\n"
        f"WHERE r.plan = {literal(names.plan.name)} AND r.kind = 'trigger' AND NOT EXISTS (\n"
        "  SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass(r.at)\n"
        f"  AND (c.relispartition OR c.relkind = 'v' OR c.relname IN ({tables})))"
    )


def forget_member(names: Names, oid: str) -> Statement:
    """Let the partition be unknown again, so that its rows are compared."""
    return Statement(
        f"INSERT INTO {_event(names)} (plan, event, detail)\n"
        f"SELECT {literal(names.plan.name)}, {literal(LEFT)},\n"
        f"  pg_catalog.jsonb_build_object('oid', {literal(oid)}::pg_catalog.text)"
    )


def _know(names: Names, chosen: str, leaving: str = "true") -> Statement:
    return Statement(
        f"INSERT INTO {_event(names)} (plan, event, detail)\n"
        f"{_with(names)}\n"
        f"SELECT {literal(names.plan.name)}, f.event, pg_catalog.jsonb_build_object(\n"
        "  'oid', f.oid, 'since', f.since, 'name', f.name, 'of', f.of)\n"
        f"FROM (SELECT {literal(KNOWN)} AS event, m.oid::pg_catalog.text AS oid, m.since, m.name,\n"
        f"  m.of::pg_catalog.text AS of FROM member AS m WHERE {_UNKNOWN} AND {chosen}\n"
        "  UNION ALL\n"
        f"  SELECT {literal(LEFT)}, k.oid, k.since, k.name, k.of FROM known AS k\n"
        f"  WHERE {_GONE} AND {leaving}) AS f"
    )


def hang_on_members(names: Names, table: str) -> Statement:
    """Hang the triggers of a partitioned table (its bare name) on those of its partitions that lack
    them, and let all of them fire always. SHARE ROW EXCLUSIVE on these partitions."""
    body = f"""
DECLARE
  lacking record;
BEGIN
  FOR lacking IN
    {_with(names)}
    SELECT m.oid::pg_catalog.regclass AS at, t.tgname, o.tgname IS NULL AS missing,
      pg_catalog.pg_get_triggerdef(t.oid) AS definition, pg_catalog.format(' ON %I.%I ',
        {literal(names.schema)}, m.of) AS of_table, t.tgtype & 1 = 1 AS of_rows
    {_SILENT} AND m.of = {literal(table)} ORDER BY m.name, t.tgname
  LOOP
    -- PostgreSQL clones row triggers itself.
    IF lacking.missing AND NOT lacking.of_rows THEN
      EXECUTE pg_catalog."overlay"(lacking.definition,
        pg_catalog.format(' ON %s ', lacking.at),
        pg_catalog.strpos(lacking.definition, lacking.of_table),
        pg_catalog.length(lacking.of_table));
    END IF;
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', lacking.at,
      lacking.tgname);
  END LOOP;
{_rest(names, table)}
END
"""
    return Statement(f"DO {dollar_quoted(body)}", Lock.SHARE_ROW_EXCLUSIVE)


def _rest(names: Names, table: str) -> str:
    """plpgsql with the variable ``lacking``. Those that are partitioned themselves keep it on: what
    comes below them gets it as it is there."""
    return f"""\
  FOR lacking IN
    {_with(names)}
    SELECT m.oid::pg_catalog.regclass AS at, l.tgname
    FROM member AS m JOIN pg_catalog.pg_trigger AS l ON l.tgrelid = m.oid AND {_later("l")}
    WHERE l.tgenabled <> 'D' AND m.relkind <> 'p' AND m.of = {literal(table)}
    AND m.oid NOT IN (SELECT m.oid {_SILENT}) ORDER BY m.name
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', lacking.at, lacking.tgname);
  END LOOP;"""
