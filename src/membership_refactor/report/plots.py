"""The pictures of the page: a table's groups of columns, evidence over time, a consumer's state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from membership_refactor.report.canvas import Canvas, Kind
from membership_refactor.report.holes import holes, joined
from membership_refactor.report.page_values import ConsumerState, Stretch, TableNow
from membership_refactor.report.table_shapes import HEIGHT, WIDTHS, draw_table

LONGEST = timedelta(days=90)
"""Older evidence is not drawn."""
NARROWEST = 3
"""A moment is drawn this wide, in pixels."""


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a plot shows."""

    since: datetime
    until: datetime

    def x(self, at: datetime, width: float) -> float:
        """Where a moment is on an axis of that length. What lies outside is at an end."""
        whole = (self.until - self.since) / timedelta(seconds=1)
        part = (at - self.since) / timedelta(seconds=1)
        return min(max(part / whole, 0.0), 1.0) * width


def period(moments: Sequence[datetime], now: datetime) -> Period | None:
    """From the first of the moments to now. None where there is none."""
    since = max(min(moments, default=now), now - LONGEST)
    return Period(since, now) if since < now else None


def table_picture(table: TableNow) -> Canvas:
    """The groups of columns of a table, side by side."""
    shape = table.shape
    width = sum(WIDTHS[group] for group in shape.groups)
    counts = {group: table.groups[group] for group in shape.groups if group in table.groups}
    canvas = Canvas(
        width + 4,
        HEIGHT + (24 if shape.note else 4),
        title=f"Columns of {shape.name}",
        description=", ".join(f"{_GROUPS[group]}: {count}" for group, count in counts.items()),
    )
    draw_table(canvas, 2, 2, shape, counts)
    return canvas


_GROUPS: dict[Kind, str] = {
    "parent": "columns of the parent",
    "child": "columns of the child",
    "link": "link",
    "closed": "frozen columns",
}


def arrow(between: str) -> Canvas:
    """How writes go between the two tables."""
    words = {"->": "to the right", "<-": "to the left", "<->": "both ways"}[between]
    canvas = Canvas(
        64, 20, title=f"Writes go {words}", description="The tool carries each write over."
    )
    start, end = (60, 4) if between == "<-" else (4, 60)
    canvas.arrow(start, 10, end, 10, both=between == "<->")
    return canvas


def evidence_strip(
    stretches: Sequence[Stretch], shown: Period, *, window: datetime, about: str, words: str
) -> Canvas:
    """The time since the first sample: covered, a hole, or with a use. ``window`` is where the
    gate's window begins."""
    width, canvas = 640, Canvas(640, 40, title=f"Evidence on the {about}", description=words)
    canvas.line(0, 34, width, 34, faint=True)

    def boxes(kind: Kind, top: float, spans: Iterable[tuple[datetime, datetime]]) -> None:
        for left, right in _pixels(spans, shown, width):
            canvas.box(left, top, right - left, 34 - top, kind)

    boxes("closed", 24, ((hole.began, hole.ended) for hole in holes(stretches)))
    boxes("child", 14, ((s.began, s.ended) for s in stretches if s.covered))
    boxes("lock", 4, ((s.began, s.ended) for s in stretches if s.uses))
    if shown.since < window < shown.until:
        canvas.line(shown.x(window, width), 0, shown.x(window, width), 40)
    return canvas


def consumer_plot(state: ConsumerState, shown: Period, words: str) -> Canvas:
    """Above the line what each scan found, below it when somebody used the old structure."""
    width, canvas = 220, Canvas(220, 48, title=f"{state.name} over time", description=words)
    canvas.line(0, 32, width, 32, faint=True)
    most = max((scan.findings for scan in state.scans), default=0) or 1
    for scan in state.scans:
        high = 4 if scan.clear else max(28 * scan.findings / most, 4)
        x = min(shown.x(scan.at, width), width - 6)
        canvas.box(x, 32 - high, 6, high, "child" if scan.clear else "link")
    for left, right in _pixels(((at, at) for at in state.used_at), shown, width):
        canvas.box(left, 36, right - left, 10, "lock")
    return canvas


def _pixels(
    spans: Iterable[tuple[datetime, datetime]], shown: Period, width: float
) -> list[tuple[float, float]]:
    """Where spans begin and end on the axis. Those that touch are one: there may be thousands."""
    found = []
    for began, ended in spans:
        left, right = shown.x(began, width), shown.x(ended, width)
        wide = max(right - left, NARROWEST)
        left = min(left, width - wide)
        found.append((left, left + wide))
    return joined(found)
