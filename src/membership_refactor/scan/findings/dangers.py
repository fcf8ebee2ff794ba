"""Dangers: what fails or changes rows although no column is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlglot import exp

from membership_refactor.planning import LinkOnDelete, Stage, TableSplit
from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.analyse import Analysed
from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Binding, Resolution, Source
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing, parent_columns

CODES = {
    "ambiguous": "A name becomes ambiguous",
    "rebinds": "A name silently binds to another table",
    "multiplicity": "The same text returns another number of rows",
    "id": "id has another meaning",
    "limit": "LIMIT picks another row",
    "aggregate": "COUNT or SUM counts other rows",
    "write": "A write to a derived column is refused or lost",
    "delete-order": "A delete fails while children exist",
    "null-parent": "A parent without children appears",
}


class Sign(NamedTuple):
    """A danger at an offset of the parsed text."""

    code: str
    message: str
    at: int


def dangers(analysed: Analysed) -> Iterator[Sign]:
    """Every danger of a statement."""
    resolution = analysed.resolution
    if resolution is None or not resolution.ours:
        return
    plan = analysed.view.structure.plan
    stage = analysed.view.structure.stage
    seen: set[tuple[str, int]] = set()
    for sign in (
        *_moved(analysed),
        *_ambiguous(analysed, plan),
        *_identity(analysed, plan, stage),
        *_multiplicity(resolution, plan, stage),
        *_writes(resolution, plan, stage),
    ):
        if (sign.code, sign.at) not in seen:
            seen.add((sign.code, sign.at))
            yield sign


def wide(source: Source) -> bool:
    """Whether the source is the wide table, under either name."""
    return (
        source.table is not None
        and source.table.role in (Role.SOURCE, Role.COPY)
        and bool(source.table.table.going)
    )


def _moved(analysed: Analysed) -> Iterator[Sign]:
    for resolution in (analysed.resolution, analysed.later):
        for remark in resolution.remarks if resolution else ():
            if remark.code == "rebinds":
                yield Sign("rebinds", remark.message, remark.start)


def _ambiguous(analysed: Analysed, plan: TableSplit) -> Iterator[Sign]:
    resolution = analysed.resolution
    assert resolution is not None
    for stage, one in (("", resolution), (" from interim on", analysed.interim)):
        for remark in one.remarks if one is not None else ():
            if remark.code == "ambiguous":
                yield Sign("ambiguous", f"{remark.message}{stage}", remark.start)
    frames = {b.query for b in resolution.bindings if b.source is not None and wide(b.source)}
    shared = {analysed.view.names.column(name).lower() for name in parent_columns(plan)}
    for binding in resolution.bindings:
        other = binding.source is not None and binding.source.table is None
        if (
            other
            and binding.qualifier is None
            and binding.query in frames
            and binding.depth == 0
            and binding.name in shared
            and binding.clause not in ("using", "natural")
        ):
            yield Sign(
                "ambiguous",
                f"{binding.written} is unqualified, and the parent that has to be joined has a "
                "column of this name too",
                binding.start,
            )
    if analysed.masked.holes and frames:
        hole = next((h for h in analysed.masked.holes if h.free), None)
        bare = any(wide(s) and s.alias is None for s in resolution.ours)
        if hole is not None and bare:
            yield Sign(
                "ambiguous",
                f"text put in for {hole.text} may hold unqualified names, which become ambiguous "
                "once the parent is joined",
                0,
            )


def _identity(analysed: Analysed, plan: TableSplit, stage: Stage) -> Iterator[Sign]:
    """The wide table's id becomes the child's; as the parent's id it is wrong."""
    resolution = analysed.resolution
    assert resolution is not None
    words = {plan.parent.replace("_", ""), plan.source.replace("_", "")}
    for binding in resolution.bindings:
        source = binding.source
        if source is None or source.table is None or binding.column != plan.id:
            continue
        if plan.parent_id == plan.id and source.table.role is Role.PARENT:
            continue
        if source.table.role is Role.SOURCE and stage in (Stage.LEGACY, Stage.COPY):
            yield Sign(
                "id",
                f"{binding.written} of {plan.source} becomes the id of {plan.copy}; a membership "
                f"is identified by {plan.parent_id} of {plan.parent}",
                binding.start,
            )
        elif source.table.role is Role.COPY and binding.kind is Kind.READ:
            other = _passed_on(resolution.tree, binding)
            if other and any(word in other.replace("_", "").lower() for word in words):
                yield Sign(
                    "id",
                    f"{binding.written} of {plan.copy} is passed on as {other}; it identifies one "
                    f"row of {plan.copy}, not a row of {plan.parent}",
                    binding.start,
                )


