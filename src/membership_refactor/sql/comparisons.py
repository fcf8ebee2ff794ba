"""Comparisons: what has to agree at each stage, and which side is believed."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.comparison import (
    HASHED_ROWS,
    NOTHING,
    Comparison,
    columns_apart,
    difference,
    rows_as_json,
)
from membership_refactor.sql.grouping import grouped, parent_columns
from membership_refactor.sql.identifiers import columns as listed
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.identity import computed
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.collection import version_8
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.types import differs, keyed

EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE
UUID = "pg_catalog.uuid"


def source_and_copy(plan: TableSplit, names: Names, source: Table) -> Comparison:
    """0003 and 0004: the source is believed."""
    key, link, key_type = ident(plan.id), ident(plan.link), source.column(plan.id).type
    others = tuple(c for c in source.columns if c.name != plan.id)
    writable = [c.name for c in source.columns if c.generated is None]
    changing = [n for n in writable if n != plan.id]
    of_key = computed(plan, names, "a", "link")
    apart = f"({differs(others, 'a', 'b')} OR b.{link} IS DISTINCT FROM {of_key})"
    columns = (
        f"{columns_apart(others, 'a', 'b')} || CASE WHEN b.{link} IS DISTINCT FROM {of_key} "
        f"THEN ARRAY[{literal(plan.link)}]::pg_catalog.text[] ELSE {NOTHING} END"
    )

    def rows(left: str, right: str) -> str:
        apart_by = difference(f"a.{key}", f"b.{key}", columns)
        return (
            f"SELECT coalesce(a.{key}, b.{key})::text, {apart_by}\n"
            f"FROM (SELECT * FROM {names.source} WHERE {left}) AS a\n"
            f"FULL JOIN (SELECT * FROM {names.copy} WHERE {right}) AS b ON b.{key} = a.{key}\n"
            f"WHERE a.{key} IS NULL OR b.{key} IS NULL OR {apart}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        absent = f"NOT EXISTS (SELECT FROM {names.copy} AS b WHERE b.{key} = a.{key})"
        return (
            # What the source has not goes first: it may hold a value that has to be unique.
            f"DELETE FROM {names.copy} AS b WHERE b.{key} = ANY ({keys})\n"
            f"AND NOT EXISTS (SELECT FROM {names.source} AS a WHERE a.{key} = b.{key})",
            # A row that is there is updated: other tables may refer to it.
            f"UPDATE {names.copy} AS b SET ({listed([*changing, plan.link])})"
            f" = ROW ({listed(changing, 'a.')}, {of_key})\n"
            f"FROM {names.source} AS a WHERE b.{key} = a.{key} AND a.{key} = ANY ({keys}) "
            f"AND {apart}",
            f"INSERT INTO {names.copy} ({listed([*writable, plan.link])}) OVERRIDING SYSTEM VALUE\n"
            f"SELECT {listed(writable, 'a.')}, {of_key} FROM {names.source} AS a\n"
            f"WHERE a.{key} = ANY ({keys}) AND {absent}",
        )

    return Comparison(
        name="source and copy",
        authority=plan.source,
        route=names.source,
        route_key=plan.id,
        route_type=key_type,
        rows=rows,
        left_key=key,
        right_key=key,
        of_keys=lambda keys: rows(f"{key} = ANY ({keys})", f"{key} = ANY ({keys})"),
        key_type=key_type,
        mend=mend,
        was=rows_as_json(names.copy, key),
        locks=((names.source, EXCLUSIVE), (names.copy, EXCLUSIVE)),
    )


def links_of_keys(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0005 to 0007: the link is the uuid of the row's key."""
    key, link, key_type = ident(plan.id), ident(plan.link), child.column(plan.id).type
    of_key = computed(plan, names, "b", "link")

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT b.{key}::text, 'different', ARRAY[{literal(plan.link)}]::pg_catalog.text[]\n"
            f"FROM {names.copy} AS b WHERE {left} AND b.{link} IS DISTINCT FROM {of_key}"
        )

    return Comparison(
        name="links and keys",
        authority="the row's key",
        route=names.copy,
        route_key=plan.id,
        route_type=key_type,
        rows=rows,
        left_key=f"b.{key}",
        right_key=f"b.{key}",
        of_keys=lambda keys: rows(f"b.{key} = ANY ({keys})", ""),
        key_type=key_type,
        mend=lambda keys: (
            f"UPDATE {names.copy} AS b SET {link} = {of_key} WHERE b.{key} = ANY ({keys})",
        ),
        was=rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE),),
    )


