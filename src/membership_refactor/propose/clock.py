"""The time that a search may take."""

from __future__ import annotations

import time


class Clock:
    """Counts down from ``seconds``. None never ends."""

    def __init__(self, seconds: float | None) -> None:
        self._began = time.monotonic()
        self.seconds = seconds

    @property
    def gone(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float | None:
        """Seconds until the end, not below 0; None if it never ends."""
        return None if self.seconds is None else max(0.0, self.seconds - self.gone)

    def past(self, part: float) -> bool:
        """Whether that part of the time is over, from 0 to 1."""
        return self.seconds is not None and self.gone > part * self.seconds
