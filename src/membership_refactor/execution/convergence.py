"""Convergence: whether a replay comes nearer to its end, or writers fill the log as fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from membership_refactor.errors import ReplayOutpaced

PROGRESS = 0.9
"""What may be left, as a part of the least that was left before, for a span to count."""


@dataclass(slots=True)
class Convergence:
    """Looks at the whole log once in ``seconds``; a replay that is over sooner never pays for it.

    Time alone says nothing: a log that took hours to fill may take long to replay. So it is over
    only when a whole span has brought no new low, which bounds the number of spans as well.
    """

    table: str
    waiting: Callable[[], int]
    """How many keys wait in the whole log."""
    seconds: float
    replayed: int = 0
    """Keys since the span began; whoever replays adds to it."""
    _since: float = field(default_factory=time.monotonic)
    _before: int | None = None
    _least: float = float("inf")

    def judge(self) -> None:
        """To be called before each round; may raise ReplayOutpaced."""
        span = time.monotonic() - self._since
        if span < self.seconds:
            return
        left = self.waiting()
        if self._before is not None and left > self._least * PROGRESS:
            came = max(left - self._before + self.replayed, 0)
            raise ReplayOutpaced(
                f"changes of {self.table} arrive faster than they can be replayed: in the last "
                f"{span:.0f} s {came / span:,.0f} keys a second came, {self.replayed / span:,.0f} "
                f"a second were replayed, and {left:,} wait.",
                hint="Let less be written for a while, mass changes above all (pg_stat_activity "
                "shows who writes), then run the same command again: it goes on with what waits.",
            )
        self._least = min(self._least, left)
        self._before, self.replayed, self._since = left, 0, time.monotonic()
