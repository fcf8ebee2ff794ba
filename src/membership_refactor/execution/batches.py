"""Batches: the ranges of a long job, shared by workers, each with its checkpoint in one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import psycopg
import tenacity

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.progress import Progress, Task
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.pacing.pace import (
    FIRST,
    LARGEST,
    LOCKING_FIRST,
    LOCKING_SMALLEST,
    LOCKING_TARGET_SECONDS,
    SMALLEST,
    TARGET_SECONDS,
)
from membership_refactor.sql.quoting import ident, literal

P = ParamSpec("P")
T = TypeVar("T")

RETRIED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeJob:
    """A function called range by range along a column of a table."""

    job: str
    title: str
    table: str
    """Quoted and qualified."""
    route: str
    route_type: str
    call: str
    """SELECT of a bigint, with ``{first}`` and ``{last}`` for the range's literals."""
    call_null: str | None = None
    """The same for the rows whose route is NULL."""
    expected: int | None = None
    locking: bool = True
    """Whether a batch locks or changes rows that others write; a private table's are nobody's."""


class Batches:
    """Runs one job to its end. The ledger has a row for the job and one for each range, so a
    later run does what is left: ranges that were claimed and not finished first."""

    def __init__(
        self,
        sessions: Sessions,
        ledger: Ledger,
        throttle: Throttle,
        progress: Progress,
        *,
        workers: int,
        rows: int | None,
    ) -> None:
        self.sessions, self.ledger = sessions, ledger
        self.throttle, self.progress = throttle, progress
        self.workers, self.fixed = workers, rows
        self._size = float(rows or FIRST)
        self._target, self._smallest = TARGET_SECONDS, SMALLEST
        self._size_lock = threading.Lock()
        self._active: set[int] = set()
        self._claiming = threading.Lock()
        self._stop = threading.Event()

    def run(self, job: RangeJob) -> int:
        """Every range done; the number of rows written since the job began."""
        if job.locking:
            self._target, self._smallest = LOCKING_TARGET_SECONDS, LOCKING_SMALLEST
            self._size = float(self.fixed or LOCKING_FIRST)
        with self.sessions.open(purpose=job.job) as pg:
            self._prepare(pg, job)
            before = self._rows(pg, job)
        with self.progress.task(job.title, job.expected) as task:
            task.advance(before)
            if self.workers == 1:
                self._work(job, "1", task)
            else:
                self._share(job, task)
        with self.sessions.open(purpose=job.job) as pg:
            return self._rows(pg, job)

    def _share(self, job: RangeJob, task: Task) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            done = [pool.submit(self._work, job, str(n + 1), task) for n in range(self.workers)]
            try:
                for future in done:
                    future.result()
            except BaseException:
                self._stop.set()
                raise

    def _prepare(self, pg: Pg, job: RangeJob) -> None:
        """The job's row. The bound is read in a transaction of its own, after capture is
        committed: whatever commits later is in the log."""
        name = literal(job.job)
        plan = literal(self.ledger.plan.name)
        jobs = self.ledger.table("job")
        run(pg, f"INSERT INTO {jobs} (plan, job) VALUES ({plan}, {name}) ON CONFLICT DO NOTHING")
        route = ident(job.route)
        run(
            pg,
            f"UPDATE {jobs} AS j SET bound = (SELECT t.{route}::text FROM {job.table} AS t\n"
            f"  WHERE t.{route} IS NOT NULL ORDER BY t.{route} DESC LIMIT 1),\n"
            # A job taken up again may have done them: a route that is NULL everywhere has no bound.
            f"  nulls_done = j.nulls_done OR {job.call_null is None}\n"
            f"WHERE j.plan = {plan} AND j.job = {name} AND j.bound IS NULL AND NOT j.exhausted",
        )

    def _rows(self, pg: Pg, job: RangeJob) -> int:
        return int(
            value(
                pg,
                f"SELECT coalesce(pg_catalog.sum(rows), 0) FROM {self.ledger.table('batch')} "
                f"WHERE {self._mine(job)} AND done",
            )
        )

    def _mine(self, job: RangeJob) -> str:
        return f"plan = {literal(self.ledger.plan.name)} AND job = {literal(job.job)}"

    def _work(self, job: RangeJob, worker: str, task: Task) -> None:
        with self.sessions.open(purpose=f"{job.job} {worker}") as pg:
            # Half of deadlock_timeout at most: in a deadlock the tool is the victim, and retries.
            run(
                pg,
                "SELECT pg_catalog.set_config('lock_timeout', least(2000, s.setting::int / 2)"
                "::text, false) FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout'",
            )
            run(pg, "SET synchronous_commit = off")
            while not self._stop.is_set():
                note = self.throttle.wait(pg, stop=self._stop)
                with self._claiming:
                    claimed = self._patiently(self._claim, pg, job, worker)
                    if claimed is None:
                        return
                    n, first, last = claimed
                    self._active.add(n)
                began = time.perf_counter()
                rows = self._do(pg, job, n, first, last)
                self._adapt(time.perf_counter() - began)
                task.advance(rows, note)

    def _claim(
        self, pg: Pg, job: RangeJob, worker: str
    ) -> tuple[int, str | None, str | None] | None:
        """A range for this worker: one left behind, else the next one."""
        batches, jobs, mine = self.ledger.table("batch"), self.ledger.table("job"), self._mine(job)
        with pg.transaction():
            row = run(
                pg,
                f"SELECT claimed, bound, nulls_done, exhausted FROM {jobs} WHERE {mine} FOR UPDATE",
            ).fetchone()
            if row is None:
                raise _finished_elsewhere(job)
            claimed, bound, nulls_done, exhausted = row
            # Of an earlier run that was killed: only one run can be at work (advisory lock).
            mine_now = ", ".join(str(n) for n in sorted(self._active)) or "0"
            left = run(
                pg,
                f"SELECT n, first, last FROM {batches} WHERE {mine} AND NOT done\n"
                f"AND n NOT IN ({mine_now}) ORDER BY n LIMIT 1",
            ).fetchone()
            if left is not None:
                return left[0], left[1], left[2]
            if not nulls_done:
                run(pg, f"UPDATE {jobs} SET nulls_done = true WHERE {mine}")
                return self._insert(pg, job, None, None, worker)
            if exhausted or bound is None:
                return None
            found = self._next(pg, job, claimed, bound)
            if found is None:
                run(pg, f"UPDATE {jobs} SET exhausted = true WHERE {mine}")
                return None
            run(pg, f"UPDATE {jobs} SET claimed = {literal(found[1])} WHERE {mine}")
            return self._insert(pg, job, *found, worker)

    def _next(
        self, pg: Pg, job: RangeJob, claimed: str | None, bound: str
    ) -> tuple[str, str] | None:
        route, kind = f"t.{ident(job.route)}", job.route_type
        after = f"AND {route} > {literal(claimed)}::{kind}" if claimed is not None else ""
        within = f"{route} <= {literal(bound)}::{kind} {after}"
        size = max(int(self.throttle.batch_rows or self._size), 1)
        row = run(
            pg,
            f"SELECT (SELECT {route}::text FROM {job.table} AS t WHERE {within}\n"
            f"    ORDER BY {route} LIMIT 1),\n"
            f"  coalesce((SELECT {route}::text FROM {job.table} AS t WHERE {within}\n"
            f"    ORDER BY {route} OFFSET {size - 1} LIMIT 1), {literal(bound)})",
        ).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    def _insert(
        self, pg: Pg, job: RangeJob, first: str | None, last: str | None, worker: str
    ) -> tuple[int, str | None, str | None]:
        batches, mine = self.ledger.table("batch"), self._mine(job)
        plan, name, lo, hi, by = (
            literal(self.ledger.plan.name),
            literal(job.job),
            "NULL" if first is None else literal(first),
            "NULL" if last is None else literal(last),
            literal(worker),
        )
        n = value(
            pg,
            f"INSERT INTO {batches} (plan, job, n, first, last, worker)\n"
            f"SELECT {plan}, {name}, coalesce(pg_catalog.max(b.n), 0) + 1, {lo}, {hi}, {by}\n"
            f"FROM {batches} AS b WHERE {mine} RETURNING n",
        )
        return int(n), first, last

    def _do(self, pg: Pg, job: RangeJob, n: int, first: str | None, last: str | None) -> int:
        """The range and its checkpoint in one transaction, at most once, whoever comes first."""
        if first is None or last is None:
            assert job.call_null is not None
            call = job.call_null
        else:
            kind = job.route_type
            call = job.call.replace("{first}", f"{literal(first)}::{kind}")
            call = call.replace("{last}", f"{literal(last)}::{kind}")
        batches, mine = self.ledger.table("batch"), self._mine(job)

        def once() -> int:
            with pg.transaction():
                # The row lock lets a killed client's backend, still at this range, finish first.
                done = value(pg, f"SELECT done FROM {batches} WHERE {mine} AND n = {n} FOR UPDATE")
                if done is None:
                    raise _finished_elsewhere(job)
                if done:
                    return 0
                rows = int(value(pg, call) or 0)
                run(
                    pg,
                    f"UPDATE {batches} SET done = true, rows = {rows}, "
                    f"done_at = pg_catalog.clock_timestamp() WHERE {mine} AND n = {n}",
                )
                return rows

        return self._patiently(once)

    def _patiently(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``work`` again after a lock that was not given in time, as behind a writer's TRUNCATE."""
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RETRIED),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            stop=tenacity.stop_after_delay(300),
            reraise=True,
        ):
            with attempt:
                return work(*args, **kwargs)
        raise AssertionError("unreachable: Retrying either returns or raises")

    def _adapt(self, seconds: float) -> None:
        """Moves the size towards one that takes the target; by a fifth up, by half down."""
        if self.fixed is not None:
            return
        with self._size_lock:
            factor = min(max(self._target / max(seconds, 1e-4), 0.5), 1.5)
            self._size = min(max(self._size * factor, self._smallest), LARGEST)


def _finished_elsewhere(job: RangeJob) -> StepOutOfOrder:
    """This process was away (asleep, or cut off from the session that holds the lock of the run)
    while another one took the step up again and finished it."""
    return StepOutOfOrder(
        f'"{job.job}" has been finished by another run meanwhile; nothing more was done here.',
        hint="membership-refactor status shows where the chain stands.",
    )
