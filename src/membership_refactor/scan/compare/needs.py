"""Needs: which tables, columns and values a statement asks of the data it is proved on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.column_types import Types, guessed
from membership_refactor.scan.resolve.bindings import Resolution, Source
from membership_refactor.scan.resolve.statement import resolve
from membership_refactor.scan.resolve.tables_as_spelled import View

Cell = tuple[str, str]
"""Table and column; the plan's tables are ``@wide`` and ``@parent``."""
WIDE, PARENT = "@wide", "@parent"
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPERATORS: dict[type[Any], str] = {
    exp.EQ: "=", exp.NullSafeEQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<",
    exp.LTE: "<=", exp.NullSafeNEQ: "<>", exp.Like: "like", exp.ILike: "like",
}  # fmt: skip


@dataclass(slots=True)
class Group:
    """Columns that are compared with each other, and the values they are compared with."""

    cells: set[Cell] = field(default_factory=set)
    conditions: list[tuple[str, Any]] = field(default_factory=list)
    parameters: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    type: str = ""


@dataclass
class Needs:
    """What a statement asks for."""

    foreign: dict[str, dict[str, str]] = field(default_factory=dict)
    """Tables outside the plan: column to type."""
    groups: dict[Cell, Group] = field(default_factory=dict)
    by_parameter: dict[str, Group] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)
    """Parameter to the operator that its column stands before."""
    counts: set[str] = field(default_factory=set)
    """Parameters of LIMIT and OFFSET."""
    used: set[str] = field(default_factory=set)
    """The plan's columns that the statement reads or writes."""
    variables: set[str] = field(default_factory=set)
    """Names that belong to no table."""

    def group(self, cell: Cell) -> Group:
        if cell not in self.groups:
            self.groups[cell] = Group({cell})
        return self.groups[cell]

    def unite(self, one: Cell, other: Cell) -> None:
        first, second = self.group(one), self.group(other)
        if first is second:
            return
        first.cells |= second.cells
        first.conditions += second.conditions
        first.parameters |= second.parameters
        first.operators |= second.operators
        for cell in second.cells:
            self.groups[cell] = first
        for name in second.parameters:
            self.by_parameter[name] = first


def needs_of(tree: Any, view: View, types: Types) -> Needs:
    """Reads the statement, as the scratch schemas will run it."""
    text = tree.sql(dialect="postgres", comments=False)
    from membership_refactor.scan.resolve.analyse import parse_as

    again, failure = parse_as(_named(text), "postgres")
    if again is None:
        raise ValueError(failure)
    reader = _Reader(again, resolve(again, view), view, types)
    return reader.read()


def _named(text: str) -> str:
    return re.sub(r"%\((\w+)\)s", r":\1", text)


