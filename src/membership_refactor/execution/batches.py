"""Batches: the ranges of a long job, shared by workers; each is done and recorded in one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, ParamSpec, TypeVar

import psycopg
import tenacity

from membership_refactor.errors import LockNotObtained, StepOutOfOrder
from membership_refactor.execution.progress import LINE_SECONDS, Progress, Task
from membership_refactor.execution.sessions import Pg, Sessions, run, together, value
from membership_refactor.execution.shared_job import SharedJob
from membership_refactor.execution.threads import in_threads
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.build.ranges import WAIT, RangeJob
from membership_refactor.sql.build.shared_job import RELEASE_SOON
from membership_refactor.sql.pacing.pace import BATCH_SECONDS, LARGEST
from membership_refactor.sql.quoting import literal

P = ParamSpec("P")
T = TypeVar("T")

RETRIED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


class Batches:
    """Runs one job to its end. Ranges that somebody claimed and did not finish go first.

    Any number of processes may do so at a time. Whoever does a range holds the lock of its row, so
    the range of a process that was killed is free again by itself.
    """

    def __init__(
        self,
        sessions: Sessions,
        throttle: Throttle,
        progress: Progress,
        job: RangeJob,
        *,
        workers: int,
        rows: int | None,
        joined: SharedJob | None = None,
    ) -> None:
        self.sessions, self.throttle, self.progress, self.job = sessions, throttle, progress, job
        self.workers, self.fixed = workers, rows
        self.joined = joined
        self._only_while = joined.stands if joined is not None else ""
        self._size = float(rows or job.sizes.first)
        self._size_lock = threading.Lock()
        self._active: set[int] = set()
        self._claiming = threading.Lock()
        self._stop = threading.Event()
        self._since_vacuum, self._vacuum_after = 0, 0
        self._awaited = (0, 0.0)
        self._known, self._own, self._counted = 0, 0, time.monotonic()

    def run(self, title: str, expected: int | None, *, offer: str) -> int:
        """Do every range. Return the number of rows written since the job began.

        ``offer`` is the statement with which other processes are told that they may help.
        """
        job = self.job
        with self.sessions.open(purpose=job.job) as pg:
            # Together, so that nobody helps before the bound is known.
            together(pg, (job.begin(), job.read_bound(), offer))
            self._known = int(value(pg, job.rows()))
            if job.vacuum:
                self._vacuum_after = int(value(pg, job.rows_to_vacuum()))
        self._do_all(title, expected)
        with self.sessions.open(purpose=job.job) as pg:
            return int(value(pg, job.rows()))

    def join(self, title: str, expected: int | None) -> int:
        """Do ranges of a job that another process has begun, until none is left or the offer is
        withdrawn. Return the number of rows that were written here."""
        with self.sessions.open(purpose=self.job.job) as pg:
            self._known = int(value(pg, self.job.rows()))
        self._do_all(title, expected)
        return self._own

    def _do_all(self, title: str, expected: int | None) -> None:
        with self.progress.task(title, expected) as task:
            task.advance(self._known)
            in_threads(self.workers, lambda n: self._work(str(n), task), self._stop)

    def _work(self, worker: str, task: Task) -> None:
        with self.sessions.open(purpose=f"{self.job.job} {worker}") as pg:
            run(pg, f"SELECT {WAIT}")
            run(pg, "SET synchronous_commit = off")
            if self.joined is not None:
                run(pg, RELEASE_SOON)
            while not self._stop.is_set():
                note = self.throttle.wait(pg, stop=self._stop)
                if self.joined is not None and not self.joined.is_offered(pg):
                    return
                share = self._share_of_size()
                with self._claiming:
                    claimed = self._patiently(self._claim, pg, worker, share)
                    if claimed is None:
                        return
                    if claimed.n > 0:
                        self._active.add(claimed.n)
                if claimed is ELSEWHERE:
                    self._wait_for_others(pg)
                if claimed.n <= 0:
                    continue
                began = time.perf_counter()
                rows = self._patiently(self._do, pg, claimed)
                seconds = time.perf_counter() - began
                with self._claiming:
                    self._active.discard(claimed.n)
                if rows is None:
                    continue
                self._adapt(seconds / share)
                task.advance(rows, note)
                self._vacuum(pg, rows + self._done_by_others(pg, rows, task))
                self.throttle.worked(rows)
                self.throttle.rest(seconds, stop=self._stop)

    def _share_of_size(self) -> float:
        """The part of the usual size that the next batch has, so that it is no smaller than the
        smallest one."""
        return max(self.throttle.share, min(self.job.sizes.smallest / self._size, 1.0))

    def _claim(self, pg: Pg, worker: str, share: float) -> _Range | None:
        """A range for this worker: one left behind, else the next one, which has ``share`` of the
        usual size; None if nothing is left.

        LISTED if a popular value was listed instead, ELSEWHERE if only ranges are left that other
        processes are at.
        """
        job = self.job
        with pg.transaction():
            row = run(pg, job.state(self._only_while)).fetchone()
            if row is None:
                if self.joined is not None:
                    return None
                raise self._finished_elsewhere()
            claimed, bound, nulls_done, exhausted = row
            active = ", ".join(str(n) for n in sorted(self._active)) or "0"
            left = run(pg, job.free(active)).fetchone()
            if left is not None:
                return _Range(*left)
            fixed = self.throttle.batch_rows
            size = max(int(fixed or self._size * share), 1)
            most = str(fixed or LARGEST)
            if not nulls_done:
                run(pg, job.claim_nulls())
                if job.popular and run(pg, job.list_nulls(most)).rowcount:
                    return LISTED
                return self._insert(pg, None, None, worker)
            if exhausted or bound is None:
                return self._end(pg, active)
            following = job.following(
                claimed=_text(claimed), bound=_text(bound), size=str(size), most=most
            )
            found = run(pg, following).fetchone()
            if found is None or found[0] is None:
                run(pg, job.exhaust())
                return self._end(pg, active)
            first, last, popular = found
            run(pg, job.claim(_text(last)))
            if popular:
                run(pg, job.list_popular(_text(first)))
                return LISTED
            return self._insert(pg, first, last, worker)

    def _end(self, pg: Pg, active: str) -> _Range | None:
        return None if value(pg, self.job.elsewhere(active)) is None else ELSEWHERE

    def _insert(self, pg: Pg, first: str | None, last: str | None, worker: str) -> _Range:
        n = value(pg, self.job.insert(first=_text(first), last=_text(last), worker=worker))
        return _Range(int(n), first, last)

    def _do(self, pg: Pg, claimed: _Range) -> int | None:
        """Do the range and record it in one transaction, at most once among all workers. Return
        its rows; None where it is done, or another worker is at it."""
        job, n = self.job, str(claimed.n)
        with pg.transaction():
            # As the ledger has it now: the job may have been begun anew meanwhile.
            found = run(pg, job.take(n, self._only_while)).fetchone()
            if found is None:
                return None
            first, last = map(_text, found)
            call = job.call_null() if found[0] is None else job.call(first, last)
            rows = int(value(pg, f"SELECT {call}") or 0)
            run(pg, job.finish(n, str(rows)))
            return rows

    def _wait_for_others(self, pg: Pg) -> None:
        """Return when another process has done a range that it is at, or has gone, or soon.

        Raises LockNotObtained where the same range takes minutes.
        """
        with self._claiming:
            active = ", ".join(str(n) for n in sorted(self._active)) or "0"
        n = value(pg, self.job.elsewhere(active))
        if n is None:
            return
        now = time.monotonic()
        awaited, since = self._awaited if self._awaited[0] == n else (n, now)
        self._awaited = (awaited, since)
        if now - since > BATCH_SECONDS:
            raise LockNotObtained(
                f'range {n} of "{self.job.job}" has been held by another worker for '
                f"{now - since:.0f} s.",
                hint="`membership-refactor status` shows the sessions of workers. End that one "
                "with SELECT pg_terminate_backend(PID); and run the same command again.",
            )
        with suppress(*RETRIED):
            run(pg, f"{self.job.elsewhere(active)} FOR UPDATE")

    def _done_by_others(self, pg: Pg, rows: int, task: Task) -> int:
        """Note the rows of a range of this process. Now and then, count and return those that
        other processes have written since the last time."""
        with self._size_lock:
            self._own += rows
            if time.monotonic() - self._counted < LINE_SECONDS:
                return 0
            self._counted = time.monotonic()
            more = int(value(pg, self.job.rows())) - self._known - self._own
            self._known += more
        task.advance(more)
        return more

    def _patiently(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do ``work``, and try again if a lock could not be had in time, for example during a
        TRUNCATE."""
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RETRIED),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            stop=tenacity.stop_after_delay(BATCH_SECONDS),
            reraise=True,
        ):
            with attempt:
                return work(*args, **kwargs)
        raise AssertionError("unreachable: Retrying either returns or raises")

    def _vacuum(self, pg: Pg, rows: int) -> None:
        """Vacuum the table where enough rows have been written since the last time."""
        with self._size_lock:
            self._since_vacuum += rows
            if not self._vacuum_after or self._since_vacuum < self._vacuum_after:
                return
            self._since_vacuum = 0
        run(pg, self.job.vacuum_statement())

    def _adapt(self, seconds: float) -> None:
        if self.fixed is None:
            with self._size_lock:
                self._size = self.job.sizes.next(self._size, seconds)

    def _finished_elsewhere(self) -> StepOutOfOrder:
        """The error when another run has resumed the step and finished it.

        This process was away meanwhile: asleep, or cut off from the session that holds the lock.
        """
        return StepOutOfOrder(
            f'"{self.job.job}" has been finished by another run meanwhile; nothing more was done '
            "here.",
            hint="To see where the chain stands: membership-refactor status",
        )


class _Range(NamedTuple):
    """A claimed range. Without values it is the rows whose route is NULL."""

    n: int
    first: str | None
    last: str | None


LISTED = _Range(0, None, None)
"""No range: a popular value was listed."""
ELSEWHERE = _Range(-1, None, None)
"""No range: the last ones are being done by other processes."""


def _text(given: str | None) -> str:
    return "NULL" if given is None else literal(given)
