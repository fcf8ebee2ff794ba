"""Self-check: the rewritten text is parsed and resolved again, and its bindings compared."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import Stage
from membership_refactor.scan.findings.dangers import wide
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, parse_as
from membership_refactor.scan.resolve.bindings import Binding, Resolution
from membership_refactor.scan.resolve.statement import resolve
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing
from membership_refactor.scan.rewrite.edits import Edit, Shift, applied


def differences(
    analyser: Analyser, analysed: Analysed, edits: Sequence[Edit], *, by_name: bool = True
) -> str:
    """Why the new text is not the old statement; empty where every binding is as it should be."""
    new = applied(analysed.placed.text, edits)
    dialect = analysed.view.dialect
    tree, failure = parse_as(new, dialect)
    if tree is None:
        return f"the new text does not parse: {failure}"
    for stage in (Stage.INTERIM, Stage.CURRENT):
        found = resolve(tree, analyser.view(dialect, stage), row_table=analysed.row_table)
        for remark in found.remarks:
            if remark.code == "ambiguous":
                return f"at {stage}: {remark.message}"
            if remark.code == "rebinds":
                return f"at {stage}: {remark.message}"
        for binding in found.bindings:
            if binding.standing is Standing.GONE or (
                binding.standing is Standing.DEPRECATED
                and binding.source is not None
                and binding.source.table is not None
                and binding.source.table.role is not Role.RETIRED
            ):
                return f"at {stage}: {binding.name} is still read from the child"
        for star in found.stars:
            if star.source.table is not None and star.source.table.role is Role.COPY:
                return f"at {stage}: a star over the child returns fewer columns"
        if by_name:
            reason = _moved(analysed, edits, found)
            if reason:
                return f"at {stage}: {reason}"
    return ""


def _moved(analysed: Analysed, edits: Sequence[Edit], found: Resolution) -> str:
    shift = Shift(edits)
    after = {binding.end: binding for binding in found.bindings}
    assert analysed.resolution is not None
    expected: dict[int, Binding] = {}
    for binding in analysed.resolution.bindings:
        if any(
            e.start <= binding.start
            and binding.end <= e.end < e.start + len(e.text)
            and e.end - e.start > 0
            for e in edits
            if e.end >= binding.end
        ):
            continue  # inside a replaced piece
        expected[shift.last_of(binding.end)] = binding
    for end, old in expected.items():
        new = after.get(end)
        if new is None:
            if old.source is not None and old.source.table is not None:
                return f"{old.name} is bound to nothing"
            continue
        reason = _same(old, new)
        if reason:
            return reason
    added = _added(edits)
    for end, new in after.items():
        table = new.source.table if new.source is not None else None
        ours = table is not None and end not in expected
        if table is not None and ours and not any(a < end <= b for a, b in added):
            return f"{new.name} is bound to {table.table.name}, which it was not"
    return ""


def _same(old: Binding, new: Binding) -> str:
    was = old.source
    now = new.source
    if was is None or now is None:
        return ""
    if was.table is not None and wide(was):
        if now.table is None:
            return ""  # the derived form's own columns
        role = Role.PARENT if old.standing in GOING else Role.COPY
        if now.table.role is not role:
            return f"{old.name} is read from {now.table.table.name}"
        return ""
    if was.table is not None:
        if now.table is None or now.table.role is not was.table.role:
            return f"{old.name} is bound to another table"
        return ""
    if now.table is not None:
        return f"{old.name} of {was.name} is bound to {now.table.table.name}"
    return ""


def _added(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    spans = []
    move = 0
    for edit in edits:
        start = edit.start + move
        spans.append((start, start + len(edit.text)))
        move += len(edit.text) - (edit.end - edit.start)
    return spans