def _passed_on(tree: Any, binding: Binding) -> str:
    """The name that the column is given to or compared with."""
    for column in tree.find_all(exp.Column):
        where = span(column.this) if isinstance(column.this, exp.Identifier) else None
        if where is None or where[0] != binding.start:
            continue
        parent = column.parent
        if isinstance(parent, exp.Alias):
            return str(parent.alias)
        if isinstance(parent, exp.EQ):
            other = parent.expression if parent.this is column else parent.this
            return other.name if isinstance(other, exp.Column) else ""
    return ""


def _multiplicity(resolution: Resolution, plan: TableSplit, stage: Stage) -> Iterator[Sign]:
    early = stage in (Stage.LEGACY, Stage.COPY)
    for source in resolution.ours:
        if source.target or source.span is None:
            continue
        assert source.table is not None
        if source.table.role is Role.SOURCE and early and plan.source == plan.parent:
            yield Sign(
                "multiplicity",
                f"{plan.source} has one row per {plan.copy} now and one per {plan.parent} from "
                "0006 on; the same text returns fewer rows",
                source.span[0],
            )
    selects = list(resolution.tree.find_all(exp.Select))
    for select in selects:
        yield from _select_dangers(select, resolution)


def _select_dangers(select: Any, resolution: Resolution) -> Iterator[Sign]:
    tables = {id(node) for node in _own_tables(select)}
    sources = [s for s in resolution.ours if id(s.node) in tables and s.span is not None]
    if not any(wide(s) or (s.table and s.table.role is Role.COPY) for s in sources):
        return
    at = min(s.span[0] for s in sources if s.span is not None)
    limit = select.args.get("limit")
    if limit is not None and _is_one(limit):
        yield Sign(
            "limit",
            "LIMIT 1 over rows of which one membership has several: which row it is may change "
            "unless ORDER BY is total",
            at,
        )
    for call in _own_aggregates(select):
        distinct = isinstance(call.this, exp.Distinct)
        if not distinct and not isinstance(call, (exp.Min, exp.Max)):
            yield Sign(
                "aggregate",
                f"{type(call).__name__.upper()} counts one per row of the child; over the parent "
                "it gives less, and over the join a parent's value counts once per child",
                at,
            )
            break


def _is_one(limit: Any) -> bool:
    value = limit.args.get("expression") or limit.args.get("count")
    return isinstance(value, exp.Literal) and value.name == "1"


def _own_tables(select: Any) -> Iterator[Any]:
    stack = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or ())]
    while stack:
        node = stack.pop()
        if node is None or isinstance(node, exp.Select):
            continue
        if isinstance(node, exp.Table):
            yield node
        stack.extend(node.iter_expressions())


def _own_aggregates(select: Any) -> Iterator[Any]:
    stack = list(select.expressions)
    if select.args.get("having") is not None:
        stack.append(select.args["having"])
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Query):
            continue
        if isinstance(node, exp.AggFunc):
            yield node
        stack.extend(node.iter_expressions())


def _writes(resolution: Resolution, plan: TableSplit, stage: Stage) -> Iterator[Sign]:
    for binding in resolution.bindings:
        if binding.kind is not Kind.WRITE or binding.standing not in GOING:
            continue
        source = binding.source
        if source is not None and source.table is not None and source.table.role is Role.COPY:
            what = "fails" if binding.standing is Standing.GONE else "is refused from 0009 on"
            yield Sign(
                "write",
                f"a write to {binding.written} of {plan.copy} {what}; the value belongs to "
                f"{plan.parent}",
                binding.start,
            )
    if resolution.statement != "delete":
        return
    for source in resolution.ours:
        if not source.target or source.table is None or source.table_span is None:
            continue
        restrict = plan.link_on_delete is LinkOnDelete.RESTRICT
        parent = source.table.role is Role.PARENT
        becomes = source.table.role is Role.SOURCE and plan.source == plan.parent
        if restrict and (parent or (becomes and stage in (Stage.LEGACY, Stage.COPY))):
            yield Sign(
                "delete-order",
                f"deleting from {plan.parent} fails while {plan.copy} has rows of it: delete "
                "those first",
                source.table_span[0],
            )
