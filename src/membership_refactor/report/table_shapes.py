"""The shapes of a plan's tables between two steps, and how a table is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from membership_refactor.counts import counted
from membership_refactor.planning import TableSplit
from membership_refactor.report.canvas import Canvas, Kind

WIDTHS: Mapping[Kind, int] = {"parent": 116, "child": 92, "link": 34, "closed": 116}
"""Of the groups of columns."""
HEIGHT = 34
_LINKED: tuple[Kind, ...] = ("parent", "child", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table: which groups of columns it has, and a word about who may use it."""

    name: str
    groups: tuple[Kind, ...]
    note: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The tables after a step."""

    what: str
    left: TableShape | None = None
    right: TableShape | None = None
    between: str = ""
    """How writes go from one to the other: ``->``, ``<-``, ``<->``, or nothing."""
    archive: TableShape | None = None
    """The retired table, where the two others stand beside it."""

    @property
    def tables(self) -> tuple[TableShape, ...]:
        """All of them, in the order in which they are read."""
        return tuple(shape for shape in (self.left, self.right, self.archive) if shape)


def structure(plan: TableSplit, step: str | None) -> Structure:
    """The tables after ``step`` has gone up. None is before the first, like a step of another
    kind."""
    up: tuple[str, ...] = ()
    if step is not None and step in plan.steps:
        up = plan.steps[: plan.steps.index(step) + 1]
    wide: tuple[Kind, ...] = ("parent", "child") if plan.parent else ("child",)
    if not up:
        table = TableShape(name=plan.source, groups=wide)
        return Structure(what="one wide table" if plan.parent else "one table", left=table)
    whole = _LINKED if plan.parent else wide
    child = TableShape(name=plan.child, groups=whole)
    if plan.copy is not None and "retire_source" not in up:
        source = TableShape(name=plan.source, groups=wide)
        if "dual_write" in up:
            return Structure(what="either may be written", left=source, right=child, between="<->")
        copy = TableShape(name=plan.child, groups=whole, note="read only")
        return Structure(what="the copy follows", left=source, right=copy, between="->")
    archive = None
    if plan.copy is not None and "drop_retired_table" not in up:
        archive = TableShape(name=plan.retired, groups=wide, note="read only archive", closed=True)
    if "create_parent" not in up:
        what = "the old table is retired" if archive else "the table has its new name"
        return Structure(what=what, left=archive, right=child)
    return _with_parent(plan, up, child, archive)


def _with_parent(
    plan: TableSplit, up: tuple[str, ...], child: TableShape, archive: TableShape | None
) -> Structure:
    groups: tuple[Kind, ...] = ("link", "parent")
    if "link_children" not in up:
        closed = TableShape(name=plan.parent, groups=groups, note="closed", closed=True)
        return Structure(
            what="the parent is built", left=closed, right=child, between="<-", archive=archive
        )
    parent = TableShape(name=plan.parent, groups=groups)
    if "stop_parallel_save" not in up:
        return Structure(
            what="saved in parallel", left=parent, right=child, between="<->", archive=archive
        )
    if "drop_deprecated_columns" not in up:
        frozen = TableShape(
            name=plan.child, groups=("closed", "child", "link"), note="grey: frozen"
        )
        return Structure(
            what="deprecated columns frozen", left=parent, right=frozen, archive=archive
        )
    last = TableShape(name=plan.child, groups=("child", "link"))
    return Structure(what="the current structure", left=parent, right=last, archive=archive)


def draw_table(
    canvas: Canvas,
    x: float,
    y: float,
    shape: TableShape,
    columns: Mapping[Kind, int] | None = None,
) -> None:
    """The groups side by side, with their upper left corner at (x, y). ``columns`` says how many
    columns each group has."""
    left = x
    for group in shape.groups:
        canvas.box(x, y, WIDTHS[group], HEIGHT, "closed" if shape.closed else group)
        count = (columns or {}).get(group)
        if count is not None:
            words = "link" if group == "link" else counted(count, "column")
            middle = x + WIDTHS[group] / 2
            canvas.text(middle, y + HEIGHT / 2 + 4, words, anchor="middle", size=12)
        x += WIDTHS[group]
    if shape.note:
        canvas.text(left, y + HEIGHT + 16, shape.note, size=12, quiet=True)
