"""Comparisons until 0007: copy and source, and each link with the key of its row."""

from __future__ import annotations

from collections.abc import Callable

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
from membership_refactor.sql.row_versions import NEW
from membership_refactor.sql.shared_scan import Changed, SharedScan
from membership_refactor.sql.types import differs


def _joined(names: Names, source: str = "", copy: str = "") -> str:
    """Source ``a`` and copy ``b`` by id: all rows, or those that meet the two conditions."""
    return (
        f"{rows_where(names.source, source)} AS a "
        f"FULL JOIN {rows_where(names.copy, copy)} AS b ON {names.id.same('a', 'b')}"
    )


def differing_copies(
    names: Names, source: Table, *, of_source: str = "", of_copy: str = ""
) -> SharedScan:
    """Rows that one side lacks, or that differ in the stored image of a column of the source."""
    id = names.id
    apart = differs(id.others(source.columns), "a", "b")
    return SharedScan(
        rows=_joined(names, of_source, of_copy),
        key=id.text_of_either("a", "b"),
        broken=f"{id.absent('a')} OR {id.absent('b')} OR {apart}",
        reads=(names.source, names.copy),
        changed=_changed(names),
    )


def _changed(names: Names) -> Changed:
    """Source and copy by the ids of rows that are new, or that one side lacks."""
    id = names.id

    def keys(new: Callable[[str], str]) -> str:
        sides = [
            f"(SELECT {id.listed('t')}, {new('t')} AS {NEW} FROM {table} AS t) AS {row}"
            for table, row in ((names.source, "a"), (names.copy, "b"))
        ]
        return (
            f"SELECT {id.word_of_either('a', 'b')} AS k\n"
            f"FROM {sides[0]}\nFULL JOIN {sides[1]} ON {id.same('a', 'b')}\n"
            f"WHERE a.{NEW} IS NOT FALSE OR b.{NEW} IS NOT FALSE"
        )

    return Changed(
        keys=keys,
        within=lambda keys: _joined(names, *(2 * (id.in_words("", "g.k", keys),))),
        tables=(names.source, names.copy),
    )


def wrong_links(names: Names, *, beside_source: bool = False, of_copy: str = "") -> SharedScan:
    """Rows of the copy whose link is not the uuid of their key. ``beside_source``: from the join
    of ``differing_copies``, so that both share one pass."""
    wrong = wrong_link(names, f"b.{ident(names.plan.link)}", "b")
    return SharedScan(
        rows=_joined(names) if beside_source else f"{rows_where(names.child, of_copy)} AS b",
        key=names.id.text("b"),
        broken=f"{names.id.present('b')} AND {wrong}" if beside_source else wrong,
        reads=(names.source, names.copy, names.own("kept")) if beside_source else (),
        changed=_changed(names) if beside_source else None,
    )


def source_and_copy(names: Names, source: Table, *, copy_written: bool) -> Comparison:
    """0003 and 0004: the source is right. ``copy_written``: applications write the copy too."""
    plan, id = names.plan, names.id
    key_type, others = id.type_in(source.columns), id.others(source.columns)
    writable = [c.name for c in source.columns if c.generated is None]
    changing = [c.name for c in others if c.generated is None]
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
            f"SELECT {scan.key}, {difference(id.parts('a')[0], id.parts('b')[0], columns)}\n"
            f"FROM {scan.rows}\nWHERE {scan.broken}{or_wrong}"
        )

    def mend(keys: str) -> tuple[str, ...]:
        absent = f"NOT EXISTS (SELECT FROM {names.copy} AS b WHERE {id.same('b', 'a')})"
        written = f"INSERT INTO {names.copy} ({listed([*writable, *link])}) "
        written += f"OVERRIDING SYSTEM VALUE\nSELECT {listed(writable, 'a.')}{of_key}"
        # Two rows may have exchanged a unique value, and then no order of updates works. While the
        # copy has no capture, one statement can delete a row and insert it again, unless another
        # table refers to it.
        exchanged = (
            f"WITH gone AS (DELETE FROM {names.copy} AS b USING {names.source} AS a\n"
            f"  WHERE {id.same('b', 'a')} AND {id.in_array('a', keys)} AND {apart}\n"
            "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f'\n"
            f"    AND r.confrelid = {literal(names.copy)}::pg_catalog.regclass)\n"
            f"  RETURNING {id.word('b')} AS key)\n"
            # ARRAY (...) is complete before the first row is inserted.
            f"{written} FROM {names.source} AS a\n"
            f"WHERE {id.in_array('a', 'ARRAY (SELECT g.key FROM gone AS g)')}"
        )
        return (
            # Delete first what the source does not have: it may hold a unique value.
            f"DELETE FROM {names.copy} AS b WHERE {id.in_array('b', keys)}\n"
            f"AND NOT EXISTS (SELECT FROM {names.source} AS a WHERE {id.same('a', 'b')})",
            *(() if copy_written else (exchanged,)),
            # Update the rows that still exist: other tables may refer to them.
            f"UPDATE {names.copy} AS b SET ({listed([*changing, *link])})"
            f" = ROW ({listed(changing, 'a.')}{of_key})\n"
            f"FROM {names.source} AS a WHERE {id.same('b', 'a')} AND {id.in_array('a', keys)} "
            f"AND {apart}",
            f"{written} FROM {names.source} AS a\nWHERE {id.in_array('a', keys)} AND {absent}",
        )

    return Comparison(
        name="source and copy",
        authority=plan.source,
        route=names.source,
        route_key=names.id,
        route_type=key_type,
        rows=rows,
        left=(id, ""),
        right=(id, ""),
        of_keys=lambda keys: rows(id.in_array("", keys), id.in_array("", keys)),
        key_type=key_type,
        mend=mend,
        was=rows_as_json(names.copy, id),
        locks=((names.source, EXCLUSIVE), (names.copy, EXCLUSIVE)),
        rebuilt_by="copy_table",
    )


def links_of_keys(names: Names, child: Table) -> Comparison:
    """0005 to 0007: each link is the uuid of the row's key, and the key is right."""
    plan, id = names.plan, names.id
    link, key_type = ident(plan.link), id.type_in(child.columns)
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
        route_key=names.id,
        route_type=key_type,
        rows=rows,
        left=(id, ""),
        right=(id, ""),
        of_keys=lambda keys: rows(id.in_array("", keys), ""),
        key_type=key_type,
        mend=lambda keys: (
            f"UPDATE {names.child} AS b SET {link} = {of_key} WHERE {id.in_array('b', keys)}",
        ),
        was=rows_as_json(names.child, id),
        locks=((names.child, EXCLUSIVE),),
    )
