"""Rewrite one statement for the split structure and check it, or leave it and say why."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlglot import exp

from membership_refactor.planning import Stage
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import Rewritten
from membership_refactor.scan.parse.piece import Edit, Piece, applied
from membership_refactor.scan.parse.tokens import bracket_end, is_policy
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, parse_as
from membership_refactor.scan.resolve.bindings import Binding, Resolution, Source, Span
from membership_refactor.scan.resolve.query import resolve
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing
from membership_refactor.scan.rewrite.edits import Overlap, Shift, in_file, ordered
from membership_refactor.scan.rewrite.insert import insert_edits, path_edits
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads
from membership_refactor.scan.rewrite.update_and_delete import delete_edits, update_edits


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


_WRITES = {"update": update_edits, "delete": delete_edits, "insert": insert_edits}


@dataclass
class Rewriter:
    """Rewrites one statement of a file."""

    analyser: Analyser
    analysed: Analysed
    piece: Piece
    collector: Collector

    def run(self) -> Rewritten | None:
        """The new form, or the reason why there is none. None if none is needed."""
        if not self._concerned():
            return None
        jpql = self.analysed.view.jpql
        reason = ""
        for derived in (False, True):
            reads = Reads(self.analysed, self.analyser.portrait)
            try:
                edits = ordered(list(self._edits(reads, derived)))
            except NotMechanical as error:
                reason = str(error)
                break
            except Overlap:
                reason = "two changes of its text overlap"
                continue
            if not edits:
                return None
            whole = "insert" in reads.forms or (
                len(edits) == 1 and edits[0].text.startswith("WITH ")
            )
            by_name = not whole and not jpql
            reason = differences(self.analyser, self.analysed, edits, by_name=by_name)
            if not reason:
                return self._rewritten(edits, "+".join(dict.fromkeys(reads.forms)))
            if jpql:
                break
        return self._outcome(new=None, form="", reason=reason, edits=())

    def _concerned(self) -> bool:
        resolution = self.analysed.resolution
        return (
            any(source.role in (Role.SOURCE, Role.RETIRED) for source in resolution.ours)
            or any(binding.standing in GOING for binding in resolution.bindings)
            or any(star.source.wide for star in resolution.stars)
        )

    def _edits(self, reads: Reads, derived: bool) -> Sequence[Edit]:
        resolution = reads.resolution
        if self.analysed.other_dialect and self.piece.body:
            raise NotMechanical("it is not in the declared dialect")
        if self.piece.body and not self.piece.editable:
            raise NotMechanical("a variable takes its type from the table: change it by hand")
        words = {word for s in resolution.ours if s.wide for word in (s.base, s.name)}
        if words & self.piece.row_types:
            raise NotMechanical(
                "the routine has a result, an argument or a variable of the table's row type: "
                "change it by hand"
            )
        text = self.piece.placed.text.strip()
        bracketed = text.startswith("(") and bracket_end(text, 0) == len(text)
        if self.piece.escape and bracketed:
            raise NotMechanical("a formula is a part of statements that are not known here")
        if is_policy(self.piece.placed.text):
            raise NotMechanical("a policy is changed by a revision or by hand")
        if resolution.statement == "merge":
            raise NotMechanical("MERGE has to be split by hand")
        tree = resolution.tree
        view = tree.key == "create" and tree.args.get("expression") is not None
        if resolution.statement == "definition" and not view:
            raise NotMechanical("a definition is changed by a revision or by hand")
        if reads.view.jpql:
            return path_edits(reads)
        rows = {id(s) for s in resolution.ours if s.name in ("excluded", "new", "old")}
        edits: list[Edit] = []
        for source in resolution.ours:
            old = source.wide or source.role is Role.RETIRED
            if old and not source.target and id(source) not in rows:
                edits += reads.edits(source, derived=derived)
        reads.changed_before = bool(edits)
        if any(id(b.source) in rows and b.standing in GOING for b in resolution.bindings):
            raise NotMechanical("NEW, OLD or EXCLUDED would need columns of both tables")
        for source in resolution.ours:
            if source.target and source.wide:
                edits += self._target(reads, source)
        return edits

    @staticmethod
    def _target(reads: Reads, target: Source) -> Sequence[Edit]:
        if target.hinted:
            raise NotMechanical("a hint is written at the table")
        write = _WRITES.get(reads.resolution.statement)
        nested = target.node is not None and target.node.find_ancestor(exp.CTE) is not None
        if write is None or nested:
            raise NotMechanical("it writes the table inside another statement")
        return write(reads, target)

    def _rewritten(self, edits: Sequence[Edit], form: str) -> Rewritten:
        placed = self.analysed.placed
        reason = ""
        text = self.collector.text
        file_edits = in_file(edits, placed, text, escape=self.piece.escape)
        if file_edits is None or not self.piece.editable:
            file_edits = ()
            reason = "its text is put together from parts: edit it by hand"
        new = applied(placed.text, edits)
        return self._outcome(new=new, form=form, reason=reason, edits=file_edits)

    def _outcome(
        self, *, new: str | None, form: str, reason: str, edits: tuple[Edit, ...]
    ) -> Rewritten:
        placed = self.analysed.placed
        start = placed.place(self.analysed.filled.sql.body[0])
        return Rewritten(
            place=self.collector.place(max(0, start)),
            old=placed.text,
            new=new,
            dialect=self.analysed.view.dialect,
            form=form,
            reason=reason,
            edits=edits,
            query=self.analysed.resolution.statement == "select",
        )
