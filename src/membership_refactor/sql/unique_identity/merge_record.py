"""The record of merges: runs, merges, and every row that one removed or changed; and the undo."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.sql.quoting import columns, fitted, ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.unique_identity.names import IdentityNames


def create_record(names: IdentityNames) -> tuple[Statement, ...]:
    """Create the tables of the record. JSON keeps rows even if their table changes later."""
    run, merge, row = names.own("merge_run"), names.own("merge"), names.own("merge_move")
    return tuple(
        Statement(text)
        for text in (
            f"CREATE SCHEMA IF NOT EXISTS {ident(names.ledger)}",
            f"CREATE TABLE IF NOT EXISTS {run} (\n"
            "  run bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
            "  reason text NOT NULL,\n"
            "  fingerprint text NOT NULL,\n"
            "  started timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
            "  ended timestamptz\n)",
            f"CREATE TABLE IF NOT EXISTS {merge} (\n"
            "  merge bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
            f"  run bigint NOT NULL REFERENCES {run},\n"
            "  kind text NOT NULL,\n"
            "  survivor text NOT NULL,\n"
            "  made timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
            "  undone timestamptz\n)",
            f"CREATE TABLE IF NOT EXISTS {row} (\n"
            f"  merge bigint NOT NULL REFERENCES {merge},\n"
            "  place integer NOT NULL,\n"
            "  relation text NOT NULL,\n"
            "  action text NOT NULL CHECK (action IN ('removed', 'changed')),\n"
            "  id text NOT NULL,\n"
            "  by text,\n"
            "  before jsonb NOT NULL,\n"
            "  after jsonb,\n"
            "  PRIMARY KEY (merge, place)\n)",
            f"CREATE INDEX IF NOT EXISTS {ident(_row_index(names))}\n"
            f"  ON {row} (relation, id) WHERE action = 'removed'",
        )
    )


def record_exists(names: IdentityNames) -> str:
    """Return whether the record exists in this schema."""
    return f"SELECT pg_catalog.to_regclass({literal(names.own('merge_move'))}) IS NOT NULL"


def records_in(ledger: str) -> str:
    """SELECT of the three tables of each record in that schema: runs, merges, rows. They are found
    by their foreign keys, because a long name is cut."""
    of_ledger = f"connamespace = pg_catalog.to_regnamespace({literal(ident(ledger))})"
    return (
        "SELECT r.relname, m.relname, w.relname\n"
        "FROM pg_catalog.pg_constraint AS a\n"
        "JOIN pg_catalog.pg_constraint AS b ON b.confrelid = a.conrelid AND b.contype = 'f'\n"
        "JOIN pg_catalog.pg_class AS r ON r.oid = a.confrelid\n"
        "JOIN pg_catalog.pg_class AS m ON m.oid = a.conrelid\n"
        "JOIN pg_catalog.pg_class AS w ON w.oid = b.conrelid\n"
        f"WHERE a.contype = 'f' AND a.{of_ledger} ORDER BY 1"
    )


def runs_in(run: str, merge: str, row: str) -> str:
    """SELECT of (run, reason, started, ended, merges, undone merges, removed rows), the newest
    first. The tables are quoted and qualified."""
    return (
        "SELECT r.run, r.reason, r.started, r.ended, pg_catalog.count(m.merge),\n"
        "  pg_catalog.count(m.undone),\n"
        f"  coalesce(pg_catalog.sum((SELECT pg_catalog.count(*) FROM {row} AS w\n"
        "    WHERE w.merge = m.merge AND w.action = 'removed')), 0)::bigint\n"
        f"FROM {run} AS r LEFT JOIN {merge} AS m USING (run)\n"
        "GROUP BY r.run, r.reason, r.started, r.ended ORDER BY r.run DESC"
    )


def start_run(names: IdentityNames) -> str:
    return (
        f"INSERT INTO {names.own('merge_run')} (reason, fingerprint) VALUES ($1, $2) RETURNING run"
    )


def start_trial(names: IdentityNames) -> str:
    """Start run 0, which is rolled back. It takes no number of a sequence, which would stay."""
    return (
        f"INSERT INTO {names.own('merge_run')} (run, reason, fingerprint)"
        " OVERRIDING SYSTEM VALUE VALUES (0, 'dry run', '')"
    )


def end_run(names: IdentityNames) -> str:
    return (
        f"UPDATE {names.own('merge_run')} SET ended = pg_catalog.clock_timestamp() WHERE run = $1"
    )


def record_merge(names: IdentityNames) -> str:
    return (
        f"INSERT INTO {names.own('merge')} (run, kind, survivor) VALUES ($1, $2, $3)"
        " RETURNING merge"
    )


def record_rows(names: IdentityNames) -> str:
    """Record what merge ``$1`` did to rows: relations, actions, ids, by, before, after."""
    arrays = ", ".join(f"pg_catalog.unnest(${number}::text[])" for number in range(2, 8))
    return (
        f"INSERT INTO {names.own('merge_move')}\n"
        "  (merge, place, relation, action, id, by, before, after)\n"
        "SELECT $1, u.place, u.relation, u.action, u.id, u.by, u.before::pg_catalog.jsonb,\n"
        "  u.after::pg_catalog.jsonb\n"
        f"FROM ROWS FROM ({arrays})\n"
        "  WITH ORDINALITY AS u(relation, action, id, by, before, after, place)"
    )


def merged_into(names: IdentityNames) -> str:
    """For the removed row ``$1``: merge, run, row it was merged into, when, row as it was."""
    return (
        "SELECT m.merge, m.run, r.by, m.made, r.before\n"
        f"FROM {names.own('merge_move')} AS r JOIN {names.own('merge')} AS m USING (merge)\n"
        f"WHERE r.relation = {literal(names.plan.table)} AND r.id = $1\n"
        "  AND r.action = 'removed' AND m.undone IS NULL\nORDER BY m.merge DESC LIMIT 1"
    )


def merges_of_run(names: IdentityNames) -> str:
    """Return the merges of run ``$1`` that are not undone, latest first."""
    return (
        f"SELECT merge, kind, survivor FROM {names.own('merge')}\n"
        "WHERE run = $1 AND undone IS NULL\nORDER BY merge DESC"
    )


def rows_of_merge(names: IdentityNames) -> str:
    """Return what merge ``$1`` did, latest first; lock the merge against a second undo."""
    return (
        "SELECT r.relation, r.action, r.id, r.before::text, r.after::text\n"
        f"FROM {names.own('merge')} AS m JOIN {names.own('merge_move')} AS r USING (merge)\n"
        "WHERE m.merge = $1 AND m.undone IS NULL\nORDER BY r.place DESC\nFOR UPDATE OF m"
    )


def mark_undone(names: IdentityNames) -> str:
    return f"UPDATE {names.own('merge')} SET undone = pg_catalog.clock_timestamp() WHERE merge = $1"


def insertable_columns(names: IdentityNames, table: str) -> str:
    """Return the table's columns except generated ones."""
    return (
        "SELECT attname FROM pg_catalog.pg_attribute\n"
        f"WHERE attrelid = {literal(names.within(table))}::pg_catalog.regclass\n"
        "  AND attnum > 0 AND NOT attisdropped AND attgenerated = ''\nORDER BY attnum"
    )


