"""Pace: the ``-x`` options that a script and a run on the server have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a step runs. The defaults suit a live server."""

    batch_rows: int | None = None
    """Rows per batch. None lets batches adapt to their target duration."""
    lock_timeout: int = 120
    """Seconds for which a short lock is tried again before the step stops."""
    max_lag_bytes: int | None = None
    """Batches wait while the slowest replica is more bytes than this behind."""
    max_wal_rate: int | None = None
    """Batches wait while the server writes more bytes of WAL per second than this."""
    max_active: int | None = None
    """Batches wait while more sessions of others than this are active."""
    accept_usage: str | None = None
    """The reason to open a gate without evidence; it is recorded."""
    accept_whole_rows: str | None = None
    """The reason to go on although triggers depend on the position of columns; recorded."""
    accept_event_triggers: str | None = None
    """The reason to begin although event triggers see the statements of steps; recorded."""
    accept_published_copy: str | None = None
    """The reason to begin although the copy will be published too; recorded."""

    def reason(self, option: str) -> str | None:
        """The reason that was given with that ``-x`` name."""
        reason: str | None = getattr(self, option.replace("-", "_"))
        return reason