def children_and_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0007: the children are believed; a parent is what they say. The time of change is each
    table's own: on the way down from 0008 it need not be the greatest of the children's."""
    uuid, link = ident(plan.parent_id), ident(plan.link)
    shared = keyed(parent_columns(plan, child), plan.key)
    columns = tuple(c for c in shared if c.name != plan.changed)
    apart_by = difference(f"g.{link}", f"p.{uuid}", columns_apart(columns, "g", "p"))

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT coalesce(g.{link}, p.{uuid})::text,\n  {apart_by}\n"
            f"FROM ({grouped(plan, names.copy, left)}) AS g\n"
            f"FULL JOIN (SELECT * FROM {names.parent} WHERE {right}) AS p ON p.{uuid} = g.{link}\n"
            f"WHERE g.{link} IS NULL OR p.{uuid} IS NULL OR {differs(columns, 'g', 'p')}"
        )

    return Comparison(
        name="children and parents",
        authority=plan.copy,
        route=names.copy,
        route_key=plan.link,
        route_type=UUID,
        rows=rows,
        left_key=f"c.{link}",
        right_key=uuid,
        of_keys=lambda keys: rows(f"c.{link} = ANY ({keys})", f"{uuid} = ANY ({keys})"),
        key_type=UUID,
        mend=lambda keys: (f"SELECT {names.own('settle')}({keys}, true)",),
        was=rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )


def _dangling(names: Names, link: str, uuid: str) -> str:
    return f"NOT EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link})"


def children_of_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0008: every child says what its parent says, and the parent is believed. Where the child
    says exactly what another parent says, or its own does not exist, the link is what is wrong."""
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    key_type = child.column(plan.id).type
    deprecated = keyed((child.column(n) for n in plan.deprecated), plan.key)
    keys_only = tuple(c for c in deprecated if c.name in plan.key)
    first = child.column(plan.key[0])
    # The unique key begins with it, and IS NOT DISTINCT FROM knows no index.
    near = f"q.{ident(first.name)} = c.{ident(first.name)}"
    if not first.not_null:
        near = f"({near} OR (q.{ident(first.name)} IS NULL AND c.{ident(first.name)} IS NULL))"
    another = f"q.{uuid} <> c.{link} AND {near} AND NOT {differs(deprecated, 'q', 'c')}"
    same_key = f"{near} AND NOT {differs(keys_only, 'q', 'c')}"
    wrong_link = f"ARRAY[{literal(plan.link)}]::pg_catalog.text[]"
    copied = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]
    latest = f"c.{ident(plan.changed)} DESC NULLS LAST, " if plan.changed else ""

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
        mine, dangling = f"c.{key} = ANY ({keys})", _dangling(names, link, uuid)
        different = (
            f"EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link} "
            f"AND {differs(deprecated, 'p', 'c')})"
        )
        point = f"UPDATE {names.copy} AS c SET {link} = q.{uuid} FROM {names.parent} AS q\nWHERE "
        return (
            f"{point}{mine} AND {dangling} AND {same_key}",
            f"{point}{mine} AND {different} AND {another}",
            f"INSERT INTO {names.parent} ({uuid}, {listed(copied)})\n"
            f"SELECT DISTINCT ON (c.{link}) c.{link}, {listed(copied, 'c.')}\n"
            f"FROM {names.copy} AS c WHERE {mine} AND {dangling}\n"
            f"ORDER BY c.{link}, {latest}c.{key} DESC",
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


def childless_parents(plan: TableSplit, names: Names) -> Comparison:
    """0008: a parent that the tool made goes when its last child goes; those that were emptied
    while the children were frozen stay, and are listed in the ledger."""
    uuid, link = ident(plan.parent_id), ident(plan.link)
    childless = (
        f"{version_8(f'p.{uuid}')}\n"
        f"  AND NOT EXISTS (SELECT FROM {names.copy} AS c WHERE c.{link} = p.{uuid})\n"
        f"  AND NOT EXISTS (SELECT FROM {names.own('emptied')} AS e WHERE e.uuid = p.{uuid})"
    )

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT p.{uuid}::text, 'extra', {NOTHING}\n"
            f"FROM {names.parent} AS p WHERE {left} AND {childless}"
        )

    return Comparison(
        name="childless parents",
        authority=plan.copy,
        route=names.parent,
        route_key=plan.parent_id,
        route_type=UUID,
        rows=rows,
        left_key=f"p.{uuid}",
        right_key=f"p.{uuid}",
        of_keys=lambda keys: rows(f"p.{uuid} = ANY ({keys})", ""),
        key_type=UUID,
        mend=lambda keys: (
            f"DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY ({keys}) AND {childless}",
        ),
        was=rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
    )


def links_and_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """From 0009: every link has its parent. What the parent held is nowhere else any more, so a
    missing one can be named, not mended."""
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT c.{key}::text, 'dangling', ARRAY[{literal(plan.link)}]::pg_catalog.text[]\n"
            f"FROM {names.copy} AS c WHERE {left} AND {_dangling(names, link, uuid)}"
        )

    return Comparison(
        name="links and parents",
        authority=plan.parent,
        route=names.copy,
        route_key=plan.id,
        route_type=child.column(plan.id).type,
        rows=rows,
        left_key=f"c.{key}",
        right_key=f"c.{key}",
        of_keys=lambda keys: rows(f"c.{key} = ANY ({keys})", ""),
        key_type=child.column(plan.id).type,
        mend=None,
        was=rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
    )
