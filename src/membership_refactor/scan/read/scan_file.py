"""Scan one file, from its bytes to its outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from membership_refactor.consumers import Consumer, Look
from membership_refactor.scan.findings import leftover_words
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.parse import put_in
from membership_refactor.scan.parse.fill_templates import expanded, filled
from membership_refactor.scan.parse.piece import UNKNOWN_TABLE, Harvest, Piece, Placed, joined
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.read.data_file import data_pieces
from membership_refactor.scan.read.disguised_names import disguises
from membership_refactor.scan.read.encoding import NO_TEXT, decode, digest, strange
from membership_refactor.scan.read.grammars import DATA, KINDS, NoGrammar
from membership_refactor.scan.read.program_file import program_pieces
from membership_refactor.scan.read.sql_file import prepared, sql_pieces, starts_like_sql, statements
from membership_refactor.scan.read.tables_by_name import tables_by_name
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, Unparsed
from membership_refactor.scan.resolve.tables_as_spelled import Interest, pattern
from membership_refactor.scan.rewrite.rewriter import rewritten

_NEAR = 2000
_INCLUDED = re.compile(
    r"^[ \t]*(?:\\i(?:r|nclude(?:_relative)?)?|\\\.)[ \t]+['\"]?([^\s'\"]+)"
    r"|^[ \t]*(?:@@?|source\b)[ \t]*['\"]?([^\s;'\"]+\.\w+)"
    r"|\\(gexec)\b",
    re.M | re.I,
)
"""Another file that psql, mysql or SQL*Plus runs in this place, or a query's results."""
_VARIABLE = re.compile(r"\s*[:&]\"?\w+\"?\s*")
_ESCAPES = re.compile(r"\bU&[\"']", re.I)
_ROW = re.compile(r"(?!\s*select\s+(?:new|old)\s*\Z).*\b(?:new|old)\b", re.I | re.S)
"""A trigger's row that is used for more than to be returned."""
_READ_WHOLE = (Look.HOLE, Look.SKIPPED, Look.UNPARSED, Look.DYNAMIC)
"""Who closes a question of these kinds has read its place."""


