"""The picture of what small writes took while a step ran: a bar for each span, on a scale of powers
of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce

from membership_refactor.report.canvas import Canvas, Kind
from membership_refactor.report.page_values import FeltDuring
from membership_refactor.report.plots import Period
from membership_refactor.sql.pacing.felt import Span, joined

WIDTH, HEIGHT = 480, 150
_LEFT, _TOP, _BOTTOM = 72, 12, 128
MOST_BARS = 160


def felt_plot(felt: Sequence[FeltDuring], *, about: str, words: str) -> Canvas:
    """Of one step in one direction. The light bar is the longest small write of its span, the dark
    one the median, which is red where it was more than allowed."""
    canvas = Canvas(WIDTH, HEIGHT, title=f"Latency while {about} ran", description=words)
    spans = fewer(sorted((s for f in felt for s in f.spans), key=lambda span: span.began))
    ended = max(span.ended for span in spans)
    # A step may have been over after one write.
    shown = Period(spans[0].began, max(ended, spans[0].began + timedelta(seconds=1)))
    scale = _Scale.of(spans)
    for power in scale.powers:
        y = scale.y(10.0**power)
        canvas.line(_LEFT, y, WIDTH, y, faint=True)
        canvas.text(_LEFT - 6, y + 4, f"{10.0**power:g} ms", anchor="end", size=14, quiet=True)
    for span in spans:
        left = _LEFT + shown.x(span.began, WIDTH - _LEFT)
        wide = max(_LEFT + shown.x(span.ended, WIDTH - _LEFT) - left, 1.0)
        left = min(left, WIDTH - wide)
        slow = span.median_ms > span.allowed_ms
        bars: tuple[tuple[float, Kind], ...] = (
            (span.longest_ms, "closed"),
            (span.median_ms, "lock" if slow else "child"),
        )
        for height, kind in bars:
            y = scale.y(height)
            canvas.box(round(left, 1), round(y, 1), round(wide, 1), round(_BOTTOM - y, 1), kind)
    newest = spans[-1]
    for height, faint in ((newest.idle_ms, True), (newest.allowed_ms, False)):
        canvas.line(_LEFT, scale.y(height), WIDTH, scale.y(height), faint=faint)
    seconds = (shown.until - shown.since).total_seconds()
    canvas.text(_LEFT, HEIGHT - 4, "0 s", size=14, quiet=True)
    canvas.text(WIDTH - 8, HEIGHT - 4, f"{seconds:,.0f} s", anchor="end", size=14, quiet=True)
    return canvas


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where milliseconds are on the upright axis: powers of ten are equally far apart."""

    lowest: int
    highest: int

    @classmethod
    def of(cls, spans: Sequence[Span]) -> _Scale:
        times = [
            t for s in spans for t in (s.median_ms, s.longest_ms, s.idle_ms, s.allowed_ms) if t
        ]
        return cls(
            math.floor(math.log10(min(times, default=1.0))),
            math.ceil(math.log10(max(times, default=1.0)) + 0.01),
        )

    @property
    def powers(self) -> range:
        return range(self.lowest, self.highest + 1)

    def y(self, milliseconds: float) -> float:
        power = math.log10(max(milliseconds, 10.0**self.lowest))
        part = (power - self.lowest) / (self.highest - self.lowest)
        return round(_BOTTOM - part * (_BOTTOM - _TOP), 1)


def fewer(spans: Sequence[Span]) -> list[Span]:
    """At most ``MOST_BARS`` spans: neighbours are put together."""
    size = math.ceil(len(spans) / MOST_BARS)
    return [reduce(joined, spans[n : n + size]) for n in range(0, len(spans), size or 1)]
