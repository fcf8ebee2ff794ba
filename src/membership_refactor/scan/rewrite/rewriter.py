"""Statement: one statement rewritten for the split structure, checked, or left with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from membership_refactor.scan.findings.dangers import wide
from membership_refactor.scan.findings.values import Place, Rewritten
from membership_refactor.scan.read.piece import Piece
from membership_refactor.scan.resolve.analyse import Analysed, Analyser
from membership_refactor.scan.resolve.bindings import Source
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role
from membership_refactor.scan.rewrite.check_bindings import differences
from membership_refactor.scan.rewrite.edits import Edit, Overlap, applied, in_file, ordered
from membership_refactor.scan.rewrite.insert import insert_edits
from membership_refactor.scan.rewrite.jpql_paths import path_edits
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads
from membership_refactor.scan.rewrite.update_and_delete import delete_edits, update_edits


@dataclass(frozen=True, slots=True)
class Draft:
    """A rewritten statement before its place is known."""

    start: int
    old: str
    new: str | None
    dialect: str
    form: str
    reason: str
    edits: tuple[Edit, ...]
    query: bool

    def at(self, place: Place) -> Rewritten:
        return Rewritten(
            place=place,
            old=self.old,
            new=self.new,
            dialect=self.dialect,
            form=self.form,
            reason=self.reason,
            edits=tuple(self.edits),
            query=self.query,
        )


@dataclass
class Rewriter:
    """Rewrites one statement of a file."""

    analyser: Analyser
    analysed: Analysed
    piece: Piece
    file_text: str

    def run(self) -> Draft | None:
        """None where the statement needs no other form."""
        if not self._concerned():
            return None
        reasons: list[str] = []
        for derived in (False, True):
            reads = Reads(self.analysed, self.analyser.portrait)
            try:
                edits = ordered(list(self._edits(reads, derived)))
            except NotMechanical as error:
                reasons.append(str(error))
                break
            except Overlap:
                reasons.append("two edits overlap")
                continue
            if not edits:
                return None
            whole = {"insert"} & set(reads.forms) or (
                len(edits) == 1 and edits[0].text.startswith("WITH ")
            )
            reason = differences(
                self.analyser, self.analysed, edits, by_name=not whole and not self._jpql
            )
            if not reason:
                return self._draft(edits, "+".join(dict.fromkeys(reads.forms)))
            reasons.append(reason)
            if self._jpql:
                break
        return self._left(reasons[-1])

    @property
    def _jpql(self) -> bool:
        return self.analysed.view.dialect == "jpql"

    def _concerned(self) -> bool:
        resolution = self.analysed.resolution
        assert resolution is not None
        for source in resolution.ours:
            assert source.table is not None
            if source.table.role is Role.SOURCE or source.table.role is Role.RETIRED:
                return True
        return any(b.standing in GOING for b in resolution.bindings) or any(
            wide(star.source) for star in resolution.stars
        )

    def _edits(self, reads: Reads, derived: bool) -> Sequence[Edit]:
        resolution = reads.resolution
        if self.analysed.other_dialect and self.piece.host == "body":
            raise NotMechanical("it was read in another dialect than declared")
        if resolution.statement in ("definition", "merge", "other"):
            if resolution.tree.find_ancestor is None or resolution.statement != "definition":
                raise NotMechanical("MERGE has to be split by hand")
            if resolution.tree.key != "create" or resolution.tree.args.get("expression") is None:
                raise NotMechanical("a definition is changed by the chain or by hand")
        if self._jpql:
            return path_edits(reads)
        targets = [s for s in resolution.ours if s.target and wide(s)]
        rows = {id(s) for s in resolution.ours if s.name in ("excluded", "new", "old")}
        edits: list[Edit] = []
        for source in resolution.ours:
            if source.target or id(source) in rows or not self._old(source):
                continue
            edits += reads.edits(source, derived=derived)
        reads.changed_before = bool(edits)
        if any(
            b.source is not None and id(b.source) in rows and b.standing in GOING
            for b in resolution.bindings
        ):
            raise NotMechanical("NEW, OLD or excluded is a row of one table")
        for target in targets:
            edits += self._target(reads, target)
        return edits

    @staticmethod
    def _old(source: Source) -> bool:
        return wide(source) or (source.table is not None and source.table.role is Role.RETIRED)

    @staticmethod
    def _target(reads: Reads, target: Source) -> Sequence[Edit]:
        if target.hinted:
            raise NotMechanical("a hint stands at the table")
        kind = reads.resolution.statement
        if kind == "update":
            return update_edits(reads, target)
        if kind == "delete":
            return delete_edits(reads, target)
        if kind == "insert":
            return insert_edits(reads, target)
        raise NotMechanical("it writes the table inside of another statement")

    def _draft(self, edits: Sequence[Edit], form: str) -> Draft:
        assert self.analysed.resolution is not None
        placed = self.analysed.placed
        text = placed.text
        reason = ""
        file_edits = in_file(edits, placed, self.file_text, escape=self.piece.escape)
        if file_edits is None or not self.piece.editable:
            file_edits = ()
            reason = "its text is put together; edit it by hand"
        return Draft(
            self._start(),
            text,
            applied(text, edits),
            self.analysed.view.dialect,
            form,
            reason,
            file_edits,
            self.analysed.resolution.statement == "select",
        )

    def _left(self, reason: str) -> Draft:
        assert self.analysed.resolution is not None
        return Draft(
            self._start(),
            self.analysed.placed.text,
            None,
            self.analysed.view.dialect,
            "",
            reason,
            (),
            self.analysed.resolution.statement == "select",
        )

    def _start(self) -> int:
        placed = self.analysed.placed
        return placed.place(len(placed.text) - len(placed.text.lstrip()))
