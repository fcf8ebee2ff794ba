"""Commits that nobody answered: of a batch, a switch, the ledger, and of lone statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from membership_refactor.errors import StepInterrupted
from membership_refactor.steps.step import Direction
from tests.chain.driver import snapshot
from tests.chain.killing import go
from tests.chain.test_kill import start
from tests.crashes.test_connections import MOVING, assert_ended
from tests.fixtures.chains import ChainAt

COMMITS = {
    "the step's begin": r'INSERT INTO "[^"]*"\."step"',
    "a claim": r'INSERT INTO "[^"]*"\."batch"',
    "a batch": r"SET done = true",
    "the switch": r"DO \$fence\$",
    "an action": r'INSERT INTO "[^"]*"\."action"',
    "the step's end": r"SET state = 'done'",
    "an index": r"CREATE (UNIQUE )?INDEX",
    "a validation": r"VALIDATE CONSTRAINT",
}
ONLY = {"an index": {"0003", "0007"}, "a validation": {"0008", "0003"}}


class Unanswered:
    """Loses the connection at the first commit whose transaction holds the pattern, either after
    it took place or right before."""

    def __init__(self, pattern: str, *, committed: bool) -> None:
        self.pattern, self.committed = re.compile(pattern, re.DOTALL), committed
        self.lost = False

    def matches(self, text: str) -> bool:
        if self.lost or not self.pattern.search(text):
            return False
        self.lost = True
        return True

    def engine(self, url: str) -> Engine:
        unanswered = self

        class Cut(psycopg.Connection[Any]):
            held: list[str] | None = None

            def lose(self) -> None:
                self.close()
                raise psycopg.OperationalError("the connection is lost")

            def execute(self, query: Any, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
                text = query.decode() if isinstance(query, bytes) else str(query)
                idle = self.info.transaction_status == TransactionStatus.IDLE
                if self.held is not None:
                    self.held.append(text)
                elif self.autocommit and idle and unanswered.matches(text):
                    if unanswered.committed:
                        super().execute(query, *args, **kwargs)
                    self.lose()
                return super().execute(query, *args, **kwargs)

            @contextmanager
            def transaction(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Transaction]:
                lost = False
                self.held = []
                try:
                    with super().transaction(*args, **kwargs) as transaction:
                        yield transaction
                        lost = unanswered.matches("\n".join(self.held))
                        if lost and not unanswered.committed:
                            self.lose()
                finally:
                    self.held = None
                if lost:
                    self.lose()

        return create_engine(
            "postgresql+psycopg://",
            creator=lambda: Cut.connect(libpq_url(url)),
            poolclass=NullPool,
        )


def _cases() -> list[Any]:
    made = []
    for revision, direction in MOVING:
        for kind in COMMITS:
            if kind in ONLY and (revision not in ONLY[kind] or direction is Direction.DOWN):
                continue
            everyday = (revision, direction) == ("0003", Direction.UP)
            everyday = everyday and kind in ("a batch", "the switch", "the step's end")
            ends = {True: "took place", False: "did not"}
            made += [
                pytest.param(
                    revision,
                    direction,
                    kind,
                    committed,
                    id=f"{revision} {direction}, {kind}, {ends[committed]}",
                    marks=() if everyday else pytest.mark.slow,
                )
                for committed in (True, False)
            ]
    return made


@pytest.mark.parametrize(("revision", "direction", "kind", "committed"), _cases())
def test_a_commit_of_any_kind_may_stay_unanswered(
    revision: str, direction: Direction, kind: str, committed: bool, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    go(undisturbed, revision, direction)
    after = snapshot(undisturbed)
    chain = start(revision, direction, chain_at)
    cut = Unanswered(COMMITS[kind], committed=committed)
    with pytest.raises(StepInterrupted, match="the connection is lost"):
        go(chain, revision, direction, engine=cut.engine(chain.url))
    assert cut.lost
    go(chain, revision, direction)
    assert_ended(chain, after, f"{revision} {direction}, {kind}")
