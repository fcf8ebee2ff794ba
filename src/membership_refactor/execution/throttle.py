"""Kindness: batches wait while replicas lag, WAL runs fast, others are busy, or a DBA says so."""

from __future__ import annotations

import threading
import time

from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.sql.identifiers import literal

LOOK_SECONDS = 1.0
"""How often the server is asked; between two looks batches go on as before."""


class Throttle:
    """Shared by the workers of a run. The row in the ledger's ``control`` goes before options."""

    def __init__(self, ledger: Ledger, options: Options, progress: Progress) -> None:
        self.ledger, self.options, self.progress = ledger, options, progress
        self.batch_rows = options.batch_rows
        self._lock = threading.Lock()
        self._looked = 0.0
        self._wal: tuple[float, int] | None = None
        self._said: str | None = None
        self.waited: dict[str, float] = {}
        """Seconds waited, by reason."""

    def wait(self, pg: Pg, *, stop: threading.Event) -> str:
        """Returns as soon as nothing speaks against the next batch; the last reason as a note."""
        while True:
            with self._lock:
                if time.monotonic() - self._looked < LOOK_SECONDS and self._said is None:
                    return ""
                reason = self._reason(pg)
                self._looked = time.monotonic()
                if reason != self._said:
                    self.progress.say(f"  waiting: {reason}" if reason else "  going on")
                    self._said = reason
                if reason is None:
                    return ""
                kind = reason.split(":")[0]
                self.waited[kind] = self.waited.get(kind, 0.0) + LOOK_SECONDS
            if stop.wait(LOOK_SECONDS):
                return reason

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
        if paused:
            return f"paused in the ledger{f' ({note})' if note else ''}"
        return (
            self._lag(pg, lag or options.max_lag_bytes)
            or self._wal_rate(pg, wal or options.max_wal_rate)
            or self._active(pg, active or options.max_active)
        )

    def _lag(self, pg: Pg, limit: int | None) -> str | None:
        """Bytes, not replay_lag: that said 0.25 s for a replica whose replay stood still."""
        if limit is None:
            return None
        row = run(
            pg,
            "SELECT coalesce(application_name, client_addr::text, pid::text),\n"
            "  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)::bigint AS b\n"
            "FROM pg_catalog.pg_stat_replication WHERE replay_lsn IS NOT NULL\n"
            "ORDER BY b DESC LIMIT 1",
        ).fetchone()
        if row is None or row[1] <= limit:
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
            "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity\n"
            "WHERE state = 'active' AND backend_type = 'client backend'\n"
            "  AND application_name NOT LIKE 'membership!_refactor%' ESCAPE '!'",
        ).fetchone()
        assert row is not None
        if row[0] <= limit:
            return None
        return f"load: {row[0]} other sessions are active, {limit} allowed"