@dataclass
class FileScanner:
    """Scans the files of one consumer."""

    analyser: Analyser
    max_bytes: int = 20_000_000
    rewrite: bool = False
    read_too: Sequence[Path] = ()
    """The other files that are scanned."""

    def __post_init__(self) -> None:
        dialect = self.analyser.consumer.dialect
        self.interest = Interest.of(self.analyser.view(dialect), self.analyser.view("jpql"))
        self.disguises = disguises(self.interest.tables)
        # A plain search first: few files of a repository hold any of these words.
        self._prefilter = re.compile(pattern(self.interest.words).pattern.encode(), re.I)

    def scan(self, path: Path, shown: str) -> FileOutcome:
        """Scan a file. Whatever is wrong with it becomes a note."""
        consumer = self.analyser.consumer.name
        outcome = FileOutcome(shown, consumer)
        try:
            if (size := path.stat().st_size) > self.max_bytes:
                why = f"{size:,} bytes are more than --max-bytes {self.max_bytes:,}"
                return FileOutcome.unread(shown, consumer, why)
            raw = path.read_bytes()
        except OSError as error:
            return FileOutcome.unread(shown, consumer, f"cannot be read: {error.strerror}")
        # Without its zero bytes, UTF-16 holds the words of the plan as ASCII does.
        found = self._prefilter.search
        named = found(raw) or (b"\0" in raw and found(raw.replace(b"\0", b"")))
        suffix = path.suffix.lower()
        if not named and suffix in NO_TEXT:
            return outcome
        decoded = decode(raw)
        if decoded is None:
            why = "a binary file that names the plan" if named else "a file of unknown encoding"
            return FileOutcome.unread(shown, consumer, why)
        collector = Collector(outcome, decoded.text)
        for at, part in self.disguises.parts(decoded.text):
            outcome.parts.setdefault(part, collector.place(at))
        disguised = [*self.disguises.find(decoded.text), *tables_by_name(decoded.text)]
        kind = KINDS.get(suffix)
        plain = not (named or disguised or strange(raw))
        if plain and kind != "sql" and not put_in.HOLDS_SQL.search(raw):
            return outcome
        if decoded.encoding != "utf-8" and not (plain and kind is None):
            message = f"read as {decoded.encoding}" + (decoded.guessed and f": {decoded.guessed}")
            collector.note(0, Look.ENCODING, message, open=bool(decoded.guessed))
        self._read(path, Placed.at(decoded.text), collector)
        self._note_disguised(disguised, collector)
        if outcome.rewrites:
            outcome.digest = digest(raw)
        return outcome

    def scan_text(self, text: str, shown: str) -> FileOutcome:
        """Scan SQL that stands in no file."""
        outcome = FileOutcome(shown, self.analyser.consumer.name)
        placed, dialect = Placed.at(text), self.analyser.consumer.dialect
        self.scan_sql(placed, dialect, sql_pieces(placed, dialect), Collector(outcome, text))
        return outcome

    def scan_sql(
        self, placed: Placed, dialect: str, harvest: Harvest, collector: Collector
    ) -> None:
        """Report what was found in SQL, and the words of the plan that are left in it."""
        self.collect(harvest, collector)
        leftover_words.left_in_sql(placed, dialect, self.interest, collector)
        self._note_disguised(self.disguises.find(placed.text), collector)

    def _note_disguised(self, found: Iterable[tuple[int, str]], collector: Collector) -> None:
        """Leave open what may be a table's name, and was neither read nor noted."""
        noted = [n.place for n in collector.outcome.notes if n.open and n.look in _READ_WHOLE]
        for at, message in found:
            line = collector.place(at).line
            # A line may be a whole file.
            close = (one.line == line and abs(one.offset - at) < _NEAR for one in noted)
            if at not in collector.tables_read and not any(close):
                collector.note(at, Look.HOLE, message)

    def _read(self, path: Path, placed: Placed, collector: Collector) -> None:
        consumer, interest = self.analyser.consumer, self.interest
        for fragment in consumer.fragments:
            if fragment.path.resolve() == path.resolve():
                self._in_hosts(placed, fragment.hosts, collector)
                return
        kind, dialect = KINDS.get(path.suffix.lower(), ""), consumer.dialect
        try:
            if kind in ("sql", "jpql"):
                jpql = kind == "jpql"
                harvest = sql_pieces(
                    prepared(placed) if jpql else placed, kind if jpql else dialect
                )
            elif kind in DATA:
                harvest = data_pieces(placed, kind, dialect, interest)
            else:
                harvest = program_pieces(placed, kind, dialect, interest)
        except NoGrammar as error:
            leftover_words.unread_file(placed, interest, collector, str(error))
            self._note_disguised(put_in.unread_statements(placed, dialect), collector)
            return
        self.collect(harvest, collector)
        if kind == "sql":
            leftover_words.left_in_sql(placed, dialect, interest, collector)
            self._included(path, placed.text, collector)
        else:
            leftover_words.left_in_program(placed, harvest, interest, collector, data=kind in DATA)

    def _included(self, path: Path, text: str, collector: Collector) -> None:
        """Leave open what a client runs in this place, unless that file is scanned too."""
        for match in _INCLUDED.finditer(text):
            name = next(filter(None, match.groups()))
            places = {(folder / name).resolve() for folder in (Path.cwd(), *path.parents)}
            if places.isdisjoint(self._scanned):
                file = "which is not among the files that are scanned"
                what = file if match[1] or match[2] else "SQL that is known at run time only"
                message = f"it runs {name}, {what}"
                collector.note(match.start(), Look.SKIPPED, message)

    @cached_property
    def _scanned(self) -> frozenset[Path]:
        return frozenset(path.resolve() for path in self.read_too)

    def collect(self, harvest: Harvest, collector: Collector) -> None:
        """Analyse and report every piece that names something of the plan."""
        for offset, look, message in harvest.remarks:
            collector.note(offset, look, message)
        for piece in harvest.pieces:
            text, sql = piece.placed.text, SqlText(piece.placed, piece.dialect)
            row = piece.row_table.lower() in self.interest.tables and _ROW.match(text)
            escaped = "&" in text and _ESCAPES.search(text)
            if row or escaped or any(self.interest.in_text(text, piece.dialect)):
                self._piece(piece, collector)
                self._inside(piece, sql, collector)
            if piece.fragment and _VARIABLE.fullmatch(text):
                message = f"the statement is put in at run time: {text.strip()}"
                collector.note(piece.placed.place(0), Look.HOLE, message)
            if (table := put_in.run_time_table(sql)) is not None:
                collector.note(piece.placed.place(table[0]), Look.HOLE, table[1])

    def _inside(self, piece: Piece, sql: SqlText, collector: Collector) -> None:
        """Read the statements in the strings of a statement: of dblink, cron and the like."""
        for token in sql.every_token(words=frozenset()):
            if token.kind in ("string", "dollar") and self.interest.named(sql.text, *token[1:3]):
                inner = sql.inside(token)
                whole = starts_like_sql(inner.text) and " " in inner.text.strip()
                if whole and any(self.interest.in_text(token.text)):
                    own = sql_pieces(inner, piece.dialect)
                    own.pieces = [replace(one, editable=False) for one in own.pieces]
                    self.collect(own, collector)

    def _piece(self, piece: Piece, collector: Collector) -> None:
        view = self.analyser.view(piece.dialect)
        if piece.fragment:
            collector.fragment(SqlText(piece.placed, piece.dialect), view)
            return
        row_table = piece.row_table
        if row_table == UNKNOWN_TABLE:
            child = view.names.table(view.structure.plan.child).lower()
            row_table = child if child in view.tables else next(iter(view.tables))
        for analysed in self._analysed(piece, row_table, collector):
            if self.rewrite and analysed.resolution.ours:
                new = rewritten(self.analyser, analysed, piece, collector)
                collector.outcome.rewrites += [new] if new is not None else []

    def _analysed(self, piece: Piece, row_table: str, collector: Collector) -> Iterator[Analysed]:
        """Report what the statements of a piece use, and yield those that were parsed."""
        collector.outcome.statements += 1
        for analysed in self.analyser.analyse(piece.placed, piece.dialect, row_table=row_table):
            if isinstance(analysed, Unparsed):
                collector.unparsed(analysed)
            else:
                collector.statement(analysed, piece)
                yield analysed

    def _in_hosts(self, fragment: Placed, hosts: Sequence[Path], collector: Collector) -> None:
        """Resolve a fragment in each statement of its hosts that has a hole for it."""
        dialect, found = self.analyser.consumer.dialect, False
        for path in hosts:
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                message = f"its host {path} cannot be read: {error.strerror}"
                collector.note(0, Look.FRAGMENT, message)
                continue
            for whole in _combined(text, fragment, self.analyser.consumer):
                found = True
                piece = Piece(placed=whole, dialect=dialect, editable=False)
                for analysed in self._analysed(piece, "", collector):
                    for binding in analysed.resolution.bindings:
                        if binding.qualifier is None and binding.source.wide:
                            at = analysed.placed.place(binding.start)
                            message = f"{binding.name} has no qualifier in this fragment. It "
                            message += f"becomes ambiguous when {path.name} joins the parent"
                            collector.danger(at, "ambiguous", message)
        if not found:
            collector.fragment(SqlText(fragment, dialect), self.analyser.view(dialect))


_ELSEWHERE = -1
"""The offset of text that stands in another file."""


def _combined(text: str, fragment: Placed, consumer: Consumer) -> Iterator[Placed]:
    """Yield each statement of a host with the fragment in the place of its holes."""
    for statement in statements(Placed.at(text), consumer.dialect):
        sql = SqlText(statement, consumer.dialect)
        template = filled(expanded(sql, consumer.macros))
        spots = {hole.offset for hole in template.holes if hole.free}
        spots |= {macro.offset for macro in template.macros}
        parts: list[Placed] = []
        last = 0
        for token in sql.tokens if spots else ():
            if statement.place(token.start) in spots:
                own = Placed.made(statement.text[last : token.start], _ELSEWHERE)
                parts += [own, fragment]
                last = token.end
        if parts:
            yield joined([*parts, Placed.made(statement.text[last:], _ELSEWHERE)])
