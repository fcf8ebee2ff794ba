"""Read from a statement, and from the known tables, what it asks of the rows on which it is run."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.kinds import DATE
from membership_refactor.scan.compare.known_tables import Catalog
from membership_refactor.scan.compare.needs import PARENT, WIDE, Cell, Needs
from membership_refactor.scan.compare.results import NotComparable, refuse
from membership_refactor.scan.resolve.bindings import Source
from membership_refactor.scan.resolve.query import resolve
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import Role

_OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPERATORS: dict[type[Any], str] = {
    exp.EQ: "=", exp.NullSafeEQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<",
    exp.LTE: "<=", exp.NullSafeNEQ: "<>", exp.Like: "like", exp.ILike: "like", exp.Nullif: "=",
    exp.Is: "=",
}  # fmt: skip
_MEETING = {">": 1, "<": -1, "<>": 1}
_AROUND_COLUMNS = (exp.Column, exp.Paren, exp.Cast, exp.Func, exp.Neg, exp.Collate, exp.Dot)
_INVERSES: dict[type[Any], type[Any]] = {
    exp.Add: exp.Sub, exp.Sub: exp.Add, exp.DateAdd: exp.DateSub, exp.DateSub: exp.DateAdd,
}  # fmt: skip
_VALUES = (bool, dt.date, int, float, str, dt.datetime)


def needs_of(old: Any, new: Any, catalog: Catalog) -> Needs:
    """Read the old form, and which values either form takes for missing ones."""
    stand_ins = [
        node.to_py()
        for form in (old, new)
        for node in form.find_all(exp.Literal, exp.Neg)
        if (node.is_string or node.is_number)
        # A range or a function may have its border at any day that is written.
        and (node.find_ancestor(exp.Coalesce) or DATE.of(node.to_py()) is not None)
    ]
    needs = _Reader(old, catalog, catalog.view, stand_ins).read()
    with contextlib.suppress(NotComparable):
        # What only the new form asks for decides too: a condition may be added, or a value.
        for cell, group in _Reader(new, catalog, catalog.new_view, []).read().groups.items():
            if cell[0] in (WIDE, PARENT) or cell[1] in needs.foreign.get(cell[0], {}):
                values = (value for _, value in group.conditions)
                needs.group(cell).added += [v for v in values if v is not None]
    return needs


def _alone(left: Any, right: Any) -> tuple[Any, Any]:
    """Bring constants to the right: ``a + 30 > b`` asks the same as ``a > b - 30``."""
    while type(left) in _INVERSES and left.this.find(exp.Column):
        if left.expression.find(exp.Column, exp.Placeholder, exp.Query) is not None:
            break
        moved = {key: value for key, value in left.args.items() if key != "this"}
        right = _INVERSES[type(left)](this=exp.Paren(this=right.copy()), **moved)
        left = left.this.unnest()
    return left, right


def _column(node: Any) -> Any:
    """The column inside casts and functions of one column, or before what is added to it."""
    while isinstance(node, (exp.Add, exp.Sub)):
        node = node.this
    columns = list(node.find_all(exp.Column))
    single = isinstance(node, _AROUND_COLUMNS) and len(columns) == 1
    return columns[0] if single and node.find(exp.Select) is None else None


class _Reader:
    def __init__(self, tree: Any, catalog: Catalog, view: View, stand_ins: list[Any]) -> None:
        self.tree, self.catalog, self.plan = tree.copy(), catalog, catalog.plan
        # Names of a tree that was changed have lost their places: every name gets one of its own.
        for number, identifier in enumerate(self.tree.find_all(exp.Identifier)):
            identifier.meta.update(start=2 * number, end=2 * number)
        self.view, self.resolution = view, resolve(self.tree, view)
        self.needs = Needs(variables=self.resolution.nowhere, stand_ins=stand_ins)
        self.cells: dict[int, Cell] = {}

    def read(self) -> Needs:
        needs = self.needs
        for source in self.resolution.sources:
            if source.table is None and source.base:
                needs.foreign.setdefault(source.base, {})
        # An output of a subquery is known once the names in it are.
        for b in self.resolution.bindings * 3:
            self._note(self._cell(b.source, b.column, b.name), b.start)
        for start, name, sources in self.resolution.loose:
            having = (s for s in sources if s.base and self.catalog.of(s.base, name))
            source = next(having, next((s for s in sources if s.base), sources[0]))
            self._note(self._cell(source, None, name), start)
        for node in self.tree.walk():
            self._visit(node)
            if isinstance(node, exp.Column) and not node.table and node.name in needs.variables:
                select = node.find_ancestor(exp.Select)
                beside = (
                    [select.args.get("from_"), *(select.args.get("joins") or ())] if select else []
                )
                # It may be a variable, or a column that another database has.
                refuse(
                    any(part and part.this.name in needs.foreign for part in beside),
                    f"the database has no {node.name} in the tables that are read there",
                )
        natural = any(join.args.get("method") for join in self.tree.find_all(exp.Join))
        for table, foreign in needs.foreign.items():
            # A table has rows although no column of it is named.
            more = self.catalog.tables.get(table, ["*"])[: None if natural else not foreign]
            foreign |= {column: self.catalog.sure(table, column)[0] for column in (*foreign, *more)}
        needs.wide = {column: self.catalog.sure("", column) for column in self.catalog.columns}
        for write in self.tree.find_all(exp.Insert, exp.Update, exp.Delete):
            needs.writes, target = True, write.this.find(exp.Table)
            needs.written |= {target.name} & needs.foreign.keys() if target is not None else set()
        return needs

    def _note(self, cell: Cell | None, start: int) -> None:
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
            return source.base, name
        inner = source.node and source.node.this
        if isinstance(inner, exp.Identifier):
            ctes = self.tree.find_all(exp.CTE)
            inner = next((cte.this for cte in ctes if cte.alias == inner.name), None)
        return self._projected(inner, name)

    def _projected(self, query: Any, name: str) -> Cell | None:
        """The cell behind an output column of a subquery."""
        query = query.this if isinstance(query, exp.Lateral) else query
        for item in query.selects if isinstance(query, exp.Query) else ():
            column = _column(item.unalias())
            if item.alias_or_name.lower() == name and column is not None:
                return self._of(column)
            if item.is_star:
                tables = (view for view in self.view.every_table if name in view.columns)
                return next(((WIDE, view.columns[name][0]) for view in tables), None)
        return None

    def _of(self, column: Any) -> Cell | None:
        named = column is not None and isinstance(column.this, exp.Identifier)
        return self.cells.get(column.this.meta.get("start", -1)) if named else None

    def _visit(self, node: Any) -> None:
        if isinstance(node.parent, (exp.Update, exp.OnConflict)) and node.arg_key == "expressions":
            return  # SET asks for no value
        operator = _OPERATORS.get(type(node))
        if isinstance(node, exp.Is) and isinstance(node.parent, exp.Not):
            operator = "<>"
        if operator is not None:
            self._compare(node.this, operator, node.expression)
        elif isinstance(node, exp.Between):
            self._compare(node.this, ">=", node.args["low"])
            self._compare(node.this, "<=", node.args["high"])
        elif isinstance(node, exp.In):
            for item in filter(None, (*node.expressions, node.args.get("query"))):
                self._compare(node.this, "=", item)
        elif isinstance(node, (exp.Limit, exp.Offset)):
            self.needs.counts |= {inner.name for inner in node.find_all(exp.Placeholder)}
        elif isinstance(node, exp.Join):
            for item in node.args.get("using") or ():
                self._using(item.name.lower())

    def _using(self, name: str) -> None:
        """Unite the columns that USING compares, of all tables that have the name."""
        cells: list[Cell] = []
        for source in self.resolution.sources:
            own = source.table.columns.get(name) if source.table is not None else None
            if (cell := self._cell(source, own and own[0], name)) is not None:
                self._note(cell, -2)
                self.needs.unite((cells or [cell])[0], cell)
                cells.append(cell)

    def _compare(self, left: Any, operator: str, right: Any) -> None:
        left, right = _alone(left.unnest(), right.unnest())
        if self._gap(left, operator, right):
            return
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._compare(one, operator, other)
            return
        if isinstance(right, (exp.Any, exp.All)):
            inner = right.this.unnest()
            for item in inner.expressions if isinstance(inner, exp.Array) else [inner]:
                self._compare(left, operator, item)
            return
        one, other = _column(left), _column(right)
        if one is None and other is not None:
            self._compare(right, _OPPOSITE.get(operator, operator), left)
            return
        cell, second = self._of(one), self._of(other)
        if cell is None:
            return
        if second is not None and operator in ("=", "<>"):
            self.needs.unite(cell, second)
        elif isinstance(right, exp.Query) and len(right.selects) == 1:
            self._compare(left, operator, right.selects[0].unalias())
        elif other is None and not isinstance(right, exp.Query):
            self._value(cell, operator, right)
        for asked in filter(None, (cell, second)):
            self.needs.group(asked)

    def _value(self, cell: Cell, operator: str, right: Any) -> None:
        group = self.needs.group(cell)
        if isinstance(right, exp.Null):
            group.conditions.append(("null" if operator == "=" else "not null", None))
            return
        for placeholder in right.find_all(exp.Placeholder):
            self.needs.by_parameter[placeholder.name] = cell, operator
        if (value := self._known(right)) is not None:
            group.conditions.append((operator, value))

    def _known(self, node: Any) -> Any:
        """The value of an expression that the database can compute: intervals as days."""
        if node.find(exp.Column, exp.Placeholder, exp.Parameter, exp.Query) is not None:
            return None
        written = node.is_string or node.is_number
        value = node.to_py() if written else self.catalog.evaluate(node.sql(dialect="postgres"))
        if isinstance(value, dt.timedelta):
            return value.days
        if isinstance(value, dt.datetime) and value.tzinfo is None and value.time() == dt.time():
            return value.date()
        value = float(value) if isinstance(value, Decimal) else value
        return value if type(value) in _VALUES else None

    def _gap(self, left: Any, operator: str, right: Any) -> bool:
        """Note that the difference of two columns is compared with a number, if it is. ``a > b +
        30`` asks for a gap too, as ``a - b > 30`` does. Returns whether nothing else is asked."""
        whole = isinstance(left, exp.Sub)
        if not whole and isinstance(right, (exp.Add, exp.Sub)):
            step = right.expression.copy()
            left = exp.Sub(this=left.copy(), expression=right.this.copy())
            right = exp.Neg(this=step) if isinstance(right, exp.Sub) else step
        if not isinstance(left, exp.Sub):
            return False
        more, less = (self._of(_column(side)) for side in (left.this, left.expression))
        number = self._known(right) if more is not None and less is not None else None
        if more is None or less is None or not isinstance(number, int):
            return False
        self.needs.gaps.append((more, less, number + _MEETING.get(operator, 0)))
        return whole
