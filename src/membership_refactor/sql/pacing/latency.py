"""Latency: how long a small write may take while batches run, and how they give way to others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

LATENCY = "latency"
"""What this reason to wait is called."""
PROBE_SECONDS = 0.25
"""How often a small write is made. Often enough to notice within a second, and no load itself."""
WAITING_SECONDS = 0.05
"""How often while batches wait for the server to answer quickly again."""
IDLE_WRITES = 8
"""Small writes whose median is the idle time. They are made before the first batch."""
JUDGED = 3
"""The newest writes whose median is judged. A single slow one, as at a checkpoint, is none."""
LEAST_SHARE = 1 / 16
SHRINK, GROW = 0.5, 0.1
LONGEST_REST = 1.0
"""Seconds; a batch whose size was set by hand may take long."""
PROBED_BYTES = 8 * 1024 * 1024
"""Without the option, tables below this size are not protected: their steps end in a second."""
_FORM = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>x|ms)")


class MaxLatency(NamedTuple):
    """How long a small write may take: so many times its idle time, or so many milliseconds."""

    factor: float | None = None
    milliseconds: float | None = None
    least: float = 0.0
    """Milliseconds above the idle time that are always allowed: nobody feels them."""

    @property
    def by_default(self) -> bool:
        """Whether nobody has asked for it."""
        return self == DEFAULT

    def allowed(self, idle: float) -> float:
        """Milliseconds, where an idle server takes ``idle``."""
        if self.factor is None:
            return self.milliseconds or 0.0
        return max(idle * self.factor, idle + self.least)


DEFAULT = MaxLatency(factor=3.0, least=3.0)


def read_max_latency(text: str) -> MaxLatency | None:
    """Read ``2x`` or ``50ms``. None where it is neither, and where it would stop every batch."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        return None
    number = float(found["number"])
    if found["unit"] == "ms":
        return MaxLatency(milliseconds=number) if number > 0 else None
    return MaxLatency(factor=number) if number > 1 else None


def next_share(share: float, *, slow: bool) -> float:
    """The part of their usual size and time that batches may take next: half as much where the
    server is slow, a little more where it is not."""
    return max(share * SHRINK, LEAST_SHARE) if slow else min(share + GROW, 1.0)


def rest(seconds: float, share: float) -> float:
    """Seconds to leave to others after a batch that took ``seconds``, so that batches take
    ``share`` of the time; at most ``LONGEST_REST``."""
    return min(seconds * (1 / share - 1), LONGEST_REST)


@dataclass(slots=True)
class Judge:
    """Judges small writes, in milliseconds, against what they take when the server is idle."""

    most: MaxLatency
    idle: float = 0.0
    """0 until it was measured."""
    slow: bool = False
    """Whether batches have to wait."""
    share: float = 1.0
    """The part of their usual size and time that batches may take."""
    _newest: list[float] = field(default_factory=list)

    @property
    def allowed(self) -> float:
        return self.most.allowed(self.idle)

    def measured(self, idle: Sequence[float]) -> None:
        """Take these writes, made while nothing of ours ran, for what an idle server takes."""
        self.idle = median(idle)

    def add(self, took: float) -> None:
        """Judge the newest writes. Batches shrink when the server becomes slow, and grow while it
        is not. While they wait they stay as they are: they are not what makes it slow then.
        """
        self._newest = [*self._newest, took][-JUDGED:]
        if len(self._newest) < JUDGED:
            return
        slow = median(self._newest) > self.allowed
        if slow != self.slow or not slow:
            self.share = next_share(self.share, slow=slow)
        if slow != self.slow:
            self.slow = slow
            # The next judgement is on writes that are made from now on.
            self._newest.clear()

    def reason(self, pending: float = 0.0) -> str | None:
        """Why batches have to wait, or None. ``pending`` is how long the write that is not done yet
        has taken so far."""
        if not self.idle or not (self.slow or pending > self.allowed * JUDGED):
            return None
        now = max([pending, *([median(self._newest)] if self._newest else [])])
        takes = f"{now:,.1f} ms" if now else f"more than {self.allowed:,.1f} ms"
        return (
            f"{LATENCY}: a small write takes {takes}, {self.idle:,.1f} ms when idle, "
            f"{self.allowed:,.1f} ms allowed"
        )

    def forget(self) -> None:
        """Judge nothing until there are new writes. What an idle server takes is kept."""
        self.slow = False
        self._newest.clear()
