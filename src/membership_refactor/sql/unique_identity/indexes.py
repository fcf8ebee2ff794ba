"""The unique indexes: build them concurrently, and find what a failed build has left."""

from __future__ import annotations

from enum import StrEnum

from membership_refactor.planning import Alternative
from membership_refactor.sql.quoting import columns, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.unique_identity.names import IdentityNames


class IndexState(StrEnum):
    """What the name of the index stands for."""

    ABSENT = "absent"
    VALID = "valid"
    IDLE = "idle"
    """Invalid and not ready: a build failed in its first scan. It refuses nothing."""
    FENCE = "fence"
    """Invalid but ready: a build failed in its second scan. It still refuses new duplicates."""
    OTHER = "other"
    """An index of another definition, or another kind of object."""


def create(names: IdentityNames, alternative: Alternative) -> Statement:
    """Build the index while others write.

    Not IF NOT EXISTS, which would silently accept an invalid index.
    """
    return Statement(
        f"CREATE UNIQUE INDEX CONCURRENTLY {ident(alternative.constraint)}\n"
        f"  ON {names.table} ({columns((alternative.column, *names.plan.scope))})",
        Lock.SHARE_UPDATE_EXCLUSIVE,
        names.table,
    )


def rebuild(names: IdentityNames, alternative: Alternative) -> Statement:
    """Rebuild an invalid index, which keeps refusing duplicates meanwhile."""
    return Statement(
        f"REINDEX INDEX CONCURRENTLY {qualified(names.schema, alternative.constraint)}",
        Lock.SHARE_UPDATE_EXCLUSIVE,
        names.table,
    )


def drop(names: IdentityNames, index: str) -> Statement:
    """Drop the index while others write."""
    return Statement(
        f"DROP INDEX CONCURRENTLY IF EXISTS {qualified(names.schema, index)}",
        Lock.SHARE_UPDATE_EXCLUSIVE,
        names.table,
    )


def index_states(names: IdentityNames) -> str:
    """Return every index of the table: name, valid, ready, unique, definition, its constraint."""
    return (
        "SELECT c.relname, i.indisvalid, i.indisready, i.indisunique AND i.indimmediate,\n"
        "  pg_catalog.array_to_string(ARRAY(\n"
        "    SELECT a.attname FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[])\n"
        "      WITH ORDINALITY AS k(number, place)\n"
        "    LEFT JOIN pg_catalog.pg_attribute AS a\n"
        "      ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number > 0\n"
        "    ORDER BY k.place), E'\\x01', '?'),\n"
        "  i.indpred IS NULL AND i.indnkeyatts = i.indnatts AND NOT i.indnullsnotdistinct,\n"
        "  (SELECT x.conname FROM pg_catalog.pg_constraint AS x\n"
        "   WHERE x.conindid = i.indexrelid AND x.conrelid = i.indrelid\n"
        "     AND x.contype IN ('p', 'u', 'x'))\n"
        "FROM pg_catalog.pg_index AS i\n"
        "JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid\n"
        f"WHERE i.indrelid = {literal(names.table)}::pg_catalog.regclass"
    )


def name_taken(names: IdentityNames, name: str) -> str:
    """Return the object that has the name in this schema, as text; no row if none has it."""
    return (
        "SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0)"
        ", i.indrelid IS NOT DISTINCT FROM "
        f"{literal(names.table)}::pg_catalog.regclass\n"
        "FROM pg_catalog.pg_class AS c\n"
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
        "LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid\n"
        f"WHERE n.nspname = {literal(names.schema)} AND c.relname = {literal(name)}"
    )


def left_over_names(constraint: str) -> tuple[str, ...]:
    """Return the names under which a failed REINDEX CONCURRENTLY leaves an index."""
    # PostgreSQL shortens the name before it appends the suffix.
    return tuple(
        f"{constraint.encode()[: 63 - len(suffix)].decode(errors='ignore')}{suffix}"
        for ending in ("_ccnew", "_ccold")
        for suffix in (ending, *(f"{ending}{number}" for number in range(1, 10)))
    )
