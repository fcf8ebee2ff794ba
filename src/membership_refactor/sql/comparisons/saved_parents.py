"""Comparisons from 0008, where applications write parents too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.childless_parents import goes_with_last_child
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    HASHED_ROWS,
    UUID,
    Comparison,
    differing_columns,
    rows_as_json,
    rows_where,
)
from membership_refactor.sql.comparisons.find_or_make_parent import (
    has_no_parent,
    make_parents,
    parent_of_key,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.row_versions import NEW
from membership_refactor.sql.shared_scan import Changed, SharedScan
from membership_refactor.sql.types import differs, keyed


def _joined(names: Names, join: str = "FULL", children: str = "") -> str:
    """Child ``c`` and parent ``p`` by the link; ``children`` is a condition on the children."""
    plan = names.plan
    return (
        f"{rows_where(names.child, children)} AS c\n"
        f"{join} JOIN {names.parent} AS p ON p.{ident(plan.parent_id)} = c.{ident(plan.link)}"
    )


def _changed(names: Names) -> Changed:
    """Children and parents by the uuids of groups in which a row is new, or one side is missing."""
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)

    def keys(new: Callable[[str], str]) -> str:
        return (
            f"SELECT coalesce(c.{link}, p.{uuid}) AS k\n"
            f"FROM (SELECT t.{link}, {new('t')} AS {NEW} FROM {names.child} AS t) AS c\n"
            f"FULL JOIN (SELECT t.{uuid}, {new('t')} AS {NEW} FROM {names.parent} AS t) AS p\n"
            f"  ON p.{uuid} = c.{link}\nWHERE c.{NEW} IS NOT FALSE OR p.{NEW} IS NOT FALSE"
        )

    def within(keys: str) -> str:
        among = f"IN (SELECT g.k FROM {keys})"
        children = rows_where(names.child, f"{link} {among}")
        parents = rows_where(names.parent, f"{uuid} {among}")
        return f"{children} AS c\nFULL JOIN {parents} AS p ON p.{uuid} = c.{link}"

    return Changed(keys=keys, within=within, tables=(names.child, names.parent))


def children_without_parent(names: Names, *, children: str = "") -> SharedScan:
    """Children, or those that meet a condition, whose link is the uuid of no parent. PostgreSQL
    plans it as an anti-join."""
    plan = names.plan
    uuid = f"p.{ident(plan.parent_id)}"
    return SharedScan(
        rows=_joined(names, children=children),
        key=names.id.text("c"),
        broken=f"{uuid} IS NULL AND {names.id.present('c')}",
        reads=() if children else (names.child, names.parent),
        changed=None if children else _changed(names),
    )


def children_unlike_parent(names: Names, child: Table, columns: Sequence[str]) -> SharedScan:
    """Children that differ from their parent in one of ``columns``, which both tables have."""
    plan = names.plan
    uuid = f"p.{ident(plan.parent_id)}"
    compared = keyed((child.column(n) for n in columns), plan.key)
    return SharedScan(
        rows=_joined(names),
        key=names.id.text("c"),
        broken=f"{names.id.present('c')} AND {uuid} IS NOT NULL AND {differs(compared, 'c', 'p')}",
        reads=(names.child, names.parent),
        changed=_changed(names),
    )


def childless_parents(names: Names) -> SharedScan:
    """Parents without children. PostgreSQL plans it as an anti-join."""
    plan = names.plan
    link, uuid = f"c.{ident(plan.link)}", f"p.{ident(plan.parent_id)}"
    return SharedScan(
        rows=_joined(names),
        key=f"{uuid}::text",
        broken=f"{link} IS NULL AND {uuid} IS NOT NULL",
        reads=(names.child, names.parent),
        changed=_changed(names),
    )


def abandoned_parents(names: Names) -> SharedScan:
    """Parents that the tool created and that should have been deleted with their last child."""
    scan = childless_parents(names)
    return replace(
        scan,
        broken=f"{scan.broken} AND {goes_with_last_child(names)}",
        reads=(*scan.reads, names.own("emptied")),
    )


def children_of_parents(names: Names, child: Table) -> Comparison:
    """0008: every child has its parent's key and values, and the parent is right. If the child
    equals another parent exactly, or its own parent does not exist, the link is wrong."""
    plan = names.plan
    uuid, link, id = ident(plan.parent_id), ident(plan.link), names.id
    deprecated = keyed((child.column(n) for n in plan.deprecated), plan.key)
    of_same_key = f"q.{uuid} = {parent_of_key(names, child)}"
    another = f"{of_same_key} AND q.{uuid} <> c.{link} AND NOT {differs(deprecated, 'q', 'c')}"
    wrong_link = f"ARRAY[{literal(plan.link)}]::pg_catalog.text[]"

    version = ident(plan.version) if plan.version else ""
    raised = f", {version} = c.{version} + 1" if version else ""

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT {id.text('c')},\n"
            f"  CASE WHEN p.{uuid} IS NULL THEN 'dangling' ELSE 'different' END,\n"
            f"  CASE WHEN p.{uuid} IS NULL\n"
            f"    OR EXISTS (SELECT FROM {names.parent} AS q WHERE {another}) THEN {wrong_link}\n"
            f"  ELSE {differing_columns(deprecated, 'p', 'c')} END\n"
            # Ranges follow the children's ids: a range of uuids would touch most pages.
            f"FROM {_joined(names, 'LEFT', left)}\n"
            f"WHERE p.{uuid} IS NULL OR {differs(deprecated, 'p', 'c')}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        mine = id.in_array("c", keys)
        different = (
            f"EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link} "
            f"AND {differs(deprecated, 'p', 'c')})"
        )
        point = f"UPDATE {names.child} AS c SET {link} = q.{uuid} FROM {names.parent} AS q\nWHERE "
        return (
            f"{point}{mine} AND {has_no_parent(names)} AND {of_same_key}",
            f"{point}{mine} AND {different} AND {another}",
            make_parents(names, child, keys),
            f"UPDATE {names.child} AS c SET ({listed(plan.deprecated)}) = "
            f"ROW ({listed(plan.deprecated, 'p.')}){raised}\nFROM {names.parent} AS p "
            f"WHERE p.{uuid} = c.{link} AND {mine} AND {differs(deprecated, 'p', 'c')}",
        )

    return _by_child("children of parents", names, child, rows, mend)


def kept_columns(names: Names, child: Table) -> Comparison:
    """From 0009: every child has the kept columns of its parent."""
    plan = names.plan
    uuid, link, id = ident(plan.parent_id), ident(plan.link), names.id
    kept = keyed((child.column(n) for n in plan.keep), plan.key)

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT {id.text('c')}, 'different', {differing_columns(kept, 'p', 'c')}\n"
            f"FROM {_joined(names, 'INNER', left)}\nWHERE {differs(kept, 'p', 'c')}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        return (
            f"UPDATE {names.child} AS c SET ({listed(plan.keep)}) = "
            f"ROW ({listed(plan.keep, 'p.')})\nFROM {names.parent} AS p "
            f"WHERE p.{uuid} = c.{link} AND {id.in_array('c', keys)} AND {differs(kept, 'p', 'c')}",
        )

    return _by_child("kept columns", names, child, rows, mend)


def _by_child(
    name: str,
    names: Names,
    child: Table,
    rows: Callable[[str, str], str],
    mend: Callable[[str], tuple[str, ...]],
) -> Comparison:
    """A comparison by ranges of the children's ids, in which the parent is right."""
    plan, id = names.plan, names.id
    key_type = id.type_in(child.columns)
    return Comparison(
        name=name,
        authority=plan.parent,
        route=names.child,
        route_key=id,
        route_type=key_type,
        rows=rows,
        left=(id, ""),
        right=(id, ""),
        of_keys=lambda keys: rows(id.in_array("", keys), ""),
        key_type=key_type,
        mend=mend,
        was=rows_as_json(names.child, id),
        locks=((names.child, EXCLUSIVE), (names.parent, EXCLUSIVE)),
        range_rows=HASHED_ROWS,
        looked_up=names.parent,
    )


