"""When writers act, as seen from an action of the mover or of a rival: every order there is.

An action has a begin, a middle (done and not committed) and an end (committed). The writers, each
a session with a transaction and a block of rows of its own, are told apart by what of theirs lies
before, in and after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.fixtures.sessions import BLOCKED, Session, Stage, Step
from tests.races.writes import Write, base_of


class Action(Protocol):
    """What the writers race with."""

    def middle(self) -> None:
        """Goes on until it has done its work without committing it, or is held up by a lock."""

    def end(self) -> None:
        """Goes on until it is committed, as soon as nobody holds it up."""


@dataclass
class Writer:
    """A session and what it does."""

    session: Session
    write: Write
    table: str
    base: int
    steps: list[Step] = field(default_factory=list)

    def begin(self) -> None:
        self.session.begin()

    def act(self) -> None:
        """Sends its statements; comes back when they are done, or when one is blocked."""
        texts = self.write.statements(self.table, self.base)
        self.steps = [self.session.start(text) for text in texts]
        for step in self.steps:
            if step.settled() == BLOCKED:
                return

    def close(self) -> str:
        """Ends the transaction; an empty string or the first SQLSTATE."""
        outcomes = [step.outcome() for step in self.steps]
        ended = self.session.commit() if self.write.commits else ""
        if not self.write.commits:
            self.session.rollback()
        return next((o for o in (*outcomes, ended) if o), "")


Writers = Sequence[Writer]
Outcomes = dict[str, str]


def _close(writers: Writers) -> Outcomes:
    """Ends them all, one that waits for another after that other: the rows of two may share a
    parent."""
    outcomes: Outcomes = {}
    waiting = list(writers)
    while waiting:
        free = [w for w in waiting if all(s.settled() != BLOCKED for s in w.steps)]
        assert free, f"all wait: {[w.write.name for w in waiting]}"
        outcomes[free[0].write.name] = free[0].close()
        waiting.remove(free[0])
    return outcomes


def old_snapshot(action: Action, writers: Writers) -> Outcomes:
    """Snapshots before the action, writes after it."""
    for w in writers:
        w.begin()
    action.middle()
    action.end()
    for w in writers:
        w.act()
    return _close(writers)


def old_snapshot_in_the_middle(action: Action, writers: Writers) -> Outcomes:
    """Snapshots before the action, writes while it is uncommitted, commits after it."""
    for w in writers:
        w.begin()
    action.middle()
    for w in writers:
        w.act()
    action.end()
    return _close(writers)


def written_before(action: Action, writers: Writers) -> Outcomes:
    """Writes before the action, uncommitted while it tries."""
    for w in writers:
        w.begin()
        w.act()
    action.middle()
    outcomes = _close(writers)
    action.end()
    return outcomes


def middle(action: Action, writers: Writers) -> Outcomes:
    """Snapshots and writes while the action is uncommitted; commits before it if they can."""
    action.middle()
    for w in writers:
        w.begin()
        w.act()
    free = [w for w in writers if all(s.settled() != BLOCKED for s in w.steps)]
    outcomes = _close(free)
    action.end()
    return outcomes | _close([w for w in writers if w not in free])


def snapshot_in_the_middle(action: Action, writers: Writers) -> Outcomes:
    """Snapshots while the action is uncommitted, writes after it."""
    action.middle()
    for w in writers:
        w.begin()
    action.end()
    for w in writers:
        w.act()
    return _close(writers)


def at_once_before(action: Action, writers: Writers) -> Outcomes:
    """Everything committed just before the action."""
    for w in writers:
        w.begin()
        w.act()
    outcomes = _close(writers)
    action.middle()
    action.end()
    return outcomes


TIMINGS = (
    old_snapshot,
    old_snapshot_in_the_middle,
    written_before,
    middle,
    snapshot_in_the_middle,
    at_once_before,
)


def writers(
    stage: Stage,
    writes: Sequence[Write],
    isolation: str,
    *,
    table: str | Callable[[int], str],
    region: int,
) -> list[Writer]:
    """A session for each write; ``table`` may depend on the first id of its block."""
    at = table if callable(table) else lambda base: table
    based = [(w, base_of(w, region)) for w in writes]
    return [Writer(stage.session(w.name, isolation), w, at(base), base) for w, base in based]


def assert_landed(
    stage: Stage, acted: Writers, outcomes: Outcomes, table: str | Callable[[int], str]
) -> None:
    """What was committed is there, and what failed is not."""
    at = table if callable(table) else lambda base: table
    for w in acted:
        (found,) = stage.query(w.write.condition(at(w.base), w.base))[0]
        failed = outcomes[w.write.name]
        trivial = w.write.landed == "true" or w.write.name in (
            "insert and delete",
            "rolled back",
            "update that is none",
        )
        expected = not failed or trivial
        assert found == expected, f"{w.write.name} ended with {failed!r} and landed is {found}"


def named(outcomes: Outcomes) -> Outcomes:
    """Those that failed."""
    return {name: outcome for name, outcome in outcomes.items() if outcome}
