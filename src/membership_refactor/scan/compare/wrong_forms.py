"""Make wrong forms of a statement on purpose. Rows that do not tell them apart show little.

Others fail as soon as a row takes a branch of a CASE, or meets a condition.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp

from membership_refactor.scan.compare.kinds import kind_of, literal
from membership_refactor.scan.compare.scratch_schemas import INTERIM, Scratch
from membership_refactor.scan.compare.to_postgres import text_of
from membership_refactor.sql.quoting import ident

_OPPOSITES: dict[type[Any], type[Any]] = {
    exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT,
    exp.Min: exp.Max, exp.Max: exp.Min,
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


TAKEN = "mr_branch_taken"
"""The error of a form whose marked branch is taken has this word."""
_RAISED = sqlglot.parse_one(f"CAST(random() || '{TAKEN}' AS boolean)", dialect="postgres")


class Variant(NamedTuple):
    """A changed form of a statement, and what was changed."""

    name: str
    text: str


def wrong_forms(scratch: Scratch, tree: Any) -> Iterator[Variant]:
    """Yield what people get wrong when they rewrite the statement, a wrong link first."""
    yield from _wrong_links(scratch, tree)
    nodes = list(tree.walk(bfs=False))
    made = [_swapped(scratch, tree)]
    made += [kind(node) for kind in (_rows, _conditions, _values) for node in nodes]
    made.append(_steps(scratch, tree))
    for name, changes in itertools.chain.from_iterable(made):
        yield _changed(name, tree, changes)


def _changed(name: str, tree: Any, changes: Sequence[Change]) -> Variant:
    """The tree with some of its nodes replaced."""
    for number, (node, _) in enumerate(changes):
        node.meta["changed"] = number
    made = tree.transform(lambda n: changes[n.meta["changed"]][1] if "changed" in n.meta else n)
    for node, _ in changes:
        del node.meta["changed"]
    return Variant(name, text_of(made))


def _with(node: Any, **arguments: Any) -> Sequence[Change]:
    """The node, and a copy of it with other arguments."""
    copy = node.copy()
    for key, value in arguments.items():
        copy.set(key, value)
    return [(node, copy)]


def _exchanged(one: Any, other: Any) -> Sequence[Change]:
    return (one, other.copy()), (other, one.copy())


def _swapped(scratch: Scratch, tree: Any) -> Made:
    """Read another column of the same type, at every place or at one."""
    moved, wide = scratch.plan.deprecated, scratch.needs.wide
    for column in (name for name in moved if name in scratch.needs.used):
        # A neighbour in the key is what a hand that types takes for it.
        others = (n for n in moved if n != column and wide[n][0] == wide[column][0])
        places = [node for node in tree.find_all(exp.Column) if node.name == scratch.spell(column)]
        single = [[place] for place in places[:4] if len(places) > 1]
        if (other := next(others, None)) is None:
            continue
        for number, chosen in enumerate(filter(None, [places, *single])):
            use = f" (use {number})" if number else ""
            new = exp.to_identifier(scratch.spell(other), quoted=True)
            changes = [_with(node, this=new.copy())[0] for node in chosen]
            yield f"{other} for {column}{use}", changes


def _rows(node: Any) -> Made:
    """Other rows: another join, DISTINCT added or lost, another order."""
    args = node.args
    if isinstance(node, exp.Join) and (args.get("on") is not None or args.get("using")):
        for side in ("", "LEFT", "RIGHT"):
            if side == str(args.get("side") or "").upper():
                continue
            name = f"{(side or 'inner').lower()} join of {node.alias_or_name}"
            yield name, _with(node, side=side or None, kind=None)
    if isinstance(node, exp.Select) and args.get("distinct") is not None:
        yield "without DISTINCT", _with(node, distinct=None)
    if isinstance(node, exp.SetOperation):
        wanted = args.get("distinct") is False
        yield "UNION ALL and UNION exchanged", _with(node, distinct=wanted)
    inner = isinstance(node, exp.Distinct) and isinstance(node.parent, exp.AggFunc)
    if inner and len(node.expressions) == 1:
        yield "aggregate without DISTINCT", [(node, node.expressions[0].copy())]
    if isinstance(node, exp.Order) and isinstance(node.parent, exp.Query):
        yield "without ORDER BY", [(node, None)]
        for item in node.expressions:
            down = item.args.get("desc")
            turned = _with(item, desc=not down, nulls_first=down)
            yield f"{item.this.sql()} in the other direction", turned


def _conditions(node: Any) -> Made:
    """Lose a condition, get its border wrong, or take the other end of a group."""
    clause = isinstance(node, (exp.Where, exp.Having, exp.And, exp.Or))
    held = ("this", "expression") if clause else ("on",) if isinstance(node, exp.Join) else ()
    either = isinstance(node, exp.Or)
    for part in (node.args.get(key) for key in held):
        # The parts of a chain of ANDs are lost one by one.
        if part is not None and (either or not isinstance(part.unnest(), exp.And)):
            lost = exp.false() if either else exp.true()
            yield f"without {part.sql(dialect='postgres')}", [(part, lost)]
    if isinstance(node, exp.In) and len(node.expressions) > 1:
        for value in node.expressions[:4]:
            kept = [other.copy() for other in node.expressions if other is not value]
            yield f"without {value.sql()} of IN", _with(node, expressions=kept)
    if type(node) in _OPPOSITES:
        other = _OPPOSITES[type(node)](**node.copy().args)
        yield f"{other.key} for {node.key}", [(node, other)]


def _values(node: Any) -> Made:
    """Take the next number, such as ``current_date - 31``, or exchange the results of a CASE or
    COALESCE."""
    number = isinstance(node, exp.Literal) and not node.is_string and "." not in node.name
    if number and not isinstance(node.parent, _FIXED_NUMBERS):
        for other in (int(node.name) + 1, int(node.name) - 1):
            yield f"{other} for {node.name}", _with(node, this=str(other))
    if isinstance(node, exp.Case):
        for one, other in itertools.pairwise(_results_of(node)):
            yield "branches exchanged", _exchanged(one, other)
    if isinstance(node, exp.Coalesce) and node.expressions:
        yield "COALESCE exchanged", _exchanged(node.this, node.expressions[0])


def _results_of(case: Any) -> list[Any]:
    """The expressions after each THEN and after ELSE."""
    branches = [case] if isinstance(case, exp.If) else case.args["ifs"]
    last = case.args.get("false") or case.args.get("default")
    return [*(branch.args["true"] for branch in branches), *([last] if last is not None else [])]


def _steps(scratch: Scratch, tree: Any) -> Made:
    """Give a function the next day or hour, as in ``date_part`` of it."""
    wide = scratch.needs.wide.items()
    kinds = {scratch.spell(name): kind_of(type_).name for name, (type_, _) in wide}
    for node in tree.find_all(exp.Column):
        step = _STEPS.get(kinds.get(node.name, ""))
        around = node.parent
        while isinstance(around, (exp.Paren, exp.Cast)):
            around = around.parent
        if step is None or not isinstance(around, exp.Func) or isinstance(around, _NO_DATES):
            continue
        later = exp.Paren(this=exp.Add(this=node.copy(), expression=step.copy()))
        yield f"{node.name} a step later", [(node, later)]


def branches_of(tree: Any) -> Iterator[Variant]:
    """Yield a statement for each THEN and ELSE, and two for each condition among the results: one
    for true, one for false.

    Equal expressions are changed together, because GROUP BY compares them.
    """
    seen: set[str] = set()
    for case in tree.find_all(exp.Case, exp.If):
        text = case.sql(dialect="postgres")
        if text in seen or (isinstance(case, exp.If) and isinstance(case.parent, exp.Case)):
            continue
        seen.add(text)
        same = [_results_of(node) for node in tree.find_all(type(case)) if node == case]
        for at, result in enumerate(_results_of(case)):
            changes = [(found[at], _marked(found[at])) for found in same]
            yield _changed(f"{result.sql(dialect='postgres')} of {text}", tree, changes)
    selects = (select for select in tree.find_all(exp.Select) if not select.args.get("group"))
    results = [item for select in selects for item in select.expressions]
    for node in (node for item in results for node in item.find_all(*_PREDICATES)):
        if isinstance(node, exp.Exists) or node.find_ancestor(*_ELSEWHERE):
            continue
        for value, condition in (("true", node), ("false", exp.paren(node).not_())):
            marked = exp.paren(exp.case().when(condition, _marked(node)).else_(node))
            name = f"in which {node.sql(dialect='postgres')} is {value}"
            yield _changed(name, tree, [(node, marked)])


def _marked(result: Any) -> Any:
    """A CASE of the same type, so that a NULL or a literal keeps the type that it would have."""
    return exp.case().when(_RAISED, result).else_(result)


_PREDICATES = (
    exp.Predicate, exp.RegexpLike, exp.RegexpILike, exp.SimilarTo, exp.ArrayContainsAll,
)  # fmt: skip
_ELSEWHERE = (exp.Case, exp.If, exp.Where, exp.Having, exp.Join, exp.AggFunc)


def _wrong_links(scratch: Scratch, old: Any) -> Iterator[Variant]:
    """Yield the statement over rows that are put together by each wrong link."""
    ctes = {cte.alias for cte in old.find_all(exp.CTE)}
    wide = {scratch.table(table): columns for table, columns in scratch.wide_tables()}
    for name, source in _links(scratch):
        tree = old.copy()
        for node in [n for n in tree.find_all(exp.Table) if n.name in wide and n.name not in ctes]:
            listed = ", ".join(map(scratch.column, wide[node.name]))
            query = sqlglot.parse_one(f"SELECT {source.format(listed)}", dialect="postgres")
            alias = node.args.get("alias") or exp.TableAlias(this=node.this.copy())
            joins = node.args.get("joins")
            node.replace(exp.Subquery(this=query, alias=alias, joins=joins))
        yield Variant(name, text_of(tree))


def _links(scratch: Scratch) -> Iterator[tuple[str, str]]:
    """Yield a name, and a query with a place for its columns."""
    plan, wide = scratch.plan, scratch.needs.wide
    child, parent, link = scratch.pair(INTERIM)

    def both(column: str, comparison: str) -> str:
        spelled = ident(scratch.spell(column))
        return comparison.format(f"p.{spelled}", f"c.{spelled}")

    safe = {column: both(column, "{} IS NOT DISTINCT FROM {}") for column in plan.key}

    def joined(others: Mapping[str, str]) -> str:
        """Joined by the key with other conditions for these columns; none where one is empty."""
        conditions = " AND ".join(filter(None, {**safe, **others}.values()))
        return f"{{}} FROM {child} JOIN {parent} ON {conditions or 'TRUE'}"

    equal = {column: both(column, "{} = {}") for column in plan.key}
    yield "the key compared with =", joined(equal)
    for column in plan.key:
        type_, not_null = wide[column]
        if not not_null:
            yield f"{column} compared with =", joined({column: equal[column]})
            for value in kind_of(type_).sentinels[:1]:
                given = literal(value, type_)
                filled = both(column, f"coalesce({{}}, {given}) = coalesce({{}}, {given})")
                yield f"{column} compared with coalesce", joined({column: filled})
        yield f"the key without {column}", joined({column: ""})
    yield f"joined by {plan.key[0]} only", joined(dict.fromkeys(plan.key[1:], ""))
    yield "parents without children too", f"{{}} FROM {parent} LEFT JOIN {child} ON {link}"
    uuid = f"p.{ident(scratch.spell(plan.parent_id))}"
    one_each = f"DISTINCT ON ({uuid}) {{}} FROM {child} JOIN {parent} ON {link} ORDER BY {uuid}"
    yield "one row for each parent", one_each
