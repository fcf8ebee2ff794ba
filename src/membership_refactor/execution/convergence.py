"""Convergence: whether a replay comes nearer to its end, or writers fill the log as fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from membership_refactor.errors import ReplayOutpaced
from membership_refactor.sql.pacing.pace import SPANS


@dataclass(slots=True)
class Convergence:
    """Looks at the whole log once in ``seconds``; a replay that is over sooner never pays for it.

    Time alone says nothing: a log that took hours to fill may take long to replay. Nor does one
    span: a mass statement may have come in it. It is over when two spans running have left the log
    no shorter than they found it.
    """

    table: str
    waiting: Callable[[], int]
    """How many keys wait in the whole log."""
    seconds: float
    replayed: int = 0
    """Keys since the span began; whoever replays adds to it."""
    _since: float = field(default_factory=time.monotonic)
    _before: int | None = None
    _in_vain: int = 0

    def judge(self) -> None:
        """To be called before each round; may raise ReplayOutpaced."""
        span = time.monotonic() - self._since
        if span < self.seconds:
            return
        left, before = self.waiting(), self._before
        self._in_vain = self._in_vain + 1 if before is not None and left >= before else 0
        if before is not None and self._in_vain == SPANS:
            came = left - before + self.replayed
            raise ReplayOutpaced(
                f"changes of {self.table} arrive faster than they can be replayed: in the last "
                f"{span:.0f} s {came / span:,.0f} keys a second came, {self.replayed / span:,.0f} "
                f"a second were replayed, and {left:,} wait.",
                hint="Let less be written for a while, mass changes above all (pg_stat_activity "
                "shows who writes), then run the same command again: it goes on with what waits.",
            )
        self._before, self.replayed, self._since = left, 0, time.monotonic()
