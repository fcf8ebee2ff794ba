"""Make wrong forms of a statement on purpose. Rows that do not tell them apart show little."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.resolve.spelling import NameMap

_BORDERS = {exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT}
_OPPOSITE_ENDS = {exp.Min: exp.Max, exp.Max: exp.Min}
_OTHER_SIDES: dict[str, tuple[str | None, ...]] = {
    "LEFT": (None,), "RIGHT": (None,), "FULL": ("LEFT", "RIGHT"),
}  # fmt: skip
_FIXED_NUMBERS = (exp.Select, exp.DataTypeParam, exp.Ordered, exp.Group)
"""Around numbers that are places or sizes, and around the 1 of EXISTS (SELECT 1 …)."""


@dataclass(frozen=True, slots=True, eq=False)
class WrongForm:
    """A statement that means something else."""

    name: str
    tree: Any


def wrong_forms(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Iterator[WrongForm]:
    """Yield what people get wrong when they rewrite the statement."""
    yield from _swapped(tree, plan, names, needs)
    yield from _joins(tree)
    yield from _distinct(tree)
    yield from _conditions(tree)
    yield from _numbers(tree)
    yield from _order(tree)
    yield from _choices(tree)


def _swapped(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Iterator[WrongForm]:
    """Yield forms that read another column of the same type, at every place or at one."""
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
        new = names.column(alike[0]).lower()
        for number, chosen in enumerate([places, *([place] for place in places[:4])]):
            if number and len(places) == 1:
                break
            made = _changed(tree, chosen, partial(_with, this=_name(new)))
            yield WrongForm(f"{alike[0]} for {column}{f' (use {number})' if number else ''}", made)


def _joins(tree: Any) -> Iterator[WrongForm]:
    """Yield forms with an inner join for an outer one, and the other way round."""
    for number, join in enumerate(tree.find_all(exp.Join), 1):
        side = str(join.args.get("side") or "").upper()
        on = join.args.get("on") is not None or join.args.get("using")
        if not on:
            continue
        for new in _OTHER_SIDES.get(side, ("LEFT", "RIGHT")):
            made = _changed(tree, [join], partial(_with, side=new, kind=None))
            yield WrongForm(f"join {number} {(new or 'inner').lower()}", made)


def _distinct(tree: Any) -> Iterator[WrongForm]:
    for select in tree.find_all(exp.Select):
        if select.args.get("distinct") is not None:
            made = _changed(tree, [select], partial(_with, distinct=None))
            yield WrongForm("without DISTINCT", made)
    for node in tree.find_all(exp.SetOperation):
        wanted = node.args.get("distinct") is False
        made = _changed(tree, [node], partial(_with, distinct=wanted))
        yield WrongForm("UNION ALL and UNION exchanged", made)
    for node in tree.find_all(exp.AggFunc):
        if isinstance(node.this, exp.Distinct) and len(node.this.expressions) == 1:
            made = _changed(tree, [node], lambda n: _with(n, this=n.this.expressions[0].copy()))
            yield WrongForm("aggregate without DISTINCT", made)
        if type(node) in _OPPOSITE_ENDS:
            made = _changed(tree, [node], lambda n: _OPPOSITE_ENDS[type(n)](this=n.this.copy()))
            yield WrongForm("min and max exchanged", made)


def _conditions(tree: Any) -> Iterator[WrongForm]:
    """Yield forms that lose a condition, or get its border wrong."""
    clauses = [node.this for node in tree.find_all(exp.Where, exp.Having)]
    clauses += [join.args["on"] for join in tree.find_all(exp.Join) if join.args.get("on")]
    conditions = [node for clause in clauses for node in _conjuncts(clause)]
    for number, node in enumerate(conditions, 1):
        made = _changed(tree, [node], lambda node: exp.true())
        yield WrongForm(f"without condition {number}", made)
    for node in tree.find_all(exp.Or):
        for key in ("this", "expression"):
            made = _changed(tree, [node.args[key]], lambda node: exp.false())
            yield WrongForm("without an alternative of OR", made)
    for node in tree.find_all(exp.In):
        if len(node.expressions) > 1:
            for value in node.expressions[:4]:
                kept = [other.copy() for other in node.expressions if other is not value]
                made = _changed(tree, [node], partial(_with, expressions=kept))
                yield WrongForm("without a value of IN", made)
    for node in tree.find_all(*_BORDERS):
        made = _changed(
            tree,
            [node],
            lambda node: _BORDERS[type(node)](
                this=node.this.copy(), expression=node.expression.copy()
            ),
        )
        yield WrongForm(f"{type(node).__name__} at its border", made)


def _numbers(tree: Any) -> Iterator[WrongForm]:
    """Yield forms with the next number, such as ``current_date - 31``."""
    for node in tree.find_all(exp.Literal):
        if node.is_string or "." in node.name or isinstance(node.parent, _FIXED_NUMBERS):
            continue
        for step in (1, -1):
            made = _changed(tree, [node], partial(_with, this=str(int(node.name) + step)))
            yield WrongForm(f"{int(node.name) + step} for {node.name}", made)


def _order(tree: Any) -> Iterator[WrongForm]:
    for select in tree.find_all(exp.Query):
        order = select.args.get("order")
        if order is None:
            continue
        yield WrongForm("without ORDER BY", _changed(tree, [order], lambda node: None))
        for item in order.expressions:
            made = _changed(
                tree,
                [item],
                lambda n: _with(n, desc=not n.args.get("desc"), nulls_first=n.args.get("desc")),
            )
            yield WrongForm(f"{item.this.sql()} in the other direction", made)


def _choices(tree: Any) -> Iterator[WrongForm]:
    """Yield forms in which two results of a CASE or COALESCE are exchanged."""
    for node in tree.find_all(exp.Case):
        results = [branch.args["true"] for branch in node.args["ifs"]]
        if node.args.get("default") is not None:
            results.append(node.args["default"])
        for one, other in itertools.pairwise(results):
            yield WrongForm("branches exchanged", _exchanged(tree, one, other))
    for node in tree.find_all(exp.Coalesce):
        if node.expressions:
            yield WrongForm("COALESCE exchanged", _exchanged(tree, node.this, node.expressions[0]))


def _exchanged(tree: Any, one: Any, other: Any) -> Any:
    copies = {id(one): other.copy(), id(other): one.copy()}
    one.meta["exchange"], other.meta["exchange"] = id(one), id(other)
    made = tree.transform(lambda n: copies.get(n.meta.get("exchange"), n))
    del one.meta["exchange"], other.meta["exchange"]
    return made


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


def _changed(tree: Any, nodes: Iterable[Any], change: Callable[[Any], Any]) -> Any:
    """Copy the tree with some of its nodes changed."""
    marked = list(nodes)
    for node in marked:
        node.meta["changed"] = True
    made = tree.transform(lambda n: change(n) if n.meta.pop("changed", False) else n)
    for node in marked:
        node.meta.pop("changed", None)
    return made


def _name(name: str) -> Any:
    return exp.to_identifier(name, quoted=True)


def _with(node: Any, **arguments: Any) -> Any:
    copy = node.copy()
    for key, value in arguments.items():
        copy.set(key, value)
    return copy
