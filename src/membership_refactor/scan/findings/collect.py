"""Turn the bindings of statements into the references, dangers and notes of one file."""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from membership_refactor.consumers import Look
from membership_refactor.scan.findings import values
from membership_refactor.scan.findings.dangers import dangers
from membership_refactor.scan.parse.fill_templates import UnknownMacro, keywords
from membership_refactor.scan.parse.piece import HOLE, LISTED, OPEN, UNKNOWN_TABLE, Piece
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.resolve.analyse import Analysed, Unparsed
from membership_refactor.scan.resolve.bindings import Kind, Source
from membership_refactor.scan.resolve.tables_as_spelled import TableView, View
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing


@dataclass
class Collector:
    """Fills the outcome of one file. Text of another file has the offset -1 and is left out."""

    outcome: values.FileOutcome
    text: str
    accounted: set[int] = field(default_factory=set)
    """Offsets in the file of words that were understood or reported."""
    tables_read: set[int] = field(default_factory=set)
    """Offsets in the file of the letters of the plan's tables that were read or reported."""
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    @cached_property
    def _lines(self) -> list[int]:
        # str.splitlines also splits at form feeds and the like, where editors do not.
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def place(self, offset: int) -> values.Place:
        """Path, line and column of an offset."""
        line = bisect.bisect_right(self._lines, offset)
        column = offset - self._lines[line - 1] + 1
        return values.Place(path=self.outcome.path, line=line, column=column, offset=offset)

    def note(self, offset: int, look: Look, message: str, *, open: bool | None = None) -> None:
        """Add something to look at. Whether it is ``open`` follows from ``look`` if not given."""
        open = look in OPEN if open is None else open
        # Of what is put in at one place, once is enough.
        if offset >= 0 and self._new("note", offset, look, open if look is Look.HOLE else message):
            place = self.place(offset)
            found = values.Note(place=place, look=look, message=message, open=open)
            self.outcome.notes.append(found)

    def danger(self, offset: int, code: str, message: str) -> None:
        """Add something that breaks or changes rows without being a reference."""
        if offset >= 0 and self._new("danger", offset, code):
            place = self.place(offset)
            self.outcome.dangers.append(values.Danger(place=place, code=code, message=message))

    def _word(
        self, word: str, offset: int, written: str, tables: Iterable[TableView], *,
        why: str, kind: Kind = Kind.READ,
    ) -> None:  # fmt: skip
        """Add an unsure reference to each table that has the word as a going column."""
        for table in tables:
            column = table.going(word)
            if column is not None:
                self._reference(offset, table, column, written, kind=kind, why=why)

    def _arguments(
        self, macro: UnknownMacro, tables: Collection[TableView], *, names: Container[str] = ()
    ) -> None:
        """Add the arguments of an undeclared macro, other than ``names`` of tables."""
        why = f"it is an argument of {macro.name}, a macro that is not declared"
        for word, offset in macro.words:
            if word.lower() not in names:
                self._word(word.lower(), offset, word, tables, why=why)

    def unparsed(self, found: Unparsed) -> None:
        """Add what a statement mentions that could not be parsed."""
        why = "the statement could not be parsed"
        sql, message = found.filled.sql, found.failure
        tables = self._by_word(sql, found.view, Look.UNPARSED, message=message, why=why)
        for hole in found.filled.holes if tables else ():
            self.note(hole.offset, Look.HOLE, f"text is put in at run time: {hole.text}")
        for macro in found.filled.macros if tables else ():
            self._arguments(macro, tables)

    def fragment(self, sql: SqlText, view: View) -> None:
        """Add a part of a statement whose host is not known, judged against every table."""
        every = [t for t in view.every_table if t.table.going and t.role is not Role.RETIRED]
        message = "only a part of a statement: the rest is not known. Declare it as a fragment"
        why = "it is in a fragment without a known host"
        self._by_word(sql, view, Look.FRAGMENT, message=message, why=why, otherwise=every)

    def _by_word(
        self, sql: SqlText, view: View, look: Look, *,
        message: str, why: str, otherwise: Sequence[TableView] = (),
    ) -> list[TableView]:  # fmt: skip
        """Add every name that may be one of the named tables' columns; those tables.

        Where no table is named, it is judged against ``otherwise``. The answer is unsure and wide,
        so that nothing is missed in silence.
        """
        named = _tables_in(sql, view)
        every = list({id(table): table for table in named.values()}.values())
        at = sql.placed.place(sql.body[0])
        if named:
            self.note(at, look, message)
        for index, token in enumerate(sql.tokens):
            word, start = view.fold_token(token), sql.placed.place(token.start)
            if token.name.lower() in named:
                self.accounted.add(start)
                self.tables_read.update(map(sql.placed.place, range(token.start, token.end)))
            tables = every or (otherwise if word in view.searched_words else ())
            if every and index >= 2 and sql.tokens[index - 1].text == ".":
                qualified = named.get(sql.tokens[index - 2].name.lower())
                tables = [qualified] if qualified is not None else []
            if word and any(table.going(word) for table in tables):
                self.note(at, look, message)
                self._word(word, start, token.text, tables, why=why)
        return every

    def statement(self, analysed: Analysed, piece: Piece) -> None:
        """Add everything about one statement."""
        placed, resolution = analysed.placed, analysed.resolution
        ours = bool(resolution.ours or resolution.stars)
        accounted = map(placed.place, resolution.accounted)
        self.accounted |= {at for at in accounted if at >= 0}
        if analysed.other_dialect and ours:
            message = f"this is no {piece.dialect}; it was read as {analysed.other_dialect}"
            self.note(placed.place(0), Look.DIALECT, message)
        self._bindings(analysed, piece)
        for star in resolution.stars:
            self._star(star.source, placed.place(star.start), star.kind)
        for source in resolution.ours:
            read = set(map(placed.place, range(*source.table_span)))
            self.tables_read |= read
            self.accounted |= read
            self._table(source, analysed)
        self._unknown_tables(analysed)
        for remark in resolution.remarks:
            look = Look.__members__.get(remark.code.upper())
            if look is not None:  # others are dangers only
                self.note(placed.place(remark.start), look, remark.message)
                self.accounted.add(placed.place(remark.start))
        self._macros(analysed, ours=ours)
        for hole in analysed.filled.holes if ours else ():
            what = "text" if hole.free else "a value or name"
            shown = "an expression of the program" if hole.text in (HOLE, LISTED) else hole.text
            message = f"{what} is put in at run time: {shown}"
            self.note(hole.offset, Look.HOLE, message, open=not hole.quoted)
        for sign in dangers(analysed):
            self.danger(analysed.placed.place(sign.at), sign.code, sign.message)

    def _bindings(self, analysed: Analysed, piece: Piece) -> None:
        assigns = piece.assigns
        for binding in analysed.resolution.bindings:
            source, why, placed = binding.source, binding.why, analysed.placed
            natural = binding.clause == "natural" and bool(why)
            kind = Kind.WRITE if assigns else binding.kind
            assigns = assigns and natural
            if source.table is None or binding.standing not in GOING:
                continue
            offset = placed.place(binding.start)
            if natural:
                self._reference(offset, source.table, "*", source.name, kind=Kind.STAR, why=why)
                continue
            if source.name in ("new", "old") and piece.row_table == UNKNOWN_TABLE:
                why = why or "the table of the trigger is not known"
            written, standing = placed.text[binding.start : binding.end], binding.standing
            self._reference(
                offset, source.table, binding.column or "", written, kind=kind, why=why,
                standing=standing,
            )  # fmt: skip

    def _star(self, source: Source, offset: int, kind: Kind) -> None:
        table = source.table
        going = [table.table.standing(name) for name in table.table.going] if table else []
        kept = Standing.DEPRECATED in going or source.role is Role.COPY
        if table is not None and going and kept:
            self._reference(offset, table, "*", source.alias or source.name, kind=kind)

    def _reference(
        self, offset: int, table: TableView, column: str, written: str, *,
        kind: Kind, why: str = "", standing: Standing | None = None,
    ) -> None:  # fmt: skip
        at_stage = table.table
        if offset < 0:
            return
        columns = at_stage.going if column == "*" else (column,)
        if column != "*":
            self.accounted.add(offset)
        if self._new("ref", offset, at_stage.name, column, kind):
            known = standing or at_stage.standing(columns[0]) or Standing.DEPRECATED
            found = values.Reference(
                place=self.place(offset), table=at_stage.name, column=column, columns=columns,
                written=written, kind=kind, standing=known.value, certain=not why, why=why,
            )  # fmt: skip
            self.outcome.references.append(found)

    def _table(self, source: Source, analysed: Analysed) -> None:
        if source.table is None or not (source.table.table.leaves and source.table_span[1]):
            return
        offset = analysed.placed.place(source.table_span[0])
        if offset < 0 or not self._new("table", offset):
            return
        table, plan = source.table.table, analysed.view.structure.plan
        used = {binding.column for binding in analysed.resolution.of(source)}
        columns = tuple(c for c in table.present if c in used)
        why = f"its rows move to {plan.child} at step retire_source"
        if table.role is Role.RETIRED:
            why = "step drop_retired_table drops this archive"
        elif plan.source == plan.parent:
            why += "; then its name means the parent"
        place = self.place(offset)
        use = values.TableUse(place=place, table=table.name, columns=columns, why=why)
        self.outcome.tables.append(use)

    def _unknown_tables(self, analysed: Analysed) -> None:
        """Add columns of a table whose name is put in at run time: it may be ours."""
        resolution, view = analysed.resolution, analysed.view
        names = [(b.start, b.name, b.kind, [b.source]) for b in resolution.bindings]
        names += [(start, name, Kind.READ, sources) for start, name, sources in resolution.loose]
        tables = [t for t in view.every_table if t.role is not Role.RETIRED]
        why = "the table's name is put in at run time"
        for start, name, kind, sources in names:
            if name in view.searched_words and any(source.put_in for source in sources):
                offset = analysed.placed.place(start)
                self._word(name, offset, name, tables, kind=kind, why=why)

    def _macros(self, analysed: Analysed, *, ours: bool) -> None:
        resolution = analysed.resolution
        sources = {source.name.lower(): source for source in resolution.sources if source.name}
        for macro in analysed.filled.macros:
            if ours:
                message = f"{macro.name} looks like a macro that is not declared"
                self.note(macro.offset, Look.MACRO, message)
            named = [sources[word.lower()] for word, _ in macro.words if word.lower() in sources]
            tables = [s.table for s in named or resolution.ours if s.table is not None]
            self._arguments(macro, tables, names=sources)

    def _new(self, *key: object) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _tables_in(sql: SqlText, view: View) -> dict[str, TableView]:
    """Alias or name to the plan's table, as far as words tell."""
    named: dict[str, TableView] = {}
    for index, token in enumerate(sql.tokens):
        if (table := view.tables.get(view.fold_token(token))) is None:
            continue
        named[token.name.lower()] = table
        after = [t for t in sql.tokens[index + 1 : index + 3] if t.word != "AS"]
        if after and after[0].kind in ("word", "quoted") and after[0].word not in keywords():
            named[after[0].name.lower()] = table
    return named
