"""Scanning: one file from bytes to its outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from membership_refactor.scan.findings.collect import Reporter
from membership_refactor.scan.findings.leftover_words import unaccounted
from membership_refactor.scan.findings.values import FileOutcome, Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.read.embedded_sql import Interest
from membership_refactor.scan.read.fragments import in_hosts
from membership_refactor.scan.read.java_file import java_file
from membership_refactor.scan.read.piece import Harvest
from membership_refactor.scan.read.python_file import python_file
from membership_refactor.scan.read.sql_file import sql_file
from membership_refactor.scan.resolve.analyse import Analyser
from membership_refactor.scan.rewrite.rewriter import Rewriter

_SQL = {".sql", ".ddl", ".psql", ".pgsql", ".mysql", ".plsql", ".pks", ".pkb"}
_TEMPLATES = {".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".ftl", ".vm", ".erb"}
_JAVA = {".java", ".kt", ".kts", ".groovy", ".scala"}
_PYTHON = {".py", ".pyi", ".pyw"}
_JPQL = {".jpql", ".hql", ".jpaql"}


@dataclass
class FileScanner:
    """Scans the files of one consumer."""

    analyser: Analyser
    max_bytes: int = 4_000_000
    rewrite: bool = False

    def __post_init__(self) -> None:
        dialect = self.analyser.consumer.dialect
        self.views = (self.analyser.view(dialect), self.analyser.view("jpql"))
        self.interest = Interest.of(*self.views)
        words = self.interest.tables | self.interest.going | self.interest.macros
        # A plain search first: few files of a repository hold any of these words.
        longest_first = sorted(words, key=lambda word: (-len(word), word))
        self._prefilter = re.compile(
            b"|".join(re.escape(word.encode()) for word in longest_first), re.I
        )

    def scan(self, path: Path, shown: str) -> FileOutcome:
        """The outcome; whatever is wrong with the file becomes a note."""
        outcome = FileOutcome(shown, self.analyser.consumer.name)
        try:
            size = path.stat().st_size
            raw = path.read_bytes() if size <= self.max_bytes else b""
        except OSError as error:
            Reporter(outcome, "").note(0, Look.SKIPPED, f"cannot be read: {error.strerror}")
            return outcome
        if size > self.max_bytes:
            message = f"{size:,} bytes are more than --max-bytes {self.max_bytes:,}"
            Reporter(outcome, "").note(0, Look.SKIPPED, message)
            return outcome
        utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        if not utf16 and not self._prefilter.search(raw):
            return outcome
        text, remark = decode(raw)
        reporter = Reporter(outcome, text)
        if remark:
            reporter.note(0, Look.SKIPPED, remark)
        if text:
            self._read(path, text, reporter)
        return outcome

    def _read(self, path: Path, text: str, reporter: Reporter) -> None:
        analyser, placed = self.analyser, Placed.at(text)
        dialect = analyser.consumer.dialect
        hosts = [f for f in analyser.consumer.fragments if f.path.resolve() == path.resolve()]
        if hosts:
            in_hosts(placed, hosts[0].hosts, analyser, reporter)
            return
        reader = host_reader(path)
        if reader is None:
            unaccounted(placed, "", self.interest, reporter, reason="this kind of file is not read")
            return
        harvest = reader(placed, dialect, self.interest)
        self.harvest(harvest, reporter)
        unaccounted(placed, dialect if reader is _sql else "program", self.interest, reporter)

    def harvest(self, harvest: Harvest, reporter: Reporter) -> None:
        """Every piece analysed and reported."""
        for offset, look, message in harvest.remarks:
            reporter.note(offset, look, message)
        for piece in harvest.pieces:
            table, column = self.interest.in_text(piece.placed.text)
            if not (table or column):
                continue
            view = self.analyser.view(piece.dialect)
            row_table = piece.row_table
            if row_table == "?":
                copy = view.structure.plan.copy
                row_table = view.names.table(copy).lower()
                if row_table not in view.tables:
                    row_table = next(iter(view.tables))
            if piece.fragment:
                reporter.fragment(piece, view)
                continue
            reporter.outcome.statements += 1
            for analysed in self.analyser.analyse(piece.placed, piece.dialect, row_table=row_table):
                reporter.statement(analysed, piece)
                if self.rewrite and analysed.resolution is not None and analysed.resolution.ours:
                    rewritten = Rewriter(self.analyser, analysed, piece, reporter.text).run()
                    if rewritten is not None:
                        place = reporter.place(max(0, rewritten.start))
                        reporter.outcome.rewrites.append(rewritten.at(place))


def _sql(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    return sql_file(placed, dialect)


def _jpql(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    from membership_refactor.scan.read.jpql import prepared

    return sql_file(prepared(placed), "jpql")


def host_reader(path: Path) -> Callable[[Placed, str, Interest], Harvest] | None:
    """How to find SQL in such a file; None where only words can be searched."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in _TEMPLATES:
        return _sql
    last = suffixes[-1] if suffixes else ""
    if last in _SQL:
        return _sql
    if last in _PYTHON:
        return python_file
    if last in _JAVA:
        return java_file
    return _jpql if last in _JPQL else None


def decode(raw: bytes) -> tuple[str, str]:
    """The text, and a remark where it is not UTF-8; empty for binary files."""
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            try:
                return raw.decode(name), "read as UTF-16"
            except UnicodeDecodeError:
                return "", "a binary file: not read"
    if b"\0" in raw:
        return "", "a binary file in which a name of the plan occurs: not read"
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        return raw.decode("cp1252", "replace"), f"not UTF-8 (byte {error.start}); read as cp1252"
