"""Verify: compare two sides range by range while writers run, in parallel and resumable."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from membership_refactor.errors import RefactorError, StepOutOfOrder
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.progress import Progress, Task
from membership_refactor.execution.sessions import Pg, Sessions, estimated_rows, run, value
from membership_refactor.execution.threads import in_threads
from membership_refactor.execution.throttle import Throttle
from membership_refactor.inspect.verify_ranges import (
    Range,
    forget_stale,
    of_job,
    open_ranges,
    say_resumed,
)
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.quoting import literal

SETTINGS = (
    # For a large parent table, looking rows up by uuid is cheaper than one hash for each range. At
    # the default page cost the planner keeps to the hash for too long.
    "SET random_page_cost = 1.1",
    # The user chooses the workers, and one range is too short to start parallel workers for.
    "SET max_parallel_workers_per_gather = 0",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One key on which the sides differ."""

    key: str
    difference: str
    """``missing``: only the authority has it. ``extra``: only the other side has it.
    ``different``: both have it, with other values. ``dangling``: its link leads to no row."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one comparison found."""

    comparison: Comparison
    findings: tuple[Finding, ...]
    ranges: int
    rows: int
    """Rows of the table that was cut into ranges, at the time of the cutting."""
    seconds: float


def require_no_open_step(pg: Pg, ledger: Ledger) -> None:
    """Raise StepOutOfOrder while a step is open, because the sides need not agree within one."""
    opened = ledger.open_step(pg) if ledger.exists(pg) else None
    if opened is not None:
        raise StepOutOfOrder(
            f"step {ledger.chain.revisions.label(opened.step)} is open {opened.direction}. The two "
            "sides need to agree only after it has ended.",
            hint=f"{ledger.ways_out(opened.step, opened.direction)}   Then run this again.",
        )


def _place(pg: Pg, ledger: Ledger) -> tuple[object, ...]:
    """The state of all steps, to see later whether one ran. Raises StepOutOfOrder while one is
    open."""
    require_no_open_step(pg, ledger)
    if not ledger.exists(pg):
        return ()
    steps = ledger.steps(pg)
    return tuple((name, s.direction, s.started_at) for name, s in sorted(steps.items()))


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
    """Compare every range. Changes nothing but its own progress in the ledger.

    An interrupted run is resumed where it stopped. A finished one starts again, and so does one
    that began more than a day ago.

    Raises StepOutOfOrder where a step ran meanwhile, RefactorError where another verify runs.
    """
    began = time.perf_counter()
    with sessions.open(purpose="verify") as pg, _alone(pg, ledger):
        before = _place(pg, ledger)
        at = ledger.stands_at(pg)
        purpose = f"verify {at.name if at else 'base'} {comparison.name}"
        # Another version of this tool may cut the ranges by another column.
        job = f"{purpose} by {comparison.route_key.said} {comparison.route_type}"
        forget_stale(pg, ledger, purpose, job)
        ranges = open_ranges(pg, ledger, comparison, job, range_rows or comparison.range_rows)
        say_resumed(pg, ledger, comparison, job, progress)
        work = _Work(sessions, ledger, comparison, job, throttle)
        try:
            with progress.task(f"comparing {comparison.name}", sum(r.rows for r in ranges)) as task:
                work.run(ranges, workers, task)
        except psycopg.Error as error:
            # The next range fails where a step dropped a column. A lost session cannot be asked.
            if pg.broken or not _moved(pg, ledger, before):
                raise
            raise _end_moved(pg, ledger, job) from error
        if _moved(pg, ledger, before):
            raise _end_moved(pg, ledger, job)
        findings, count, rows = _noted(pg, ledger, job)
        ledger.close_job(pg, job)
    return Verdict(
        comparison=comparison,
        findings=findings,
        ranges=count,
        rows=rows,
        seconds=time.perf_counter() - began,
    )


def _moved(pg: Pg, ledger: Ledger, before: tuple[object, ...]) -> bool:
    try:
        return _place(pg, ledger) != before
    except StepOutOfOrder:
        return True


def _end_moved(pg: Pg, ledger: Ledger, job: str) -> StepOutOfOrder:
    if ledger.exists(pg):
        ledger.close_job(pg, job)
    return StepOutOfOrder(
        "a step ran during the comparison, so its result is not valid.",
        hint="Run verify again when no step is running.",
    )


@contextmanager
def _alone(pg: Pg, ledger: Ledger) -> Iterator[None]:
    """Keep out a second verify. It would share the ranges, and each would miss some findings."""
    key = literal(f"membership_refactor verify {ledger.schema} {ledger.plan.name}")
    number = f"pg_catalog.hashtextextended({key}, 0)"
    if not value(pg, f"SELECT pg_catalog.pg_try_advisory_lock({number})"):
        raise RefactorError(
            "another verify of this schema is running.", hint="Wait until it has ended."
        )
    yield
    # Unlocked here, because the server ends a closed session only a moment later.
    run(pg, f"SELECT pg_catalog.pg_advisory_unlock({number})")


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

    def run(self, ranges: Sequence[Range], workers: int, task: Task) -> None:
        pending = iter(ranges)
        in_threads(workers, lambda _: self._compare(pending, task), self._stop)

    def _compare(self, pending: Iterator[Range], task: Task) -> None:
        with self.sessions.open(purpose="verify") as pg:
            for setting in (*SETTINGS, *self.comparison.settings(self._partner_rows(pg))):
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

    def _partner_rows(self, pg: Pg) -> int:
        """As PostgreSQL estimates it; 0 where it has not looked yet, or nothing is looked up."""
        table = self.comparison.looked_up
        return (estimated_rows(pg, table) if table else None) or 0

    def _note(self, pg: Pg, n: int, found: list[tuple[object, ...]]) -> None:
        noted = literal(json.dumps(found)) if found else "NULL"
        run(
            pg,
            f"UPDATE {self.ledger.table('batch')} SET done = true, worker = {noted},\n"
            "  done_at = pg_catalog.clock_timestamp() "
            f"WHERE {of_job(self.ledger, self.job)} AND n = {n}",
        )


def _noted(pg: Pg, ledger: Ledger, job: str) -> tuple[tuple[Finding, ...], int, int]:
    rows = run(
        pg,
        f"SELECT worker, rows FROM {ledger.table('batch')} WHERE {of_job(ledger, job)} ORDER BY n",
    ).fetchall()
    # A row whose route changed meanwhile may have been seen in two ranges.
    findings = dict.fromkeys(
        Finding(key, difference, tuple(columns))
        for text, _ in rows
        if text is not None
        for key, difference, columns in json.loads(text)
    )
    return tuple(findings), len(rows), sum(int(count) for _, count in rows)
