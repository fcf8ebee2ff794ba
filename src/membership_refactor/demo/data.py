"""Realistic legacy data, generated from a seed and loaded with COPY at constant memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any

from psycopg import Connection, sql

from membership_refactor.demo.bulk_load import owns, without_foreign_keys
from membership_refactor.demo.memberships import lines
from membership_refactor.demo.references import References
from membership_refactor.demo.rows import COLUMNS
from membership_refactor.errors import WrongUse

DEFAULT_ROWS = 363_000
"""The size of the real table when it was split."""
MEMBERSHIPS = "programme_membership"
LINES_A_BLOCK = 1_000
FOREIGN_KEYS_OFF_FROM = 50_000
"""Rows of one table from which it is quicker to validate foreign keys afterwards."""

Progress = Callable[[str, int, int], None]
"""Called with the table, the rows sent so far and the rows there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The number of rows loaded into each table, in the order of loading."""

    tables: dict[str, int]
    seconds: float

    @property
    def memberships(self) -> int:
        """The number of rows of the wide table."""
        return self.tables[MEMBERSHIPS]


def load(
    connection: Connection[Any],
    *,
    rows: int = DEFAULT_ROWS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Loaded:
    """Fill the empty legacy tables of the search_path with ``rows`` memberships and what they refer
    to.

    It is one transaction, or a savepoint if the caller has one open. The same rows and seed give
    the same data, on every machine and Python.
    """
    if rows < 1:
        raise WrongUse(f"{rows} rows were asked for.", hint="Ask for at least one.")
    began = time.monotonic()
    references = References.for_memberships(rows)
    parts = [
        *references.lines(),
        (MEMBERSHIPS, ("id", *COLUMNS), rows, lines(references, rows, seed)),
    ]
    tables: dict[str, int] = {}
    with connection.transaction(), connection.cursor() as cursor:
        for table, *_ in parts:
            _refuse_unless_empty(cursor, table)
        for table, columns, count, source in parts:
            heavy = count >= FOREIGN_KEYS_OFF_FROM and owns(cursor, table)
            with without_foreign_keys(cursor, table) if heavy else nullcontext():
                _copy(cursor, table, columns, source, count=count, progress=progress)
            _continue_identity(cursor, table)
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
            tables[table] = count
    return Loaded(tables=tables, seconds=time.monotonic() - began)


def _refuse_unless_empty(cursor: Any, table: str) -> None:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table)))
    if cursor.fetchone()[0]:
        raise WrongUse(
            f'table "{table}" holds rows already; generated data goes into empty tables only.',
            hint="Use a fresh database or another schema.",
        )


def _copy(
    cursor: Any,
    table: str,
    columns: tuple[str, ...],
    source: Iterator[str],
    *,
    count: int,
    progress: Progress | None,
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    sent = 0
    with cursor.copy(statement) as copy:
        while block := list(islice(source, LINES_A_BLOCK)):
            copy.write("".join(block))
            sent += len(block)
            if progress is not None:
                progress(table, sent, count)


def _continue_identity(cursor: Any, table: str) -> None:
    """Move the sequence past the ids that COPY brought."""
    cursor.execute(
        sql.SQL("SELECT setval(pg_get_serial_sequence({name}, 'id'), max(id)) FROM {table}").format(
            name=sql.Literal(sql.Identifier(table).as_string()), table=sql.Identifier(table)
        )
    )
