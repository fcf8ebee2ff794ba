"""Comparisons at 0007, where a parent is what its children and the policies say."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    HASHED_ROWS,
    UUID,
    Comparison,
    columns_apart,
    difference,
    rows_as_json,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped, parent_columns
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs, keyed


def children_and_parents(names: Names, child: Table) -> Comparison:
    """The children are believed. The time of change is each table's own: on the way down from
    0008 it need not be the greatest of the children's.

    A parent that says what each of its children says is right under every policy, so only those
    of which a child says something else are grouped again.
    """
    plan = names.plan
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    shared = keyed(parent_columns(plan, child), plan.key)
    columns = tuple(c for c in shared if c.name != plan.changed)
    key_only = keyed((child.column(n) for n in plan.key), plan.key)
    apart_by = difference(f"g.{link}", f"p.{uuid}", columns_apart(columns, "g", "p"))

    def of_keys(keys: str) -> str:
        return (
            f"SELECT coalesce(g.{link}, p.{uuid})::text,\n  {apart_by}\n"
            f"FROM ({grouped(names, child, f'c.{link} = ANY ({keys})')}) AS g\n"
            f"FULL JOIN (SELECT * FROM {names.parent} WHERE {uuid} = ANY ({keys})) AS p"
            f" ON p.{uuid} = g.{link}\n"
            f"WHERE g.{link} IS NULL OR p.{uuid} IS NULL OR {differs(columns, 'g', 'p')}"
        )

    def rows(left: str, right: str) -> str:
        return (
            f"WITH suspects AS MATERIALIZED (SELECT DISTINCT c.{link}\n"
            f"FROM (SELECT * FROM {names.copy} WHERE {left}) AS c\n"
            # By the children's own order: in that of the uuids each range would touch most pages.
            f"LEFT JOIN {names.parent} AS p ON p.{uuid} = c.{link}\n"
            f"WHERE p.{uuid} IS NULL OR {differs(columns, 'p', 'c')})\n"
            f"{of_keys(f'ARRAY (SELECT s.{link} FROM suspects AS s)')}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        says = differs(key_only, "c", "p")
        return (
            # Two parents may have exchanged their keys, and no order of updates would do. Nothing
            # of a parent is its own here but what refers to it from elsewhere.
            f"DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY ({keys})\n"
            f"AND EXISTS (SELECT FROM {names.copy} AS c WHERE c.{link} = p.{uuid} AND {says})\n"
            "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f'\n"
            f"  AND r.confrelid = {literal(names.parent)}::pg_catalog.regclass)",
            f"SELECT {names.own('settle')}({keys}, true)",
        )

    return Comparison(
        name="children and parents",
        authority=plan.copy,
        route=names.copy,
        route_key=plan.id,
        route_type=child.column(plan.id).type,
        rows=rows,
        left_key=key,
        right_key=key,
        of_keys=of_keys,
        key_type=UUID,
        mend=mend,
        was=rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
        resort="Take the chain back to 0006 and up again: the parents are then made anew.",
    )
