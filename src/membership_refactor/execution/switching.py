"""Drain and switch: replay the log until little is left, and the rest under a short lock."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import tenacity

from membership_refactor.errors import ReplayOutpaced
from membership_refactor.execution.batches import RETRIED
from membership_refactor.execution.locks import Held, NotYet, briefly
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.pacing.pace import (
    AT_MOST_SECONDS,
    FEWEST,
    MOST,
    PATIENT_ROUNDS,
    REPLAY_ENTRIES,
    SPANS,
    UNDER_LOCK_SECONDS,
)
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.trigger_statements import disable_triggers
from membership_refactor.steps.actions import Switch

WANDERING = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
"""A unique value moved to another row between two statements of the replay. After the rollback the
log has its keys again, together with those of the row that has the value now."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """What waits in the first entries of the log."""

    keys: int
    marks: int
    entries: int
    more: bool


class Drain:
    """Replays the log of one table build and hands over to synchronous capture."""

    def __init__(self, pg: Pg, progress: Progress, *, seconds: float) -> None:
        self.pg, self.progress, self.seconds = pg, progress, seconds
        # Unknown until a round has been measured. An assumption that is too high would make the
        # replay under the lock too long.
        self._rate = 0.0
        self._budget = UNDER_LOCK_SECONDS
        self.replayed = 0

    def switch(self, action: Switch, asked: Statement, mark: Callable[[int], str]) -> Held:
        """Make the target follow synchronously. ``asked`` is what comes first under the lock, and
        ``mark`` records the action as done with the number of keys that were replayed.

        Takes the action's locks; each is waited for at most 50 ms and held at most 20 ms. Raises
        LockNotObtained, which names the transactions in the way, and ReplayOutpaced, which names
        the rate of the writers.
        """
        run(self.pg, "SET synchronous_commit = off")
        self._replay(action.build)
        text = in_one_message(
            s.text
            for s in (
                raise_fence(action.build.names),
                *disable_triggers(action.disabled, all_stand=True),
                *action.statements,
            )
        )

        def under_lock(pg: Pg) -> None:
            if not self._little(self._pending(action.build), self._allowed()):
                raise NotYet
            run(pg, asked.text)
            run(pg, f"SELECT {action.build.function('drain')}(NULL)")
            run(pg, text)
            run(pg, mark(self.replayed))

        held = briefly(
            self.pg,
            action.locks,
            under_lock,
            seconds=self.seconds,
            before_retry=lambda tries: self._replay(action.build),
            say=self.progress.say,
            members=action.build.names.partitioned,
        )
        run(self.pg, "RESET synchronous_commit")
        return held

    def _allowed(self) -> float:
        return min(max(self._rate * self._budget, FEWEST), MOST)

    def _pending(self, build: TableBuild) -> _Pending:
        row = run(self.pg, build.pending_query()).fetchone()
        assert row is not None
        return _Pending(*row)

    @staticmethod
    def _little(pending: _Pending, allowed: float) -> bool:
        return not pending.marks and not pending.more and pending.keys <= allowed

    def _replay(self, build: TableBuild) -> None:
        """Replay in rounds until little enough waits; each round is a transaction of its own.

        There is always one round, so that this session has planned the function before the lock.
        """
        convergence = Convergence(
            build.log.table, lambda: int(value(self.pg, build.waiting_query())), self.seconds
        )
        with self.progress.task("replaying changes", None) as task:
            for rounds in itertools.count():
                pending = self._pending(build)
                if rounds and self._little(pending, self._allowed() / 2):
                    return
                keys, entries = pending.keys, pending.entries
                convergence.judge()
                # A round takes only its share of a long log.
                taken = keys * REPLAY_ENTRIES // entries if entries > REPLAY_ENTRIES else keys
                began = time.perf_counter()
                self._round(build)
                if taken and not pending.marks:
                    # The best rate: a round of few keys shows the cost of a round, not of a key.
                    rate = taken / max(time.perf_counter() - began, 1e-6)
                    self._rate = max(self._rate, rate)
                if (rounds + 1) % PATIENT_ROUNDS == 0:
                    self._budget = min(self._budget * 1.5, AT_MOST_SECONDS)
                self.replayed += taken
                task.advance(taken)
                convergence.replayed += taken

    def _round(self, build: TableBuild) -> None:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((*RETRIED, *WANDERING)),
            wait=tenacity.wait_random_exponential(multiplier=0.02, max=1),
            stop=tenacity.stop_after_delay(self.seconds),
            reraise=True,
        ):
            with attempt, self.pg.transaction():
                run(self.pg, f"SELECT {build.function('drain')}({REPLAY_ENTRIES})")


@dataclass(slots=True)
class Convergence:
    """Judges whether a replay makes progress, or writers fill the log as fast as it is emptied.

    It counts the whole log once in ``seconds``, so a short replay never pays for it. The replay
    has failed when two spans in a row have left the log no shorter than they found it. Time alone
    says nothing: a log that took hours to fill may take long to replay. Nor does a single span: it
    may hold one mass statement.
    """

    table: str
    waiting: Callable[[], int]
    """Counts the keys that wait in the whole log."""
    seconds: float
    replayed: int = 0
    """Keys since the span began; the caller adds what it replays."""
    _since: float = field(default_factory=time.monotonic)
    _before: int | None = None
    _in_vain: int = 0

    def judge(self) -> None:
        """Look at the log if a span is over. Call it before each round.

        Raises ReplayOutpaced.
        """
        span = time.monotonic() - self._since
        if span < self.seconds:
            return
        left, before = self.waiting(), self._before
        self._in_vain = self._in_vain + 1 if before is not None and left >= before else 0
        if before is not None and self._in_vain == SPANS:
            came = left - before + self.replayed
            raise ReplayOutpaced(
                f"changes of {self.table} arrive faster than they can be replayed: in the last "
                f"{span:.0f} s {came / span:,.0f} keys a second came, {self.replayed / span:,.0f} "
                f"a second were replayed, and {left:,} wait.",
                hint="Reduce the writes for a while, mass changes above all (pg_stat_activity "
                "shows who writes). Then run the same command again; it continues from here.",
            )
        self._before, self.replayed, self._since = left, 0, time.monotonic()
