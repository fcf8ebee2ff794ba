"""What the resolver records: sources, frames, and what each name was bound to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from membership_refactor.scan.parse.fill_templates import PUT_IN
from membership_refactor.scan.resolve.tables_as_spelled import TableView
from membership_refactor.scan.resolve.tables_at_stage import Role, Standing

Span = tuple[int, int]
"""Offsets in the parsed text, the end exclusive."""


class Kind(StrEnum):
    """How a statement uses a column."""

    READ = "read"
    WRITE = "write"
    STAR = "star"
    WHOLE_ROW = "whole row"


@dataclass(slots=True)
class Outputs:
    """The columns that a query or table offers. ``open`` means that there may be more."""

    columns: dict[str, str | None] = field(default_factory=dict)
    """Folded name to the plan's column if it came through a star, else to None."""
    open: bool = False

    def add(self, other: Outputs) -> None:
        """Add the columns that are not there yet."""
        self.columns = {**other.columns, **self.columns}
        self.open |= other.open


@dataclass(slots=True)
class Source:
    """One entry of a FROM list."""

    name: str
    """The alias, folded."""
    table: TableView | None = None
    """The plan's table, where it is one."""
    outputs: Outputs = field(default_factory=lambda: Outputs(open=True))
    base: str = ""
    """The folded name of a table outside the plan."""
    span: Span = (0, 0)
    """From the first character of the table's name to the last of its alias; 0 for no place."""
    table_span: Span = (0, 0)
    """The table's own name, without schema and alias."""
    alias: str | None = None
    """The alias as written."""
    renames: bool = False
    """An alias column list gives the columns other names."""
    merged: bool = False
    """USING or NATURAL merges columns of it with another source's."""
    qualified_only: bool = False
    """Unqualified names do not see it: excluded, NEW and OLD."""
    target: bool = False
    """The statement writes this table."""
    hinted: bool = False
    """Sampling, an index hint or the like is written at the table."""
    doubtful: bool = False
    """Its schema may be another one."""
    composite: bool = False
    """A column is read as ``(w).column``."""
    node: Any = None

    @property
    def role(self) -> Role | None:
        """What its table is to the plan; None for a table outside the plan."""
        return self.table.role if self.table is not None else None

    @property
    def put_in(self) -> bool:
        """Whether the table's name is put in at run time."""
        return self.table is None and self.base.startswith(PUT_IN)

    @property
    def wide(self) -> bool:
        """Whether it is the wide table, under either name."""
        return self.table is not None and self.table.wide

    @property
    def _own(self) -> Mapping[str, tuple[str, Standing]] | None:
        """The columns of its table by folded name, unless aliases give them other names."""
        return self.table.columns if self.table is not None and not self.renames else None

    def meaning(self, name: str) -> tuple[str | None, Standing | None]:
        """The plan's column that the name means here, and its standing."""
        if self._own is not None:
            return self._own.get(name, (None, None))
        column = self.outputs.columns.get(name)
        return column, self.table.table.standing(column) if self.table and column else None

    def has(self, name: str) -> bool | None:
        """Whether it offers the name; None where that is not known."""
        if self._own is not None:
            return name in self._own and not self.had(name)
        return True if name in self.outputs.columns else None if self.outputs.open else False

    def had(self, name: str) -> bool:
        """Whether it offered the name before, and does not at this stage."""
        return self._own is not None and self._own.get(name, ("", None))[1] is Standing.GONE

    def offers(self) -> Outputs:
        """What a star over this source stands for."""
        if self._own is None:
            return self.outputs
        return Outputs({word: name for word, (name, _) in self._own.items() if self.has(word)})


@dataclass(slots=True)
class Frame:
    """The sources that an expression sees. Names not known here are looked up in ``outer``."""

    outer: Frame | None = None
    sources: list[Source] = field(default_factory=list)
    query: int = 0
    """A number that the frames of one query share."""
    ctes: dict[str, Outputs] = field(default_factory=dict)
    """Common table expressions by folded name."""

    def outward(self) -> Iterator[Frame]:
        """Yield this frame and those around it, the innermost first."""
        yield self
        if self.outer is not None:
            yield from self.outer.outward()

    def named(self, name: str) -> tuple[Source, int] | None:
        """The innermost source of this name, and how many frames further out it stands."""
        every = ((s, depth) for depth, at in enumerate(self.outward()) for s in at.sources)
        return next((found for found in every if found[0].name == name), None)

    def source(self, name: str) -> Source | None:
        """The innermost source of this name."""
        return (self.named(name) or (None,))[0]

    def cte(self, name: str) -> Outputs | None:
        """What the nearest common table expression of this name offers."""
        return next((f.ctes[name] for f in self.outward() if name in f.ctes), None)

    @property
    def visible(self) -> list[Source]:
        """The sources that unqualified names and stars see."""
        return [source for source in self.sources if not source.qualified_only]


@dataclass(slots=True)
class Binding:
    """One name in the text, and the column that it is bound to."""

    start: int
    end: int
    name: str
    """Folded."""
    written: str
    source: Source
    column: str | None
    """The plan's column, if the source is one of the plan's tables."""
    standing: Standing | None
    clause: str
    why: str = ""
    """Why the binding is unsure; empty where it is certain."""
    qualifier: Span | None = None
    depth: int = 0
    """How many frames further out the source stands."""
    query: int = 0

    @property
    def kind(self) -> Kind:
        """Whether the name is written or read."""
        return Kind.WRITE if self.clause in ("set", "insert", "create table") else Kind.READ


class StarUse(NamedTuple):
    """A star or a whole row of one source."""

    start: int
    end: int
    source: Source
    kind: Kind


class Remark(NamedTuple):
    """Something the resolver noticed that is no binding."""

    code: str
    message: str
    start: int


@dataclass(eq=False)
class Resolution:
    """Everything the resolver found in one statement."""

    tree: Any
    statement: str = ""
    """select, insert, update, delete, merge or definition."""
    bindings: list[Binding] = field(default_factory=list)
    stars: list[StarUse] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    accounted: set[int] = field(default_factory=set)
    """Where the names start that were understood, whatever they are."""
    loose: list[tuple[int, str, list[Source]]] = field(default_factory=list)
    """Names that belong to one of several tables whose columns are not known."""
    alone: bool = False
    """Whether there is one query, and one source in it."""
    nowhere: set[str] = field(default_factory=set)
    """Unqualified names, folded, that no source has: usually variables of a procedure."""

    def of(self, source: Source) -> list[Binding]:
        """The bindings to this source."""
        return self._by_source.get(id(source), [])

    @cached_property
    def _by_source(self) -> Mapping[int, list[Binding]]:
        """A statement may have thousands of names: they are looked up, and never searched."""
        found: dict[int, list[Binding]] = defaultdict(list)
        for binding in self.bindings:
            found[id(binding.source)].append(binding)
        return found

    @cached_property
    def every_node(self) -> list[Any]:
        """The nodes of the tree, the outer ones first."""
        return list(self.tree.walk())

    @cached_property
    def nodes(self) -> Mapping[int, Any]:
        """The names and stars of the tree, by the offset at which each starts."""
        return {node.meta["start"]: node for node in self.every_node if "start" in node.meta}

    @property
    def ours(self) -> list[Source]:
        """The sources that are tables of the plan."""
        return [source for source in self.sources if source.table is not None]
