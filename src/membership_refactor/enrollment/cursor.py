"""Run statements with ``$1`` parameters on an SQLAlchemy or a psycopg connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
from psycopg import sql as psycopg_sql
from psycopg.types.string import TextLoader
from sqlalchemy import Connection

from membership_refactor.sql.statements import Statement

Row = tuple[Any, ...]
Pg = psycopg.Connection[Row]

_READ = frozenset(
    {
        "bool",
        "int2",
        "int4",
        "int8",
        "oid",
        "numeric",
        "uuid",
        "text",
        "varchar",
        "bpchar",
        "name",
        "unknown",
    }
)
"""Types whose every value Python can hold, and compares as the database does."""


_TEXT_ARRAY = psycopg.adapters.types["text"].array_oid
_AS_TEXT = tuple(
    oid
    for one in psycopg.adapters.types
    for oid in ((one.array_oid,) if one.name in _READ else (one.oid, one.array_oid))
    if oid != _TEXT_ARRAY
)
"""The other types, and arrays. Python has no date before Christ, no infinity, no 24:00, no year
10000 and no range of them, and one such value would end the whole answer. As text they also go
back to the server unchanged."""


def rows(connection: Connection | Pg, statement: Statement | str, *values: object) -> list[Row]:
    """Run the statement and return its rows, if it has any.

    The server binds ``$1``, so the text is sent unchanged. psycopg's own placeholders would take a
    percent sign in a quoted identifier for one of theirs.
    """
    with psycopg.RawCursor(_driver(connection)) as cursor:
        cursor.execute(_query(statement), values or None)
        return cursor.fetchall() if cursor.description else []


def values(connection: Connection | Pg, statement: Statement | str, *given: object) -> list[Row]:
    """The same for rows of users: a value that Python may not be able to hold is text."""
    with psycopg.RawCursor(_driver(connection)) as cursor:
        _read_as_text(cursor)
        cursor.execute(_query(statement), given or None)
        return cursor.fetchall()


def changed(connection: Connection | Pg, statement: Statement | str, *values: object) -> int:
    """Run the statement and return how many rows it wrote."""
    with psycopg.RawCursor(_driver(connection)) as cursor:
        cursor.execute(_query(statement), values or None)
        return cursor.rowcount


def stream(connection: Connection | Pg, text: str, *, at_once: int = 2000) -> Iterator[Row]:
    """Return the rows of a query of any size, fetched in portions; values as ``values``."""
    with psycopg.RawServerCursor(_driver(connection), "membership_refactor_stream") as cursor:
        cursor.itersize = at_once
        _read_as_text(cursor)
        cursor.execute(_query(text))
        yield from cursor


def _read_as_text(cursor: psycopg.Cursor[Row] | psycopg.ServerCursor[Row]) -> None:
    for oid in _AS_TEXT:
        cursor.adapters.register_loader(oid, TextLoader)


def _driver(connection: Connection | Pg) -> Pg:
    if isinstance(connection, psycopg.Connection):
        return connection
    if not connection.in_transaction():
        # Else psycopg would begin one that SQLAlchemy neither commits nor rolls back.
        connection.begin()
    return cast("Pg", connection.connection.driver_connection)


def _query(statement: Statement | str) -> psycopg_sql.SQL:
    text = statement.text if isinstance(statement, Statement) else statement
    return psycopg_sql.SQL(cast("Any", text))
