"""The shapes of the tables at each stage, from the wide table to the current structure."""

from __future__ import annotations

from dataclasses import dataclass

from docs.pictures.canvas import Canvas, Kind

PARENT, CHILD, LINK = 116, 92, 34
"""Widths of the three groups of columns."""
HEIGHT, GAP = 34, 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table: which groups of columns it has, and a word about who may use it."""

    name: str
    groups: tuple[Kind, ...]
    note: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    revisions: str
    what: str
    left: Shape | None
    right: Shape | None
    between: str = ""
    """An arrow: ``->``, ``<->``, or nothing."""


WIDE = ("parent", "child")
STAGES = (
    Stage(
        revisions="0001, 0002",
        what="one wide table",
        left=Shape(name="programme_membership", groups=("parent", "child")),
        right=None,
    ),
    Stage(
        revisions="0003",
        what="the copy follows",
        left=Shape(name="programme_membership", groups=("parent", "child")),
        right=Shape(
            name="curriculum_membership", groups=("parent", "child", "link"), note="read only"
        ),
        between="->",
    ),
    Stage(
        revisions="0004",
        what="either may be written",
        left=Shape(name="programme_membership", groups=("parent", "child")),
        right=Shape(name="curriculum_membership", groups=("parent", "child", "link")),
        between="<->",
    ),
    Stage(
        revisions="0005",
        what="the old table is retired",
        left=Shape(
            name="programme_membership_retired",
            groups=("parent", "child"),
            note="read only archive",
            closed=True,
        ),
        right=Shape(name="curriculum_membership", groups=("parent", "child", "link")),
    ),
    Stage(
        revisions="0006, 0007",
        what="the parent is built",
        left=Shape(
            name="programme_membership", groups=("link", "parent"), note="closed", closed=True
        ),
        right=Shape(name="curriculum_membership", groups=("parent", "child", "link")),
        between="<-",
    ),
    Stage(
        revisions="0008",
        what="saved in parallel",
        left=Shape(name="programme_membership", groups=("link", "parent")),
        right=Shape(name="curriculum_membership", groups=("parent", "child", "link")),
        between="<->",
    ),
    Stage(
        revisions="0009",
        what="deprecated columns frozen",
        left=Shape(name="programme_membership", groups=("link", "parent")),
        right=Shape(
            name="curriculum_membership", groups=("closed", "child", "link"), note="grey: frozen"
        ),
    ),
    Stage(
        revisions="0010, 0011",
        what="the current structure",
        left=Shape(name="programme_membership", groups=("link", "parent")),
        right=Shape(name="curriculum_membership", groups=("child", "link")),
    ),
)


def draw() -> Canvas:
    canvas = Canvas(
        760,
        52 + GAP * len(STAGES),
        title="The tables at each stage",
        description="From one wide table over a copy and a rebuilt parent to two tables.",
    )
    _legend(canvas)
    for n, stage in enumerate(STAGES):
        y = 66 + n * GAP
        canvas.line(8, y - 22, 752, y - 22, faint=True)
        canvas.text(8, y + 16, stage.revisions, bold=True, mono=True)
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


def _shape(canvas: Canvas, x: float, y: float, shape: Shape) -> None:
    canvas.text(x, y - 6, shape.name, mono=True, size=12, bold=True)
    widths = {"parent": PARENT, "child": CHILD, "link": LINK, "closed": PARENT}
    for group in shape.groups:
        canvas.box(x, y, widths[group], HEIGHT, "closed" if shape.closed else group)
        x += widths[group]
    if shape.note:
        canvas.text(
            x - sum(widths[g] for g in shape.groups),
            y + HEIGHT + 16,
            shape.note,
            size=12,
            quiet=True,
        )


def _between(canvas: Canvas, y: float, arrow: str) -> None:
    if arrow == "->":
        canvas.arrow(420, y, 480, y)
    if arrow == "<-":
        canvas.arrow(480, y, 420, y)
    if arrow == "<->":
        canvas.arrow(420, y, 480, y, both=True)
