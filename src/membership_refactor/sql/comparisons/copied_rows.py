"""Comparisons until 0007: copy and source, and each link with the key of its row."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    NOTHING,
    Comparison,
    difference,
    differing_columns,
    rows_as_json,
    rows_where,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import computed, wrong_link
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.shared_scan import SharedScan
from membership_refactor.sql.types import differs


def _joined(names: Names, source: str = "", copy: str = "") -> str:
    """Source ``a`` and copy ``b`` by id: all rows, or those that meet the two conditions."""
    key = ident(names.plan.id)
    return (
        f"{rows_where(names.source, source)} AS a "
        f"FULL JOIN {rows_where(names.copy, copy)} AS b ON a.{key} = b.{key}"
    )


def differing_copies(
    names: Names, source: Table, *, of_source: str = "", of_copy: str = ""
) -> SharedScan:
    """Rows that one side lacks, or that differ in the stored image of a column of the source."""
    key = ident(names.plan.id)
    others = [c for c in source.columns if c.name != names.plan.id]
    return SharedScan(
        rows=_joined(names, of_source, of_copy),
        key=f"coalesce(a.{key}, b.{key})::text",
        broken=f"a.{key} IS NULL OR b.{key} IS NULL OR {differs(others, 'a', 'b')}",
    )


def wrong_links(names: Names, *, beside_source: bool = False, of_copy: str = "") -> SharedScan:
    """Rows of the copy whose link is not the uuid of their key. ``beside_source``: from the join
    of ``differing_copies``, so that both share one pass."""
    key = f"b.{ident(names.plan.id)}"
    wrong = wrong_link(names, f"b.{ident(names.plan.link)}", "b")
    return SharedScan(
        rows=_joined(names) if beside_source else f"{rows_where(names.child, of_copy)} AS b",
        key=f"{key}::text",
        broken=f"{key} IS NOT NULL AND {wrong}" if beside_source else wrong,
    )


def source_and_copy(names: Names, source: Table, *, copy_written: bool) -> Comparison:
    """0003 and 0004: the source is right. ``copy_written``: applications write the copy too."""
    plan = names.plan
    key, key_type = ident(plan.id), source.column(plan.id).type
    others = tuple(c for c in source.columns if c.name != plan.id)
    writable = [c.name for c in source.columns if c.generated is None]
    changing = [n for n in writable if n != plan.id]
    apart = differs(others, "a", "b")
    columns = differing_columns(others, "a", "b")
    link: tuple[str, ...] = ()
    of_key = or_wrong = ""
    if plan.link:
        link, of_key = (plan.link,), f", {computed(names, 'a', 'link')}"
        wrong = wrong_link(names, f"b.{ident(plan.link)}", "a")
        or_wrong = f"\n  OR {wrong}"
        apart = f"({apart}{or_wrong})"
        columns += (
            f" || CASE WHEN {wrong} "
            f"THEN ARRAY[{literal(plan.link)}]::pg_catalog.text[] ELSE {NOTHING} END"
        )

    def rows(left: str, right: str) -> str:
        scan = differing_copies(names, source, of_source=left, of_copy=right)
        return (
            f"SELECT {scan.key}, {difference(f'a.{key}', f'b.{key}', columns)}\n"
            f"FROM {scan.rows}\nWHERE {scan.broken}{or_wrong}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        absent = f"NOT EXISTS (SELECT FROM {names.copy} AS b WHERE b.{key} = a.{key})"
        written = f"INSERT INTO {names.copy} ({listed([*writable, *link])}) "
        written += f"OVERRIDING SYSTEM VALUE\nSELECT {listed(writable, 'a.')}{of_key}"
        # Two rows may have exchanged a unique value, and then no order of updates works. While the
        # copy has no capture, one statement can delete a row and insert it again, unless another
        # table refers to it.
        exchanged = (
            f"WITH gone AS (DELETE FROM {names.copy} AS b USING {names.source} AS a\n"
            f"  WHERE b.{key} = a.{key} AND a.{key} = ANY ({keys}) AND {apart}\n"
            "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f'\n"
            f"    AND r.confrelid = {literal(names.copy)}::pg_catalog.regclass)\n"
            f"  RETURNING b.{key} AS key)\n"
            # ARRAY (...) is complete before the first row is inserted.
            f"{written} FROM {names.source} AS a\n"
            f"WHERE a.{key} = ANY (ARRAY (SELECT g.key FROM gone AS g))"
        )
        return (
            # Delete first what the source does not have: it may hold a unique value.
            f"DELETE FROM {names.copy} AS b WHERE b.{key} = ANY ({keys})\n"
            f"AND NOT EXISTS (SELECT FROM {names.source} AS a WHERE a.{key} = b.{key})",
            *(() if copy_written else (exchanged,)),
            # Update the rows that still exist: other tables may refer to them.
            f"UPDATE {names.copy} AS b SET ({listed([*changing, *link])})"
            f" = ROW ({listed(changing, 'a.')}{of_key})\n"
            f"FROM {names.source} AS a WHERE b.{key} = a.{key} AND a.{key} = ANY ({keys}) "
            f"AND {apart}",
            f"{written} FROM {names.source} AS a\nWHERE a.{key} = ANY ({keys}) AND {absent}",
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
        rebuilt_by="copy_table",
    )


def links_of_keys(names: Names, child: Table) -> Comparison:
    """0005 to 0007: each link is the uuid of the row's key, and the key is right."""
    plan = names.plan
    key, link, key_type = ident(plan.id), ident(plan.link), child.column(plan.id).type
    of_key = computed(names, "b", "link")

    def rows(left: str, right: str) -> str:
        scan = wrong_links(names, of_copy=left)
        return (
            f"SELECT {scan.key}, 'different', ARRAY[{literal(plan.link)}]::pg_catalog.text[]\n"
            f"FROM {scan.rows}\nWHERE {scan.broken}"
        )

    return Comparison(
        name="links and keys",
        authority="the row's key",
        route=names.child,
        route_key=plan.id,
        route_type=key_type,
        rows=rows,
        left_key=key,
        right_key=key,
        of_keys=lambda keys: rows(f"{key} = ANY ({keys})", ""),
        key_type=key_type,
        mend=lambda keys: (
            f"UPDATE {names.child} AS b SET {link} = {of_key} WHERE b.{key} = ANY ({keys})",
        ),
        was=rows_as_json(names.child, key),
        locks=((names.child, EXCLUSIVE),),
    )
