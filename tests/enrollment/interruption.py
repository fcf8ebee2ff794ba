"""Interrupts whatever runs on psycopg cursors before or after its nth statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

INTERRUPTION = (KeyboardInterrupt, OperationalError)
"""The second where SQLAlchemy finds its connection closed while the first passes through it."""


class Counter:
    """How many statements have been sent."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interrupted(
    monkeypatch: pytest.MonkeyPatch, *, before: int | None = None, after: int | None = None
) -> Iterator[Counter]:
    """KeyboardInterrupt before or after that statement; the connections go with it.

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
        result = execute(self, *arguments, **options)
        if counter.count == after:
            self.connection.close()
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", counted)
        yield counter
