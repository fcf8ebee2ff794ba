"""Analyse: one statement from raw text to bindings, by whichever reading of it parses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.parse.fill_templates import Masked, mask
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.wrappers import peel, rule_table
from membership_refactor.scan.resolve.bindings import Resolution
from membership_refactor.scan.resolve.statement import resolve
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at

_STARTS = re.compile(
    r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\(|\{%.*?%\}|\{\#.*?\#\})*"
    r"(select|insert|update|delete|merge|replace|with|from|values|table|create|alter|drop|grant|"
    r"revoke|comment|copy|truncate|explain|prepare|declare|lock|call|do|execute|analyze|vacuum|"
    r"refresh|describe|desc|begin|commit|rollback|set|show|use|start|reindex|cluster|perform|"
    r"return|delimiter|savepoint|listen|notify|discard|reset|security|import|load|rename)\b",
    re.I | re.S,
)


def starts_like_sql(text: str) -> bool:
    """Whether it begins with a statement's keyword, after comments and brackets."""
    return _STARTS.match(text) is not None


@dataclass(slots=True)
class Analysed:
    """What became of one statement."""

    masked: Masked
    view: View
    resolution: Resolution | None
    failure: str = ""
    """Why it could not be parsed."""
    other_dialect: str = ""
    """The dialect that parsed it, if it is not the declared one."""
    later: Resolution | None = None
    """The same text at the current structure."""
    interim: Resolution | None = None
    """The same text at the interim structure."""
    row_table: str = ""

    @property
    def placed(self) -> Placed:
        return self.masked.placed


@dataclass
class Analyser:
    """Analyses statements of one consumer, written for one stage."""

    plan: TableSplit
    stage: Stage
    consumer: Consumer
    schema: str = "public"
    portrait: Portrait | None = None
    _views: dict[tuple[str, Stage], View] = field(default_factory=dict)

    def view(self, dialect: str, stage: Stage | None = None) -> View:
        key = (dialect, stage or self.stage)
        if key not in self._views:
            structure = structure_at(self.plan, key[1], portrait=self.portrait)
            self._views[key] = View(structure, self.consumer, dialect, schema=self.schema)
        return self._views[key]

    def analyse(
        self, placed: Placed, dialect: str, *, row_table: str = "", peeled: bool = False
    ) -> list[Analysed]:
        """The statement, or those inside its wrapper."""
        if not peeled:
            row_table = row_table or rule_table(placed.text)
            return [
                one
                for inner in peel(placed)
                for one in self.analyse(inner, dialect, row_table=row_table, peeled=True)
            ]
        first: Analysed | None = None
        for candidate in (dialect, *_others(dialect)):
            for fill in ("guess", "value", "blank", "name"):
                masked = mask(placed, candidate, self.consumer.macros, fill=fill)
                tree, failure = parse_as(masked.placed.text, candidate)
                if tree is not None:
                    other = candidate if candidate != dialect else ""
                    return [self._resolved(masked, candidate, tree, other, row_table)]
                if first is None:
                    first = Analysed(masked, self.view(dialect), None, failure)
                if fill == "value" and not masked.holes:
                    break  # the other fillings change nothing
        assert first is not None
        return [first]

    def _resolved(
        self, masked: Masked, dialect: str, tree: Any, other: str, row_table: str
    ) -> Analysed:
        view = self.view(dialect)
        resolution = resolve(tree, view, row_table=row_table)
        resolution.accounted = {masked.placed.place(at) for at in resolution.accounted}
        analysed = Analysed(masked, view, resolution, other_dialect=other, row_table=row_table)
        if resolution.ours:
            at_end = self.view(dialect, Stage.CURRENT)
            at_interim = self.view(dialect, Stage.INTERIM)
            analysed.later = resolve(tree, at_end, row_table=row_table)
            analysed.interim = (
                resolution
                if self.stage is Stage.INTERIM
                else resolve(tree, at_interim, row_table=row_table)
            )
        return analysed


def _others(dialect: str) -> tuple[str, ...]:
    return {"postgres": ("mysql",), "mysql": ("postgres",), "jpql": ()}[dialect]


def parser_dialect(dialect: str) -> str:
    """sqlglot's name of it; JPQL reads best as PostgreSQL."""
    return "postgres" if dialect == "jpql" else dialect


def parse_as(text: str, dialect: str) -> tuple[Any, str]:
    """The tree, or None and why there is none."""
    try:
        trees = sqlglot.parse(text, dialect=parser_dialect(dialect))
    except (
        SqlglotError,
        RecursionError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        IndexError,
    ) as error:
        return None, _first_line(error)
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        return None, "no statement" if not found else "more than one statement"
    tree = found[0]
    if isinstance(tree, (exp.Command, exp.Semicolon)):
        return None, f"the parser does not read {tree.name or 'this'} statements"
    return tree, ""


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = re.sub(r"\x1b\[\d*m", "", str(error)).strip().split("\n")[0]
    return text[:160] or type(error).__name__
