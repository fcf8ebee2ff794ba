"""Parse and resolve the rewritten text again, and compare its bindings with the old text's."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from operator import itemgetter

from membership_refactor.planning import Stage
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, parse_as
from membership_refactor.scan.resolve.bindings import Binding, Resolution, Span
from membership_refactor.scan.resolve.statement import resolve
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing
from membership_refactor.scan.rewrite.edits import Edit, Shift, applied


def differences(
    analyser: Analyser, analysed: Analysed, edits: Sequence[Edit], *, by_name: bool = True
) -> str:
    """Why the new text is not the old statement. Empty where every binding is as it should be."""
    new = applied(analysed.placed.text, edits)
    dialect = analysed.view.dialect
    tree, failure = parse_as(new, dialect)
    if tree is None:
        return f"the new text does not parse: {failure}"
    for stage in (Stage.INTERIM, Stage.CURRENT):
        found = resolve(tree, analyser.view(dialect, stage), row_table=analysed.row_table)
        whole = not analysed.view.structure.plan.parent
        reason = _old_structure(found, whole=whole) or (
            _moved(analysed, edits, found) if by_name else ""
        )
        if reason:
            return f"at {stage}: {reason}"
    return ""


def _old_structure(found: Resolution, *, whole: bool) -> str:
    """How the new text still needs the old structure, or means something unclear. ``whole``: the
    child has every column."""
    for remark in found.remarks:
        if remark.code in ("ambiguous", "rebinds"):
            return remark.message
    for binding in found.bindings:
        source = binding.source
        deprecated = binding.standing is Standing.DEPRECATED and source.table is not None
        if binding.standing is Standing.GONE or (deprecated and source.role is not Role.RETIRED):
            return f"{binding.name} is still read from the child"
    if not whole and any(star.source.role is Role.COPY for star in found.stars):
        return "a star over the child returns fewer columns"
    return ""


def _moved(analysed: Analysed, edits: Sequence[Edit], found: Resolution) -> str:
    """Which name is bound to another table than it should be."""
    shift = Shift(edits)
    after = {binding.end: binding for binding in found.bindings}
    replaced = [(e.start, e.end) for e in edits if e.start < e.end < e.start + len(e.text)]
    expected = {
        shift.last_of(binding.end): binding
        for binding in analysed.resolution.bindings
        if not _one_holds(replaced, binding.start, binding.end)
    }
    for end, old in expected.items():
        new = after.get(end)
        if new is None and old.source.table is not None:
            return f"{old.name} belongs to no table in the new text"
        if new is not None and (reason := _other(old, new)):
            return reason
    for end, new in after.items():
        table, ours = new.source.table, end not in expected
        if table is not None and ours and not _one_holds(shift.added, end - 1, end):
            return f"{new.name} means a column of {table.table.name}, which it did not before"
    return ""


def _one_holds(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of the spans, which are apart and in order, holds all of this."""
    before = bisect.bisect_right(spans, start, key=itemgetter(0))
    return before > 0 and end <= spans[before - 1][1]


def _other(old: Binding, new: Binding) -> str:
    was, now = old.source, new.source
    if now.table is None:
        # Columns of the wide table may come from the subquery of the old shape.
        lost = was.table is not None and not was.wide
        return f"{old.name} means a column of another table" if lost else ""
    if was.table is None:
        return f"{old.name} of {was.name} means a column of {now.table.table.name}"
    if was.wide:
        role = Role.PARENT if old.standing in GOING else Role.COPY
        return f"{old.name} is read from {now.table.table.name}" if now.role is not role else ""
    return f"{old.name} means a column of another table" if now.role is not was.role else ""
