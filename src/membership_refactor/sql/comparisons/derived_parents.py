"""Comparison at 0007, where children and policies determine each parent."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    HASHED_ROWS,
    UUID,
    Comparison,
    difference,
    differing_columns,
    rows_as_json,
    rows_where,
)
from membership_refactor.sql.comparisons.saved_parents import children_without_parent
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped, parent_columns
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.shared_scan import SharedScan
from membership_refactor.sql.types import differs, keyed


def differing_parents(
    names: Names,
    child: Table,
    *,
    without: str | None = None,
    of_children: str = "true",
    of_parents: str = "",
) -> SharedScan:
    """Parents (``p``) that differ from what their children and the policies give (``g``), and
    those of which only one side exists. ``without`` is a column that is not compared.

    ``of_children`` (alias ``c``) and ``of_parents`` restrict both sides to the same uuids.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    columns = [c for c in keyed(parent_columns(plan, child), plan.key) if c.name != without]
    return SharedScan(
        rows=f"({grouped(names, child, of_children)}) AS g\n"
        f"FULL JOIN {rows_where(names.parent, of_parents)} AS p ON p.{uuid} = g.{link}",
        key=f"coalesce(g.{link}::text, p.{uuid}::text, 'no link')",
        broken=f"g.{link} IS NULL OR p.{uuid} IS NULL OR {differs(columns, 'g', 'p')}",
    )


APART = "apart"
"""The name of the common table expression of ``groups_apart``."""


def groups_apart(names: Names, child: Table) -> str:
    """A common table expression: the uuids of groups whose parent has to be derived to be judged.

    ``alone`` tells that there is no parent. A parent that equals each of its children is right
    under every policy, if its time of change is the latest of theirs: none is later, and one is the
    same. So one join of the two tables leaves only the groups in which children differ, a side is
    missing, or something is wrong.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    shared = keyed(parent_columns(plan, child), plan.key)
    unlike = differs((c for c in shared if c.name != plan.changed), "c", "p")
    when = [f"WHEN p.{uuid} IS NULL THEN 3", f"WHEN c.{link} IS NULL OR {unlike} THEN 2"]
    if plan.changed:
        mine, its = (f"{row}.{ident(plan.changed)}" for row in ("c", "p"))
        when += [
            f"WHEN {mine} > {its} OR ({its} IS NULL AND {mine} IS NOT NULL) THEN 2",
            f"WHEN {mine} IS DISTINCT FROM {its} THEN 0",
        ]
    worst = f"pg_catalog.max(CASE {(chr(10) + '      ').join(when)} ELSE 1 END)"
    return (
        f"{APART} AS MATERIALIZED (\n"
        f"  SELECT coalesce(c.{link}, p.{uuid}) AS uuid, {worst} = 3 AS alone\n"
        f"  FROM {names.child} AS c FULL JOIN {names.parent} AS p ON p.{uuid} = c.{link}\n"
        f"  GROUP BY 1 HAVING {worst} <> 1)"
    )


def of_groups_apart(names: Names, child: Table) -> SharedScan:
    """``differing_parents``, after ``groups_apart``: only its groups are derived."""
    uuid, link = ident(names.plan.parent_id), ident(names.plan.link)
    apart = f"ARRAY (SELECT a.uuid FROM {APART} AS a)"
    return differing_parents(
        names,
        child,
        of_children=f"(c.{link} = ANY ({apart}) OR c.{link} IS NULL)",
        of_parents=f"{uuid} = ANY ({apart})",
    )


def children_alone(names: Names) -> SharedScan:
    """``children_without_parent``, after ``groups_apart``."""
    link = ident(names.plan.link)
    alone = f"ARRAY (SELECT a.uuid FROM {APART} AS a WHERE a.alone)"
    return children_without_parent(names, children=f"({link} = ANY ({alone}) OR {link} IS NULL)")


def children_and_parents(names: Names, child: Table) -> Comparison:
    """The children are right. The time of change is not compared: each table has its own, and
    after a downgrade from 0008 the parent's need not be the greatest of the children's.

    A parent that equals each of its children is right under every policy. So only parents that
    differ from one of their children are derived again.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    shared = keyed(parent_columns(plan, child), plan.key)
    columns = tuple(c for c in shared if c.name != plan.changed)
    key_only = keyed((child.column(n) for n in plan.key), plan.key)
    apart_by = difference(f"g.{link}", f"p.{uuid}", differing_columns(columns, "g", "p"))

    def of_keys(keys: str) -> str:
        scan = differing_parents(
            names,
            child,
            without=plan.changed,
            of_children=f"c.{link} = ANY ({keys})",
            of_parents=f"{uuid} = ANY ({keys})",
        )
        return f"SELECT {scan.key},\n  {apart_by}\nFROM {scan.rows}\nWHERE {scan.broken}"

    def rows(left: str, right: str) -> str:
        return (
            f"WITH suspects AS MATERIALIZED (SELECT DISTINCT c.{link}\n"
            f"FROM (SELECT * FROM {names.child} WHERE {left}) AS c\n"
            # Ranges follow the children's ids: a range of uuids would touch most pages.
            f"LEFT JOIN {names.parent} AS p ON p.{uuid} = c.{link}\n"
            f"WHERE p.{uuid} IS NULL OR {differs(columns, 'p', 'c')})\n"
            f"{of_keys(f'ARRAY (SELECT s.{link} FROM suspects AS s)')}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        says = differs(key_only, "c", "p")
        return (
            # Two parents may have exchanged their keys, and then no order of updates works. A
            # parent can be deleted and derived again unless another table refers to it.
            f"DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY ({keys})\n"
            f"AND EXISTS (SELECT FROM {names.child} AS c WHERE c.{link} = p.{uuid} AND {says})\n"
            "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f'\n"
            f"  AND r.confrelid = {literal(names.parent)}::pg_catalog.regclass)",
            f"SELECT {names.own('settle')}({keys}, true)",
        )

    return Comparison(
        name="children and parents",
        authority=plan.child,
        route=names.child,
        route_key=names.id,
        route_type=names.id.type_in(child.columns),
        rows=rows,
        left=(names.id, ""),
        right=(names.id, ""),
        of_keys=of_keys,
        key_type=UUID,
        mend=mend,
        was=rows_as_json(names.parent, names.parent_id),
        locks=((names.child, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
        looked_up=names.parent,
        rebuilt_by="rebuild_parent",
    )
