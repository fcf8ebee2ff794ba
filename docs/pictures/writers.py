"""The three kinds of writers, and the revisions at which each may write."""

from __future__ import annotations

from membership_refactor.report.canvas import Canvas, Kind

REVISIONS = 11
LEFT, CELL = 232, 46
LANES: tuple[tuple[str, str, Kind, int, int | None], ...] = (
    ("writers of the source", "the old programme_membership", "parent", 1, 5),
    ("old-style writers", "the deprecated columns of the copy", "child", 4, 9),
    ("new-style writers", "the parent and the link", "link", 8, None),
)
"""Name, what they write, colour, first revision at which they may, revision that ends it."""
GATES = (5, 6, 9, 10, 11)
"""Revisions that ask for evidence that nobody uses the old structure any more."""


def draw() -> Canvas:
    canvas = Canvas(
        760,
        262,
        title="Which writers may write at which revision",
        description="Writers of the source until 0005, old-style writers from 0004 to 0009, "
        "new-style writers from 0008 on.",
    )
    for n in range(1, REVISIONS + 1):
        x = _x(n)
        canvas.text(x, 24, f"{n:04}", anchor="middle", mono=True, size=12)
        canvas.line(x, 32, x, 216, faint=True)
        if n in GATES:
            canvas.text(x, 236, "◆", anchor="middle", size=13)
    for lane, (name, what, kind, first, end) in enumerate(LANES):
        y = 48 + lane * 58
        canvas.text(8, y + 17, name, bold=True)
        canvas.text(8, y + 34, what, size=12, quiet=True)
        right = _x(end) if end else 756
        canvas.box(_x(first), y + 4, right - _x(first), 30, kind)
    canvas.text(8, 236, "◆ asks for evidence", size=13)
    canvas.text(
        8,
        254,
        "A bar begins when its revision has run, and has to end before the other runs.",
        size=12,
        quiet=True,
    )
    return canvas


def _x(revision: int) -> float:
    return LEFT + (revision - 1) * CELL
