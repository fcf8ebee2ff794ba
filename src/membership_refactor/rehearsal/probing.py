"""Tries statements in the clone as each role that may write; every one is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from membership_refactor.rehearsal.probe_statements import Probe, Row, Target
from membership_refactor.rehearsal.statement_outcomes import Effect, Outcome, masked
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.row_id import RowId

PER_STATEMENT = "20s"
_SPECIAL = ("role", "session_authorization")
_WRITERS = """
SELECT r.rolname FROM pg_catalog.pg_roles AS r
JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(%s)
WHERE NOT starts_with(r.rolname, 'pg_') AND (r.oid = c.relowner
  OR r.rolcanlogin AND NOT r.rolsuper
  AND pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
  AND (pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')
    OR pg_catalog.has_any_column_privilege(r.oid, c.oid, 'UPDATE')
    OR pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')))
ORDER BY r.oid <> c.relowner, r.rolname
"""
_COUNTERS = """
SELECT s.relid, s.schemaname::text, s.relname::text, n.nspname::text, c.relname::text,
  s.n_tup_ins, s.n_tup_upd, s.n_tup_del
FROM pg_catalog.pg_stat_xact_user_tables AS s
-- The table of a partition, on any level.
JOIN pg_catalog.pg_class AS c ON c.oid = coalesce(pg_catalog.pg_partition_root(s.relid), s.relid)
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
"""
_NEW_EACH_TIME = """
SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attidentity <> ''
    OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ 'nextval|clock_timestamp|uuid|random')
"""


@dataclass(frozen=True, slots=True)
class Writer:
    """A role, and the settings with which its sessions begin."""

    role: str
    settings: Mapping[str, str]


Tried = dict[tuple[str, str, str], tuple[Probe, Outcome]]
"""By role, row and label of the statement."""


def writers(pg: psycopg.Connection[Any], table: str) -> list[str]:
    """The owner, and every login that may write the table and is no superuser."""
    return [role for (role,) in pg.execute(_WRITERS, (table,))]


@dataclass
class Prober:
    """A superuser's connection to the clone. Nobody else writes there meanwhile."""

    pg: psycopg.Connection[Any]
    writers: Sequence[Writer]
    ignored: Callable[[str, str], bool]
    """Whether a table is one of the chain's own, whose rows are compared elsewhere."""
    highest_id: int = 0
    """Greater numbers in what triggers write are ids that were given out since."""
    tried: int = 0
    _seen: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    _new_each_time: dict[int, list[str]] = field(default_factory=dict)

    def try_all(
        self,
        target: Target,
        rows: Mapping[str, Row],
        make: Callable[[Target, Row, Row], Iterator[Probe]],
    ) -> Tried:
        """Try every statement about every row as every writer."""
        found: Tried = {}
        names = list(rows)
        self._new_each_time.clear()
        for writer in self.writers:
            for n, name in enumerate(names):
                other = rows[names[(n + 1) % len(names)]]
                with self._acting(writer) as start:
                    for probe in make(target, rows[name], other):
                        found[writer.role, name, probe.label] = (
                            probe,
                            self._tried(writer, probe, start),
                        )
        return found

    def visible(self, table: str, id: RowId, few: int) -> list[str]:
        """Ids of some rows that each writer sees."""
        found: dict[str, None] = {}
        for writer in self.writers:
            with self._acting(writer):
                try:
                    self.pg.execute(_become(writer.role))
                    query = (
                        f"SELECT {id.text('')} FROM {table} ORDER BY {id.listed('')} LIMIT {few}"
                    )
                    found.update(dict.fromkeys(i for (i,) in self.pg.execute(query.encode())))
                except psycopg.errors.InsufficientPrivilege:
                    continue
        return list(found)

    def _acting(self, writer: Writer) -> _Acting:
        return _Acting(self, writer)

    def _tried(self, writer: Writer, probe: Probe, start: int) -> Outcome:
        self.tried += 1
        self.pg.execute("SAVEPOINT probe")
        try:
            # session_user too, which functions of audits write.
            self.pg.execute(_become(writer.role))
            tag = ""
            for text in probe.texts:
                tag = self.pg.execute(text.encode()).statusmessage or ""
            self.pg.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self.pg.execute(
                "SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL search_path = pg_catalog; "
                "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'"
            )
            outcome = Outcome(tag=tag, effects=self._effects(start))
        except psycopg.Error as error:
            message = error.diag.message_primary or " ".join(str(error).split())
            outcome = Outcome(sqlstate=error.sqlstate or "XX000", message=message[:200])
        self.pg.execute("ROLLBACK TO SAVEPOINT probe")
        if not outcome.ok:
            # What a failed statement attempted stays in the counters.
            self.forget()
        return outcome

    # --- effects ------------------------------------------------------------------------

    def forget(self) -> None:
        """Take the counters as they are now for zero."""
        for relid, _, _, _, _, *now in self.pg.execute(_COUNTERS):
            self._seen[relid] = (now[0], now[1], now[2])

    def _effects(self, start: int) -> tuple[Effect, ...]:
        found = []
        for relid, schema, name, *whole, ins, upd, gone in self.pg.execute(_COUNTERS).fetchall():
            now = (ins, upd, gone)
            was = self._seen.get(relid, (0, 0, 0))
            self._seen[relid] = now
            inserted, updated, deleted = (a - b for a, b in zip(now, was, strict=True))
            if self.ignored(*whole) or not (inserted or updated or deleted):
                continue
            table = qualified(schema, name)
            effect = Effect(table, inserted, updated, deleted)
            found.append(replace(effect, rows=self._written(relid, table, start)))
        return tuple(sorted(found, key=lambda e: e.table))

    def _written(self, relid: int, table: str, start: int) -> tuple[Any, ...]:
        """The rows of this transaction, in the order of their text."""
        if relid not in self._new_each_time:
            self._new_each_time[relid] = [c for (c,) in self.pg.execute(_NEW_EACH_TIME, (relid,))]
        rows = self.pg.execute(
            (
                f"SELECT to_jsonb(t), to_char(now(), 'YYYY-MM-DD') FROM {table} AS t "
                f"WHERE t.xmin::text::bigint >= {start}"
            ).encode()
        ).fetchall()
        less = set(self._new_each_time[relid])
        values = [
            masked({k: v for k, v in row.items() if k not in less}, today, self.highest_id)
            for row, today in rows
        ]
        return tuple(sorted(values, key=repr))


class _Acting:
    """A transaction with the settings of a role, rolled back at its end."""

    def __init__(self, prober: Prober, writer: Writer) -> None:
        self.prober, self.writer = prober, writer

    def __enter__(self) -> int:
        pg = self.prober.pg
        pg.execute("BEGIN")
        for name, value in self.writer.settings.items():
            if name in _SPECIAL:
                continue
            pg.execute("SAVEPOINT setting")
            try:
                pg.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
            except psycopg.Error:
                # A setting of a library that is not loaded here.
                pg.execute("ROLLBACK TO SAVEPOINT setting")
        pg.execute(f"SET LOCAL statement_timeout = {literal(PER_STATEMENT)}".encode())
        row = pg.execute(
            "SELECT pg_catalog.pg_current_xact_id()::text::bigint & 4294967295"
        ).fetchone()
        # The counters of earlier transactions stay visible for up to a second.
        self.prober._seen.clear()
        self.prober.forget()
        return int(row[0]) if row else 0

    def __exit__(self, *_: object) -> None:
        self.prober.pg.execute("ROLLBACK")


def _become(role: str) -> sql.Composed:
    return sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(sql.Identifier(role))
