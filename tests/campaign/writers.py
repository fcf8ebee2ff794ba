"""Writers: connections that write in the way of their kind, and know what they committed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.campaign.kinds import NEW
from tests.campaign.tables import Row
from tests.campaign.transactions import Changes, Transaction

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
RETRIED = ("40001", "40P01")
RACES = ("23505", "23503")
"""A new-style writer looks a parent up and then makes it or links to it, as applications do:
another may have been there between the two. It tries again."""
TRIES = 400


@dataclass(slots=True)
class Tally:
    """What all writers met, together."""

    commits: Counter[str] = field(default_factory=Counter)
    """By kind and by isolation level."""
    errors: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)
    """In-doubt commits by how they turned out."""
    unexpected: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Writer(threading.Thread):
    """One connection. ``kind`` is set by the campaign, under ``turn``; None rests."""

    def __init__(self, name: str, *, dsn: str, person: int, seed: int, tally: Tally) -> None:
        super().__init__(name=name, daemon=True)
        self.dsn, self.person, self.seed, self.tally = dsn, person, seed, tally
        self.kind: str | None = None
        self.epoch = 0
        self.rows: dict[int, Row] = {}
        self.stopping = threading.Event()
        self.turn = threading.Lock()
        """Held for a whole transaction, retries and doubts included."""
        self.pid, self.since = 0, ""
        self._random = random.Random(seed)
        self._pg: psycopg.Connection[Any] | None = None
        self._number = 0

    def assign(self, kind: str | None, epoch: int) -> None:
        """From the next transaction on; comes back when the running one is decided."""
        with self.turn:
            self.kind, self.epoch = kind, epoch

    def leave(self) -> None:
        """Rest, without a connection."""
        with self.turn:
            self.kind = None
            if self._pg is not None:
                self._pg.close()

    def run(self) -> None:
        while not self.stopping.is_set():
            # About 30 transactions a second for each writer, fewer where they wait.
            if self.kind is None or self.stopping.wait(self._random.expovariate(30)):
                self.stopping.wait(0.02)
                continue
            with self.turn:
                if self.kind is not None:
                    try:
                        self._transact(self.kind)
                    except Exception as error:
                        with self.tally.lock:
                            self.tally.unexpected.append(
                                f"{self.kind}: {type(error).__name__}: "
                                f"{' '.join(str(error).split())}"
                            )
        if self._pg is not None:
            self._pg.close()

    def _transact(self, kind: str) -> None:
        level = self._random.choice(LEVELS)
        self._number += 1
        for attempt in range(TRIES):
            work = Transaction(
                kind,
                self.rows,
                person=self.person,
                token=f"{self.seed}.{self._number}.{attempt}",
                number=self._number,
                epoch=self.epoch,
            )
            try:
                changes = self._once(work, level)
            except psycopg.OperationalError as error:
                # The server or the connection went; 40001 and 40P01 are of this class too.
                state = error.sqlstate or "no connection"
                self._count(state)
                if state in RETRIED:
                    continue
                decided = self._decide(work.token)
                if not decided:
                    continue
                changes = self._intended
            except psycopg.Error as error:
                state = error.sqlstate or type(error).__name__
                self._count(state)
                if state in RACES and kind == NEW:
                    continue
                raise
            self._record(changes, kind, level)
            return
        raise RuntimeError(f"{TRIES} tries were not enough")

    _intended: Changes = {}  # noqa: RUF012
    """What the transaction under way will have changed if it commits."""

    def _once(self, work: Transaction, level: str) -> Changes:
        pg = self._connection()
        pg.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        try:
            self._intended = {}
            self._intended = work.run(pg)
            pg.execute(b"COMMIT")
        except psycopg.Error:
            if not pg.closed and not pg.broken:
                pg.execute(b"ROLLBACK")
            raise
        return self._intended

    def _record(self, changes: Changes, kind: str, level: str) -> None:
        for id, row in changes.items():
            if row is None:
                self.rows.pop(id, None)
            else:
                self.rows[id] = row
        with self.tally.lock:
            self.tally.commits[kind] += 1
            self.tally.commits[level] += 1

    def _count(self, state: str) -> None:
        with self.tally.lock:
            self.tally.errors[state] += 1

    def _connection(self) -> psycopg.Connection[Any]:
        while self._pg is None or self._pg.closed or self._pg.broken:
            try:
                self._pg = psycopg.connect(
                    self.dsn, autocommit=True, application_name="campaign writer"
                )
                self._pg.execute(b"SET search_path = public")
                # The detector decides early: writers of one key meet often.
                self._pg.execute(b"SET deadlock_timeout = '200ms'")
                self.pid = self._pg.info.backend_pid
                started = self._pg.execute(
                    "SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
                ).fetchone()
                self.since = started[0] if started else ""
            except psycopg.OperationalError as error:
                self._count(error.sqlstate or "no connection")
                self._pg = None
                self.stopping.wait(0.05)
        return self._pg

    def _decide(self, token: str) -> bool:
        """Whether the commit that nobody answered took place: asked of its marker, once the
        session that may still be at it is gone."""
        # After a crash, and on another server, a session of another writer may have its number.
        old, since = self.pid, self.since
        if self._pg is not None:
            # A lock timeout leaves the session whole; it would be waited for without end.
            self._pg.close()
        while True:
            try:
                pg = self._connection()
                busy = pg.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND pid <> pg_backend_pid() "
                    "AND application_name = 'campaign writer' AND backend_start::text = %s",
                    (old, since),
                ).fetchone()
                if busy:
                    self.stopping.wait(0.01)
                    continue
                there = pg.execute(
                    "SELECT 1 FROM campaign.marker WHERE token = %s", (token,)
                ).fetchone()
            except psycopg.OperationalError:
                self._pg = None
                continue
            with self.tally.lock:
                self.tally.doubts["committed" if there else "not committed"] += 1
            return there is not None
