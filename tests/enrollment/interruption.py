"""Interrupts whatever runs on psycopg cursors before or after its nth statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

INTERRUPTION = (KeyboardInterrupt, OperationalError, psycopg.OperationalError)
"""The second where SQLAlchemy finds its connection closed while the first passes through it, the
third where the server ended the session."""


class Counter:
    """How many statements have been sent."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interrupted(
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: int | None = None,
    after: int | None = None,
    ended: int | None = None,
) -> Iterator[Counter]:
    """KeyboardInterrupt before or after that statement; the connections go with it. Or the server
    has ``ended`` the session when that statement is sent, and the error comes from there.

    Every statement is sent by Cursor.execute, SQLAlchemy's, the tool's with ``$1`` and those of
    short locks alike. What the server had committed by then stays, everything else is gone: as
    when the client is killed.
    """
    counter = Counter()
    execute = psycopg.Cursor.execute

    def counted(self: psycopg.Cursor[Any], *arguments: Any, **options: Any) -> Any:
        counter.count += 1
        if counter.count == before:
            self.connection.close()
            raise KeyboardInterrupt
        if counter.count == ended:
            _terminate(self.connection)
        result = execute(self, *arguments, **options)
        if counter.count == after:
            self.connection.close()
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", counted)
        yield counter


def _terminate(connection: psycopg.Connection[Any]) -> None:
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        # Below the cursors, which are counted.
        pid = connection.info.backend_pid
        result = other.pgconn.exec_(f"SELECT pg_terminate_backend({pid}, 20000)".encode())
        assert result.get_value(0, 0) == b"t"
