"""Make wrong rewritings on purpose. Rows that do not tell them apart show little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.needs import WIDE, Needs
from membership_refactor.scan.resolve.spelling import NameMap

_BORDERS = {exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT}


@dataclass(frozen=True, slots=True)
class WrongForm:
    """One wrong form. Each ``mandatory`` one has to be told apart from the right form."""

    name: str
    tree: Any
    mandatory: bool = False


def wrong_forms(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Iterator[WrongForm]:
    """Yield wrong links first, then what any query may get wrong."""
    uuid, link = names.column(plan.parent_id).lower(), names.column(plan.link).lower()
    links = [
        node
        for node in tree.find_all(exp.EQ)
        if isinstance(node.this, exp.Column)
        and isinstance(node.expression, exp.Column)
        and (node.this.name, node.expression.name) == (uuid, link)
    ]
    if links:
        yield from _links(tree, links, plan, names, needs)
    yield from _swapped(tree, plan, names, needs)
    yield from _joins(tree, links)
    yield from _conditions(tree)
    for select in tree.find_all(exp.Select):
        if select.args.get("distinct") is not None:
            made = _changed(tree, [select], lambda node: _with(node, distinct=None))
            yield WrongForm("without DISTINCT", made)


def _links(
    tree: Any, links: list[Any], plan: TableSplit, names: NameMap, needs: Needs
) -> Iterator[WrongForm]:
    """Yield forms whose link is a comparison of key columns."""

    def relinked(comparison: Any, columns: Iterable[str]) -> Any:
        spelled = [names.column(name).lower() for name in columns]

        def change(node: Any) -> Any:
            pairs = [
                comparison(
                    this=exp.column(column, table=node.this.table, quoted=True),
                    expression=exp.column(column, table=node.expression.table, quoted=True),
                )
                for column in spelled
            ]
            return exp.Paren(this=exp.and_(*pairs, copy=False))

        return _changed(tree, links, change)

    reads = not isinstance(tree, (exp.Update, exp.Delete))
    nullable = [column for column in plan.key if not needs.wide[column][1]]
    lost = reads and any(not _null_rejected(needs, column) for column in nullable)
    yield WrongForm("key compared with =", relinked(exp.EQ, plan.key), lost)
    sensitive = reads and not all(_insensitive(link) for link in links)
    payload = reads and bool(needs.used & set(plan.parent_values))
    for column in plan.key:
        kept = [c for c in plan.key if c != column]
        # Where more rows make no difference, only a value of another parent can show.
        matters = sensitive or payload or (reads and column in needs.used)
        mandatory = matters and not _pinned(needs, column)
        yield WrongForm(f"key without {column}", relinked(exp.NullSafeEQ, kept), mandatory)
    first = plan.key[0]
    made = relinked(exp.NullSafeEQ, [first])
    yield WrongForm(f"joined by {first} only", made, sensitive or payload)


def _swapped(tree: Any, plan: TableSplit, names: NameMap, needs: Needs) -> Iterator[WrongForm]:
    """Yield forms that read another column of the same type."""
    for column in plan.deprecated:
        spelled = names.column(column).lower()
        places = [n for n in tree.find_all(exp.Column) if n.name == spelled and n.table]
        alike = [
            other
            for other in plan.deprecated
            if other != column and needs.wide[other][0] == needs.wide[column][0]
        ]
        if places and alike and column in needs.used:
            new = names.column(alike[0]).lower()
            made = _changed(
                tree,
                places,
                lambda node, new=new: exp.column(  # type: ignore[misc]
                    new, table=node.table, quoted=True
                ),
            )
            yield WrongForm(f"{alike[0]} for {column}", made)


def _joins(tree: Any, links: list[Any]) -> Iterator[WrongForm]:
    """Yield forms with an inner join for a left one, and the other way round."""
    for index, join in enumerate(tree.find_all(exp.Join)):
        side = str(join.args.get("side") or "").upper()
        inner = not side and join.args.get("on") is not None
        if str(join.args.get("kind") or "").upper() == "CROSS" or not (side == "LEFT" or inner):
            continue
        if any(join.args.get("on") is link for link in links):
            continue  # every child has its parent: an outer join of the two is the same
        new = None if side == "LEFT" else "LEFT"
        made = _changed(tree, [join], lambda node, new=new: _with(node, side=new, kind=None))  # type: ignore[misc]
        yield WrongForm(f"join {index + 1} {(new or 'inner').lower()}", made)


def _conditions(tree: Any) -> Iterator[WrongForm]:
    """Yield forms that lose a condition, or get its border wrong."""
    clauses = tree.find_all(exp.Where, exp.Having)
    conditions = [node for clause in clauses for node in _conjuncts(clause.this)]
    for number, node in enumerate(conditions, 1):
        made = _changed(tree, [node], lambda node: exp.true())
        yield WrongForm(f"without condition {number}", made)
    for node in tree.find_all(*_BORDERS):
        made = _changed(
            tree,
            [node],
            lambda node: _BORDERS[type(node)](this=node.this, expression=node.expression),
        )
        yield WrongForm(f"{type(node).__name__} at its border", made)


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
        del node.meta["changed"]
    return made


def _with(node: Any, **arguments: Any) -> Any:
    copy = node.copy()
    for key, value in arguments.items():
        copy.set(key, value)
    return copy


def _null_rejected(needs: Needs, column: str) -> bool:
    """Whether some condition is never true where the column is missing.

    Conditions under OR count too. What they wrongly excuse is only a warning less.
    """
    group = needs.groups.get((WIDE, column))
    return group is not None and (
        bool(group.operators)
        or len(group.cells) > 1
        or any(operator != "null" for operator, _ in group.conditions)
    )


def _pinned(needs: Needs, column: str) -> bool:
    """Whether the column can have one value only. Then the key is the same without it."""
    group = needs.groups.get((WIDE, column))
    return group is not None and any(operator == "=" for operator, _ in group.conditions)


def _insensitive(link: Any) -> bool:
    """Whether more rows of the same content make no difference around the link."""
    select = link.find_ancestor(exp.Select)
    while select is not None:
        around = select.parent
        while isinstance(around, (exp.Subquery, exp.Paren, exp.Lateral)):
            around = around.parent
        union = isinstance(around, exp.SetOperation) and around.args.get("distinct") is not False
        if union or isinstance(around, (exp.Exists, exp.In, exp.Any)) or _collapses(select, link):
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
