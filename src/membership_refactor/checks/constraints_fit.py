"""Checks that rows keep the table's constraints with the values that a step will give them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.planning import Conflict
from membership_refactor.portrait import Constraint, Index, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.ddl.constraints import check_expression
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal, qualified


def constraints_can_return(names: Names, child: Table) -> tuple[Check, ...]:
    """Rows written since the constraints went may break them; the way down would stop half-way.

    Each constraint and unique index of ``child`` that uses leaving columns is asked of the
    children with the values of their parents. A foreign key over deprecated columns alone is one
    of the parent too, which holds it.
    """
    deprecated = set(names.plan.deprecated)
    returning = replace(
        child,
        constraints=tuple(
            c
            for c in child.constraints
            if (c.validated or c.kind not in "cf")
            and not (c.kind == "f" and set(c.columns) <= deprecated)
        ),
    )
    return _fit(
        names,
        returning,
        set(names.plan.leaving),
        _joined(names, child),
        name="constraints can return",
        sentence="the rows keep the constraints over deprecated columns that come back",
        hint="Correct those rows in the parent or the child, then run the same command again.",
    )


def values_of_parents_fit(names: Names, child: Table) -> tuple[Check, ...]:
    """Children that lost a conflict get their parent's value, which their own columns may refuse.

    Asked where parents stand, before the values are written.
    """
    return _winners_fit(names, child, _joined(names, child))


def chosen_values_fit(names: Names, table: Table) -> tuple[Check, ...]:
    """The same, asked of the wide ``table`` before there are parents."""
    plan = names.plan
    key = listed(plan.key, "t.")
    # Window functions treat NULLs as equal, as the key of the parent does.
    source = (
        f"(SELECT t.*, pg_catalog.dense_rank() OVER (ORDER BY {key}) AS {ident(_GROUP)}\n"
        f"  FROM {qualified(table.schema, table.name)} AS t)"
    )
    grouping = Names(replace(plan, link=_GROUP), names.schema)
    values, group = _listed(table, plan.parent_values, "w", "s"), ident(_GROUP)
    chosen = grouped(grouping, table, "true", table=source)
    return _winners_fit(
        names,
        table,
        f"SELECT {values} FROM {source} AS s\nJOIN ({chosen}) AS w ON w.{group} = s.{group}",
    )


_GROUP = "number of the group"


def _winners_fit(names: Names, table: Table, rows: str) -> tuple[Check, ...]:
    replaced = {c.name for c in names.plan.parent_columns if c.conflict is not Conflict.AGREE}
    same = {*names.plan.deprecated} - replaced
    kept = tuple(
        c
        for c in table.constraints
        # A row of the same key had the value, so a condition on it alone holds for all of them.
        if c.kind not in "cf" or len(set(c.columns) - same) > 1
        if c.kind != "f" or c.validated
    )
    return _fit(
        names,
        replace(table, constraints=kept),
        replaced,
        rows,
        name="chosen values fit",
        sentence="the rows keep their constraints with the values that the policies choose",
        hint="Correct those rows or change the constraint, then run the same command again.",
    )


def _joined(names: Names, child: Table) -> str:
    """SELECT of the children with the values of their parents."""
    plan = names.plan
    return (
        f"SELECT {_listed(child, plan.deprecated, 'p', 'c')} FROM {names.child} AS c\n"
        f"JOIN {names.parent} AS p ON p.{ident(plan.parent_id)} = c.{ident(plan.link)}"
    )


def _listed(table: Table, moved: tuple[str, ...], one: str, other: str) -> str:
    return ", ".join(f"{one if n in moved else other}.{ident(n)}" for n in table.column_names)


def _fit(
    names: Names,
    table: Table,
    columns: set[str],
    rows: str,
    *,
    name: str,
    sentence: str,
    hint: str,
) -> tuple[Check, ...]:
    """A check of everything that rests on ``columns``; none where nothing does."""
    key = names.id.shown("")
    # A definition may refer to the whole row by the table's name.
    named = ident(table.name)
    parts = [
        *(
            part
            for c in table.constraints
            if c.enforced and columns & set(c.columns)
            for part in _breaking(c, key, named)
        ),
        *(
            part
            for index in table.indexes
            if index.valid and columns & set(index.columns)
            for part in _repeated(table, index, key, named)
        ),
    ]
    if not parts:
        return ()
    query = f"WITH {named} AS (\n{rows})\n" + "\nUNION ALL ".join(parts)
    return (Check(name=name, sentence=sentence, query=query, hint=hint),)


def _breaking(constraint: Constraint, key: str, rows: str) -> Iterator[str]:
    """SELECT of the rows that break a CHECK or a foreign key."""
    broken = f"SELECT pg_catalog.format('%s (%s)', {key}, {literal(constraint.name)}) FROM {rows}\n"
    if constraint.kind == "c":
        yield f"{broken}WHERE NOT ({check_expression(constraint.definition)})"
    if constraint.kind == "f" and constraint.references:
        own = listed(constraint.columns, f"{rows}.")
        # With a NULL in it a row of values equals no other, and refers to nothing.
        yield (
            f"{broken}WHERE pg_catalog.num_nulls({own}) = 0 AND NOT EXISTS (\n"
            f'  SELECT FROM {qualified(*constraint.references)} AS "referred to"\n'
            f"  WHERE ({_referenced(constraint)}) = ({own}))"
        )


def _repeated(table: Table, index: Index, key: str, rows: str) -> Iterator[str]:
    """SELECT of the rows that another row excludes, by a unique index or an exclusion."""
    named = literal(index.constraint or index.name)
    exclusion = next(
        (c for c in table.constraints if c.kind == "x" and c.index == index.name), None
    )
    if exclusion is not None:
        values, predicate, _ = _elements(exclusion.definition)
        every = ", ".join(f"{value} AS e{n}" for n, (value, _) in enumerate(values))
        excluded = f"(SELECT {key} AS id, {every} FROM {rows} WHERE {predicate})"
        meets = " AND ".join(f"a.e{n} {by} b.e{n}" for n, (_, by) in enumerate(values))
        yield (
            f"SELECT pg_catalog.format('%s (%s)', a.id, {named})\n"
            f"FROM {excluded} AS a JOIN {excluded} AS b ON a.id < b.id AND {meets}"
        )
    elif index.unique:
        values, predicate, equal = _elements(index.definition)
        every = ", ".join(value for value, _ in values)
        complete = " AND ".join(f"({value}) IS NOT NULL" for value, _ in values)
        yield (
            f"SELECT pg_catalog.format('%s (%s)', pg_catalog.min({key}::text), {named})\n"
            f"FROM {rows} WHERE {predicate} AND {'true' if equal else complete}\n"
            f"GROUP BY {every} HAVING pg_catalog.count(*) > 1"
        )


def _elements(definition: str) -> tuple[tuple[tuple[str, str], ...], str, bool]:
    """The (expression, operator) of each element of an index or exclusion, its predicate, and
    whether NULLs are equal.

    PostgreSQL prints ``USING method (element, …) … WHERE (predicate)``; after the expression of an
    element stand collation, operator class and order, and WITH and the operator of an exclusion.
    """
    depth, elements, part, rest = 0, [], "", ""
    began = ended = False
    before: list[str] = []
    for token in tokens(definition):
        if ended:
            rest += token.text
        elif not began:
            began = token.text == "(" and "USING" in before
            before.append(token.text)
        elif token.text == ")" and depth == 0:
            ended = True
        elif token.text == "," and depth == 0:
            elements.append(part)
            part = ""
        else:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            part += token.text
    elements.append(part)
    predicate = rest.partition(" WHERE ")[2]
    if predicate:
        predicate = _first(predicate)
    return (
        tuple((_first(e.strip()), e.rpartition(" WITH ")[2]) for e in elements),
        predicate or "true",
        "NULLS NOT DISTINCT" in rest.partition(" WHERE ")[0],
    )


def _first(text: str) -> str:
    """Up to the first blank outside parentheses and quotes."""
    depth, found = 0, ""
    for token in tokens(text):
        if token.kind == "space" and depth == 0:
            break
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        found += token.text
    return found


def _referenced(key: Constraint) -> str:
    """The columns that a foreign key refers to, as its definition lists them."""
    texts = [token.text for token in tokens(key.definition.partition(" REFERENCES ")[2])]
    start = texts.index("(")
    return "".join(texts[start + 1 : texts.index(")", start)])
