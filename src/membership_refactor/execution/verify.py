"""Verify: two sides compared range by range while writers run, parallel and resumable."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from membership_refactor.errors import RefactorError, StepOutOfOrder
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.progress import Progress, Task
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.comparison import Comparison
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.steps.step import Direction

SETTINGS = (
    # Where a parent table is so large that looking rows up by uuid is cheaper than a hash for each
    # range, the planner sees it in time: at the default price of a page it hashes too long.
    "SET random_page_cost = 1.1",
    # The workers are those that were asked for, and no range is worth the start of a process.
    "SET max_parallel_workers_per_gather = 0",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One key on which the sides differ."""

    key: str
    difference: str
    """``missing``: the authority has it, the other side not; ``extra``: the reverse;
    ``different``: both have it; ``dangling``: its link leads nowhere."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one comparison found."""

    comparison: Comparison
    findings: tuple[Finding, ...]
    ranges: int
    rows: int
    """Rows of the table along which the ranges were cut, when they were."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the chain stands, as far as the ledger knows; equal while nothing moves it."""

    revision: str
    """``0000`` before the first step."""
    marks: tuple[object, ...]


def standing(pg: Pg, ledger: Ledger) -> Standing:
    """StepOutOfOrder while a step is under way: half a step has no two sides to agree."""
    if not ledger.exists(pg):
        return Standing("0000", ())
    steps = ledger.steps(pg)
    opened = next((s for s in steps.values() if s.open), None)
    if opened is not None:
        raise StepOutOfOrder(
            f"step {opened.revision} {opened.direction} is under way or was left half-way; what it "
            "has to keep is checked when it ends.",
            hint="Finish it or take it back (membership-refactor abandon), then run this again.",
        )
    up = [r for r, s in steps.items() if s.direction is Direction.UP]
    marks = tuple((r, s.direction, s.started_at) for r, s in sorted(steps.items()))
    return Standing(max(up, default="0000"), marks)


def verify(
    sessions: Sessions,
    ledger: Ledger,
    comparison: Comparison,
    *,
    workers: int,
    progress: Progress,
    throttle: Throttle | None = None,
    range_rows: int | None = None,
) -> Verdict:
    """Compares every range. An interrupted run is taken up where it stopped; a finished one
    begins anew. Reads only, apart from its own place in the ledger.

    StepOutOfOrder where the chain moved meanwhile; RefactorError where another verify runs.
    """
    began = time.perf_counter()
    with sessions.open(purpose="verify") as pg, _alone(pg, ledger):
        before = standing(pg, ledger)
        job = f"verify {before.revision} {comparison.name}"
        ranges = _ranges(pg, ledger, comparison, job, range_rows or comparison.range_rows)
        work = _Work(sessions, ledger, comparison, job, throttle)
        with progress.task(f"comparing {comparison.name}", sum(r.rows for r in ranges)) as task:
            work.run(ranges, workers, task)
        if standing(pg, ledger) != before:
            ledger.close_job(pg, job)
            raise StepOutOfOrder(
                "the chain was moved while verify ran; what it found means nothing.",
                hint="Run it again when the chain stands still.",
            )
        findings, count, rows = _noted(pg, ledger, job)
        ledger.close_job(pg, job)
    return Verdict(
        comparison=comparison,
        findings=findings,
        ranges=count,
        rows=rows,
        seconds=time.perf_counter() - began,
    )


@contextmanager
def _alone(pg: Pg, ledger: Ledger) -> Iterator[None]:
    """Two at once would share the ranges, and one of them would miss what the other found."""
    key = literal(f"membership_refactor verify {ledger.schema} {ledger.plan.name}")
    number = f"pg_catalog.hashtextextended({key}, 0)"
    if not value(pg, f"SELECT pg_catalog.pg_try_advisory_lock({number})"):
        raise RefactorError("another verify of this schema is running.", hint="Wait for it.")
    yield
    # A closed session goes a moment later, and the next comparison may be faster than that.
    run(pg, f"SELECT pg_catalog.pg_advisory_unlock({number})")


@dataclass(frozen=True, slots=True)
class _Range:
    n: int
    first: str | None
    last: str | None
    rows: int


