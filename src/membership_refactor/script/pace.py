"""Pace of a script: what the ``-x`` options mean for it; the fields are named like the runner's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What ``-x`` options mean for a script. It has one session, so no number of workers."""

    batch_rows: int | None = None
    lock_timeout: int = 120
    """Seconds for which a short lock is tried again before the script gives up."""
    max_lag_bytes: int | None = None
    max_wal_rate: int | None = None
    max_active: int | None = None
    accept_usage: str | None = None
    """The reason for which a gate is passed without evidence; it is recorded."""