class _Reader:
    def __init__(self, tree: Any, resolution: Resolution, view: View, types: Types) -> None:
        self.tree, self.resolution, self.view, self.types = tree, resolution, view, types
        self.needs = Needs()
        self.cells: dict[int, Cell] = {}
        self.plan = view.structure.plan

    def read(self) -> Needs:
        for source in self.resolution.sources:
            if source.table is None and source.base:
                self.needs.foreign.setdefault(source.base, {})
        self.needs.variables = self.resolution.nowhere
        self._bind()
        for node in self.tree.walk():
            self._visit(node)
        for name, columns in self.needs.foreign.items():
            for column in columns:
                columns[column] = self._type(name, column)
        for group in {id(g): g for g in self.needs.groups.values()}.values():
            group.type = self._group_type(group)
        for name, columns in self.needs.foreign.items():
            for column in columns:
                compared = self.needs.groups.get((name, column))
                if compared is not None and self.types.of(name, column) is None:
                    columns[column] = compared.type
        return self.needs

    def _bind(self) -> None:
        for binding in self.resolution.bindings:
            cell = self._cell(binding.source, binding.column, binding.name)
            if cell is not None:
                self.cells[binding.start] = cell
                self._note(cell)
        for start, name, sources in self.resolution.loose:
            source = next((s for s in sources if s.base), sources[0])
            cell = self._cell(source, None, name)
            if cell is not None:
                self.cells[start] = cell
                self._note(cell)

    def _note(self, cell: Cell) -> None:
        if cell[0] in (WIDE, PARENT):
            self.needs.used.add(cell[1])
        else:
            self.needs.foreign.setdefault(cell[0], {}).setdefault(cell[1], "")

    def _cell(self, source: Source, column: str | None, name: str) -> Cell | None:
        if source.table is not None:
            if column is None:
                return None
            own = source.table.role == "parent" and column not in self.plan.deprecated
            return (PARENT if own else WIDE, column)
        if source.base:
            inner = self._cte(source.base)
            if inner is not None:
                return self._projected(inner, name)
            return (source.base, name)
        node = source.node
        inner = node.this if node is not None else None
        while isinstance(inner, (exp.Subquery, exp.Lateral)):
            inner = inner.this
        return self._projected(inner, name) if isinstance(inner, exp.Query) else None

    def _cte(self, name: str) -> Any:
        for cte in self.tree.find_all(exp.CTE):
            if cte.alias.lower() == name:
                return cte.this
        return None

    def _projected(self, query: Any, name: str) -> Cell | None:
        while isinstance(query, exp.SetOperation):
            query = query.this
        if not isinstance(query, exp.Select):
            return None
        for item in query.expressions:
            if item.alias_or_name.lower() == name:
                column = self._column(item.this if isinstance(item, exp.Alias) else item)
                if column is not None:
                    return self._of(column)
        for item in query.expressions:  # through a star
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                for view in self.view.tables.values():
                    known = view.columns.get(name)
                    if known is not None:
                        return (WIDE, known[0])
        return None

    @staticmethod
    def _column(node: Any) -> Any:
        """The column inside casts and functions of one column."""
        while not isinstance(node, exp.Column):
            if isinstance(node, (exp.Paren, exp.Cast, exp.Func, exp.Neg, exp.Collate)):
                inner = [n for n in node.find_all(exp.Column)]
                if len(inner) != 1 or isinstance(node, exp.Subquery):
                    return None
                if node.find(exp.Select) is not None:
                    return None
                node = inner[0]
            elif isinstance(node, (exp.Add, exp.Sub)):
                node = node.this
            else:
                return None
        return node

    def _of(self, column: Any) -> Cell | None:
        start = column.this.meta.get("start") if isinstance(column.this, exp.Identifier) else None
        return self.cells.get(start) if start is not None else None

    def _visit(self, node: Any) -> None:
        for kind, operator in _OPERATORS.items():
            if isinstance(node, kind):
                self._compare(node.this, operator, node.expression)
                return
        if isinstance(node, exp.Between):
            self._compare(node.this, ">=", node.args["low"])
            self._compare(node.this, "<=", node.args["high"])
        elif isinstance(node, exp.In):
            for item in node.expressions:
                self._compare(node.this, "=", item)
            query = node.args.get("query")
            if query is not None:
                inner = query.this if isinstance(query, exp.Subquery) else query
                if isinstance(inner, exp.Select) and inner.expressions:
                    self._compare(node.this, "=", inner.expressions[0].unalias())
        elif isinstance(node, exp.Is):
            column = self._column(node.this)
            cell = self._of(column) if column is not None else None
            if cell is not None:
                negated = isinstance(node.parent, exp.Not)
                if isinstance(node.expression, exp.Null):
                    operator = "not null" if negated else "null"
                    self.needs.group(cell).conditions.append((operator, None))
                elif isinstance(node.expression, exp.Boolean):
                    self.needs.group(cell).type = "boolean"
        elif isinstance(node, (exp.Limit, exp.Offset)):
            for inner in node.find_all(exp.Placeholder):
                self.needs.counts.add(inner.name)
        elif isinstance(node, exp.Join):
            self._using(node)

    def _using(self, join: Any) -> None:
        """The left side of USING is the one table before it that is bound at the same name."""
        for item in join.args.get("using") or ():
            name = item.name.lower()
            cells: list[Cell] = []
            for source in self.resolution.sources:
                if source.table is not None:
                    known = source.table.columns.get(name)
                    if known is not None:
                        cells.append((WIDE, known[0]))
                elif source.base and self._cte(source.base) is None:
                    cells.append((source.base, name))
                    self._note((source.base, name))
            for cell in cells[1:]:
                self.needs.unite(cells[0], cell)

    def _compare(self, left: Any, operator: str, right: Any) -> None:
        left, right = _bare(left), _bare(right)
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._compare(one, operator, other)
            return
        if isinstance(right, (exp.Any, exp.All)):
            inner = _bare(right.this)
            for item in inner.expressions if isinstance(inner, exp.Array) else [inner]:
                self._compare(left, operator, item)
            return
        one, other = self._column(left), self._column(right)
        if one is None and other is not None:
            self._compare(right, _OPPOSITE.get(operator, operator), left)
            return
        cell = self._of(one) if one is not None else None
        if cell is None:
            return
        if other is not None:
            second = self._of(other)
            if second is not None:
                if operator in ("=", "<>"):
                    self.needs.unite(cell, second)
                else:
                    self.needs.group(cell).operators.add(operator)
                    self.needs.group(second).operators.add(operator)
            return
        if isinstance(right, (exp.Subquery, exp.Select)):
            inner = right.this if isinstance(right, exp.Subquery) else right
            if isinstance(inner, exp.Select) and len(inner.expressions) == 1:
                self._compare(left, operator, inner.expressions[0].unalias())
            return
        group = self.needs.group(cell)
        if isinstance(right, exp.Null):
            group.conditions.append(("null" if operator == "=" else "not null", None))
            return
        for placeholder in right.find_all(exp.Placeholder):
            group.parameters.add(placeholder.name)
            group.operators.add(operator)
            self.needs.by_parameter[placeholder.name] = group
            self.needs.compared[placeholder.name] = operator
        value = _literal(right)
        if value is not None:
            group.conditions.append((operator, value))

    def _type(self, table: str, column: str) -> str:
        return self.types.of(table, column) or guessed(column)

    def _group_type(self, group: Group) -> str:
        if group.type:
            return group.type
        for table, column in sorted(group.cells):
            if table in (WIDE, PARENT):
                return (
                    self.types.wide(self.plan, column)[0]
                    if column not in (self.plan.link, self.plan.parent_id)
                    else "uuid"
                )
        for table, column in sorted(group.cells):
            found = self.types.of(table, column)
            if found:
                return found
        literals = [value for _, value in group.conditions if value is not None]
        if literals:
            first = literals[0]
            if isinstance(first, bool):
                return "boolean"
            if isinstance(first, dt.date):
                return "date"
            if isinstance(first, int):
                return "bigint"
            if isinstance(first, float):
                return "numeric"
            return "text"
        return guessed(min(group.cells)[1])


def _bare(node: Any) -> Any:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _literal(node: Any) -> Any:
    """The value, dates as dates; None for what is no literal."""
    while isinstance(node, (exp.Paren, exp.Cast, exp.TsOrDsToDate, exp.Date, exp.StrToDate)):
        node = node.this
    if isinstance(node, exp.Neg):
        inner = _literal(node.this)
        return -inner if isinstance(inner, (int, float)) else None
    if isinstance(node, (exp.CurrentDate, exp.CurrentTimestamp)):
        return dt.date.today()
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, (exp.Upper, exp.Lower)):
        return _literal(node.this)
    if not isinstance(node, exp.Literal):
        inner = next(iter(node.find_all(exp.CurrentDate, exp.CurrentTimestamp)), None)
        return dt.date.today() if inner is not None else None
    if node.is_string:
        if _DATE.match(node.name):
            try:
                return dt.date.fromisoformat(node.name[:10])
            except ValueError:
                return str(node.name)
        return str(node.name)
    return float(node.name) if "." in node.name else int(node.name)


def columns_of(cells: set[Cell]) -> Iterator[str]:
    """The plan's columns among the cells."""
    for table, column in sorted(cells):
        if table == WIDE:
            yield column
