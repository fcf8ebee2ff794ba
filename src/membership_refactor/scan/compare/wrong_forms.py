"""Make wrong forms of a statement on purpose. Rows that do not tell them apart show little."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.scratch_schemas import INTERIM, Scratch
from membership_refactor.scan.compare.value_pools import kind_of
from membership_refactor.scan.consumers import NameMap
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import ident, qualified

_BORDERS = {exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT}
_OPPOSITES: dict[type[Any], type[Any]] = {**_BORDERS, exp.Min: exp.Max, exp.Max: exp.Min}
_OTHER_SIDES: dict[str, tuple[str | None, ...]] = {
    "LEFT": (None,), "RIGHT": (None,), "FULL": ("LEFT", "RIGHT"),
}  # fmt: skip
_FIXED_NUMBERS = (exp.Select, exp.DataTypeParam, exp.Ordered, exp.Group)
"""Around numbers that are places or sizes, and around the 1 of EXISTS (SELECT 1 …)."""

Change = tuple[Any, Any]
"""A node of a tree, and what stands in its place; None where it is taken away."""
Made = Iterator[tuple[str, Sequence[Change]]]
"""The name of a wrong form, and how it is made."""

_STEPS = {
    "date": exp.Literal.number(1),
    "time": exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this="HOUR")),
}
_NO_DATES = (exp.AggFunc, exp.Coalesce, exp.Connector, exp.Case)
"""Around a date that is not computed with. Another day there is no likely mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """A changed form of a statement, and what was changed."""

    name: str
    tree: Any


