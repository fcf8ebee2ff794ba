"""What a statement asks of the rows on which it is run: tables, columns, types, constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns

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
            self.groups.update(dict.fromkeys(second.cells, first))

    def type_of(self, cell: Cell) -> str:
        """The type of a column."""
        table, column = cell
        if table in (WIDE, PARENT):
            return self.wide.get(column, ("uuid",))[0]  # the link and the parent's own key
        return self.foreign[table][column]


class Catalog:
    """What the database knows of the tables."""

    def __init__(
        self, connection: Connection, plan: TableSplit, stage: Stage, consumer: Consumer,
        schema: str,
    ) -> None:  # fmt: skip
        portrait = columns_portrait(connection, schema)
        connection.rollback()
        self.connection, self.plan = connection, plan
        self.columns = wide_columns(plan, portrait=portrait)
        self.view = View(structure_at(plan, stage), consumer, "postgres")
        self._known: Mapping[Cell, tuple[str, bool]] = {
            _plain(table.name, column.name): (column.type, column.not_null)
            for table in portrait.tables
            for column in table.columns
        }

    def of(self, table: str, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of any table."""
        return self._known.get(_plain(table, column))

    def wide(self, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of the wide table."""
        plan = self.plan
        parent, copied = self.of(plan.parent, column), self.of(plan.child, column)
        for table in (plan.source, plan.child, plan.retired):
            known = self.of(table, column)
            if known is not None and self.of(table, plan.key[0]) is not None:
                # At interim the copy's key is nullable again; the parent's is not.
                return known[0], (parent or known)[1]
        return parent or (copied and (copied[0], False))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression without columns. None where PostgreSQL does not take it."""
        try:
            with self.connection.begin_nested():
                return self.connection.exec_driver_sql(
                    f"SELECT {expression}", execution_options={"no_parameters": True}
                ).scalar_one()
        except DBAPIError:
            return None


def _plain(table: str, column: str) -> Cell:
    """The names in the spelling under which camelCase and snake_case are the same."""
    return table.replace("_", "").lower(), column.replace("_", "").lower()
