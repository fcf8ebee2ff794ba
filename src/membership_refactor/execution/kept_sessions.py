"""Sessions that a run uses again: each use begins as a new session does, without connecting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine

KEPT = "membership_refactor_kept"
"""The execution option of an engine whose sessions have no settings but those of this tool."""
_AS_NEW = "RESET ROLE; RESET ALL; SELECT pg_catalog.pg_advisory_unlock_all()"
"""What makes an idle session the same as a new one."""

_Connection = psycopg.Connection[Any]


class KeptSessions:
    """The idle sessions of one engine. Several threads may take and give."""

    def __init__(self) -> None:
        self._idle: list[_Connection] = []
        self._blocks = 0

    def take(self, settings: str) -> _Connection | None:
        """An idle session, as new, after ``settings`` were run in it; None where there is none.
        One that has ended meanwhile is left out."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            try:
                connection.execute(f"{_AS_NEW}; {settings}".encode())
            except psycopg.Error:
                connection.close()
            else:
                return connection

    def give(self, connection: _Connection) -> None:
        """Keep the session while a block keeps sessions; else close it."""
        if self._blocks and connection.info.transaction_status is TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep sessions until the block ends, then close them."""
        self._blocks += 1
        try:
            yield
        finally:
            self._blocks -= 1
            while not self._blocks and self._idle:
                self._idle.pop().close()


def kept_sessions(engine: Engine) -> KeptSessions:
    """Those of the engine. Where somebody else made it, a new session may have settings that
    cannot be made again, so nothing is kept."""
    found = engine.get_execution_options().get(KEPT)
    return found if isinstance(found, KeptSessions) else KeptSessions()
