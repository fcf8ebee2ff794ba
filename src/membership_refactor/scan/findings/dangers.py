"""Find what fails or changes rows although no column is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlglot import exp
from sqlglot.optimizer.scope import walk_in_scope

from membership_refactor.planning import LinkOnDelete, Stage, TableSplit
from membership_refactor.scan.resolve.analyse import Analysed
from membership_refactor.scan.resolve.bindings import Kind, Resolution, Source
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing, parent_columns

CODES = {
    "ambiguous": "A name becomes ambiguous",
    "rebinds": "A name comes to mean another table's column, without an error",
    "multiplicity": "The same text returns another number of rows",
    "id": "id has another meaning",
    "limit": "LIMIT picks another row",
    "aggregate": "COUNT or SUM counts other rows",
    "write": "A write to a column of the parent is refused or lost",
    "delete-order": "A delete fails while children exist",
}


class Sign(NamedTuple):
    """A danger at an offset of the parsed text."""

    code: str
    message: str
    at: int


_KNOWN: WeakKeyDictionary[Resolution, list[Sign]] = WeakKeyDictionary()


def dangers(analysed: Analysed) -> list[Sign]:
    """Every danger of a statement. One may be noticed twice at its place."""
    if (known := _KNOWN.get(analysed.resolution)) is None:
        known = _KNOWN[analysed.resolution] = list(_dangers(analysed))
    return known


def _dangers(analysed: Analysed) -> Iterator[Sign]:
    resolution, structure = analysed.resolution, analysed.view.structure
    if not resolution.ours or not structure.plan.parent:
        return  # a table under another name has the same rows and columns
    plan, early = structure.plan, structure.stage in (Stage.LEGACY, Stage.COPY)
    later = (Stage.INTERIM, "ambiguous", " from interim on"), (Stage.CURRENT, "rebinds", "")
    for stage, code, when in later:
        yield from _noticed(resolution, code)
        yield from _noticed(analysed.at.get(stage), code, when)
    yield from _ambiguous(analysed, plan)
    yield from _identity(resolution, plan, early)
    yield from _multiplicity(resolution, plan, early)
    yield from _writes(resolution, plan)
    yield from _deletes(resolution, plan, early)


def _noticed(found: Resolution | None, code: str, stage: str = "") -> Iterator[Sign]:
    """Yield what the resolver noticed at a structure."""
    for remark in found.remarks if found is not None else ():
        if remark.code == code:
            yield Sign(code, f"{remark.message}{stage}", remark.start)


def _ambiguous(analysed: Analysed, plan: TableSplit) -> Iterator[Sign]:
    resolution = analysed.resolution
    queries = {b.query for b in resolution.bindings if b.source.wide}
    if not queries:
        return
    shared = {analysed.view.names.column(name).lower() for name in parent_columns(plan)}
    for one in resolution.bindings:
        bare = one.source.table is None and one.qualifier is None and one.depth == 0
        joined = one.query in queries and one.clause not in ("using", "natural")
        if bare and joined and one.name in shared:
            message = f"{one.written} has no qualifier. The parent that has to be joined has a "
            yield Sign("ambiguous", f"{message}column of this name too", one.start)
    hole = next((h for h in analysed.filled.holes if h.free), None)
    if hole and any(s.wide and s.alias is None for s in resolution.ours):
        message = f"the text put in for {hole.text} may hold names without a qualifier. They "
        yield Sign("ambiguous", f"{message}become ambiguous when the parent is joined", 0)


def _identity(resolution: Resolution, plan: TableSplit, early: bool) -> Iterator[Sign]:
    """The wide table's id becomes the child's. Used as the parent's id, it is wrong."""
    words = {plan.parent.replace("_", ""), plan.source.replace("_", "")}
    for binding in resolution.bindings:
        role, written = binding.source.role, binding.written
        if binding.column != plan.last_id:
            continue
        if role is Role.SOURCE and early:
            message = f"{written} of {plan.source} becomes the id of {plan.child}; a row of "
            message += f"{plan.parent} is identified by {plan.parent_id}"
            yield Sign("id", message, binding.start)
        elif role is Role.COPY and binding.kind is Kind.READ:
            other = _passed_on(resolution.nodes.get(binding.start))
            if any(word in other.replace("_", "").lower() for word in words):
                message = f"{written} of {plan.child} is passed on as {other}; it identifies one "
                message += f"row of {plan.child}, not a row of {plan.parent}"
                yield Sign("id", message, binding.start)