class _Work:
    """The ranges of one comparison, shared by workers."""

    def __init__(
        self,
        sessions: Sessions,
        ledger: Ledger,
        comparison: Comparison,
        job: str,
        throttle: Throttle | None,
    ) -> None:
        self.sessions, self.ledger, self.comparison = sessions, ledger, comparison
        self.job, self.throttle = job, throttle
        self._stop, self._lock = threading.Event(), threading.Lock()

    def run(self, ranges: Sequence[_Range], workers: int, task: Task) -> None:
        pending = iter(ranges)
        with ThreadPoolExecutor(workers) as pool:
            done = [pool.submit(self._compare, pending, task) for _ in range(workers)]
            try:
                for future in done:
                    future.result()
            except BaseException:
                self._stop.set()
                raise

    def _compare(self, pending: Iterator[_Range], task: Task) -> None:
        with self.sessions.open(purpose="verify") as pg:
            for setting in SETTINGS:
                run(pg, setting)
            try:
                while not self._stop.is_set():
                    note = self.throttle.wait(pg, stop=self._stop) if self.throttle else ""
                    with self._lock:
                        span = next(pending, None)
                    if span is None:
                        return
                    text = self.comparison.in_range(span.first, span.last)
                    self._note(pg, span.n, run(pg, text).fetchall())
                    task.advance(span.rows, note)
            except BaseException:
                self._stop.set()
                raise

    def _note(self, pg: Pg, n: int, found: list[tuple[object, ...]]) -> None:
        noted = literal(json.dumps(found)) if found else "NULL"
        run(
            pg,
            f"UPDATE {self.ledger.table('batch')} SET done = true, worker = {noted},\n"
            "  done_at = pg_catalog.clock_timestamp() "
            f"WHERE {_mine(self.ledger, self.job)} AND n = {n}",
        )


def _ranges(pg: Pg, ledger: Ledger, comparison: Comparison, job: str, size: int) -> list[_Range]:
    """The ranges still to be compared, end to end; cut anew when none is left from before, or
    when the chain has moved since they were cut."""
    batches, mine, steps = ledger.table("batch"), _mine(ledger, job), ledger.table("step")
    plan = literal(ledger.plan.name)
    with pg.transaction():
        run(
            pg,
            f"DELETE FROM {batches} WHERE {mine} AND EXISTS (SELECT FROM {batches} AS b\n"
            f"  WHERE b.plan = {plan} AND b.job = {literal(job)} AND b.claimed_at < (\n"
            f"    SELECT pg_catalog.max(s.ended_at) FROM {steps} AS s WHERE s.plan = {plan}))",
        )
        if not value(pg, f"SELECT pg_catalog.count(*) FROM {batches} WHERE {mine}"):
            key, route = ident(comparison.route_key), comparison.route
            # The last range is open at its end, and so is the first at its beginning.
            run(
                pg,
                f"INSERT INTO {batches} (plan, job, n, first, last, rows)\n"
                f"WITH RECURSIVE cut (n, key) AS (\n"
                f"  SELECT 1, ({_nth(comparison, size, 'true')})\n"
                f"  UNION ALL SELECT c.n + 1, ({_nth(comparison, size, f'r.{key} > c.key')})\n"
                "  FROM cut AS c WHERE c.key IS NOT NULL)\n"
                f"SELECT {plan}, {literal(job)}, c.n, c.before::text, c.key::text,\n"
                f"  CASE WHEN c.key IS NOT NULL THEN {size}\n"
                f"    WHEN c.before IS NULL THEN (SELECT pg_catalog.count(*) FROM {route})\n"
                f"    ELSE (SELECT pg_catalog.count(*) FROM {route} AS r WHERE r.{key} > c.before)"
                " END\n"
                "FROM (SELECT n, key, pg_catalog.lag(key) OVER (ORDER BY n) AS before\n"
                "  FROM cut) AS c",
            )
    rows = run(
        pg, f"SELECT n, first, last, rows FROM {batches} WHERE {mine} AND NOT done ORDER BY n"
    ).fetchall()
    return [_Range(int(n), first, last, int(count)) for n, first, last, count in rows]


def _nth(comparison: Comparison, n: int, condition: str) -> str:
    """The route of the ``n``-th of the rows for which the condition holds. Walking the index from
    cut to cut takes a third of the time that numbering all its rows would."""
    key = f"r.{ident(comparison.route_key)}"
    return (
        f"SELECT {key} FROM {comparison.route} AS r WHERE {key} IS NOT NULL AND {condition}\n"
        f"    ORDER BY {key} OFFSET {n - 1} LIMIT 1"
    )


def _mine(ledger: Ledger, job: str) -> str:
    return f"plan = {literal(ledger.plan.name)} AND job = {literal(job)}"


def _noted(pg: Pg, ledger: Ledger, job: str) -> tuple[tuple[Finding, ...], int, int]:
    rows = run(
        pg,
        f"SELECT worker, rows FROM {ledger.table('batch')} WHERE {_mine(ledger, job)} ORDER BY n",
    ).fetchall()
    # A row whose route changed meanwhile may have been seen in two ranges.
    findings = dict.fromkeys(
        Finding(key, difference, tuple(columns))
        for text, _ in rows
        if text is not None
        for key, difference, columns in json.loads(text)
    )
    return tuple(findings), len(rows), sum(int(count) for _, count in rows)
