"""SQL on the legacy tables, in short."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


def one(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
