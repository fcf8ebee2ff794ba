"""Throttling: batches wait while a replica lags, WAL grows fast, others are busy, or on request."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, as_oneself, run
from membership_refactor.sql.pacing.reasons import LIMITS, LOOK_SECONDS, limits, noted, reason
from membership_refactor.sql.quoting import literal


class Throttle:
    """Shared by the workers of a run. The ledger's ``control`` row overrides the options."""

    def __init__(self, ledger: Ledger, options: Options, progress: Progress) -> None:
        self.ledger, self.options, self.progress = ledger, options, progress
        self.batch_rows = options.batch_rows
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._wal: tuple[str, datetime] | None = None
        self._said: str | None = None
        self._since = 0.0

    def wait(self, pg: Pg, *, stop: threading.Event) -> str:
        """Return when the next batch may begin, with the last reason to wait as a note.

        Each reason, and how long it lasted, is shown and recorded in the ledger's ``event``.
        RefactorError if the login may not see what a limit is about.
        """
        last = ""
        while True:
            with self._lock:
                if time.monotonic() - self._looked >= LOOK_SECONDS:
                    why = self.look(pg)
                    self._looked = time.monotonic()
                    self._note(pg, why)
                if self._said is None:
                    return last
                last = self._said
            if stop.wait(LOOK_SECONDS / 2):
                return last

    def _note(self, pg: Pg, why: str | None) -> None:
        before, self._said = self._said, why
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
        run(pg, told)
        self.progress.say(f"  waiting: {why}" if why else "  going on")

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
