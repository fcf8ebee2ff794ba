"""Statements with ``$1`` parameters, on an SQLAlchemy connection or on one of the driver's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
from psycopg import sql as psycopg_sql
from sqlalchemy import Connection

from membership_refactor.sql.statements import Statement

Row = tuple[Any, ...]
Pg = psycopg.Connection[Row]


def rows(connection: Connection | Pg, statement: Statement | str, *values: object) -> list[Row]:
    """What the statement returns; nothing where it returns no rows.

    psycopg's client-side placeholders would read a percent sign in a quoted identifier as one of
    theirs; with ``$1`` the server binds, and the text is sent as it is.
    """
    with psycopg.RawCursor(_driver(connection)) as cursor:
        cursor.execute(_query(statement), values or None)
        return cursor.fetchall() if cursor.description else []


def changed(connection: Connection | Pg, statement: Statement | str, *values: object) -> int:
    """How many rows the statement wrote."""
    with psycopg.RawCursor(_driver(connection)) as cursor:
        cursor.execute(_query(statement), values or None)
        return cursor.rowcount


def stream(connection: Connection | Pg, text: str, *, at_once: int = 2000) -> Iterator[Row]:
    """The rows of a query of any size, fetched as they are asked for."""
    with psycopg.RawServerCursor(_driver(connection), "membership_refactor_stream") as cursor:
        cursor.itersize = at_once
        cursor.execute(_query(text))
        yield from cursor


def _driver(connection: Connection | Pg) -> Pg:
    if isinstance(connection, psycopg.Connection):
        return connection
    if not connection.in_transaction():
        # Else the driver would begin one that SQLAlchemy neither commits nor rolls back.
        connection.begin()
    return cast("Pg", connection.connection.driver_connection)


def _query(statement: Statement | str) -> psycopg_sql.SQL:
    text = statement.text if isinstance(statement, Statement) else statement
    return psycopg_sql.SQL(cast("Any", text))
