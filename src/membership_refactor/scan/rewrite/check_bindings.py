"""Parse and resolve the rewritten text again, and compare its bindings with the old text's."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import Stage
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, parse_as
from membership_refactor.scan.resolve.bindings import Binding, Resolution
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
    expected = {
        shift.last_of(binding.end): binding
        for binding in analysed.resolution.bindings
        if not any(_inside(binding, edit) for edit in edits)
    }
    for end, old in expected.items():
        new = after.get(end)
        if new is None and old.source.table is not None:
            return f"{old.name} belongs to no table in the new text"
        if new is not None and (reason := _other(old, new)):
            return reason
    added = _added(edits)
    for end, new in after.items():
        table = new.source.table
        ours = table is not None and end not in expected
        if table is not None and ours and not any(a < end <= b for a, b in added):
            return f"{new.name} means a column of {table.table.name}, which it did not before"
    return ""


def _inside(binding: Binding, edit: Edit) -> bool:
    """Whether the name stands inside a piece that was replaced."""
    replaced = edit.start < edit.end < edit.start + len(edit.text)
    return replaced and edit.start <= binding.start and binding.end <= edit.end


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


def _added(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """The spans of the new text in the rewritten statement."""
    spans = []
    move = 0
    for edit in edits:
        start = edit.start + move
        spans.append((start, start + len(edit.text)))
        move += len(edit.text) - (edit.end - edit.start)
    return spans