def put_back_row(names: IdentityNames, table: str, insertable: Sequence[str]) -> str:
    """Insert the row recorded as ``$1`` again, with its id."""
    target = names.within(table)
    return (
        f"INSERT INTO {target} ({columns(insertable)}) OVERRIDING SYSTEM VALUE\n"
        f"SELECT {columns(insertable, 'r.')}\n"
        f"FROM pg_catalog.jsonb_populate_record(NULL::{target}, $1::pg_catalog.jsonb) AS r"
    )


def put_back_values(
    names: IdentityNames, table: str, id_column: str, changed: Sequence[str]
) -> str:
    """Give the row the values of ``$1`` again, if it still has those of ``$2``."""
    target = names.within(table)
    assignments = ", ".join(f"{ident(c)} = b.{ident(c)}" for c in changed)
    unchanged = " AND ".join(f"t.{ident(c)} IS NOT DISTINCT FROM a.{ident(c)}" for c in changed)
    return (
        f"UPDATE {target} AS t SET {assignments}\n"
        f"FROM pg_catalog.jsonb_populate_record(NULL::{target}, $1::pg_catalog.jsonb) AS b,\n"
        f"  pg_catalog.jsonb_populate_record(NULL::{target}, $2::pg_catalog.jsonb) AS a\n"
        f"WHERE t.{ident(id_column)} = b.{ident(id_column)}\n  AND {unchanged}"
    )


def _row_index(names: IdentityNames) -> str:
    return fitted(f"ix_{names.plan.name}_merge_move")
