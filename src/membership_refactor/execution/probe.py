"""The probe: a session that makes a small write four times a second while a step runs, to feel what
the application's writers feel, whatever the reason is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from statistics import median

import psycopg

from membership_refactor.errors import RefactorError
from membership_refactor.execution.felt_records import FeltAction, FeltRecords
from membership_refactor.execution.server_errors import in_one_line
from membership_refactor.execution.sessions import Pg, Sessions, as_oneself, run
from membership_refactor.sql.pacing.felt import Series, Span
from membership_refactor.sql.pacing.latency import (
    IDLE_WRITES,
    JUDGED,
    PROBE_SECONDS,
    WAITING_SECONDS,
    Judge,
    MaxLatency,
)
from membership_refactor.sql.pacing.pressure import REPLICAS
from membership_refactor.steps.step import Direction

LAG_SECONDS = 2.0
"""How often it is read how far replicas are behind."""
READY_SECONDS = 10.0
"""How long a step waits for the idle time, as where a pooler has no session left."""
AGAIN_SECONDS = 5.0
"""After how long a lost session is opened again."""


class Probe:
    """Measures from ``begin`` to ``end``, in a thread and a session of its own.

    Its write is the record of what it has measured, in the ledger's table ``felt``; it leaves
    nothing else. While its session is lost nothing waits for it, and it is opened again.
    """

    def __init__(
        self,
        sessions: Sessions,
        records: FeltRecords,
        most: MaxLatency,
        say: Callable[[str], None],
    ) -> None:
        self.sessions, self.records, self.say = sessions, records, say
        self.idle = False
        """Whether nothing of this run works now, so that what is measured is the idle time."""
        self._judge = Judge(most)
        self._action = FeltAction("", Direction.UP, "", "")
        self._action_at = 0.0
        self._since: float | None = None
        """When the write began that is not done yet."""
        self._rows, self._waited = 0, 0.0
        self._lock = threading.Lock()
        self._ready, self._stop = threading.Event(), threading.Event()
        self._pg: Pg | None = None
        self._thread: threading.Thread | None = None

    # --- for the step -------------------------------------------------------------------

    def begin(self, action: FeltAction) -> None:
        """Measure for this action from now on. The first time, return when it is known what a
        small write takes while nothing of ours runs."""
        with self._lock:
            self._action, self._action_at = action, time.perf_counter()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
            self._thread.start()
            if not self._ready.wait(READY_SECONDS):
                self.say("  the latency of small writes is not known yet; batches begin without it")

    def end(self) -> None:
        """Stop, and store what is not stored yet."""
        self._stop.set()
        if self._thread is None:
            return
        self._thread.join(1)
        pg = self._pg
        if self._thread.is_alive() and pg is not None:
            # A commit may wait for a synchronous replica for ever.
            with suppress(psycopg.Error):
                pg.cancel()
            self._thread.join(5)

    @property
    def running(self) -> bool:
        return self._thread is not None

    # --- for batches --------------------------------------------------------------------

    @property
    def share(self) -> float:
        """The part of their usual size and time that batches may take now."""
        with self._lock:
            return self._judge.share

    def reason(self) -> str | None:
        """Why batches have to wait because of what was measured, or None."""
        with self._lock:
            since = self._since
            pending = 0.0 if since is None else (time.perf_counter() - since) * 1000
            return self._judge.reason(pending)

    def worked(self, rows: int, *, waited_seconds: float = 0.0) -> None:
        """Count rows that a batch has written, and the time for which it left the server to
        others."""
        with self._lock:
            self._rows += rows
            self._waited += waited_seconds

    # --- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        lost = False
        while not self._stop.is_set():
            try:
                with self.sessions.open(purpose="probe") as pg:
                    self._pg = pg
                    if lost:
                        self.say("  the latency of small writes is measured again")
                        lost = False
                    self._measure(pg)
            except (psycopg.Error, RefactorError) as error:
                if not lost and not self._stop.is_set():
                    self.say(
                        "  warning: the latency of small writes is not measured now, so batches do "
                        f"not wait for it: {in_one_line(error)}"
                    )
                lost = True
            finally:
                with self._lock:
                    self._pg = self._since = None
                    self._judge.forget()
                self._ready.set()
            self._stop.wait(AGAIN_SECONDS)

    def _measure(self, pg: Pg) -> None:
        """Write until the step ends."""
        action = self._action
        clock = _Clock(self.records.begin(pg, action.step, action.direction))
        felt = self._felt(pg, clock)
        if not self._judge.idle and not self._is_as_idle_as_before(pg, felt):
            self._measure_idle(felt)
        self._ready.set()
        of_idle: list[float] = []
        while not self._stop.wait(WAITING_SECONDS if self._judge.slow else PROBE_SECONDS):
            if felt.action != self._action:
                felt.store(*self._taken())
                felt = self._felt(pg, clock)
            took = self._timed(felt)
            with self._lock:
                self._judge.add(took)
                of_idle = [*of_idle, took] if self.idle else []
                if len(of_idle) == IDLE_WRITES:
                    self._judge.measured(of_idle)
                    of_idle = []
            felt.add(took, self._judge, *self._taken())
        felt.store(*self._taken())

    def _felt(self, pg: Pg, clock: _Clock) -> _Felt:
        """What is felt from now on, during the action that runs."""
        with self._lock:
            action, at = self._action, self._action_at
        return _Felt(pg, self.records, action, clock, began=clock.at(at))

    def _taken(self) -> tuple[int, float]:
        """Rows and seconds of waiting that were counted since the last time."""
        with self._lock:
            rows, waited, self._rows, self._waited = self._rows, self._waited, 0, 0.0
            return rows, waited

    def _is_as_idle_as_before(self, pg: Pg, felt: _Felt) -> bool:
        """Whether the idle time of a step that has just run still holds, so that this one need not
        wait for its own. It is taken then."""
        idle = self.records.idle_time(pg)
        # The first write reads the catalog, which the others do not.
        felt.write()
        if not idle:
            return False
        took = [self._timed(felt) for _ in range(JUDGED)]
        with self._lock:
            still = median(took) <= self._judge.most.allowed(idle)
            if still:
                self._judge.measured([idle])
            return still

    def _measure_idle(self, felt: _Felt) -> None:
        took = []
        for _ in range(IDLE_WRITES):
            self._stop.wait(WAITING_SECONDS)
            took.append(self._timed(felt))
        with self._lock:
            self._judge.measured(took)

    def _timed(self, felt: _Felt) -> float:
        """Milliseconds that a small write takes."""
        began = time.perf_counter()
        self._since = began
        felt.write()
        self._since = None
        return (time.perf_counter() - began) * 1000


class _Clock:
    """The server's clock, read once."""

    def __init__(self, now: datetime) -> None:
        self._now, self._at = now, time.perf_counter()

    def now(self) -> datetime:
        return self.at(time.perf_counter())

    def at(self, counter: float) -> datetime:
        """The server's time when the performance counter showed that."""
        return self._now + timedelta(seconds=counter - self._at)


