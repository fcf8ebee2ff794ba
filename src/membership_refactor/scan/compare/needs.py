"""What a statement asks of the rows on which it is run: tables, columns, types, constants."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait

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
    parameters: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    """Operators between columns, or before parameters."""
    type: str = ""


@dataclass
class Needs:
    """What a statement asks for."""

    foreign: dict[str, dict[str, str]] = field(default_factory=dict)
    """Tables outside the plan: column to type."""
    wide: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Columns of the wide table, in order: type and NOT NULL."""
    groups: dict[Cell, Group] = field(default_factory=dict)
    by_parameter: dict[str, Group] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)
    """Parameter to the operator that its column stands before."""
    counts: set[str] = field(default_factory=set)
    """Parameters of LIMIT and OFFSET."""
    used: set[str] = field(default_factory=set)
    """The plan's columns that the statement reads or writes."""
    gaps: list[tuple[Cell, Cell, int]] = field(default_factory=list)
    """Pairs of columns, and a difference of the two that meets the condition."""
    stand_ins: list[Any] = field(default_factory=list)
    """Values that either form takes for a missing one."""
    variables: set[str] = field(default_factory=set)
    """Names that belong to no table."""

    def group(self, cell: Cell) -> Group:
        """The group of a cell; a new one where it has none."""
        return self.groups.setdefault(cell, Group({cell}))

    def unite(self, one: Cell, other: Cell) -> None:
        """Make one group of the groups of two cells that are compared."""
        first, second = self.group(one), self.group(other)
        if first is second:
            return
        first.cells |= second.cells
        first.conditions += second.conditions
        first.parameters |= second.parameters
        first.operators |= second.operators
        first.type = first.type or second.type
        self.groups.update(dict.fromkeys(second.cells, first))
        self.by_parameter.update(dict.fromkeys(second.parameters, first))


@dataclass(frozen=True, slots=True)
class Types:
    """The types that the catalog knows. Names have no underscores and are in lower case."""

    tables: Mapping[str, Mapping[str, tuple[str, bool]]]
    """Table to column to (type, not null)."""

    @classmethod
    def from_portrait(cls, portrait: Portrait) -> Types:
        """Take the types of every table of the portrait."""
        return cls(
            {
                plain(table.name): {plain(c.name): (c.type, c.not_null) for c in table.columns}
                for table in portrait.tables
            }
        )

    def of(self, table: str, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of any table."""
        return self.tables.get(plain(table), {}).get(plain(column))

    def wide(self, plan: TableSplit, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of the wide table."""
        parent, copied = self.of(plan.parent, column), self.of(plan.child, column)
        for table in (plan.source, plan.child, plan.retired):
            known = self.of(table, column)
            if known is not None and self.of(table, plan.key[0]) is not None:
                # At interim the copy's key is nullable again; the parent's is not.
                return known[0], (parent or known)[1]
        return parent or ((copied[0], False) if copied is not None else None)


def plain(name: str) -> str:
    """The spelling under which camelCase and snake_case are the same."""
    return name.replace("_", "").lower()


_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_INVERSES: dict[type[Any], type[Any]] = {
    exp.Add: exp.Sub, exp.Sub: exp.Add, exp.DateAdd: exp.DateSub, exp.DateSub: exp.DateAdd,
}  # fmt: skip
_AROUND_LITERALS = (
    exp.Paren, exp.Cast, exp.TsOrDsToDate, exp.Date, exp.StrToDate, exp.Upper, exp.Lower,
)  # fmt: skip
_VALUES = (bool, dt.date, int, float, str, dt.datetime)

Evaluate = Callable[[str], Any]
"""Gives the value of an expression without columns, or None."""


def alone(left: Any, right: Any) -> tuple[Any, Any]:
    """Bring constants to the right: ``a + 30 > b`` asks the same as ``a > b - 30``."""
    while type(left) in _INVERSES and left.this.find(exp.Column):
        if left.expression.find(exp.Column, exp.Placeholder, exp.Query) is not None:
            break
        moved = {key: value for key, value in left.args.items() if key != "this"}
        right = _INVERSES[type(left)](this=exp.Paren(this=right.copy()), **moved)
        left = left.this.unnest()
    return left, right


def known_value(node: Any, evaluate: Evaluate) -> Any:
    """The value of a literal, or of an expression that the database can compute."""
    value = literal_value(node)
    if value is not None or node.find(exp.Column, exp.Placeholder, exp.Parameter, exp.Query):
        return value
    value = _plain(evaluate(node.sql(dialect="postgres")))
    if isinstance(value, dt.datetime) and value.tzinfo is None and value.time() == dt.time():
        value = value.date()
    return value if type(value) in _VALUES else None


def literal_value(node: Any) -> Any:
    """The value of a literal, dates as dates. None for anything else."""
    while isinstance(node, _AROUND_LITERALS):
        node = node.this
    if not isinstance(node, (exp.Literal, exp.Neg, exp.Boolean)):
        return None
    try:
        value = _plain(node.to_py())
    except ValueError:
        return None
    if isinstance(value, str) and _DATE.match(value):
        try:
            return dt.date.fromisoformat(value[:10])
        except ValueError:
            return value
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == int(value) else float(value)
    return value
