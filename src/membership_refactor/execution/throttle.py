"""Kindness: batches wait while replicas lag, WAL runs fast, others are busy, or a DBA says so."""

from __future__ import annotations

import threading
import time

from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, as_oneself, run
from membership_refactor.sql.quoting import ident, literal

LOOK_SECONDS = 1.0
"""How often the server is asked; between two looks batches go on as before."""


class Throttle:
    """Shared by the workers of a run. The row in the ledger's ``control`` goes before options."""

    def __init__(self, ledger: Ledger, options: Options, progress: Progress) -> None:
        self.ledger, self.options, self.progress = ledger, options, progress
        self.batch_rows = options.batch_rows
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._wal: tuple[float, int] | None = None
        self._said: str | None = None
        self._since = 0.0
        self.waited: dict[str, float] = {}
        """Seconds waited, by reason."""

    def wait(self, pg: Pg, *, stop: threading.Event) -> str:
        """Returns as soon as nothing speaks against the next batch; the last reason as a note.

        What it waits for, and for how long, is said and stands in the ledger's ``event``.
        """
        last = ""
        while True:
            with self._lock:
                if time.monotonic() - self._looked >= LOOK_SECONDS:
                    reason = self._reason(pg)
                    self._looked = time.monotonic()
                    self._note(pg, reason)
                if self._said is None:
                    return last
                last = self._said
            if stop.wait(LOOK_SECONDS / 2):
                return last

    def _note(self, pg: Pg, reason: str | None) -> None:
        now = time.monotonic()
        if self._said is not None:
            kind = self._said.split(":")[0]
            self.waited[kind] = self.waited.get(kind, 0.0) + now - self._since
        self._since = now
        before = self._said.split(":")[0] if self._said else None
        after = reason.split(":")[0] if reason else None
        self._said = reason
        if before == after:
            return
        if before is not None:
            detail = {"reason": before, "seconds": round(self.waited[before], 1)}
            self.ledger.event(pg, None, None, "waited", detail)
        if reason is not None:
            self.ledger.event(pg, None, None, "waiting", {"reason": reason})
        self.progress.say(f"  waiting: {reason}" if reason else "  going on")

    def _reason(self, pg: Pg) -> str | None:
        options = self.options
        control = run(
            pg,
            "SELECT paused, batch_rows, max_lag_bytes, max_wal_bytes_per_second,\n"
            f"  max_active_sessions, note FROM {self.ledger.table('control')}\n"
            f"WHERE plan = {literal(self.ledger.plan.name)}",
        ).fetchone()
        paused, rows, lag, wal, active, note = control or (False, None, None, None, None, None)
        self.batch_rows = rows or options.batch_rows
        fast = self._wal_rate(pg, wal or options.max_wal_rate)  # measured during a pause too
        if paused:
            return f"paused in the ledger{f': {note}' if note else ''}"
        with as_oneself(pg):
            return (
                self._lag(pg, lag or options.max_lag_bytes)
                or fast
                or self._active(pg, active or options.max_active)
            )

    def _lag(self, pg: Pg, limit: int | None) -> str | None:
        """Bytes, not replay_lag: that said 0.25 s for a replica whose replay stood still."""
        if limit is None:
            return None
        row = run(
            pg,
            "SELECT coalesce(nullif(r.application_name, ''), r.client_addr::text, r.pid::text),\n"
            "  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::bigint,\n"
            "  r.state IS NULL AS hidden\n"
            "FROM pg_catalog.pg_stat_replication AS r\n"
            "WHERE r.state IS NULL OR r.replay_lsn IS NOT NULL\n"
            "ORDER BY hidden DESC, 2 DESC LIMIT 1",
        ).fetchone()
        if row is None:
            return None
        if row[2]:
            raise _hidden(pg, "how far replicas are behind")
        if row[1] <= limit:
            return None
        return f"replica lag: {row[0]} is {row[1]:,} bytes behind, {limit:,} allowed"

    def _wal_rate(self, pg: Pg, limit: int | None) -> str | None:
        if limit is None:
            return None
        row = run(
            pg,
            "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint",
        ).fetchone()
        assert row is not None
        now, before = (time.monotonic(), int(row[0])), self._wal
        self._wal = now
        if before is None or now[0] <= before[0]:
            return None
        rate = (now[1] - before[1]) / (now[0] - before[0])
        return f"WAL rate: {rate:,.0f} bytes/s, {limit:,} allowed" if rate > limit else None

    def _active(self, pg: Pg, limit: int | None) -> str | None:
        if limit is None:
            return None
        row = run(
            pg,
            "SELECT pg_catalog.count(*) FILTER (WHERE a.state = 'active'\n"
            "    AND a.backend_type = 'client backend'),\n"
            # Of a session that we may not look into only its role and its name are told.
            "  pg_catalog.bool_or(a.state IS NULL AND a.usesysid IS NOT NULL\n"
            "    AND a.backend_type IS NULL)\n"
            "FROM pg_catalog.pg_stat_activity AS a\n"
            "WHERE a.application_name NOT LIKE 'membership!_refactor%' ESCAPE '!'",
        ).fetchone()
        assert row is not None
        if row[1]:
            raise _hidden(pg, "which other sessions are active")
        if row[0] <= limit:
            return None
        return f"load: {row[0]} other sessions are active, {limit} allowed"


def _hidden(pg: Pg, what: str) -> RefactorError:
    """A limit that cannot be judged would protect nobody."""
    role = pg.info.user
    return RefactorError(
        f'role "{role}" may not see {what}, for which a limit is given.',
        hint=f"GRANT pg_monitor TO {ident(role)}; or leave that limit out.",
    )
