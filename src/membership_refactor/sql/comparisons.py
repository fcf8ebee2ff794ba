"""Comparisons: two sides that have to agree, range by range, and the text that mends a key.

One statement a range, so one snapshot: both sides are written in one transaction, and whatever
such a statement finds while writers run is real. Ranges lie end to end, open at both ends of the
key, so that a row that only one side has is found wherever it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.grouping import grouped, parent_columns
from membership_refactor.sql.identifiers import columns as listed
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.identity import computed
from membership_refactor.sql.names import Names
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.types import differs

EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides by a common key. ``authority`` is the side that repair believes."""

    name: str
    authority: str
    route: str
    """The quoted, qualified table along which ranges are cut."""
    key: str
    """The bare name of its column."""
    key_type: str
    rows: str
    """SELECT of (key, difference, columns) with ``{left}`` and ``{right}`` for the ranges'
    conditions on each side's key."""
    left_key: str
    right_key: str
    mend: tuple[str, ...]
    """Statements that put the keys in ``{keys}`` (an array) right; run under ``locks``."""
    was: str
    """SELECT of (key, row as jsonb) of what stood on the other side, for ``{keys}``."""
    locks: tuple[tuple[str, Lock], ...]

    def in_range(self, first: str | None, last: str | None) -> str:
        """The differing keys above ``first`` and up to ``last`` (None: open)."""
        return self.rows.replace("{left}", self._within(self.left_key, first, last)).replace(
            "{right}", self._within(self.right_key, first, last)
        )

    def of_keys(self, keys: str) -> str:
        """The same for the keys in that array expression."""
        left, right = f"{self.left_key} = ANY ({keys})", f"{self.right_key} = ANY ({keys})"
        return self.rows.replace("{left}", left).replace("{right}", right)

    def _within(self, key: str, first: str | None, last: str | None) -> str:
        parts = []
        if first is not None:
            parts.append(f"{key} > {literal(first)}::{self.key_type}")
        if last is not None:
            parts.append(f"{key} <= {literal(last)}::{self.key_type}")
        return " AND ".join(parts) or "true"


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
        f"THEN '{{}}'::pg_catalog.text[] ELSE {columns} END"
    )


def source_and_copy(plan: TableSplit, names: Names, source: Table) -> Comparison:
    """0003 and 0004: the source is believed."""
    key = ident(plan.id)
    others = tuple(c for c in source.columns if c.name != plan.id)
    writable = [c.name for c in source.columns if c.generated is None]
    link = ident(plan.link)
    of_key = computed(plan, names, "a", "link")
    apart = f"({differs(others, 'a', 'b')} OR b.{link} IS DISTINCT FROM {of_key})"
    wrong_link = (
        f"CASE WHEN b.{link} IS DISTINCT FROM {of_key} THEN ARRAY[{literal(plan.link)}] "
        "ELSE '{}'::pg_catalog.text[] END"
    )
    columns = f"{_columns_apart(others, 'a', 'b')} || {wrong_link}"
    rows = (
        f"SELECT coalesce(a.{key}, b.{key})::text, {_difference(f'a.{key}', f'b.{key}', columns)}\n"
        f"FROM (SELECT * FROM {names.source} WHERE {{left}}) AS a\n"
        f"FULL JOIN (SELECT * FROM {names.copy} WHERE {{right}}) AS b ON b.{key} = a.{key}\n"
        f"WHERE a.{key} IS NULL OR b.{key} IS NULL OR {apart}"
    )
    return Comparison(
        name="source and copy",
        authority=plan.source,
        route=names.source,
        key=plan.id,
        key_type=source.column(plan.id).type,
        rows=rows,
        left_key=key,
        right_key=key,
        mend=(
            # A row that is there is updated: the copy may be referred to, and keeps its link.
            f"UPDATE {names.copy} AS b SET ({listed([n for n in writable if n != plan.id])}, {link})"
            f" = ROW ({listed([n for n in writable if n != plan.id], 'a.')}, {of_key})\n"
            f"FROM {names.source} AS a WHERE b.{key} = a.{key} AND a.{key} = ANY ({{keys}}) "
            f"AND {apart}",
            f"INSERT INTO {names.copy} ({listed(writable)}, {link}) OVERRIDING SYSTEM VALUE\n"
            f"SELECT {listed(writable, 'a.')}, {of_key} FROM {names.source} AS a\n"
            f"WHERE a.{key} = ANY ({{keys}}) "
            f"AND NOT EXISTS (SELECT FROM {names.copy} AS b WHERE b.{key} = a.{key})",
            f"DELETE FROM {names.copy} AS b WHERE b.{key} = ANY ({{keys}})\n"
            f"AND NOT EXISTS (SELECT FROM {names.source} AS a WHERE a.{key} = b.{key})",
        ),
        was=(
            f"SELECT b.{key}::text, pg_catalog.to_jsonb(b.*) FROM {names.copy} AS b "
            f"WHERE b.{key} = ANY ({{keys}})"
        ),
        locks=((names.source, EXCLUSIVE), (names.copy, EXCLUSIVE)),
    )


