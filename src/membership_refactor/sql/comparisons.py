"""Comparisons: two sides that have to agree, range by range, and the text that mends a key.

One statement a range, so one snapshot: both sides are written in one transaction, and whatever
such a statement finds while writers run is real. Ranges lie end to end, open at both ends of the
key, so that a row that only one side has is found wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.grouping import grouped, parent_columns
from membership_refactor.sql.identifiers import columns as listed
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.identity import computed
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.collection import version_8
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.types import differs

EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE
NOTHING = "'{}'::pg_catalog.text[]"
UUID = "pg_catalog.uuid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides by a common key. ``authority`` is the side that repair believes.

    Texts are made by functions, not from templates with places in them: no name that a table may
    have can be mistaken for such a place.
    """

    name: str
    authority: str
    route: str
    """The quoted, qualified table along which ranges are cut."""
    route_key: str
    """The bare name of its column."""
    route_type: str
    rows: Callable[[str, str], str]
    """SELECT of (key, difference, columns), given the conditions on either side's rows."""
    left_key: str
    """The route as it is called in the condition on the left side."""
    right_key: str
    of_keys: Callable[[str], str]
    """The same SELECT for the keys in an array expression."""
    key_type: str
    """The type of the keys found, which need not be the route's."""
    mend: Callable[[str], tuple[str, ...]] | None
    """Statements that put the keys in an array right, under ``locks``; None where nothing holds
    the truth."""
    was: Callable[[str], str]
    """SELECT of (key, row as jsonb) of what stood there, for the keys in an array."""
    locks: tuple[tuple[str, Lock], ...]

    def in_range(self, first: str | None, last: str | None) -> str:
        """The differing keys above ``first`` and up to ``last`` (None: open)."""
        return self.rows(
            self._within(self.left_key, first, last), self._within(self.right_key, first, last)
        )

    def _within(self, key: str, first: str | None, last: str | None) -> str:
        parts = [f"{key} IS NOT NULL"]
        if first is not None:
            parts.append(f"{key} > {literal(first)}::{self.route_type}")
        if last is not None:
            parts.append(f"{key} <= {literal(last)}::{self.route_type}")
        return " AND ".join(parts)


def _columns_apart(columns: Sequence[Column], left: str, right: str) -> str:
    cases = ", ".join(
        f"CASE WHEN {differs((c,), left, right)} THEN {literal(c.name)} END" for c in columns
    )
    return f"pg_catalog.array_remove(ARRAY[{cases}]::pg_catalog.text[], NULL)"


def _difference(left: str, right: str, columns: str) -> str:
    """The kind of difference, and the columns, of a row of a full join."""
    return (
        f"CASE WHEN {right} IS NULL THEN 'missing' WHEN {left} IS NULL THEN 'extra' "
        f"ELSE 'different' END,\n  CASE WHEN {left} IS NULL OR {right} IS NULL "
        f"THEN {NOTHING} ELSE {columns} END"
    )


def _rows_as_json(table: str, key: str) -> Callable[[str], str]:
    return lambda keys: (
        f"SELECT t.{key}::text, pg_catalog.to_jsonb(t.*) FROM {table} AS t "
        f"WHERE t.{key} = ANY ({keys})"
    )


def source_and_copy(plan: TableSplit, names: Names, source: Table) -> Comparison:
    """0003 and 0004: the source is believed."""
    key, link, key_type = ident(plan.id), ident(plan.link), source.column(plan.id).type
    others = tuple(c for c in source.columns if c.name != plan.id)
    writable = [c.name for c in source.columns if c.generated is None]
    changing = [n for n in writable if n != plan.id]
    of_key = computed(plan, names, "a", "link")
    apart = f"({differs(others, 'a', 'b')} OR b.{link} IS DISTINCT FROM {of_key})"
    columns = (
        f"{_columns_apart(others, 'a', 'b')} || CASE WHEN b.{link} IS DISTINCT FROM {of_key} "
        f"THEN ARRAY[{literal(plan.link)}]::pg_catalog.text[] ELSE {NOTHING} END"
    )

    def rows(left: str, right: str) -> str:
        difference = _difference(f"a.{key}", f"b.{key}", columns)
        return (
            f"SELECT coalesce(a.{key}, b.{key})::text, {difference}\n"
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
        was=_rows_as_json(names.copy, key),
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
        was=_rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE),),
    )


def children_and_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0007: the children are believed; a parent is what they say. The time of change is each
    table's own: on the way down from 0008 it need not be the greatest of the children's."""
    uuid, link = ident(plan.parent_id), ident(plan.link)
    columns = tuple(c for c in parent_columns(plan, child) if c.name != plan.changed)
    difference = _difference(f"g.{link}", f"p.{uuid}", _columns_apart(columns, "g", "p"))

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT coalesce(g.{link}, p.{uuid})::text,\n  {difference}\n"
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
        was=_rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )


def _dangling(names: Names, link: str, uuid: str) -> str:
    return f"NOT EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link})"


def children_of_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0008: every child says what its parent says, and the parent is believed. Where the child
    says exactly what another parent says, or its own does not exist, the link is what is wrong."""
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    key_type = child.column(plan.id).type
    deprecated = tuple(child.column(n) for n in plan.deprecated)
    keys_only = tuple(child.column(n) for n in plan.key)
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
            f"  ELSE {_columns_apart(deprecated, 'p', 'c')} END\n"
            f"FROM (SELECT * FROM {names.copy} WHERE {left}) AS c\n"
            # By the child's own order: in that of the uuids each range would read the whole table.
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
        was=_rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
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
        was=_rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
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
        was=_rows_as_json(names.copy, key),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )
