"""Comparisons until 0007: source and copy, and links that are of their rows' keys."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    NOTHING,
    Comparison,
    columns_apart,
    difference,
    rows_as_json,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import computed, wrong_link
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs


def source_and_copy(names: Names, source: Table, *, open: bool) -> Comparison:
    """0003 and 0004: the source is believed. ``open``: the copy is written by others too."""
    plan = names.plan
    key, link, key_type = ident(plan.id), ident(plan.link), source.column(plan.id).type
    others = tuple(c for c in source.columns if c.name != plan.id)
    writable = [c.name for c in source.columns if c.generated is None]
    changing = [n for n in writable if n != plan.id]
    of_key = computed(names, "a", "link")
    wrong = wrong_link(names, f"b.{link}", "a")
    apart = f"({differs(others, 'a', 'b')}\n  OR {wrong})"
    columns = (
        f"{columns_apart(others, 'a', 'b')} || CASE WHEN {wrong} "
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
        written = f"INSERT INTO {names.copy} ({listed([*writable, plan.link])}) "
        written += f"OVERRIDING SYSTEM VALUE\nSELECT {listed(writable, 'a.')}, {of_key}"
        # Two rows may have exchanged a unique value: no order of updates would do. While no capture
        # hangs on the copy a row can go and come again, in one statement, after which it is right;
        # unless something refers to it.
        exchanged = (
            f"WITH gone AS (DELETE FROM {names.copy} AS b USING {names.source} AS a\n"
            f"  WHERE b.{key} = a.{key} AND a.{key} = ANY ({keys}) AND {apart}\n"
            "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f'\n"
            f"    AND r.confrelid = {literal(names.copy)}::pg_catalog.regclass)\n"
            f"  RETURNING b.{key} AS key)\n"
            # An array is complete before the first row is inserted.
            f"{written} FROM {names.source} AS a\n"
            f"WHERE a.{key} = ANY (ARRAY (SELECT g.key FROM gone AS g))"
        )
        return (
            # What the source has not goes first: it may hold a value that has to be unique.
            f"DELETE FROM {names.copy} AS b WHERE b.{key} = ANY ({keys})\n"
            f"AND NOT EXISTS (SELECT FROM {names.source} AS a WHERE a.{key} = b.{key})",
            *(() if open else (exchanged,)),
            # A row that is still there is updated: other tables may refer to it.
            f"UPDATE {names.copy} AS b SET ({listed([*changing, plan.link])})"
            f" = ROW ({listed(changing, 'a.')}, {of_key})\n"
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
        resort="Take the chain back to 0002 and up again: the copy is then made anew.",
    )


def links_of_keys(names: Names, child: Table) -> Comparison:
    """0005 to 0007: the link is the uuid of the row's key."""
    plan = names.plan
    key, link, key_type = ident(plan.id), ident(plan.link), child.column(plan.id).type
    of_key = computed(names, "b", "link")

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT b.{key}::text, 'different', ARRAY[{literal(plan.link)}]::pg_catalog.text[]\n"
            f"FROM {names.copy} AS b WHERE {left}\n"
            f"AND {wrong_link(names, f'b.{link}', 'b')}"
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
