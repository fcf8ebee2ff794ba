"""Take one statement from raw text to bindings, by the first reading of it that parses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from membership_refactor.consumers import Consumer
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.scan.parse.fill_templates import FILLINGS, Filled, expanded, filled
from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.tokens import SqlText, rule_table, unwrapped
from membership_refactor.scan.resolve.bindings import Resolution
from membership_refactor.scan.resolve.query import resolve
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at

OTHER_DIALECTS = {"postgres": ("mysql",), "mysql": ("postgres",), "jpql": ()}
_ROOM = 100_000
"""So many characters of statements are kept with what they mean, some 50 MB; so many hashes."""
_LATER = (Stage.INTERIM, Stage.CURRENT)
_FAILURES = (
    SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError, IndexError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A statement that could not be parsed, and why."""

    filled: Filled
    view: View
    failure: str


@dataclass(slots=True)
class Analysed:
    """A statement with its names bound."""

    filled: Filled
    view: View
    resolution: Resolution
    other_dialect: str = ""
    """The dialect that parsed it, if it is not the declared one."""
    at: dict[Stage, Resolution] = field(default_factory=dict)
    """The same text at its own structure, and at interim and current, if it may mean another thing
    there."""
    row_table: str = ""

    @property
    def placed(self) -> Placed:
        """The text that was given to the parser."""
        return self.filled.sql.placed


@dataclass
class Analyser:
    """Analyses statements of one consumer, written for one stage."""

    plan: TableSplit
    stage: Stage
    consumer: Consumer
    schema: str = "public"
    portrait: Portrait | None = None
    _views: dict[tuple[str, Stage], View] = field(default_factory=dict)
    _kept: dict[tuple[str, str, str], Analysed] = field(default_factory=dict)
    """Statements that came more than once."""
    _came: set[int] = field(default_factory=set)
    """The hashes of those that came."""
    _room: int = _ROOM

    def view(self, dialect: str, stage: Stage | None = None) -> View:
        """The plan's tables as this consumer spells them."""
        key = (dialect, stage or self.stage)
        if key not in self._views:
            structure = structure_at(self.plan, key[1], portrait=self.portrait)
            self._views[key] = View(structure, self.consumer, dialect, schema=self.schema)
        return self._views[key]

    def analyse(
        self, placed: Placed, dialect: str, *, row_table: str = ""
    ) -> list[Analysed | Unparsed]:
        """Analyse the statement, or those inside its wrapper."""
        row_table = row_table or rule_table(placed.text)
        return [self._analyse(inner, dialect, row_table) for inner in unwrapped(placed)]

    def _analyse(self, placed: Placed, dialect: str, row_table: str) -> Analysed | Unparsed:
        key = (placed.text, dialect, row_table)
        found = self._kept.get(key) or self._read(Placed.at(placed.text), dialect, row_table)
        if isinstance(found, Analysed) and key not in self._kept:
            self._keep(key, found)
        return replace(found, filled=found.filled.moved(placed))

    def _keep(self, key: tuple[str, str, str], found: Analysed) -> None:
        """Keep what was found in a short text that came before. Most texts come once."""
        length, before = len(key[0]), len(self._came)
        self._came.add(hash(key))
        if len(self._came) > before or length > _ROOM // 10:
            self._came = self._came if before < _ROOM else set()
            return
        self._room -= length
        if self._room < 0:
            self._kept, self._room = {}, _ROOM - length
        self._kept[key] = found

    def _read(self, placed: Placed, dialect: str, row_table: str) -> Analysed | Unparsed:
        unparsed: list[Unparsed] = []
        for candidate in (dialect, *OTHER_DIALECTS[dialect]):
            sql = expanded(SqlText(placed, candidate), self.consumer.macros)
            for filling in FILLINGS:
                text = filled(sql, filling=filling)
                tree, failure = parse_as(text.sql.text, candidate)
                if tree is not None:
                    other = candidate if candidate != dialect else ""
                    return self._resolved(text, candidate, tree, other, row_table)
                unparsed.append(Unparsed(text, self.view(dialect), failure))
                if filling == "value" and not text.holes:
                    break  # the other fillings change nothing
        return unparsed[0]

    def _resolved(
        self, text: Filled, dialect: str, tree: Any, other: str, row_table: str
    ) -> Analysed:
        view = self.view(dialect)
        found = resolve(tree, view, row_table=row_table)
        at = {self.stage: found} if found.ours else {}
        analysed = Analysed(text, view, found, other, at, row_table)
        for stage in {Stage.CURRENT, Stage.INTERIM} - {self.stage} if found.ours else ():
            other_view = self.view(dialect, stage)
            if not _same(found, view, other_view):
                analysed.at[stage] = resolve(tree, other_view, row_table=row_table)
        return analysed


_dialect = cache(Dialect.get_or_raise)


def _same(found: Resolution, view: View, other: View) -> bool:
    """Whether a statement means the same in two structures.

    Its tables have the same columns. Or it has only one, and the same names are in it later: none
    can become another table's.
    """
    if view.jpql or view.column_words != other.column_words:
        return False
    if found.alone and (view.structure.stage, other.structure.stage) == _LATER:
        return True
    names = {source.base for source in found.sources}
    return all(view.at_stage(name) == other.at_stage(name) for name in names)


def parse_as(text: str, dialect: str) -> tuple[Any, str]:
    """The tree, or None and why there is none. JPQL reads best as PostgreSQL."""
    try:
        trees = _dialect("postgres" if dialect == "jpql" else dialect).parse(text)
    except _FAILURES as error:
        if isinstance(error, RecursionError):
            return None, "nested too deeply"
        line = re.sub(r"\x1b\[\d*m", "", str(error)).strip().split("\n")[0]
        return None, line[:160] or type(error).__name__
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        return None, "more than one statement" if found else "no statement"
    tree = found[0]
    if isinstance(tree, (exp.Command, exp.Semicolon)):
        return None, f"the parser does not read {tree.name or 'this'} statements"
    return tree, ""
