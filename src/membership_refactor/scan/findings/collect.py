"""Reporting: bindings of a statement become references, dangers and notes with their places."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from membership_refactor.scan.findings.by_word import bare_mentions, mentions, tables_in
from membership_refactor.scan.findings.dangers import dangers
from membership_refactor.scan.findings.values import (
    Danger,
    FileOutcome,
    Kind,
    Look,
    Note,
    Place,
    Reference,
    TableUse,
)
from membership_refactor.scan.parse.placed_text import Lines
from membership_refactor.scan.read.piece import Piece
from membership_refactor.scan.resolve.analyse import Analysed
from membership_refactor.scan.resolve.bindings import Binding, Source
from membership_refactor.scan.resolve.tables_as_spelled import TableView, View
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing

_REMARKS = {
    "ambiguous": Look.AMBIGUOUS,
    "unresolved": Look.TEXT,
    "schema": Look.SCHEMA,
    "entity": Look.ENTITY,
    "macro": Look.MACRO,
    "association": Look.ENTITY,
}


@dataclass
class Reporter:
    """Fills the outcome of one file."""

    outcome: FileOutcome
    text: str
    accounted: set[int] = field(default_factory=set)
    """Offsets of the file whose word was understood or listed."""
    _lines: Lines | None = None
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def place(self, offset: int) -> Place:
        if self._lines is None:
            self._lines = Lines(self.text)
        line, column = self._lines.of(offset)
        return Place(path=self.outcome.path, line=line, column=column, offset=offset)

    def note(self, offset: int, look: Look, message: str) -> None:
        if offset >= 0 and self._new(("note", offset, look, message)):
            self.outcome.notes.append(Note(place=self.place(offset), look=look, message=message))

    def statement(self, analysed: Analysed, piece: Piece) -> None:
        """Everything about one statement."""
        if analysed.resolution is None:
            self._unparsed(analysed, piece)
            return
        resolution, placed = analysed.resolution, analysed.placed
        ours = bool(resolution.ours) or bool(resolution.stars)
        if ours:
            self.accounted |= resolution.accounted
        else:
            self.accounted |= {at for at in resolution.accounted if at >= 0}
        if analysed.other_dialect and ours:
            self.note(
                placed.place(0),
                Look.DIALECT,
                f"read as {analysed.other_dialect}: it is not {piece.dialect}",
            )
        natural: dict[tuple[int, str], list[Binding]] = defaultdict(list)
        first = True
        for binding in resolution.bindings:
            if binding.clause == "natural" and not binding.certain:
                natural[binding.start, binding.source.name if binding.source else ""].append(
                    binding
                )
                continue
            kind = Kind.WRITE if piece.assigns and first else binding.kind
            self._binding(binding, analysed, piece, kind)
            first = False
        for group in natural.values():
            self._natural(group, analysed)
        for star in resolution.stars:
            assert star.source.table is not None
            self._star(star.source, placed.place(star.start), star.kind)
        for source in resolution.ours:
            self._table(source, analysed)
        self._unknown_tables(analysed)
        for remark in resolution.remarks:
            look = _REMARKS.get(remark.code)
            if look is not None:
                self.note(placed.place(remark.start), look, remark.message)
                self.accounted.add(placed.place(remark.start))
        self._macros(analysed, ours)
        if ours:
            for hole in analysed.masked.holes:
                what = "text" if hole.free else "a value or name"
                shown = "an expression of the program" if hole.text == "{hole}" else hole.text
                self.note(hole.offset, Look.HOLE, f"{what} is put in at run time: {shown}")
        for sign in dangers(analysed):
            self.danger(placed.place(sign.at), sign.code, sign.message)

    def danger(self, offset: int, code: str, message: str) -> None:
        if offset >= 0 and self._new(("danger", offset, code)):
            self.outcome.dangers.append(
                Danger(place=self.place(offset), code=code, message=message)
            )

    def fragment(self, piece: Piece, view: View) -> None:
        """A part of a statement whose host is not known: unsure, against every table."""
        named = tables_in(piece.placed, view)
        tables = list(named.values()) or [
            t
            for t in {id(t): t for t in view.tables.values()}.values()
            if t.table.going and t.role is not Role.RETIRED
        ]
        found = mentions(piece.placed, view) if named else bare_mentions(piece.placed, view, tables)
        if not found:
            return
        self.note(piece.placed.place(0), Look.FRAGMENT, "a part of a statement without its host")
        for table, column, offset, written in found:
            self._reference(
                offset,
                table,
                column,
                written,
                kind=Kind.READ,
                standing=table.table.standing(column),
                why="a fragment whose host is not known",
            )

    def _binding(self, binding: Binding, analysed: Analysed, piece: Piece, kind: Kind) -> None:
        source = binding.source
        if source is None or source.table is None or binding.standing not in GOING:
            return
        offset = analysed.placed.place(binding.start)
        why = binding.why
        if source.name in ("new", "old") and not piece.row_sure:
            why = why or "NEW or OLD of a trigger whose table is not known"
        written = analysed.placed.text[binding.start : binding.end]
        self._reference(
            offset,
            source.table,
            binding.column or "",
            written,
            kind=kind,
            standing=binding.standing,
            why=why,
        )

    def _natural(self, group: list[Binding], analysed: Analysed) -> None:
        source = group[0].source
        if source is None or source.table is None:
            return
        offset = analysed.placed.place(group[0].start)
        self._add(
            Reference(
                place=self.place(offset),
                table=source.table.table.name,
                column="*",
                columns=source.table.table.going,
                written=source.name,
                kind=Kind.STAR,
                standing=Standing.DEPRECATED.value,
                certain=False,
                why=group[0].why,
            )
        )

    def _reference(
        self,
        offset: int,
        table: TableView,
        column: str,
        written: str,
        *,
        kind: Kind,
        standing: Standing | None,
        why: str = "",
    ) -> None:
        if offset < 0:
            return
        self.accounted.add(offset)
        self._add(
            Reference(
                place=self.place(offset),
                table=table.table.name,
                column=column,
                columns=(column,),
                written=written,
                kind=kind,
                standing=(standing or Standing.DEPRECATED).value,
                certain=not why,
                why=why,
            )
        )

    def _star(self, source: Source, offset: int, kind: Kind) -> None:
        table = source.table
        if offset < 0 or table is None or not table.table.going:
            return
        going = table.table.going
        gone = all(table.table.standing(name) is Standing.GONE for name in going)
        if gone and table.role is not Role.COPY:
            return
        standing = table.table.standing(going[0]) or Standing.DEPRECATED
        self._add(
            Reference(
                place=self.place(offset),
                table=table.table.name,
                column="*",
                columns=going,
                written=source.alias or source.name,
                kind=kind,
                standing=standing.value,
            )
        )

    def _table(self, source: Source, analysed: Analysed) -> None:
        if source.table is None or not source.table.table.leaves or source.table_span is None:
            return
        offset = analysed.placed.place(source.table_span[0])
        if offset < 0 or not self._new(("table", offset)):
            return
        assert analysed.resolution is not None
        used = {b.column for b in analysed.resolution.of(source) if b.column}
        plan = analysed.view.structure.plan
        if source.table.role is Role.RETIRED:
            why = "the archive goes in 0011"
        elif plan.source == plan.parent:
            why = f"its rows move to {plan.copy} in 0005; the name becomes the parent's"
        else:
            why = f"its rows move to {plan.copy} in 0005"
        self.outcome.tables.append(
            TableUse(
                place=self.place(offset),
                table=source.table.table.name,
                columns=tuple(c for c in source.table.table.present if c in used),
                why=why,
            )
        )

    def _unknown_tables(self, analysed: Analysed) -> None:
        """A table whose name is put in at run time may be ours."""
        resolution = analysed.resolution
        assert resolution is not None
        names = [
            (binding.start, binding.name, binding.kind)
            for binding in resolution.bindings
            if binding.source is not None
            and binding.source.table is None
            and binding.source.base.startswith("hole_")
        ]
        names += [
            (start, name, Kind.READ)
            for start, name, sources in resolution.loose
            if any(source.base.startswith("hole_") for source in sources)
        ]
        for start, name, kind in names:
            for table in {id(t): t for t in analysed.view.tables.values()}.values():
                known = table.columns.get(name) if name in analysed.view.searched_words else None
                if known is not None and known[1] in GOING and table.role is not Role.RETIRED:
                    self._reference(
                        analysed.placed.place(start),
                        table,
                        known[0],
                        name,
                        kind=kind,
                        standing=known[1],
                        why="the table's name is put in at run time",
                    )

    def _macros(self, analysed: Analysed, ours: bool) -> None:
        resolution, view = analysed.resolution, analysed.view
        assert resolution is not None
        sources = {s.name.lower(): s for s in resolution.sources if s.name}
        for macro in analysed.masked.macros:
            if ours:
                self.note(macro.offset, Look.MACRO, f"{macro.name} is not declared")
            words = [pair for argument in macro.arguments for pair in argument]
            named = [sources[w.lower()] for w, _ in words if w.lower() in sources]
            for word, offset in words:
                folded = word.lower()
                if folded in sources or folded not in view.going_words:
                    continue
                for source in named or resolution.ours:
                    known = source.table.columns.get(folded) if source.table else None
                    if source.table is not None and known and known[1] in GOING:
                        self._reference(
                            offset,
                            source.table,
                            known[0],
                            word,
                            kind=Kind.READ,
                            standing=known[1],
                            why=f"argument of {macro.name}, which is not declared",
                        )

    def _unparsed(self, analysed: Analysed, piece: Piece) -> None:
        placed, view = analysed.placed, analysed.view
        found = mentions(placed, view)
        named = tables_in(placed, view)
        if not named and not found:
            return
        start = len(placed.text) - len(placed.text.lstrip())
        self.note(placed.place(start), Look.UNPARSED, analysed.failure)
        for hole in analysed.masked.holes:
            self.note(hole.offset, Look.HOLE, f"text is put in at run time: {hole.text}")
        for mention in found:
            self._reference(
                mention.offset,
                mention.table,
                mention.column,
                mention.written,
                kind=Kind.READ,
                standing=mention.table.table.standing(mention.column),
                why="the statement could not be parsed",
            )
        for macro in analysed.masked.macros:
            for argument in macro.arguments:
                for word, offset in argument:
                    for table in {id(t): t for t in named.values()}.values():
                        known = table.columns.get(word.lower())
                        if known is not None and known[1] in GOING:
                            self._reference(
                                offset,
                                table,
                                known[0],
                                word,
                                kind=Kind.READ,
                                standing=known[1],
                                why=f"argument of {macro.name}, which is not declared",
                            )

    def _add(self, reference: Reference) -> None:
        key = ("ref", reference.place.offset, reference.table, reference.column, reference.kind)
        if self._new(key):
            self.outcome.references.append(reference)

    def _new(self, key: tuple[object, ...]) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
