"""What a statement asks of the rows on which it is run: tables, columns, types, constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Cell = tuple[str, str]
"""Table and column. The plan's tables are ``@wide`` and ``@parent``."""
WIDE, PARENT = "@wide", "@parent"
Row = dict[str, Any]


@dataclass(slots=True)
class Group:
    """Columns that are compared with each other, and the values that they are compared with."""

    cells: set[Cell] = field(default_factory=set)
    conditions: list[tuple[str, Any]] = field(default_factory=list)
    """Operator and value."""
    added: list[Any] = field(default_factory=list)
    """Values that the new form compares them with."""


@dataclass
class Needs:
    """What a statement asks for."""

    foreign: dict[str, dict[str, str]] = field(default_factory=dict)
    """Tables outside the plan: column to type."""
    wide: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Columns of the wide table, in order: type and NOT NULL."""
    groups: dict[Cell, Group] = field(default_factory=dict)
    by_parameter: dict[str, tuple[Cell, str]] = field(default_factory=dict)
    """The column that a parameter is compared with, and the operator before the parameter."""
    counts: set[str] = field(default_factory=set)
    """Parameters of LIMIT and OFFSET."""
    used: set[str] = field(default_factory=set)
    """The plan's columns that the statement reads or writes."""
    gaps: list[tuple[Cell, Cell, int]] = field(default_factory=list)
    """Pairs of columns, and a difference of the two that meets the condition."""
    stand_ins: list[Any] = field(default_factory=list)
    """Values that either form takes for a missing one, and days at which a range may end."""
    variables: set[str] = field(default_factory=set)
    """Names that belong to no table."""
    writes: bool = False
    written: set[str] = field(default_factory=set)
    """Tables outside the plan that the statement writes."""

    def group(self, cell: Cell) -> Group:
        """The group of a cell; a new one where it has none."""
        return self.groups.setdefault(cell, Group({cell}))

    def known(self, cell: Cell) -> Group:
        """The group of a cell; an empty one, which is not kept, where it has none."""
        return self.groups.get(cell, Group({cell}))

    def unite(self, one: Cell, other: Cell) -> None:
        """Make one group of the groups of two cells that are compared."""
        first, second = self.group(one), self.group(other)
        if first is not second:
            first.cells |= second.cells
            first.conditions += second.conditions
            first.added += second.added
            self.groups.update(dict.fromkeys(second.cells, first))

    def type_of(self, cell: Cell) -> str:
        """The type of a column."""
        table, column = cell
        if table in (WIDE, PARENT):
            return self.wide.get(column, ("uuid",))[0]  # the link and the parent's own key
        return self.foreign[table][column]
