"""A sample of rows closed under foreign keys, and its way into the clone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.planning import TableSplit
from membership_refactor.rehearsal import sample_queries as queries
from membership_refactor.rehearsal.dump_structure import CannotRehearse
from membership_refactor.rehearsal.tables_to_try import columns_of
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import columns, qualified

SMALL_BYTES = 65_536
MOST_READ = 2_000_000
"""Rows that are read for the hard cases; of a larger table so many from random pages."""
MOST_ROWS = 20
"""The sample may grow to so many times the rows that were asked for."""
_CHUNK = 10_000
_REFERRING = 3


@dataclass
class Sample:
    """Rows of one snapshot of the source. Nothing is written there, not even a temporary table."""

    pg: psycopg.Connection[tuple[Any, ...]]
    snapshot: str
    rows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By table, quoted and qualified: the ctids of its rows in the snapshot."""
    kinds: dict[str, int] = field(default_factory=dict)
    """What kinds of hard rows were found, and how many."""

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))

    def _found(self, query: str) -> Iterator[tuple[str, str]]:
        try:
            yield from self.pg.execute(query.encode()).fetchall()
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotRehearse(
                f"This role cannot sample the rows: {error.diag.message_primary}.",
                hint="Connect as a superuser or as a role with BYPASSRLS that may read every "
                "table; a filtered sample would prove nothing.",
            ) from None

    def _add(self, found: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
        """Add rows; return those that were not there yet."""
        new: dict[str, set[str]] = defaultdict(set)
        for table, ctid in found:
            if ctid not in self.rows[table]:
                self.rows[table].add(ctid)
                new[table].add(ctid)
        return new

    def take(self, plan: TableSplit, schema: str, others: Iterable[str], wanted: int) -> None:
        """Choose the rows: hard ones and plain ones of the source, some of the other tables,
        every small table whole; then all that they refer to."""
        source = qualified(schema, plan.source)
        estimate = self._estimate(source)
        texts = [name for (name,) in self.pg.execute(queries.TEXTS, (source,))]
        basis = queries.a_share_of(source, estimate, MOST_READ)
        for kind, query in queries.hard_rows(plan, basis, texts):
            new = self._add(self._found(query))
            self.kinds[kind] = self.kinds.get(kind, 0) + sum(map(len, new.values()))
        self._add(self._found(queries.plain_rows(source, estimate, wanted)))
        # The source's own rows, by partition; others may refer to them.
        chosen = {table: set(rows) for table, rows in self.rows.items()}
        named = self._as_regclass(source)
        for table in others:
            if self.pg.execute(queries.LEAVES, (table,)).fetchone() and table != source:
                few = queries.plain_rows(table, self._estimate(table), max(wanted // 4, 100))
                self._add(self._found(few))
        small = self.pg.execute(
            queries.SMALL, {"bytes": SMALL_BYTES, "ledger": ledger_schema(schema)}
        ).fetchall()
        foreign_keys = self.pg.execute(queries.FOREIGN_KEYS).fetchall()
        for (table,) in small:
            self._add(self._found(f"SELECT {queries.WHERE} FROM ONLY {table} AS t"))
        for _, child, parent, _, by, to in foreign_keys:
            leaves = chosen.keys() if parent == named and child not in chosen else ()
            for leaf in leaves:
                for ctids in _chunks(chosen[leaf]):
                    self._add(
                        self._found(queries.referring_rows(child, leaf, by, to, ctids, _REFERRING))
                    )
        self._close(foreign_keys, MOST_ROWS * max(wanted, 1000) + self.count)

    def _close(self, foreign_keys: list[tuple[Any, ...]], most: int) -> None:
        """Follow the foreign keys until nothing new is found. The sets only grow, so it ends."""
        todo = {table: set(rows) for table, rows in self.rows.items()}
        while any(todo.values()):
            now, todo = todo, defaultdict(set)
            for name, child, parent, partitioned, by, to in foreign_keys:
                whole = parent if partitioned else f"ONLY {parent}"
                for ctids in _chunks(now.get(child, ())):
                    query = queries.referred_rows(child, whole, by, to, ctids)
                    for table, new in self._add(self._found(query)).items():
                        todo[table] |= new
                if self.count > most:
                    raise CannotRehearse(
                        f"The sample grew to {self.count:,} rows over the foreign key {name} of "
                        f"{child}.",
                        hint="Ask for fewer rows: --rows 1000.",
                    )

    def _as_regclass(self, table: str) -> str:
        row = self.pg.execute("SELECT pg_catalog.to_regclass(%s)::text", (table,)).fetchone()
        return str(row[0]) if row else table

    def _estimate(self, table: str) -> int:
        row = self.pg.execute(queries.ESTIMATE, {"table": table}).fetchone()
        return int(row[0]) if row else 0

    def load(self, target: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Copy the rows, and set the sequences. No trigger, index or foreign key stands yet."""
        for table, rows in sorted(self.rows.items()):
            names = columns_of(self.pg, table)
            for ctids in _chunks(rows):
                out = f"COPY (SELECT {columns(names)} FROM ONLY {table} WHERE ctid = ANY ({ctids}))"
                with (
                    self.pg.cursor().copy(f"{out} TO STDOUT".encode()) as theirs,
                    target.cursor().copy(
                        f"COPY {table} ({columns(names)}) FROM STDIN".encode()
                    ) as ours,
                ):
                    for data in theirs:
                        ours.write(data)
        for name, last in self.pg.execute(queries.SEQUENCES):
            target.execute("SELECT pg_catalog.setval(%s::regclass, %s)", (name, last))


def open_sample(url: str) -> Sample:
    """Begin a read-only transaction with one snapshot, in which row security hides nothing."""
    pg = psycopg.connect(
        libpq_url(url), autocommit=True, application_name="membership_refactor rehearsal"
    )
    pg.execute("SET search_path = pg_catalog")
    pg.execute("SET row_security = off")
    pg.execute("SET statement_timeout = 0")
    pg.execute("SET idle_in_transaction_session_timeout = 0")
    pg.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    row = pg.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
    assert row is not None
    return Sample(pg, str(row[0]))


def _chunks(ctids: Iterable[str]) -> Iterator[str]:
    rest = iter(sorted(ctids))
    while part := list(islice(rest, _CHUNK)):
        yield queries.ctid_array(part)
