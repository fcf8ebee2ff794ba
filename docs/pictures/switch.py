"""How a table is built beside a live one: record, copy, replay, switch."""

from __future__ import annotations

from membership_refactor.report.canvas import Canvas, Kind

LANES: tuple[tuple[str, Kind, tuple[tuple[int, int, str], ...]], ...] = (
    ("writers", "plain", ((200, 540, "write all the time"), (556, 752, "go on"))),
    ("change log", "link", ((216, 548, "records the keys that change"),)),
    ("batches", "child", ((236, 420, "copy rows, without row locks"),)),
    ("indexes", "child", ((420, 476, ""),)),
    ("replay", "parent", ((476, 540, "drain"),)),
    ("lock", "lock", ((540, 556, ""),)),
    ("triggers", "parent", ((556, 752, "carry each write at once"),)),
)
"""Lane, colour, and its bars from x to x with words."""
ROW = 38


def draw() -> Canvas:
    canvas = Canvas(
        760,
        40 + ROW * len(LANES) + 34,
        title="Drain and switch",
        description="Changes are recorded while rows are copied in batches. They are replayed. "
        "Under one short lock the last ones are replayed and triggers take over.",
    )
    for x in (540, 556):
        canvas.line(x, 14, x, 40 + ROW * len(LANES), faint=True)
    canvas.text(532, 22, "at most 20 ms", anchor="end", size=12, quiet=True)
    for n, (name, kind, bars) in enumerate(LANES):
        y = 34 + n * ROW
        canvas.text(8, y + 20, name, bold=True)
        for start, end, words in bars:
            canvas.box(start, y, end - start, 30, kind)
            canvas.text(start + 8, y + 20, words, size=12)
    y = 40 + ROW * len(LANES) + 22
    canvas.text(200, y, "time", size=12, quiet=True)
    canvas.arrow(236, y - 4, 752, y - 4)
    return canvas
