"""What a statement uses of the old structure, by the scanner that reads consumers' SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from membership_refactor.consumers import Consumer
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.planning.targets import targets_by_table
from membership_refactor.portrait import Portrait
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.parse.piece import Piece, Placed
from membership_refactor.scan.resolve.analyse import Analyser, Unparsed
from membership_refactor.watch.statement_kinds import plain
from membership_refactor.watch.ways import Ways, named_in

_UNICODE = re.compile(r"\bU&\"", re.I)
_TYPE = re.compile(r"(?::: |\bCAST \(.* AS )(?:[^ .]+ \. )?(\w[\w$]*|\"(?:[^\"]|\"\")+\")", re.I)
"""The type of a cast, in a statement as ``plain`` writes it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One target that a statement uses."""

    target: str
    columns: tuple[str, ...]
    why: str = ""
    """Through what it uses the target, or why that is unsure; empty for a plain use."""


@dataclass
class Attribution:
    """Finds the targets of statements that were written for one structure of the plan."""

    plan: TableSplit
    schema: str
    portrait: Portrait
    ways: Ways
    _analysers: dict[Stage, Analyser] = field(default_factory=dict)
    _known: dict[tuple[str, Stage], tuple[Use, ...]] = field(default_factory=dict)

    def uses(self, text: str, stage: Stage) -> tuple[Use, ...]:
        """The targets of a statement that was run at that structure."""
        key = (text, stage)
        if key not in self._known:
            found: dict[str, Use] = {}
            for use in (*self._read(text, stage), *self._through(text)):
                found.setdefault(use.target, use)
            self._known[key] = tuple(found.values())
        return self._known[key]

    def _read(self, text: str, stage: Stage) -> Iterator[Use]:
        plan = self.plan
        tables = targets_by_table(plan)
        if _UNICODE.search(text):
            why = "a name is written in Unicode escapes, which are not read"
            yield from (Use(target, (), why) for target in tables.values())
            return
        outcome, unread = self._scanned(text, stage)
        for used in outcome.tables if plan.copy is not None else ():
            yield Use(tables[used.table], used.columns)
        for reference in outcome.references:
            # Under the source's name the parent's columns go on to live.
            columns = tuple(c for c in reference.columns if c in plan.leaving)
            if columns and reference.table == plan.child and plan.parent:
                yield Use(tables[reference.table], columns, reference.why)
        for table in unread:
            if table in tables and named_in(text, [table.lower()]):
                yield Use(tables[table], (), "the statement could not be parsed")
        types = set(_TYPE.findall(plain(text)))
        for table, target in tables.items():
            if types & {table, f'"{table}"'}:
                yield Use(target, (), "through its row type")

    def _scanned(self, text: str, stage: Stage) -> tuple[FileOutcome, tuple[str, ...]]:
        """The scanner's findings, and the tables that may be used if it could not parse."""
        plan, analyser = self.plan, self._analyser(stage)
        outcome = FileOutcome("", "")
        collector = Collector(outcome, text)
        piece = Piece(placed=Placed.at(text), dialect="postgres")
        wide = stage in (Stage.LEGACY, Stage.COPY)
        unread: tuple[str, ...] = ()
        for analysed in analyser.analyse(piece.placed, piece.dialect):
            if isinstance(analysed, Unparsed):
                collector.unparsed(analysed)
                unread = (plan.source if wide else plan.retired, plan.child)
            else:
                collector.statement(analysed, piece)
        return outcome, unread

    def _through(self, text: str) -> Iterator[Use]:
        for target, names in self.ways.items():
            for name in named_in(text, names):
                yield Use(target, (), f"through the {names[name]} {name}")

    def _analyser(self, stage: Stage) -> Analyser:
        if stage not in self._analysers:
            consumer = Consumer(name="(watch)")
            # Without a copy the table keeps its name, and has the columns until they are dropped.
            read_as = stage if self.plan.copy is not None else Stage.LEGACY
            self._analysers[stage] = Analyser(
                self.plan, read_as, consumer, self.schema, self.portrait
            )
        return self._analysers[stage]
