"""Batches: the ranges of a long job, shared by workers; each is done and recorded in one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, ParamSpec, TypeVar

import psycopg
import tenacity

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.progress import Progress, Task
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.build.ranges import WAIT, RangeJob
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
    """Runs one job to its end. Ranges that an earlier run claimed and did not finish go first."""

    def __init__(
        self,
        sessions: Sessions,
        throttle: Throttle,
        progress: Progress,
        job: RangeJob,
        *,
        workers: int,
        rows: int | None,
    ) -> None:
        self.sessions, self.throttle, self.progress, self.job = sessions, throttle, progress, job
        self.workers, self.fixed = workers, rows
        self._size = float(rows or job.sizes.first)
        self._size_lock = threading.Lock()
        self._active: set[int] = set()
        self._claiming = threading.Lock()
        self._stop = threading.Event()
        self._since_vacuum, self._vacuum_after = 0, 0

    def run(self, title: str, expected: int | None) -> int:
        """Do every range. Return the number of rows written since the job began."""
        job = self.job
        with self.sessions.open(purpose=job.job) as pg:
            run(pg, job.begin())
            run(pg, job.read_bound())
            before = int(value(pg, job.rows()))
            if job.vacuum:
                self._vacuum_after = int(value(pg, job.rows_to_vacuum()))
        with self.progress.task(title, expected) as task:
            task.advance(before)
            if self.workers == 1:
                self._work("1", task)
            else:
                self._share(task)
        with self.sessions.open(purpose=job.job) as pg:
            return int(value(pg, job.rows()))

    def _share(self, task: Task) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            done = [pool.submit(self._work, str(n + 1), task) for n in range(self.workers)]
            try:
                for future in done:
                    future.result()
            except BaseException:
                self._stop.set()
                raise

    def _work(self, worker: str, task: Task) -> None:
        with self.sessions.open(purpose=f"{self.job.job} {worker}") as pg:
            run(pg, f"SELECT {WAIT}")
            run(pg, "SET synchronous_commit = off")
            while not self._stop.is_set():
                note = self.throttle.wait(pg, stop=self._stop)
                share = self._share_of_size()
                with self._claiming:
                    claimed = self._patiently(self._claim, pg, worker, share)
                    if claimed is None:
                        return
                    if claimed is LISTED:
                        continue
                    self._active.add(claimed.n)
                began = time.perf_counter()
                rows = self._patiently(self._do, pg, claimed)
                seconds = time.perf_counter() - began
                self._adapt(seconds / share)
                task.advance(rows, note)
                self._vacuum(pg, rows)
                self.throttle.worked(rows)
                self.throttle.rest(seconds, stop=self._stop)

    def _share_of_size(self) -> float:
        """The part of the usual size that the next batch has, so that it is no smaller than the
        smallest one."""
        return max(self.throttle.share, min(self.job.sizes.smallest / self._size, 1.0))

    def _claim(self, pg: Pg, worker: str, share: float) -> _Range | None:
        """A range for this worker: one left behind, else the next one, which has ``share`` of the
        usual size; LISTED if a popular value was listed instead, None if nothing is left."""
        job = self.job
        with pg.transaction():
            row = run(pg, job.state()).fetchone()
            if row is None:
                raise self._finished_elsewhere()
            claimed, bound, nulls_done, exhausted = row
            # Only one run can be at work (advisory lock), so any other range that is not done was
            # left by a run that was killed.
            active = ", ".join(str(n) for n in sorted(self._active)) or "0"
            left = run(pg, job.left_behind(active)).fetchone()
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
                return None
            following = job.following(
                claimed=_text(claimed), bound=_text(bound), size=str(size), most=most
            )
            found = run(pg, following).fetchone()
            if found is None or found[0] is None:
                run(pg, job.exhaust())
                return None
            first, last, popular = found
            run(pg, job.claim(_text(last)))
            if popular:
                run(pg, job.list_popular(_text(first)))
                return LISTED
            return self._insert(pg, first, last, worker)

    def _insert(self, pg: Pg, first: str | None, last: str | None, worker: str) -> _Range:
        n = value(pg, self.job.insert(first=_text(first), last=_text(last), worker=worker))
        return _Range(int(n), first, last)

    def _do(self, pg: Pg, claimed: _Range) -> int:
        """Do the range and record it in one transaction, at most once among all workers."""
        job, n = self.job, str(claimed.n)
        with pg.transaction():
            done = value(pg, job.is_done(n))
            if done is None:
                raise self._finished_elsewhere()
            if done:
                return 0
            first, last = _text(claimed.first), _text(claimed.last)
            call = job.call_null() if claimed.first is None else job.call(first, last)
            rows = int(value(pg, f"SELECT {call}") or 0)
            run(pg, job.finish(n, str(rows)))
            return rows

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


def _text(given: str | None) -> str:
    return "NULL" if given is None else literal(given)
