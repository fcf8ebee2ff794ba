"""The shapes of the tables at each stage, from the wide table to the current structure."""

from __future__ import annotations

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.report.canvas import Canvas, Kind
from membership_refactor.report.table_shapes import HEIGHT, TableShape, draw_table, structure

GAP = 92
STAGES = (
    ("0001, 0002", None),
    ("0003", "copy_table"),
    ("0004", "dual_write"),
    ("0005", "retire_source"),
    ("0006, 0007", "rebuild_parent"),
    ("0008", "link_children"),
    ("0009", "stop_parallel_save"),
    ("0010, 0011", "drop_retired_table"),
)
"""The revisions of each stage, and the step after which it stands."""


def draw() -> Canvas:
    canvas = Canvas(
        760,
        52 + GAP * len(STAGES),
        title="The tables at each stage",
        description="From one wide table over a copy and a rebuilt parent to two tables.",
    )
    _legend(canvas)
    for n, (revisions, step) in enumerate(STAGES):
        stage = structure(SPLIT, step)
        y = 66 + n * GAP
        canvas.line(8, y - 22, 752, y - 22, faint=True)
        canvas.text(8, y + 16, revisions, bold=True, mono=True)
        canvas.text(8, y + 36, stage.what, quiet=True, size=13)
        if stage.left:
            _shape(canvas, 196, y + 12, stage.left)
        if stage.right:
            _shape(canvas, 496, y + 12, stage.right)
        _between(canvas, y + 12 + HEIGHT / 2, stage.between)
    return canvas


def _legend(canvas: Canvas) -> None:
    x = 8
    entries: tuple[tuple[Kind, str], ...] = (
        ("parent", "values of the programme"),
        ("child", "values of the curriculum"),
        ("link", "the link (a uuid)"),
        ("closed", "closed or frozen"),
    )
    for kind, words in entries:
        canvas.box(x, 10, 16, 16, kind)
        canvas.text(x + 22, 23, words, size=13)
        x += 44 + 7 * len(words)


def _shape(canvas: Canvas, x: float, y: float, shape: TableShape) -> None:
    canvas.text(x, y - 6, shape.name, mono=True, size=12, bold=True)
    draw_table(canvas, x, y, shape)


def _between(canvas: Canvas, y: float, arrow: str) -> None:
    if arrow == "->":
        canvas.arrow(420, y, 480, y)
    if arrow == "<-":
        canvas.arrow(480, y, 420, y)
    if arrow == "<->":
        canvas.arrow(420, y, 480, y, both=True)
