"""Runs that are stopped before a chosen statement, and the statements at which it matters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import psycopg
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from membership_refactor.testing.interruptions import watched

Work = Callable[[Engine], object]


class Stopped(Exception):
    """The client ends here."""


class Statements:
    """Counts what all connections of a run send, and stops the run before one statement.

    Either nothing that the run still sends reaches the server, or its sessions are ended there.
    """

    def __init__(self, url: str, stop: int = 0, *, ended: bool = False) -> None:
        self.url, self.stop, self.ended, self.count = url, stop, ended, 0

    def __call__(self, text: str) -> None:
        self.count += 1
        if not self.stop or self.count < self.stop:
            return
        if not self.ended:
            raise Stopped(text)
        if self.count == self.stop:
            with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    def run(self, work: Work) -> bool:
        """Whether the work came to its end."""
        try:
            work(watched(self.url, self))
        except (Stopped, RefactorError, psycopg.Error):
            if not self.stop or self.count < self.stop:
                raise
            return False
        return True


class Commits(Statements):
    """Counts before each statement the transactions that have been committed since the start."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._pg = psycopg.connect(libpq_url(url), autocommit=True)
        self._first = self._next()
        self._counts: list[int] = []

    def __call__(self, text: str) -> None:
        super().__call__(text)
        self._counts.append(
            self._value(
                "SELECT count(*) FROM generate_series(%s::bigint, %s::bigint) AS x"
                " WHERE pg_xact_status(x::text::xid8) = 'committed'",
                self._first,
                self._next() - 1,
            )
        )

    def run(self, work: Work) -> bool:
        with self._pg:
            return super().run(work)

    def matter(self) -> list[int]:
        """The last statement before each commit: a stop before any other one leaves behind what
        the next of these leaves."""
        numbered = enumerate(pairwise([*self._counts, -1]), start=1)
        return [n for n, (before, after) in numbered if before != after]

    def _next(self) -> int:
        return self._value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")

    def _value(self, query: str, *values: object) -> int:
        row = self._pg.execute(query.encode(), values).fetchone()
        assert row is not None
        return int(row[0])
