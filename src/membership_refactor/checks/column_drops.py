"""Checks of the drop of the deprecated columns, and of the rows that get them back."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.portrait import Constraint, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.column_uses import column_uses
from membership_refactor.sql.ddl.constraints import check_expression
from membership_refactor.sql.names import OWN_PREFIXES, Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal, qualified


def nothing_stops_the_drop(names: Names) -> Check:
    """A script cannot ask the portrait for objects that were made after it was written."""
    deprecated = ", ".join(literal(name) for name in names.plan.deprecated)
    prefixes = ", ".join(literal(prefix) for prefix in OWN_PREFIXES)
    uses = column_uses(
        f"ARRAY[{literal(names.copy)}::pg_catalog.regclass::oid]", f"ARRAY[{prefixes}]"
    )
    return Check(
        name="nothing stops the drop",
        sentence="no view, policy or other object stops the drop of the deprecated columns",
        query=(
            "SELECT pg_catalog.format('%s uses %s', u.name, "
            "pg_catalog.string_agg(DISTINCT c.name, ', '))\n"
            f"FROM ({uses}) AS u CROSS JOIN LATERAL pg_catalog.unnest(u.columns) AS c (name)\n"
            f"WHERE NOT u.sequence AND c.name IN ({deprecated})\n"
            "GROUP BY u.name HAVING pg_catalog.bool_and(u.stops)"
        ),
        reach=Reach.CATALOG,
        hint="Change or drop these objects, then run the same command again.",
    )


def constraints_can_return(names: Names, child: Table) -> tuple[Check, ...]:
    """Rows written since the constraints went may break them; the way down would stop half-way.

    Each CHECK, UNIQUE constraint and foreign key of ``child`` that uses deprecated columns is asked
    of the children with the values of their parents. A key over deprecated columns alone is one of
    the parent too, which holds it.
    """
    gone = set(names.plan.deprecated)
    rows = [
        broken
        for constraint in child.constraints
        if gone & set(constraint.columns) and constraint.enforced
        for broken in _broken(names, child, constraint)
    ]
    if not rows:
        return ()
    return (
        Check(
            name="constraints can return",
            sentence="the rows keep the constraints over deprecated columns that come back",
            query="\nUNION ALL ".join(rows),
            hint="Correct those rows in the parent or the child, then run the same command again.",
        ),
    )


def _broken(names: Names, child: Table, constraint: Constraint) -> tuple[str, ...]:
    """SELECT of the rows that break the constraint; nothing for other kinds."""
    plan, key = names.plan, ident(names.plan.id)
    values = ", ".join(
        f"{'p' if name in plan.deprecated else 'c'}.{ident(name)}" for name in child.column_names
    )
    # A definition may refer to the whole row by the table's name.
    rows = (
        f"(SELECT {values} FROM {names.copy} AS c\n"
        f"  JOIN {names.parent} AS p ON p.{ident(plan.parent_id)} = c.{ident(plan.link)})"
        f" AS {ident(plan.copy)}"
    )
    named = literal(constraint.name)
    if constraint.kind == "c" and constraint.validated:
        return (
            f"SELECT pg_catalog.format('%s (%s)', {key}, {named}) FROM {rows}\n"
            f"WHERE NOT ({check_expression(constraint.definition)})",
        )
    if constraint.kind == "u":
        columns = listed(constraint.columns)
        complete = " AND ".join(f"{ident(c)} IS NOT NULL" for c in constraint.columns)
        equal = "true" if "NULLS NOT DISTINCT" in constraint.definition else complete
        return (
            f"SELECT pg_catalog.format('%s (%s)', pg_catalog.min({key}::text), {named})\n"
            f"FROM {rows} WHERE {equal}\nGROUP BY {columns} HAVING pg_catalog.count(*) > 1",
        )
    if constraint.kind == "f" and constraint.validated and constraint.references:
        if set(constraint.columns) <= set(plan.deprecated):
            return ()
        own = listed(constraint.columns, f"{ident(plan.copy)}.")
        # With a NULL in it a row of values equals no other, and refers to nothing.
        return (
            f"SELECT pg_catalog.format('%s (%s)', {key}, {named}) FROM {rows}\n"
            f"WHERE pg_catalog.num_nulls({own}) = 0 AND NOT EXISTS (\n"
            f'  SELECT FROM {qualified(*constraint.references)} AS "referred to"\n'
            f"  WHERE ({_referenced(constraint)}) = ({own}))",
        )
    return ()


def _referenced(key: Constraint) -> str:
    """The columns that a foreign key refers to, as its definition lists them."""
    texts = [token.text for token in tokens(key.definition.partition(" REFERENCES ")[2])]
    start = texts.index("(")
    return "".join(texts[start + 1 : texts.index(")", start)])