def links_and_parents(names: Names, child: Table) -> Comparison:
    """From 0009: every link is the uuid of a parent. The parent's values are stored nowhere else
    any more, so a missing parent is reported and cannot be mended."""
    plan = names.plan
    uuid, link, id = ident(plan.parent_id), ident(plan.link), names.id
    lost = f"'dangling', ARRAY[{literal(plan.link)}]::pg_catalog.text[]"

    def of_keys(keys: str) -> str:
        scan = children_without_parent(names, children=id.in_array("", keys))
        return f"SELECT {scan.key}, {lost} FROM {scan.rows}\nWHERE {scan.broken}"

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT {id.text('c')}, {lost} FROM {names.child} AS c\n"
            f"WHERE c.{link} IS NULL OR c.{link} = ANY (ARRAY (\n"
            # The inner query reads links only, so it merges two indexes and reads no table.
            f"  SELECT c.{link} FROM {names.child} AS c WHERE {left} AND NOT EXISTS (\n"
            f"    SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link} AND {right})))"
        )

    return Comparison(
        name="links and parents",
        authority=plan.parent,
        route=names.child,
        route_key=names.link,
        route_type=UUID,
        rows=rows,
        left=(names.link, "c"),
        right=(names.parent_id, "p"),
        of_keys=of_keys,
        key_type=id.type_in(child.columns),
        mend=None,
        was=rows_as_json(names.child, id),
        locks=((names.child, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )
