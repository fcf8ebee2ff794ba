"""Connections that are lost around a commit, and movers that wake up too late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from membership_refactor.portrait import differences
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, snapshot
from tests.chain.killing import go
from tests.chain.test_kill import start
from tests.fixtures.chains import ChainAt

MOVING = [
    ("0003", Direction.UP),
    ("0007", Direction.UP),
    ("0008", Direction.UP),
    ("0009", Direction.DOWN),
    ("0008", Direction.DOWN),
    ("0005", Direction.DOWN),
]
"""The steps of several batches and a switch."""


class Commits:
    """Counts the transactions of a step; loses the connection around the chosen one."""

    def __init__(self, at: int = 0, *, committed: bool = True) -> None:
        self.at, self.committed, self.count = at, committed, 0
        self._lock = threading.Lock()

    def mine(self) -> bool:
        with self._lock:
            self.count += 1
            return self.count == self.at


def cut(url: str, commits: Commits) -> Engine:
    """An engine whose client never learns what became of one of its commits."""

    class Cut(psycopg.Connection[Any]):
        @contextmanager
        def transaction(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Transaction]:
            with super().transaction(*args, **kwargs) as transaction:
                yield transaction
                # The tool's own are begun by name; others belong to the driver's start.
                lost = self.autocommit and commits.mine()
                if lost and not commits.committed:
                    self.close()
                    raise psycopg.OperationalError("the connection is lost")
            if lost:
                self.close()
                raise psycopg.OperationalError("the connection is lost")

    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: Cut.connect(libpq_url(url)),
        poolclass=NullPool,
    )


@pytest.mark.slow
@pytest.mark.parametrize("committed", [True, False], ids=["it took place", "it did not"])
@pytest.mark.parametrize(("revision", "direction"), MOVING)
def test_a_commit_that_nobody_answered_is_decided_by_the_ledger(
    revision: str, direction: Direction, committed: bool, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    counter = Commits()
    go(undisturbed, revision, direction, engine=cut(undisturbed.url, counter))
    after = snapshot(undisturbed)
    assert counter.count > 5
    for at in range(1 + int(revision) % 4, counter.count + 1, 4):
        chain = start(revision, direction, chain_at)
        engine = cut(chain.url, Commits(at, committed=committed))
        with pytest.raises(RefactorError, match="the connection is lost"):
            go(chain, revision, direction, engine=engine)
        go(chain, revision, direction)
        assert_ended(chain, after, f"{revision} {direction}, commit {at}")


def assert_ended(chain: Chain, after: Any, place: str) -> None:
    found = snapshot(chain)
    assert found.tables == after.tables, place
    assert differences(after.portrait, found.portrait) == (), place
    assert found.own == after.own, place


class Sleeper:
    """Stops a mover before its n-th statement of a pattern until it is woken."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asleep, self.woken = threading.Event(), threading.Event()

    def __call__(self, text: str) -> None:
        if self.text in text and not self.asleep.is_set():
            self.asleep.set()
            assert self.woken.wait(120)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["SELECT first, last FROM", "SELECT claimed, bound"])
@pytest.mark.parametrize(("revision", "direction"), [MOVING[0], MOVING[1], MOVING[5]])
def test_a_mover_that_wakes_up_after_another_finished_does_nothing_more(
    revision: str, direction: Direction, text: str, chain_at: ChainAt
) -> None:
    """Its session with the lock of the run is gone, as after a cut by a firewall; the one that is
    at a batch is not."""
    undisturbed = start(revision, direction, chain_at)
    go(undisturbed, revision, direction)
    after = snapshot(undisturbed)
    chain = start(revision, direction, chain_at)
    sleeper = Sleeper(text)
    said: list[BaseException] = []

    def late() -> None:
        try:
            go(chain, revision, direction, engine=watched(chain.url, sleeper))
        except RefactorError as error:
            said.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    try:
        assert sleeper.asleep.wait(60)
        cut_off(chain)
        go(chain, revision, direction)
    finally:
        sleeper.woken.set()
        thread.join(60)
    (error,) = said
    assert "finished by another run" in str(error)
    assert_ended(chain, after, f"{revision} {direction}")


def cut_off(chain: Chain) -> None:
    """The sleeper's session that holds the lock is ended, the one of its worker is left."""
    chain.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name LIKE '%ledger'"
    )
