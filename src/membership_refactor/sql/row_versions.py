"""What of a table has changed since a snapshot, told by the versions of its rows.

A version of a row is never written again. UPDATE, INSERT, COPY, a restore and an ALTER TABLE that
rewrites make new versions, each with the id of the transaction that made it (xmin). So a visible
version whose transaction had ended before a snapshot was in that snapshot, with the same values.
This holds whatever the writer was: a superuser, a session with session_replication_role = replica,
a session for which triggers were disabled and enabled again. VACUUM, VACUUM FULL and CLUSTER keep
the ids; so do a failover and a restore of the whole cluster, where the ledger comes back with the
tables.

What does not keep these rules has no ``standing``, and is never trusted: partitioned, inherited and
foreign tables (ATTACH and INHERIT bring old versions in), other access methods, columns that are
computed when they are read, and collations by which unlike texts are equal (a new library may
change that). ``standing`` also tells the cluster, the database, the table and each column with the
value that it has in rows which are older than the column. Another cluster has other ids.
"""

from __future__ import annotations

from membership_refactor.sql.quoting import ident, literal

SNAPSHOT = "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())"
"""Every transaction with a lower id had ended when the statement began."""

NEW = ident("is new")
"""A column beside those of a table; nobody gives a column of a table this name."""

ALLOWED = "pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')"
"""A condition: ``standing`` may be asked. It needs the identifier of the cluster."""

_NEVER = 2_147_483_647
"""The age of an id that says nothing: rows that pg_surgery or an upgrade from 9.3 have frozen."""
_IN_REACH = 2_000_000_000
"""Transactions until the ids of rows, which have 32 bits, could be taken for others."""


def standing(table: str) -> str:
    """A text that is the same as long as versions of that table's rows can be trusted, or NULL."""
    computed = "a.attgenerated = 'v' OR NOT coalesce(o.collisdeterministic, true)"
    return (
        "(SELECT pg_catalog.md5(pg_catalog.concat_ws(' ', s.system_identifier, d.oid, c.oid,\n"
        "    (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.attname,\n"
        "        a.atttypid, a.atttypmod, a.attcollation, a.attmissingval), ',' "
        "ORDER BY a.attnum)\n"
        "      FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0)))\n"
        "  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_am AS m ON m.oid = c.relam\n"
        "  JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()\n"
        "  CROSS JOIN pg_catalog.pg_control_system() AS s\n"
        f"  WHERE c.oid = pg_catalog.to_regclass({literal(table)}) AND c.relkind = 'r'\n"
        "  AND m.amname = 'heap' AND NOT c.relhassubclass AND NOT c.relispartition\n"
        "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a\n"
        "    LEFT JOIN pg_catalog.pg_collation AS o ON o.oid = a.attcollation\n"
        f"    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND ({computed})))"
    )


def age(snapshot: str) -> str:
    """The number of transactions since ``snapshot`` (int8): NULL if rows cannot be told by it."""
    next_id = "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::pg_catalog.int8"
    return (
        f"CASE WHEN {next_id} - {snapshot} BETWEEN 0 AND {_IN_REACH}\n"
        f"  THEN pg_catalog.age(({snapshot} & 4294967295)::text::pg_catalog.xid) END"
    )


def _since_written(row: str) -> str:
    """Transactions since the version of ``row`` was made. An id that says nothing counts as 0."""
    return f"pg_catalog.age({row}.xmin) % {_NEVER}"


def is_new(row: str, since: str) -> str:
    """A condition: the version of ``row`` is not older than ``since`` transactions."""
    return f"({_since_written(row)} <= {since})"


def all_stand(table: str, count: str, since: str) -> str:
    """A condition: the rows of the table are the ``count`` rows of the snapshot, and no others.

    All that are older were in it. If there are as many as then, none is missing.
    """
    newest = f"pg_catalog.min({_since_written('t')})"
    return (
        f"(SELECT pg_catalog.count(*) = {count}\n"
        f"    AND coalesce({newest} > {since}, true) FROM {table} AS t)"
    )
