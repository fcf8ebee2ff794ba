"""Felt: what small writes took while an action ran, as a series that never grows beyond a bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from statistics import median

SPANS = 120
"""The most spans of one action. When there would be more, each two become one."""
SPAN_SECONDS = 1.0
"""How long a span is at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time of some seconds in which an action ran."""

    began: datetime
    ended: datetime
    writes: int
    """Small writes that were made to measure."""
    median_ms: float
    longest_ms: float
    idle_ms: float
    """What such a write took when nothing of ours ran."""
    allowed_ms: float
    share: float = 1.0
    """The least part of their usual size and time that batches took."""
    rows: int = 0
    """Rows that batches have written."""
    waited_seconds: float = 0.0
    """How long batches left the server to others because it answered slowly."""
    lag_bytes: int | None = None
    """How far the slowest replica was behind. None where there is none, or it cannot be seen."""

    @classmethod
    def of_nothing(cls, at: datetime) -> Span:
        """One in which nothing was measured yet."""
        return cls(
            began=at,
            ended=at,
            writes=0,
            median_ms=0.0,
            longest_ms=0.0,
            idle_ms=0.0,
            allowed_ms=0.0,
        )

    @property
    def rows_per_second(self) -> float | None:
        """None for a moment."""
        seconds = (self.ended - self.began).total_seconds()
        return self.rows / seconds if seconds > 0 else None


def joined(first: Span, second: Span) -> Span:
    """One span for both."""
    writes = first.writes + second.writes
    middle = first.median_ms * first.writes + second.median_ms * second.writes
    lags = [span.lag_bytes for span in (first, second) if span.lag_bytes is not None]
    return replace(
        second,
        began=first.began,
        writes=writes,
        median_ms=middle / max(writes, 1),
        longest_ms=max(first.longest_ms, second.longest_ms),
        share=min(first.share, second.share),
        rows=first.rows + second.rows,
        waited_seconds=first.waited_seconds + second.waited_seconds,
        lag_bytes=max(lags, default=None),
    )


@dataclass(slots=True)
class Series:
    """The spans of one action, the newest last."""

    spans: list[Span] = field(default_factory=list)
    seconds: float = SPAN_SECONDS
    """How long a span is now."""
    _writes: list[float] = field(default_factory=list)
    """Of the newest span, in milliseconds. Empty where the next write begins another span."""
    _until: datetime | None = None
    """When the last write ended, or the action began. None where that is not known."""

    @classmethod
    def going_on(cls, spans: Iterable[Span], began: datetime | None = None) -> Series:
        """A series that goes on at ``began``, behind the spans of an interrupted run. Its last span
        is not made longer."""
        kept = list(spans)
        longest = max(((s.ended - s.began).total_seconds() for s in kept), default=0.0)
        return cls(kept, max(longest, SPAN_SECONDS), _until=began)

    def count(self, rows: int, waited_seconds: float) -> None:
        """Add what happened since the newest write, when no other write comes."""
        if self._writes:
            newest = self.spans[-1]
            self.spans[-1] = replace(
                newest,
                rows=newest.rows + rows,
                waited_seconds=newest.waited_seconds + waited_seconds,
            )

    def add(
        self,
        took_ms: float,
        at: datetime,
        *,
        idle_ms: float,
        allowed_ms: float,
        share: float = 1.0,
        rows: int = 0,
        waited_seconds: float = 0.0,
        lag_bytes: int | None = None,
    ) -> bool:
        """Add a small write that ended at that time, and what happened since the one before.
        Return whether older spans have changed, so that all of them have to be stored again."""
        newest = Span(
            began=self._until or at - timedelta(milliseconds=took_ms),
            ended=at,
            writes=1,
            median_ms=took_ms,
            longest_ms=took_ms,
            idle_ms=idle_ms,
            allowed_ms=allowed_ms,
            share=share,
            rows=rows,
            waited_seconds=waited_seconds,
            lag_bytes=lag_bytes,
        )
        self._until = at
        if self._writes and (at - self.spans[-1].began).total_seconds() < self.seconds:
            self._writes.append(took_ms)
            whole = joined(self.spans[-1], newest)
            self.spans[-1] = replace(whole, median_ms=median(self._writes))
            return False
        self._writes = [took_ms]
        self.spans.append(newest)
        if len(self.spans) <= SPANS:
            return False
        pairs = (self.spans[n : n + 2] for n in range(0, len(self.spans), 2))
        self.spans = [reduce(joined, pair) for pair in pairs]
        self.seconds *= 2
        # The newest one may be part of a pair now, so the next write begins another.
        self._writes = []
        return True
