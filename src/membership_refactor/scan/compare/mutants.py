"""Mutants: wrong rewritings made on purpose; data that does not tell them apart proves little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.column_types import Types
from membership_refactor.scan.compare.needs import WIDE, Needs
from membership_refactor.scan.resolve.spelling import NameMap


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong form; ``mandatory`` ones have to be killed."""

    name: str
    tree: Any
    mandatory: bool


def mutants(
    tree: Any, plan: TableSplit, names: NameMap, types: Types, needs: Needs
) -> Iterator[Mutant]:
    """Wrong links first, then what any query may get wrong."""
    yield from _links(tree, plan, names, types, needs)
    yield from _swapped(tree, plan, names, types, needs)
    yield from _joins(tree, {id(node) for node in _link_conditions(tree, plan, names)})
    yield from _conditions(tree)
    yield from _distinct(tree)


def _links(
    tree: Any, plan: TableSplit, names: NameMap, types: Types, needs: Needs
) -> Iterator[Mutant]:
    links = _link_conditions(tree, plan, names)
    if not links:
        return
    nullable = [c for c in plan.key if not types.wide(plan, c)[1]]
    reads = not isinstance(tree, (exp.Update, exp.Delete))
    lost = [c for c in nullable if reads and not _null_rejected(needs, c)]
    yield Mutant(
        "key compared with =", _relinked(tree, links, plan, names, comparison=exp.EQ), bool(lost)
    )
    sensitive = reads and not all(_insensitive(link) for link in links)
    payload = reads and bool(needs.used & set(plan.parent_values))
    for column in plan.key:
        kept = tuple(c for c in plan.key if c != column)
        # Where more rows make no difference, only a value of another parent can show.
        matters = sensitive or payload or (reads and column in needs.used)
        made = _relinked(tree, links, plan, names, comparison=exp.NullSafeEQ, columns=kept)
        yield Mutant(f"key without {column}", made, matters and not _pinned(needs, column))
    made = _relinked(tree, links, plan, names, comparison=exp.NullSafeEQ, columns=plan.key[:1])
    yield Mutant(f"joined by {plan.key[0]} only", made, sensitive or payload)


def _link_conditions(tree: Any, plan: TableSplit, names: NameMap) -> list[Any]:
    uuid, link = names.column(plan.parent_id).lower(), names.column(plan.link).lower()
    return [
        node
        for node in tree.find_all(exp.EQ)
        if isinstance(node.this, exp.Column)
        and isinstance(node.expression, exp.Column)
        and (node.this.name, node.expression.name) == (uuid, link)
    ]


def _relinked(
    tree: Any,
    links: list[Any],
    plan: TableSplit,
    names: NameMap,
    *,
    comparison: Any,
    columns: tuple[str, ...] = (),
) -> Any:
    """Every link replaced by a comparison of key columns."""
    places = {id(node) for node in links}

    def change(node: Any) -> Any:
        parent, child = node.this.table, node.expression.table
        made = None
        for name in columns or plan.key:
            column = names.column(name).lower()
            one = comparison(
                this=exp.column(column, table=parent, quoted=True),
                expression=exp.column(column, table=child, quoted=True),
            )
            made = one if made is None else exp.And(this=made, expression=one)
        return exp.Paren(this=made)

    return _changed(tree, lambda node: id(node) in places, change)


def _swapped(
    tree: Any, plan: TableSplit, names: NameMap, types: Types, needs: Needs
) -> Iterator[Mutant]:
    by_name = {names.column(c).lower(): c for c in plan.deprecated}
    for column in plan.deprecated:
        spelled = names.column(column).lower()
        places = {
            id(node)
            for node in tree.find_all(exp.Column)
            if node.name == spelled and node.table and by_name.get(node.name) == column
        }
        if not places or column not in needs.used:
            continue
        other = next(
            (
                c
                for c in plan.deprecated
                if c != column and types.wide(plan, c)[0] == types.wide(plan, column)[0]
            ),
            None,
        )
        if other is None:
            continue
        new = names.column(other).lower()

        def change(node: Any, new: str = new) -> Any:
            return exp.column(new, table=node.table, quoted=True)

        made = _changed(tree, lambda node, p=places: id(node) in p, change)  # type: ignore[misc]
        yield Mutant(f"{other} for {column}", made, False)


