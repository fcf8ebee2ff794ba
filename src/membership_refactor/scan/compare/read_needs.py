"""Read from a statement what it asks of the rows on which it is run."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.needs import (
    PARENT,
    WIDE,
    Cell,
    Evaluate,
    Group,
    Needs,
    Types,
    alone,
    known_value,
    literal_value,
)
from membership_refactor.scan.compare.to_postgres import NotComparable
from membership_refactor.scan.resolve.bindings import Source
from membership_refactor.scan.resolve.query import resolve
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import Role

_OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPERATORS: dict[type[Any], str] = {
    exp.EQ: "=", exp.NullSafeEQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<",
    exp.LTE: "<=", exp.NullSafeNEQ: "<>", exp.Like: "like", exp.ILike: "like",
}  # fmt: skip
_MEETING = {">": 1, "<": -1, "<>": 1}
_AROUND_COLUMNS = (exp.Paren, exp.Cast, exp.Func, exp.Neg, exp.Collate)


def needs_of(
    tree: Any, view: View, types: Types, columns: tuple[str, ...], *, new: Any, evaluate: Evaluate
) -> Needs:
    """Read a statement of PostgreSQL. ``columns`` are those of the wide table, in order."""
    stand_ins = [
        value
        for form in (tree, new)
        for call in form.find_all(exp.Coalesce)
        for item in call.expressions
        if (value := literal_value(item)) is not None
    ]
    # A range or a function may have its border at any day that is written.
    every = (literal_value(node) for form in (tree, new) for node in form.find_all(exp.Literal))
    stand_ins += [value for value in every if isinstance(value, dt.date)]
    tree = tree.copy()
    # Names of a tree that was changed have lost their places: every name gets one of its own.
    for number, identifier in enumerate(tree.find_all(exp.Identifier)):
        identifier.meta.update(start=2 * number, end=2 * number)
    return _Reader(tree, view, types, evaluate, stand_ins).read(columns)


class _Reader:
    def __init__(
        self, tree: Any, view: View, types: Types, evaluate: Evaluate, stand_ins: list[Any]
    ) -> None:
        self.tree, self.view, self.types, self.evaluate = tree, view, types, evaluate
        self.resolution, self.plan = resolve(tree, view), view.structure.plan
        self.needs = Needs(variables=self.resolution.nowhere, stand_ins=stand_ins)
        self.cells: dict[int, Cell] = {}

    def read(self, columns: tuple[str, ...]) -> Needs:
        needs = self.needs
        for source in self.resolution.sources:
            if source.table is None and source.base:
                needs.foreign.setdefault(source.base, {})
        self._bind()
        for node in self.tree.walk():
            self._visit(node)
        for group in needs.groups.values():
            group.type = self._type(min(group.cells))[0]
        for table, foreign in needs.foreign.items():
            for column in foreign:
                foreign[column] = self._type((table, column))[0]
        for column in columns:
            needs.wide[column] = self._type((WIDE, column))
        return needs

    def _bind(self) -> None:
        for b in self.resolution.bindings:
            self._note(self._cell(b.source, b.column, b.name), b.start)
        for start, name, sources in self.resolution.loose:
            having = (s for s in sources if s.base and self.types.of(s.base, name))
            source = next(having, next((s for s in sources if s.base), sources[0]))
            self._note(self._cell(source, None, name), start)

    def _note(self, cell: Cell | None, start: int = -2) -> None:
        if cell is None:
            return
        self.cells[start] = cell
        if cell[0] in (WIDE, PARENT):
            self.needs.used.add(cell[1])
        else:
            self.needs.foreign.setdefault(cell[0], {}).setdefault(cell[1], "")

    def _cell(self, source: Source, column: str | None, name: str) -> Cell | None:
        if source.table is not None:
            own = source.role is Role.PARENT and column not in self.plan.deprecated
            return (PARENT if own else WIDE, column) if column is not None else None
        if source.base:
            inner = self._cte(source.base)
            return (source.base, name) if inner is None else self._projected(inner, name)
        inner = source.node.this if source.node is not None else None
        while isinstance(inner, (exp.Subquery, exp.Lateral)):
            inner = inner.this
        return self._projected(inner, name)

    def _cte(self, name: str) -> Any:
        found = self.tree.find_all(exp.CTE)
        return next((cte.this for cte in found if cte.alias.lower() == name), None)

    def _projected(self, query: Any, name: str) -> Cell | None:
        """The cell behind an output column of a subquery."""
        while isinstance(query, exp.SetOperation):
            query = query.this
        if not isinstance(query, exp.Select):
            return None
        for item in query.expressions:
            column = self._column(item.unalias())
            if item.alias_or_name.lower() == name and column is not None:
                return self._of(column)
        if any(item.is_star for item in query.expressions):
            for view in self.view.every_table:
                if name in view.columns:
                    return (WIDE, view.columns[name][0])
        return None

    @staticmethod
    def _column(node: Any) -> Any:
        """The column inside casts and functions of one column."""
        while not isinstance(node, exp.Column):
            if isinstance(node, _AROUND_COLUMNS):
                inner = list(node.find_all(exp.Column))
                if len(inner) != 1 or node.find(exp.Select) is not None:
                    return None
                node = inner[0]
            elif isinstance(node, (exp.Add, exp.Sub)):
                node = node.this
            else:
                return None
        return node

    def _of(self, column: Any) -> Cell | None:
        named = column is not None and isinstance(column.this, exp.Identifier)
        return self.cells.get(column.this.meta.get("start", -1)) if named else None

    def _visit(self, node: Any) -> None:
        operator = next((op for kind, op in _OPERATORS.items() if isinstance(node, kind)), None)
        if operator is not None:
            self._compare(node.this, operator, node.expression)
        elif isinstance(node, exp.Between):
            self._compare(node.this, ">=", node.args["low"])
            self._compare(node.this, "<=", node.args["high"])
        elif isinstance(node, exp.In):
            for item in (*node.expressions, node.args.get("query")):
                if item is not None:
                    self._compare(node.this, "=", item)
        elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            wanted = "not null" if isinstance(node.parent, exp.Not) else "null"
            if (cell := self._of(self._column(node.this))) is not None:
                self.needs.group(cell).conditions.append((wanted, None))
        elif isinstance(node, exp.Nullif):
            self._compare(node.this, "=", node.expression)
        elif isinstance(node, (exp.Limit, exp.Offset)):
            self.needs.counts |= {inner.name for inner in node.find_all(exp.Placeholder)}
        elif isinstance(node, exp.Join):
            self._using(node)

    def _using(self, join: Any) -> None:
        """Unite the columns that USING compares, of all tables that have the name."""
        for item in join.args.get("using") or ():
            name = item.name.lower()
            cells: list[Cell] = []
            for source in self.resolution.sources:
                if source.table is not None and name in source.table.columns:
                    cells.append((WIDE, source.table.columns[name][0]))
                elif source.table is None and source.base and self._cte(source.base) is None:
                    cells.append((source.base, name))
                    self._note((source.base, name))
            for cell in cells[1:]:
                self.needs.unite(cells[0], cell)

    def _compare(self, left: Any, operator: str, right: Any) -> None:
        left, right = alone(left.unnest(), right.unnest())
        if isinstance(left, exp.Sub) and self._gap(left, operator, right):
            return
        if isinstance(right, (exp.Add, exp.Sub)):
            # a > b + 30 asks for a gap, as a - b > 30 does.
            step, one, other = (node.copy() for node in (right.expression, left, right.this))
            number = exp.Neg(this=step) if isinstance(right, exp.Sub) else step
            self._gap(exp.Sub(this=one, expression=other), operator, number)
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._compare(one, operator, other)
            return
        if isinstance(right, (exp.Any, exp.All)):
            inner = right.this.unnest()
            for item in inner.expressions if isinstance(inner, exp.Array) else [inner]:
                self._compare(left, operator, item)
            return
        one, other = self._column(left), self._column(right)
        if one is None and other is not None:
            self._compare(right, _OPPOSITE.get(operator, operator), left)
            return
        cell, second = self._of(one), self._of(other)
        if cell is None:
            return
        if second is not None and operator in ("=", "<>"):
            self.needs.unite(cell, second)
        elif second is not None:
            self.needs.group(cell).operators.add(operator)
            self.needs.group(second).operators.add(operator)
        elif isinstance(right, (exp.Subquery, exp.Select)):
            inner = right.this if isinstance(right, exp.Subquery) else right
            if isinstance(inner, exp.Select) and len(inner.expressions) == 1:
                self._compare(left, operator, inner.expressions[0].unalias())
        elif other is None:
            self._value(self.needs.group(cell), operator, right)

    def _value(self, group: Group, operator: str, right: Any) -> None:
        if isinstance(right, exp.Null):
            group.conditions.append(("null" if operator == "=" else "not null", None))
            return
        for placeholder in right.find_all(exp.Placeholder):
            group.parameters.add(placeholder.name)
            group.operators.add(operator)
            self.needs.by_parameter[placeholder.name] = group
            self.needs.compared[placeholder.name] = operator
        value = known_value(right, self.evaluate)
        if value is not None:
            group.conditions.append((operator, value))

    def _gap(self, difference: Any, operator: str, right: Any) -> bool:
        """Note that the difference of two columns is compared with a number, if it is."""
        cells = [self._of(c) for side in (difference.this, difference.expression)
                 if (c := self._column(side)) is not None]  # fmt: skip
        number = known_value(right, self.evaluate)
        if number is None and right.find(exp.Interval) and not right.find(exp.Column):
            span = self.evaluate(right.sql(dialect="postgres"))
            number = span.days if isinstance(span, dt.timedelta) else None
        if len(cells) != 2 or not (cells[0] and cells[1]) or not isinstance(number, int):
            return False
        self.needs.gaps.append((cells[0], cells[1], number + _MEETING.get(operator, 0)))
        return True

    def _type(self, cell: Cell) -> tuple[str, bool]:
        """Type and NOT NULL of a column, by the catalog. Raises NotComparable without them."""
        table, column = cell
        if column in (self.plan.link, self.plan.parent_id) and table in (WIDE, PARENT):
            return "uuid", False
        own = table in (WIDE, PARENT)
        found = self.types.wide(self.plan, column) if own else self.types.of(table, column)
        if found is None:
            name = column if own else f"{table}.{column}"
            raise NotComparable(f"the database has no {name}, whose type is needed")
        return found