def _passed_on(identifier: Any) -> str:
    """The name that the column is given to or compared with."""
    column = identifier.parent if identifier is not None else None
    if not isinstance(column, exp.Column) or column.this is not identifier:
        return ""
    parent = column.parent
    if isinstance(parent, exp.Alias):
        return str(parent.alias)
    if isinstance(parent, exp.EQ):
        other = parent.expression if parent.this is column else parent.this
        return other.name if isinstance(other, exp.Column) else ""
    return ""


def _multiplicity(resolution: Resolution, plan: TableSplit, early: bool) -> Iterator[Sign]:
    for source in resolution.ours:
        moves = source.role is Role.SOURCE and plan.source == plan.parent
        if early and moves and source.span[1] and not source.target:
            message = f"{plan.source} has one row per {plan.child} now and one per {plan.parent} "
            message += "from step create_parent on; the same text returns fewer rows"
            yield Sign("multiplicity", message, source.span[0])
    if not any(source.wide or source.role is Role.COPY for source in resolution.ours):
        return
    by_node = {id(source.node): source for source in resolution.ours}
    counts = any(isinstance(node, exp.AggFunc) for node in resolution.every_node)
    for select in (node for node in resolution.every_node if isinstance(node, exp.Select)):
        if counts or select.args.get("limit") is not None:
            yield from _counted(select, by_node)


def _counted(select: Any, by_node: dict[int, Source]) -> Iterator[Sign]:
    """LIMIT 1 and aggregates over rows of which one parent has several."""
    own = [by_node[id(node)] for node in walk_in_scope(select) if id(node) in by_node]
    spans = [source.span for source in own if source.span[1]]
    if not spans or not any(s.wide or s.role is Role.COPY for s in own):
        return
    at = min(start for start, _ in spans)
    limit = select.args.get("limit")
    count = (limit.args.get("expression") or limit.args.get("count")) if limit is not None else None
    if isinstance(count, exp.Literal) and count.name == "1":
        message = "LIMIT 1 over rows of which one parent has several: it may pick another row "
        yield Sign("limit", f"{message}unless ORDER BY is total", at)
    shown = [*select.expressions, *([select.args["having"]] if select.args.get("having") else [])]
    inside = (node for root in shown for node in walk_in_scope(root))
    for call in (node for node in inside if isinstance(node, exp.AggFunc)):
        if not isinstance(call.this, exp.Distinct) and not isinstance(call, (exp.Min, exp.Max)):
            message = f"{type(call).__name__.upper()} counts one per row of the child. Over the "
            message += "parent it gives less, and over the join a parent's value counts once for "
            yield Sign("aggregate", f"{message}each child", at)
            break


def _writes(resolution: Resolution, plan: TableSplit) -> Iterator[Sign]:
    for binding in resolution.bindings:
        to_child = binding.kind is Kind.WRITE and binding.source.role is Role.COPY
        if to_child and binding.standing in GOING:
            frozen = "is refused from step stop_parallel_save on"
            what = "fails" if binding.standing is Standing.GONE else frozen
            message = f"a write to {binding.written} of {plan.child} {what}; the value belongs to "
            yield Sign("write", f"{message}{plan.parent}", binding.start)


def _deletes(resolution: Resolution, plan: TableSplit, early: bool) -> Iterator[Sign]:
    if resolution.statement != "delete" or plan.link_on_delete is not LinkOnDelete.RESTRICT:
        return
    for source in resolution.ours:
        becomes = early and source.role is Role.SOURCE and plan.source == plan.parent
        deleted = source.target and (source.role is Role.PARENT or becomes)
        if deleted and source.table_span[1]:
            message = f"deleting from {plan.parent} fails while {plan.child} has rows of it. "
            yield Sign("delete-order", f"{message}Delete those first", source.table_span[0])