def _joins(tree: Any, links: set[int]) -> Iterator[Mutant]:
    for index, join in enumerate(tree.find_all(exp.Join)):
        side = str(join.args.get("side") or "").upper()
        inner = not side and join.args.get("on") is not None
        if str(join.args.get("kind") or "").upper() == "CROSS" or not (side == "LEFT" or inner):
            continue
        if id(join.args.get("on")) in links:
            continue  # every child has its parent: an outer join of the two is the same
        place = id(join)

        def change(node: Any, side: str = side) -> Any:
            copy = node.copy()
            copy.set("side", None if side == "LEFT" else "LEFT")
            copy.set("kind", None)
            return copy

        name = f"join {index + 1} {'inner' if side == 'LEFT' else 'left'}"
        yield Mutant(name, _changed(tree, lambda node, p=place: id(node) == p, change), False)  # type: ignore[misc]


def _conditions(tree: Any) -> Iterator[Mutant]:
    count = 0
    for clause in tree.find_all(exp.Where, exp.Having):
        for node in _conjuncts(clause.this):
            count += 1
            place = id(node)
            yield Mutant(
                f"without condition {count}",
                _changed(tree, lambda n, p=place: id(n) == p, lambda n: exp.true()),  # type: ignore[misc]
                False,
            )
    swaps = {exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT}
    for node in tree.find_all(*swaps):
        place = id(node)

        def change(n: Any) -> Any:
            return swaps[type(n)](this=n.this.copy(), expression=n.expression.copy())

        yield Mutant(
            f"{type(node).__name__} at its border",
            _changed(tree, lambda n, p=place: id(n) == p, change),  # type: ignore[misc]
            False,
        )


def _distinct(tree: Any) -> Iterator[Mutant]:
    for select in tree.find_all(exp.Select):
        if select.args.get("distinct") is not None:
            place = id(select)

            def change(node: Any) -> Any:
                copy = node.copy()
                copy.set("distinct", None)
                return copy

            yield Mutant(
                "without DISTINCT",
                _changed(tree, lambda n, p=place: id(n) == p, change),  # type: ignore[misc]
                False,
            )


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


def _changed(tree: Any, wanted: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    """A copy of the tree with the wanted nodes exchanged; nodes are found by their order."""
    places = {index for index, node in enumerate(tree.walk()) if wanted(node)}
    copy = tree.copy()
    targets = [node for index, node in enumerate(copy.walk()) if index in places]
    for node in targets:
        new = change(node)
        if node is copy:
            copy = new
        else:
            node.replace(new)
    return copy


def _null_rejected(needs: Needs, column: str) -> bool:
    """Whether some condition is never true where the column is missing.

    Conditions under OR count too; what they wrongly excuse is only a warning less.
    """
    group = needs.groups.get((WIDE, column))
    if group is None:
        return False
    return (
        bool(group.operators)
        or len(group.cells) > 1
        or any(operator not in ("null",) for operator, _ in group.conditions)
    )


def _pinned(needs: Needs, column: str) -> bool:
    """Whether the column can only have one value, so that leaving it out of the key is the same."""
    group = needs.groups.get((WIDE, column))
    return group is not None and any(operator == "=" for operator, _ in group.conditions)


def _insensitive(link: Any) -> bool:
    """Whether more rows of the same content make no difference around the link."""
    select = link.find_ancestor(exp.Select)
    while select is not None:
        if _collapses(select, link):
            return True
        around = select.parent
        while isinstance(around, (exp.Subquery, exp.Paren, exp.Lateral)):
            around = around.parent
        if isinstance(around, (exp.Exists, exp.In, exp.Any)):
            return True
        if isinstance(around, exp.SetOperation) and around.args.get("distinct") is not False:
            return True
        select = select.parent.find_ancestor(exp.Select) if select.parent is not None else None
    return False


def _collapses(select: Any, link: Any) -> bool:
    """Whether the query itself puts equal rows together, or keeps one of them."""
    if select.args.get("distinct") is not None or select.args.get("limit") is not None:
        return True
    aggregates = [
        call
        for item in select.expressions
        for call in item.find_all(exp.AggFunc)
        if call.find_ancestor(exp.Select) is select
    ]
    if aggregates or select.args.get("group") is not None:
        return all(
            isinstance(call, (exp.Min, exp.Max)) or isinstance(call.this, exp.Distinct)
            for call in aggregates
        )
    join = link.find_ancestor(exp.Join)
    outer = join.find_ancestor(exp.Join) if join is not None else None
    where = select.args.get("where")
    if outer is not None and str(outer.args.get("side") or "").upper() == "LEFT" and where:
        # An anti-join keeps the rows without a partner, each once.
        return any(
            isinstance(node.expression, exp.Null) and not isinstance(node.parent, exp.Not)
            for node in where.find_all(exp.Is)
        )
    return False
