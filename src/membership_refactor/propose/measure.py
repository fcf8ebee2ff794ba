"""Runs the queries of the search on one table. Reads only, within the time of a clock.

Each query is its own short transaction, so no snapshot holds back vacuum for the whole search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import NoDatabase
from membership_refactor.execution.sessions import Pg, Sessions, become, may_become, run
from membership_refactor.inspect.keys import near_keys
from membership_refactor.inspect.keys_text import Near
from membership_refactor.portrait import Column, Table
from membership_refactor.propose import measure_queries as queries
from membership_refactor.propose.anchors import SAMPLE, Anchor
from membership_refactor.propose.candidates import Example
from membership_refactor.propose.clock import Clock
from membership_refactor.propose.columns import (
    Profiles,
    Spread,
    estimate_distinct,
    profiles,
)
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.types import equal_is_identical

WHOLE = 3_000
"""Up to so many rows the whole table is the sample."""
_MOST_OF_SAMPLE = 3
"""A sample may be so many times as large, where a few values have many rows."""
_STATISTICS_ROWS = 30_000
_STALE = 2.0
"""Statistics of a table that had this many times more or fewer rows are not used."""


class OutOfTime(Exception):
    """The clock ended while the server was counting; the query was cancelled."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact counts of one key: ``apart`` has a number for each column that was asked."""

    parents: int
    repeated: int
    gaps: int
    largest: int
    apart: Mapping[str, int]


@contextmanager
def reading(engine: Engine, table: Table) -> Iterator[Pg]:
    """Open a read-only session as the owner of the table, or as the login if it may not.

    Raises NoDatabase where rows may not be read, or row security hides some.
    """
    with Sessions(engine, role=None, label="new").open(as_owner=False) as pg:
        if may_become(pg, table.owner):
            become(pg, table.owner)
        run(pg, "SET default_transaction_read_only = on")
        try:
            yield pg
        except psycopg.errors.InsufficientPrivilege as error:
            raise NoDatabase(
                f'role "{pg.info.user}" may not read all of "{table.schema}"."{table.name}": '
                f"{error.diag.message_primary}.",
                hint=f'Connect as its owner "{table.owner}".',
            ) from error


class Measure:
    """The queries on one table, each in the time that is left."""

    def __init__(self, pg: Pg, table: Table, clock: Clock) -> None:
        self.pg, self.table, self.clock = pg, table, clock

    def profiles(self, named: Sequence[str] = ()) -> Profiles:
        """Count the rows, and read or estimate what each column's values are like. ``named`` is a
        key that is counted whatever it is."""
        rows = int(self._one(queries.count_query(self.table))[0])
        spreads = self._statistics(rows) or self._estimated(rows)
        return profiles(self.table, rows, spreads, named)

    def samples(
        self, found: Profiles, anchors: Sequence[Anchor], *, times: int = 1
    ) -> dict[Anchor, list[tuple[Any, ...]]]:
        """Rows of whole groups of each anchor, from one scan of the table."""
        wanted = SAMPLE * times
        most = _MOST_OF_SAMPLE * wanted * len(anchors)
        rows = self._rows(queries.sample_query(self.table, found, anchors, wanted, most))
        first = len(anchors)
        return {
            anchor: [row[first:] for row in rows if row[place]][: _MOST_OF_SAMPLE * wanted]
            for place, anchor in enumerate(anchors)
        }

    def all_rows(self, found: Profiles) -> list[tuple[Any, ...]]:
        """The hashes of every row, for a small table."""
        return self._rows(queries.all_rows_query(self.table, found))

    def exact(self, key: Sequence[str], columns: Sequence[str]) -> Counts:
        """Count the groups of the key, and for each column those in which it disagrees."""
        asked = [self.table.column(c) for c in columns]
        row = self._one(queries.exact_query(self.table, self._columns(key), asked))
        apart = dict(zip(columns, map(int, row[4:]), strict=True))
        for column in asked:
            # Equal values may have several texts, such as 1.0 and 1.00.
            if apart[column.name] and not equal_is_identical(column):
                query = queries.really_apart_query(self.table, self._columns(key), column)
                apart[column.name] = int(self._one(query)[0])
        return Counts(int(row[0]), int(row[1]), int(row[2]), int(row[3]), apart)

    def examples(self, key: Sequence[str], column: str) -> tuple[Example, ...]:
        """The first groups in which the column disagrees."""
        rows = self._rows(
            queries.examples_query(self.table, self._columns(key), self.table.column(column))
        )
        return tuple(Example(key=tuple(shown), values=(one, other)) for shown, one, other in rows)

    def near(self, key: Sequence[str]) -> tuple[Near, ...]:
        """Keys that differ only in a NULL, in letter case or in blanks."""
        where = qualified(self.table.schema, self.table.name)
        with self._timed():
            found = tuple(near_keys(self.pg, self.table, where, tuple(key)))
        return tuple(near for near in found if near.groups)

    def _columns(self, names: Sequence[str]) -> list[Column]:
        return [self.table.column(name) for name in names]

    def _statistics(self, rows: int) -> dict[str, Spread] | None:
        """What ANALYZE found; None if it is missing for a column, out of date or hidden."""
        if rows <= WHOLE:
            return None
        known = self.table.rows or 0
        if known <= 0 or not 1 / _STALE < rows / known < _STALE:
            return None
        read = {
            name: Spread(
                distinct=distinct if distinct >= 0 else -distinct * rows,
                nulls=nulls,
                width=width,
                common=common,
            )
            for name, distinct, nulls, width, common in self._rows(
                queries.statistics_query(self.table)
            )
        }
        return read if set(self.table.column_names) <= set(read) else None

    def _estimated(self, rows: int) -> dict[str, Spread]:
        """Estimates from some blocks, or exact numbers of a small table."""
        columns = self.table.columns
        percent = 100.0 if rows <= WHOLE else 100 * min(1.0, _STATISTICS_ROWS / rows)
        sample = self._rows(queries.blocks_query(self.table, columns, percent))
        found = {}
        for place, column in enumerate(columns):
            values = [row[place] for row in sample if row[place] is not None]
            widths = [row[len(columns) + place] for row in sample]
            found[column.name] = Spread(
                distinct=len(set(values)) if percent >= 100 else estimate_distinct(values, rows),
                nulls=1 - len(values) / len(sample) if sample else 0.0,
                width=sum(w for w in widths if w is not None) / max(len(values), 1),
                common=max(Counter(values).values(), default=0) / max(len(sample), 1),
            )
        return found

    def _one(self, query: str) -> tuple[Any, ...]:
        (row,) = self._rows(query)
        return row

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._timed():
            return run(self.pg, query).fetchall()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Let the server cancel what runs past the end of the clock. Raises OutOfTime."""
        left = self.clock.left
        if left is not None and left < 0.01:
            raise OutOfTime
        run(self.pg, f"SET statement_timeout = {0 if left is None else max(1, int(left * 1000))}")
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise OutOfTime from None
