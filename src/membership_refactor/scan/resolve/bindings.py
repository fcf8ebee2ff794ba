"""Scope: the sources of a query, what they offer, and what a name was bound to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.tables_as_spelled import TableView
from membership_refactor.scan.resolve.tables_at_stage import Standing

Span = tuple[int, int]
"""Offsets in the parsed text, the end exclusive."""


@dataclass(slots=True)
class Outputs:
    """The columns a query or table offers; ``open`` where there may be more."""

    columns: dict[str, str | None] = field(default_factory=dict)
    """Folded name to the plan's column if it came through a star, else None."""
    open: bool = False


@dataclass(slots=True)
class Source:
    """One entry of a FROM list."""

    name: str
    """Folded alias."""
    table: TableView | None = None
    """One of the plan's tables."""
    outputs: Outputs = field(default_factory=lambda: Outputs(open=True))
    base: str = ""
    """The folded name of a table outside the plan."""
    span: Span | None = None
    """From the first character of the table's name to the last of its alias."""
    table_span: Span | None = None
    """The table's own name, without schema and alias."""
    alias: str | None = None
    """The alias as written."""
    renames: bool = False
    """An alias column list gives other names."""
    merged: bool = False
    """Takes part in USING or NATURAL."""
    qualified_only: bool = False
    """excluded, NEW, OLD: unqualified names do not see it."""
    target: bool = False
    """The table that a statement writes."""
    hinted: bool = False
    """Sampling, index hints and the like stand at the table."""
    doubtful: bool = False
    """Its schema may be another one."""
    composite: bool = False
    """Read as ``(w).column``."""
    node: Any = None

    def has(self, name: str) -> bool | None:
        """Whether it offers the name; None where that is not known."""
        if self.table is not None and not self.renames:
            found = self.table.columns.get(name)
            return found is not None and found[1] is not Standing.GONE
        if name in self.outputs.columns:
            return True
        return None if self.outputs.open else False

    def had(self, name: str) -> bool:
        """Whether it offered the name before, and does not at this stage."""
        if self.table is None or self.renames:
            return False
        found = self.table.columns.get(name)
        return found is not None and found[1] is Standing.GONE


@dataclass(slots=True)
class Frame:
    """The sources that an expression sees; ``outer`` is asked where these do not know a name."""

    outer: Frame | None = None
    sources: list[Source] = field(default_factory=list)
    query: int = 0


@dataclass(slots=True)
class Binding:
    """One name in the text and the column it is bound to."""

    start: int
    end: int
    name: str
    source: Source | None
    column: str | None
    """The plan's column, if the source is one of its tables."""
    standing: Standing | None
    kind: Kind
    clause: str
    certain: bool = True
    why: str = ""
    qualifier: Span | None = None
    depth: int = 0
    """How many frames further out the source stands."""
    query: int = 0
    through_star: bool = False
    written: str = ""


@dataclass(slots=True)
class StarUse:
    """A star or a whole row of one source."""

    start: int
    end: int
    source: Source
    kind: Kind
    qualified: bool


@dataclass(slots=True)
class Remark:
    """Something the resolver noticed that is no binding."""

    code: str
    message: str
    start: int


@dataclass(slots=True)
class Resolution:
    """Everything the resolver found in one statement."""

    bindings: list[Binding] = field(default_factory=list)
    stars: list[StarUse] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    accounted: set[int] = field(default_factory=set)
    """Where the names start that were understood, whatever they are."""
    loose: list[tuple[int, str, list[Source]]] = field(default_factory=list)
    """Names that belong to one of some tables whose columns are not known."""
    nowhere: set[str] = field(default_factory=set)
    """Unqualified names, folded, that no source has: variables of a procedure, usually."""
    tree: Any = None
    statement: str = ""
    """select, insert, update, delete, merge, definition, other."""

    def of(self, source: Source) -> list[Binding]:
        return [binding for binding in self.bindings if binding.source is source]

    @property
    def ours(self) -> list[Source]:
        return [source for source in self.sources if source.table is not None]