def wrong_forms(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Iterator[Variant]:
    """Yield what people get wrong when they rewrite the statement."""
    kinds = (_joins, _distinct, _conditions, _numbers, _order, _choices)
    made = [_swapped(tree, plan, names, needs), *(kind(tree) for kind in kinds)]
    made.append(_steps(tree, names, needs))
    for name, changes in itertools.chain.from_iterable(made):
        yield Variant(name, changed(tree, changes))


def changed(tree: Any, changes: Sequence[Change]) -> Any:
    """Copy the tree with some of its nodes replaced."""
    for number, (node, _) in enumerate(changes):
        node.meta["changed"] = number
    made = tree.transform(lambda n: changes[n.meta["changed"]][1] if "changed" in n.meta else n)
    for node, _ in changes:
        del node.meta["changed"]
    return made


def _with(node: Any, **arguments: Any) -> Change:
    """The node, and a copy of it with other arguments."""
    copy = node.copy()
    for key, value in arguments.items():
        copy.set(key, value)
    return node, copy


def _opposite(node: Any) -> Change:
    arguments = {key: node.args[key].copy() for key in ("this", "expression") if node.args.get(key)}
    return node, _OPPOSITES[type(node)](**arguments)


def _exchanged(one: Any, other: Any) -> Sequence[Change]:
    return (one, other.copy()), (other, one.copy())


def _swapped(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Made:
    """Read another column of the same type, at every place or at one."""
    for column in plan.deprecated:
        spelled = names.column(column).lower()
        places = [node for node in tree.find_all(exp.Column) if node.name == spelled]
        alike = [
            other
            for other in plan.deprecated
            if other != column and needs.wide[other][0] == needs.wide[column][0]
        ]
        if not (places and alike and column in needs.used):
            continue
        # A neighbour in the key is what a hand that types takes for it.
        new = exp.to_identifier(names.column(alike[0]).lower(), quoted=True)
        single = [[place] for place in places[:4]] if len(places) > 1 else []
        for number, chosen in enumerate([places, *single]):
            use = f" (use {number})" if number else ""
            yield (
                f"{alike[0]} for {column}{use}",
                [_with(node, this=new.copy()) for node in chosen],
            )


def _joins(tree: Any) -> Made:
    """Make an inner join of an outer one, and the other way round."""
    for number, join in enumerate(tree.find_all(exp.Join), 1):
        side = str(join.args.get("side") or "").upper()
        if join.args.get("on") is not None or join.args.get("using"):
            for new in _OTHER_SIDES.get(side, ("LEFT", "RIGHT")):
                name = f"join {number} {(new or 'inner').lower()}"
                yield name, [_with(join, side=new, kind=None)]


def _distinct(tree: Any) -> Made:
    for select in tree.find_all(exp.Select):
        if select.args.get("distinct") is not None:
            yield "without DISTINCT", [_with(select, distinct=None)]
    for node in tree.find_all(exp.SetOperation):
        wanted = node.args.get("distinct") is False
        yield "UNION ALL and UNION exchanged", [_with(node, distinct=wanted)]
    for node in tree.find_all(exp.AggFunc):
        if isinstance(node.this, exp.Distinct) and len(node.this.expressions) == 1:
            inner = node.this.expressions[0].copy()
            yield "aggregate without DISTINCT", [_with(node, this=inner)]
        if type(node) in _OPPOSITES:
            yield "min and max exchanged", [_opposite(node)]


def _conditions(tree: Any) -> Made:
    """Lose a condition, or get its border wrong."""
    clauses = [node.this for node in tree.find_all(exp.Where, exp.Having)]
    clauses += [join.args["on"] for join in tree.find_all(exp.Join) if join.args.get("on")]
    conditions = [node for clause in clauses for node in _conjuncts(clause)]
    for number, node in enumerate(conditions, 1):
        yield f"without condition {number}", [(node, exp.true())]
    for node in tree.find_all(exp.Or):
        for key in ("this", "expression"):
            yield "without an alternative of OR", [(node.args[key], exp.false())]
    for node in tree.find_all(exp.In):
        for value in node.expressions[:4] if len(node.expressions) > 1 else ():
            kept = [other.copy() for other in node.expressions if other is not value]
            yield "without a value of IN", [_with(node, expressions=kept)]
    for node in tree.find_all(*_BORDERS):
        yield f"{type(node).__name__} at its border", [_opposite(node)]


def _numbers(tree: Any) -> Made:
    """Take the next number, such as ``current_date - 31``."""
    for node in tree.find_all(exp.Literal):
        if node.is_string or "." in node.name or isinstance(node.parent, _FIXED_NUMBERS):
            continue
        for number in (int(node.name) + 1, int(node.name) - 1):
            yield f"{number} for {node.name}", [_with(node, this=str(number))]


def _steps(tree: Any, names: NameMap, needs: Needs) -> Made:
    """Give a function the next day or hour, as in ``date_part`` of it."""
    kinds = {names.column(name).lower(): kind_of(type_) for name, (type_, _) in needs.wide.items()}
    for node in tree.find_all(exp.Column):
        step = _STEPS.get(kinds.get(node.name, ""))
        around = node.parent
        while isinstance(around, (exp.Paren, exp.Cast)):
            around = around.parent
        if step is None or not isinstance(around, exp.Func) or isinstance(around, _NO_DATES):
            continue
        later = exp.Paren(this=exp.Add(this=node.copy(), expression=step.copy()))
        yield f"{node.name} a step later", [(node, later)]


def _order(tree: Any) -> Made:
    for select in tree.find_all(exp.Query):
        order = select.args.get("order")
        if order is None:
            continue
        yield "without ORDER BY", [(order, None)]
        for item in order.expressions:
            down = item.args.get("desc")
            turned = _with(item, desc=not down, nulls_first=down)
            yield f"{item.this.sql()} in the other direction", [turned]


def _choices(tree: Any) -> Made:
    """Exchange two results of a CASE or COALESCE."""
    for node in tree.find_all(exp.Case):
        results = [branch.args["true"] for branch in node.args["ifs"]]
        results += [node.args["default"]] if node.args.get("default") is not None else []
        for one, other in itertools.pairwise(results):
            yield "branches exchanged", _exchanged(one, other)
    for node in tree.find_all(exp.Coalesce):
        if node.expressions:
            yield "COALESCE exchanged", _exchanged(node.this, node.expressions[0])


def _conjuncts(node: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        at = stack.pop()
        if isinstance(at, exp.And):
            stack += [at.expression, at.this]
        elif isinstance(at, exp.Paren) and isinstance(at.this, exp.And):
            stack.append(at.this)
        else:
            yield at


_STAND_INS = {
    "text": "''", "int": "0", "number": "0", "date": "'1900-01-01'", "time": "'1900-01-01'",
}  # fmt: skip


def wrong_links(scratch: Scratch, old: Any) -> Iterator[Variant]:
    """Create the views of each wrong link, and yield the statement that reads them."""
    ctes = {cte.alias for cte in old.find_all(exp.CTE)}
    wide = {scratch.table(table): columns for table, columns in scratch.wide_tables()}
    for number, (name, source) in enumerate(_links(scratch)):
        schema = f"{scratch.token}_link{number}"
        texts = [f"CREATE SCHEMA {ident(schema)}"]
        for table, columns in wide.items():
            listed = ", ".join(_column(scratch, column) for column in columns)
            text = source.format(listed)
            texts.append(f"CREATE VIEW {qualified(schema, table)} AS SELECT {text}")
        scratch.run(in_one_message(texts))
        tree = old.copy()
        for node in tree.find_all(exp.Table):
            if node.name in wide and node.name not in ctes:
                node.set("db", exp.to_identifier(schema, quoted=True))
        yield Variant(name, tree)


def _column(scratch: Scratch, column: str) -> str:
    return f"{'p' if column in scratch.plan.deprecated else 'c'}.{ident(scratch.spell(column))}"


def _links(scratch: Scratch) -> Iterator[tuple[str, str]]:
    """Yield a name, and a query with a place for its columns."""
    plan, wide = scratch.plan, scratch.needs.wide
    schema = scratch.schema(INTERIM)
    child = f"{qualified(schema, scratch.table(plan.child))} c"
    parent = f"{qualified(schema, scratch.table(plan.parent))} p"
    link = f"p.{ident(scratch.spell(plan.parent_id))} = c.{ident(scratch.spell(plan.link))}"

    def joined(conditions: Sequence[str]) -> str:
        return f"{{}} FROM {child} JOIN {parent} ON {' AND '.join(conditions)}"

    def both(column: str, comparison: str) -> str:
        return comparison.format(f"p.{ident(scratch.spell(column))}",
                                 f"c.{ident(scratch.spell(column))}")  # fmt: skip

    safe = {column: both(column, "{} IS NOT DISTINCT FROM {}") for column in plan.key}
    equal = {column: both(column, "{} = {}") for column in plan.key}
    yield "the key compared with =", joined(list(equal.values()))
    for column in plan.key:
        if not wide[column][1]:
            yield f"{column} compared with =", joined([*{**safe, column: equal[column]}.values()])
        stand_in = _STAND_INS.get(kind_of(wide[column][0]))
        if stand_in is not None and not wide[column][1]:
            filled = both(column, f"coalesce({{}}, {stand_in}) = coalesce({{}}, {stand_in})")
            name = f"{column} compared with coalesce"
            yield name, joined([*{**safe, column: filled}.values()])
        rest = [condition for other, condition in safe.items() if other != column]
        yield f"the key without {column}", joined(rest)
    yield f"joined by {plan.key[0]} only", joined([safe[plan.key[0]]])
    yield "parents without children too", f"{{}} FROM {parent} LEFT JOIN {child} ON {link}"
    first = f"{{}} FROM {child} JOIN {parent} ON {link}"
    uuid = f"p.{ident(scratch.spell(plan.parent_id))}"
    yield "one row for each parent", f"DISTINCT ON ({uuid}) {first} ORDER BY {uuid}"