def links_of_keys(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0005 and 0006: the link is the uuid of the row's key."""
    key, link = ident(plan.id), ident(plan.link)
    of_key = computed(plan, names, "b", "link")
    return Comparison(
        name="links and keys",
        authority="the key",
        route=names.copy,
        key=plan.id,
        key_type=child.column(plan.id).type,
        rows=(
            f"SELECT b.{key}::text, 'different', ARRAY[{literal(plan.link)}]\n"
            f"FROM {names.copy} AS b WHERE {{left}} AND b.{link} IS DISTINCT FROM {of_key}"
        ),
        left_key=f"b.{key}",
        right_key=f"b.{key}",
        mend=(f"UPDATE {names.copy} AS b SET {link} = {of_key} WHERE b.{key} = ANY ({{keys}})",),
        was=(
            f"SELECT b.{key}::text, pg_catalog.to_jsonb(b.*) FROM {names.copy} AS b "
            f"WHERE b.{key} = ANY ({{keys}})"
        ),
        locks=((names.copy, EXCLUSIVE),),
    )


def children_and_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0007: the children are believed; a parent is what they say."""
    uuid, link = ident(plan.parent_id), ident(plan.link)
    columns = parent_columns(plan, child)
    select = grouped(plan, names.copy, "{left}")
    return Comparison(
        name="children and parents",
        authority=plan.copy,
        route=names.copy,
        key=plan.link,
        key_type="pg_catalog.uuid",
        rows=(
            f"SELECT coalesce(g.{link}, p.{uuid})::text,\n  "
            + _difference(f"g.{link}", f"p.{uuid}", _columns_apart(columns, "g", "p"))
            + f"\nFROM ({select}) AS g\n"
            f"FULL JOIN (SELECT * FROM {names.parent} WHERE {{right}}) AS p ON p.{uuid} = g.{link}\n"
            f"WHERE g.{link} IS NULL OR p.{uuid} IS NULL OR {differs(columns, 'g', 'p')}"
        ),
        left_key=f"c.{link}",
        right_key=uuid,
        mend=(f"SELECT {names.own('settle')}({{keys}}, true)",),
        was=(
            f"SELECT p.{uuid}::text, pg_catalog.to_jsonb(p.*) FROM {names.parent} AS p "
            f"WHERE p.{uuid} = ANY ({{keys}})"
        ),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )


def parents_and_children(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """0008: the parent is believed; a child without one is believed instead of nothing."""
    uuid, link, key = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    deprecated = tuple(child.column(n) for n in plan.deprecated)
    copied = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]
    derived = f"pg_catalog.substr(p.{uuid}::text, 15, 1) = '8'"
    columns = _columns_apart(deprecated, "p", "c")
    missing_parents = (
        f"INSERT INTO {names.parent} ({uuid}, {listed(copied)})\n"
        f"SELECT DISTINCT ON (c.{link}) c.{link}, {listed(copied, 'c.')}\n"
        f"FROM {names.copy} AS c WHERE c.{link} = ANY ({{keys}})\n"
        f"AND NOT EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link})\n"
        f"ORDER BY c.{link}, c.{key} DESC"
    )
    return Comparison(
        name="parents and children",
        authority=plan.parent,
        route=names.copy,
        key=plan.link,
        key_type="pg_catalog.uuid",
        rows=(
            f"SELECT coalesce(c.{link}, p.{uuid})::text,\n  "
            + _difference(f"c.{link}", f"p.{uuid}", columns)
            + f"\nFROM (SELECT * FROM {names.copy} WHERE {{left}}) AS c\n"
            f"FULL JOIN (SELECT * FROM {names.parent} WHERE {{right}}) AS p ON p.{uuid} = c.{link}\n"
            f"WHERE (c.{link} IS NULL AND {derived}) OR p.{uuid} IS NULL\n"
            f"OR (c.{link} IS NOT NULL AND {differs(deprecated, 'p', 'c')})"
        ),
        left_key=link,
        right_key=uuid,
        mend=(
            missing_parents,
            f"UPDATE {names.copy} AS c SET ({listed(plan.deprecated)}) = "
            f"ROW ({listed(plan.deprecated, 'p.')})\nFROM {names.parent} AS p "
            f"WHERE p.{uuid} = c.{link} AND p.{uuid} = ANY ({{keys}}) "
            f"AND {differs(deprecated, 'p', 'c')}",
            f"DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY ({{keys}}) AND {derived}\n"
            f"AND NOT EXISTS (SELECT FROM {names.copy} AS c WHERE c.{link} = p.{uuid})",
        ),
        was=(
            f"SELECT c.{link}::text, pg_catalog.to_jsonb(c.*) FROM {names.copy} AS c "
            f"WHERE c.{link} = ANY ({{keys}})"
        ),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )


def links_and_parents(plan: TableSplit, names: Names, child: Table) -> Comparison:
    """From 0009: every link has its parent. What the parent held is nowhere else any more, so a
    missing one can be named, not mended."""
    both = parents_and_children(plan, names, child)
    uuid, link = ident(plan.parent_id), ident(plan.link)
    rows = (
        f"SELECT DISTINCT c.{link}::text, 'missing', '{{}}'::pg_catalog.text[]\n"
        f"FROM {names.copy} AS c WHERE {{left}} AND NOT EXISTS (\n"
        f"  SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link})"
    )
    return replace(
        both,
        name="links and parents",
        rows=rows,
        left_key=f"c.{link}",
        right_key=f"c.{link}",
        mend=(),
    )
