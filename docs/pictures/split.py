"""Before and after: the rows of the tutorial in one wide table, and in two."""

from __future__ import annotations

from membership_refactor.report.canvas import Canvas, Kind

ROW = 26
WIDE = (
    ("id", 30, "child"),
    ("person", 62, "parent"),
    ("programme", 92, "parent"),
    ("rotation", 72, "parent"),
    ("curriculum", 96, "child"),
)
WIDE_ROWS = (
    ("1", "Ada", "Medicine", "North", "Cardiology"),
    ("2", "Ada", "Medicine", "North", "Renal"),
    ("3", "Ben", "Medicine", "South", "Cardiology"),
)
PARENT = (
    ("uuid", 60, "link"),
    ("person", 62, "parent"),
    ("programme", 92, "parent"),
    ("rotation", 72, "parent"),
)
PARENT_ROWS = (("b09e…", "Ada", "Medicine", "North"), ("dd60…", "Ben", "Medicine", "South"))
CHILD = (("id", 30, "child"), ("link", 60, "link"), ("curriculum", 96, "child"))
CHILD_ROWS = (
    ("1", "b09e…", "Cardiology"),
    ("2", "b09e…", "Renal"),
    ("3", "dd60…", "Cardiology"),
)

Columns = tuple[tuple[str, int, str], ...]


def draw() -> Canvas:
    canvas = Canvas(
        760,
        286,
        title="One wide table becomes a parent table and a child table",
        description="The wide table repeats person, programme and rotation in each row. Afterwards "
        "they stand once in programme_membership, and curriculum_membership links to it.",
    )
    _table(canvas, 8, 74, "programme_membership", WIDE, WIDE_ROWS)
    canvas.text(8, 214, "one row per curriculum:", quiet=True)
    canvas.text(8, 233, "the blue values repeat", quiet=True)
    canvas.arrow(376, 126, 434, 126)
    _table(canvas, 452, 28, "programme_membership", PARENT, PARENT_ROWS)
    _table(canvas, 452, 158, "curriculum_membership", CHILD, CHILD_ROWS)
    canvas.arrow(482, 132, 482, 110)
    canvas.text(740, 214, "one row per", anchor="end", quiet=True)
    canvas.text(740, 233, "curriculum", anchor="end", quiet=True)
    return canvas


def _table(
    canvas: Canvas, x: int, y: int, name: str, columns: Columns, rows: tuple[tuple[str, ...], ...]
) -> None:
    canvas.text(x, y - 9, name, bold=True, mono=True, size=13)
    for at, (heading, width, kind) in enumerate(columns):
        canvas.text(x + 6, y + 17, heading, quiet=True, size=12)
        for n, row in enumerate(rows, start=1):
            canvas.box(x, y + n * ROW, width, ROW, _kind(kind))
            canvas.text(x + 6, y + n * ROW + 18, row[at], size=13)
        x += width


def _kind(name: str) -> Kind:
    return {"parent": "parent", "child": "child", "link": "link"}[name]  # type: ignore[return-value]