class _Felt:
    """What is felt during one action, and its records."""

    def __init__(
        self, pg: Pg, records: FeltRecords, action: FeltAction, clock: _Clock, *, began: datetime
    ) -> None:
        self.pg, self.records, self.action, self.clock = pg, records, action, clock
        self.series = Series.going_on(records.spans(pg, action), began)
        self._lag: int | None = None
        self._lag_read = float("-inf")

    def write(self) -> None:
        """Make a small write: the newest span, or a first one of no length."""
        spans, now = self.series.spans, self.clock.now()
        newest = spans[-1] if spans else Span.of_nothing(now)
        self.records.put(self.pg, self.action, max(len(spans) - 1, 0), newest)

    def add(self, took: float, judge: Judge, rows: int, waited: float) -> None:
        changed = self.series.add(
            took,
            self.clock.now(),
            idle_ms=judge.idle,
            allowed_ms=judge.allowed,
            share=judge.share,
            rows=rows,
            waited_seconds=waited,
            lag_bytes=self._read_lag(),
        )
        if changed:
            self.records.replace(self.pg, self.action, self.series.spans)

    def store(self, rows: int, waited_seconds: float) -> None:
        """Write the newest span as it is now, with what happened since its last write."""
        self.series.count(rows, waited_seconds)
        if self.series.spans:
            self.write()

    def _read_lag(self) -> int | None:
        if time.monotonic() - self._lag_read >= LAG_SECONDS:
            with as_oneself(self.pg):
                behind = [bytes_ for _, bytes_ in run(self.pg, REPLICAS).fetchall()]
            self._lag = max((b for b in behind if b is not None), default=None)
            self._lag_read = time.monotonic()
        return self._lag
