"""Throttling: batches wait while small writes take long, a replica lags, WAL grows fast, others are
busy, or on request."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Protocol

from membership_refactor.errors import RefactorError, ServerTooSlow
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, as_oneself, run
from membership_refactor.sql.pacing.latency import LATENCY, WAITING_SECONDS, rest
from membership_refactor.sql.pacing.reasons import LIMITS, LOOK_SECONDS, limits, noted, reason
from membership_refactor.sql.quoting import literal

SAID_AFTER = 2.0
"""Seconds of waiting for the latency after which it is said. Shorter pauses are the usual pace."""


class Feels(Protocol):
    """What small writes take now, and what batches have to do about it."""

    idle: bool
    """Whether no batch runs now."""

    @property
    def share(self) -> float:
        """The part of their usual size and time that batches may take."""
        ...

    def reason(self) -> str | None:
        """Why batches have to wait, or None."""
        ...

    def worked(self, rows: int, *, waited_seconds: float = 0.0) -> None:
        """Count rows, and time that was left to others."""
        ...


class Throttle:
    """Shared by the workers of a run. The ledger's ``control`` row overrides the options."""

    def __init__(
        self, ledger: Ledger, options: Options, progress: Progress, probe: Feels | None = None
    ) -> None:
        self.ledger, self.options, self.progress, self.probe = ledger, options, progress, probe
        self.batch_rows = options.batch_rows
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._wal: tuple[str, datetime] | None = None
        self._found: str | None = None
        self._said: str | None = None
        self._since = 0.0
        self._slow_since: float | None = None
        self._worked = float("-inf")

    @property
    def share(self) -> float:
        """The part of their usual size and time that batches may take now."""
        return self.probe.share if self.probe is not None else 1.0

    def worked(self, rows: int) -> None:
        """Count the rows of a batch that has ended."""
        self._worked = time.monotonic()
        if self.probe is not None:
            self.probe.worked(rows)

    def rest(self, seconds: float, *, stop: threading.Event) -> None:
        """Leave the server to others after a batch of so many seconds, where batches have to take
        less than all of the time."""
        left = rest(seconds, self.share)
        if left and self.probe is not None:
            stop.wait(left)
            self.probe.worked(0, waited_seconds=left)

    def wait(self, pg: Pg, *, stop: threading.Event) -> str:
        """Return when the next batch may begin, with the last reason to wait as a note.

        Each reason, and how long it lasted, is shown and recorded in the ledger's ``event``.
        RefactorError if the login may not see what a limit is about, and ServerTooSlow if small
        writes take too long for ``lock_timeout`` seconds while no batch runs.
        """
        last = ""
        while True:
            with self._lock:
                if time.monotonic() - self._looked >= LOOK_SECONDS:
                    self._found = self.look(pg)
                    self._looked = time.monotonic()
                latency = self._latency()
                self._note(pg, self._found or (latency if self._lasts() else None))
                why = self._found or latency
                if why is None:
                    return last
                last = why
            if stop.wait(LOOK_SECONDS / 2 if latency is None else WAITING_SECONDS):
                return last

    def _latency(self) -> str | None:
        """Why batches wait for the latency of small writes, if they wait for nothing else."""
        why = self.probe.reason() if self.probe is not None and self._found is None else None
        now = time.monotonic()
        if why is None:
            if self._slow_since is not None and self.probe is not None:
                self.probe.worked(0, waited_seconds=now - self._slow_since)
            self._slow_since = None
            return None
        self._slow_since = self._slow_since or now
        seconds = now - max(self._slow_since, self._worked)
        if seconds >= self.options.lock_timeout:
            raise ServerTooSlow(
                f"the server has answered too slowly for {seconds:.0f} s, in which no batch ran: "
                f"{why.removeprefix(f'{LATENCY}: ')}. Something else makes it slow.",
                hint="Run the same command again when the server is less busy, or allow more, for "
                "example with -x max-latency=10x.",
            )
        return why

    def _lasts(self) -> bool:
        return self._slow_since is not None and time.monotonic() - self._slow_since >= SAID_AFTER

    def _note(self, pg: Pg, why: str | None) -> None:
        before, self._said = self._said, why
        if self.probe is not None:
            self.probe.idle = self._found is not None
        if (before or "").split(":")[0] == (why or "").split(":")[0]:
            return
        now = time.monotonic()
        told = noted(
            self.ledger.table("event"),
            literal(self.ledger.plan.name),
            before=_literal(before),
            seconds=str(now - self._since),
            now=_literal(why),
        )
        self._since = now
        self.record(pg, told)
        self.progress.say(f"  waiting: {why}" if why else "  going on")

    def record(self, pg: Pg, told: str) -> None:
        """Record a wait. Of several processes at work only one does."""
        run(pg, told)

    def look(self, pg: Pg) -> str | None:
        """Return the reason to wait, if there is one.

        RefactorError if the login may not see what a limit is about: that limit would protect
        nobody.
        """
        options = self.options
        found = run(
            pg,
            limits(
                self.ledger.table("control"),
                literal(self.ledger.plan.name),
                batch_rows=options.batch_rows,
                max_lag_bytes=options.max_lag_bytes,
                max_wal_bytes_per_second=options.max_wal_rate,
                max_active_sessions=options.max_active,
            ),
        ).fetchone()
        assert found is not None
        control = dict(zip(("paused", "note", *LIMITS), found, strict=True))
        self.batch_rows = control["batch_rows"]
        if not control["paused"] and not any(control[name] for name in LIMITS[1:]):
            self._wal = None
            return None
        lsn, at = self._wal or (None, None)
        with as_oneself(pg):
            row = run(
                pg,
                reason(
                    lambda name: _literal(control[name]),
                    wal_lsn=f"{_literal(lsn)}::pg_catalog.pg_lsn",
                    wal_at=f"{_literal(at and at.isoformat())}::pg_catalog.timestamptz",
                ),
            ).fetchone()
        assert row is not None
        *wal, why, unseen, remedy = row
        self._wal = (wal[0], wal[1])
        if unseen is not None:
            raise RefactorError(f"{unseen}.", hint=remedy)
        return None if why is None else str(why)


def _literal(given: object) -> str:
    """A value of the control row as SQL."""
    if isinstance(given, str):
        return literal(given)
    return "NULL" if given is None else str(given)
