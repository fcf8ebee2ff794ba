"""Checks of parents and children, from 0007 on."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.derived_parents import (
    children_alone,
    groups_apart,
    of_groups_apart,
)
from membership_refactor.sql.comparisons.repeated_keys import repeated_keys, shown_key
from membership_refactor.sql.comparisons.saved_parents import (
    abandoned_parents,
    childless_parents,
    children_unlike_parent,
    children_without_parent,
)
from membership_refactor.sql.names import Names


def derived_checks(names: Names, child: Table) -> tuple[Check, ...]:
    """At 0007, where children and policies determine their parents. The first two share one join
    of the tables."""
    first = groups_apart(names, child)
    follow = Check(
        name="parents follow the policies",
        sentence=(
            "every parent has children, and the key and values that they and the policies give it"
        ),
        first=first,
        query=of_groups_apart(names, child).query,
    )
    alone = children_alone(names).query
    found = replace(children_have_parents(names), scan=None, first=first, query=alone)
    return (follow, found, keys_are_unique(names))


def children_have_parents(names: Names) -> Check:
    """Each child has exactly one parent; the parent's uuid is its primary key."""
    return Check.of(
        children_without_parent(names),
        name="every child has its parent",
        sentence="every child's link is the uuid of a parent",
    )


def kept_columns_agree(names: Names, child: Table) -> Check:
    """From 0009 on, by the foreign key over the kept columns and the link."""
    return Check.of(
        children_unlike_parent(names, child, names.plan.keep),
        name="same kept columns",
        sentence=f"every child has its parent's {', '.join(names.plan.keep)}",
    )


def keys_are_unique(names: Names) -> Check:
    """No two parents have the same key. The rows are counted; the unique index is not trusted."""
    return Check.of(
        repeated_keys(names),
        name="keys are unique",
        sentence="no two parents have the same key",
    )


def parallel_checks(names: Names, child: Table) -> tuple[Check, ...]:
    """At 0008, while applications write both tables. All but one share one pass over the join."""
    plan = names.plan
    same = [
        Check.of(
            children_unlike_parent(names, child, columns),
            name=f"same {what}",
            sentence=f"every child has its parent's {what}",
        )
        for what, columns in (("key", plan.key), ("values", plan.parent_values))
        if columns
    ]
    return (
        children_have_parents(names),
        *same,
        keys_are_unique(names),
        Check.of(
            abandoned_parents(names),
            name="no abandoned parent",
            sentence="every parent that the tool created has a child",
        ),
    )


def parents_have_children(names: Names) -> Check:
    """A parent without children has no row in the old table, so a downgrade would lose it."""
    scan = childless_parents(names)
    return Check.of(
        replace(scan, key=f"pg_catalog.concat_ws(', ', {scan.key}, {shown_key(names.plan, 'p')})"),
        name="parents have children",
        sentence="every parent has a child; the old table cannot hold a parent without one",
        hint="Delete those parents or give each a child, then run the same command again.",
    )
