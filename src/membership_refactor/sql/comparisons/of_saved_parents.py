"""Comparisons from 0008, where parents are saved by themselves."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    HASHED_ROWS,
    UUID,
    Comparison,
    columns_apart,
    rows_as_json,
)
from membership_refactor.sql.comparisons.parents_of_keys import dangling, make_parents, of_key
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs, keyed


def children_of_parents(names: Names, child: Table) -> Comparison:
    """0008: every child says what its parent says, and the parent is believed. Where the child
    says exactly what another parent says, or its own does not exist, the link is what is wrong."""
    plan = names.plan
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    key_type = child.column(plan.id).type
    deprecated = keyed((child.column(n) for n in plan.deprecated), plan.key)
    of_same_key = f"q.{uuid} = {of_key(names, child)}"
    another = f"{of_same_key} AND q.{uuid} <> c.{link} AND NOT {differs(deprecated, 'q', 'c')}"
    wrong_link = f"ARRAY[{literal(plan.link)}]::pg_catalog.text[]"

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT c.{key}::text,\n"
            f"  CASE WHEN p.{uuid} IS NULL THEN 'dangling' ELSE 'different' END,\n"
            f"  CASE WHEN p.{uuid} IS NULL\n"
            f"    OR EXISTS (SELECT FROM {names.parent} AS q WHERE {another}) THEN {wrong_link}\n"
            f"  ELSE {columns_apart(deprecated, 'p', 'c')} END\n"
            f"FROM (SELECT * FROM {names.copy} WHERE {left}) AS c\n"
            # By the child's own order: in that of the uuids each range would touch most pages.
            f"LEFT JOIN {names.parent} AS p ON p.{uuid} = c.{link}\n"
            f"WHERE p.{uuid} IS NULL OR {differs(deprecated, 'p', 'c')}"
        )

    def of_keys(keys: str) -> str:
        return rows(f"{key} = ANY ({keys})", "")

    def mend(keys: str) -> tuple[str, ...]:
        mine = f"c.{key} = ANY ({keys})"
        different = (
            f"EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link} "
            f"AND {differs(deprecated, 'p', 'c')})"
        )
        point = f"UPDATE {names.copy} AS c SET {link} = q.{uuid} FROM {names.parent} AS q\nWHERE "
        return (
            f"{point}{mine} AND {dangling(names)} AND {of_same_key}",
            f"{point}{mine} AND {different} AND {another}",
            make_parents(names, child, keys),
            f"UPDATE {names.copy} AS c SET ({listed(plan.deprecated)}) = "
            f"ROW ({listed(plan.deprecated, 'p.')})\nFROM {names.parent} AS p "
            f"WHERE p.{uuid} = c.{link} AND {mine} AND {differs(deprecated, 'p', 'c')}",
        )

    return Comparison(
        name="children of parents",
        authority=plan.parent,
        route=names.copy,
        route_key=plan.id,
        route_type=key_type,
        rows=rows,
        left_key=key,
        right_key=key,
        of_keys=of_keys,
        key_type=key_type,
        mend=mend,
        was=rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
    )


def links_and_parents(names: Names, child: Table) -> Comparison:
    """From 0009: every link has its parent. What the parent held is nowhere else any more, so a
    missing one can be named, not mended."""
    plan = names.plan
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    lost = f"'dangling', ARRAY[{literal(plan.link)}]::pg_catalog.text[]"

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT c.{key}::text, {lost} FROM {names.copy} AS c\n"
            f"WHERE c.{link} IS NULL OR c.{link} = ANY (ARRAY (\n"
            # Links without the rows that bear them: two indexes are merged and no table is read.
            f"  SELECT c.{link} FROM {names.copy} AS c WHERE {left} AND NOT EXISTS (\n"
            f"    SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link} AND {right})))"
        )

    return Comparison(
        name="links and parents",
        authority=plan.parent,
        route=names.copy,
        route_key=plan.link,
        route_type=UUID,
        rows=rows,
        left_key=f"c.{link}",
        right_key=f"p.{uuid}",
        of_keys=lambda keys: (
            f"SELECT c.{key}::text, {lost} FROM {names.copy} AS c\n"
            f"WHERE c.{key} = ANY ({keys}) AND {dangling(names)}"
        ),
        key_type=child.column(plan.id).type,
        mend=None,
        was=rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )
