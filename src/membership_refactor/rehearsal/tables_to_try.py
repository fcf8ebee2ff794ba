"""Reads from the clone what statements can be tried on: tables, columns, and a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from membership_refactor.planning import TableSplit
from membership_refactor.rehearsal.documented import Where
from membership_refactor.rehearsal.probe_statements import Row, Style, Target
from membership_refactor.sql.quoting import columns, ident, literal, qualified
from membership_refactor.sql.row_id import RowId

_COLUMNS = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attidentity::text,
  a.atthasdef
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attnum
"""
_ANY_LENGTH = ("text", "character varying", "citext", "bytea")
A_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """The wide table as it was before the first step."""

    plan: TableSplit
    schema: str
    columns: tuple[str, ...]
    long_texts: tuple[str, ...]
    new: str
    """The id column in which a copy of a row gets another value: one that the table gives itself,
    else the last."""
    fresh_id: str | None
    always: bool

    @property
    def id(self) -> RowId:
        return RowId(self.plan.ids)

    def name(self, table: str) -> str:
        """``source``, ``copy`` or ``parent`` as the quoted name of the table."""
        plan = self.plan
        names = {"source": plan.source, "copy": plan.child, "parent": plan.parent}
        return qualified(self.schema, names[table])

    def target(self, where: Where, there: Sequence[str]) -> Target:
        """What is tried at that place; ``there`` are the columns that the table has."""
        plan = self.plan
        match where.style:
            case Style.OLD:
                named: tuple[str, ...] = self.columns
            case Style.NEW:
                kept = (c for c in self.columns if c not in plan.leaving and c in there)
                named = (*kept, plan.link)
            case Style.PARENT:
                named = (plan.parent_id, *plan.deprecated)
        return Target(
            table=self.name(where.table),
            id=RowId((plan.parent_id,)) if where.style is Style.PARENT else self.id,
            columns=named,
            new=self.new,
            fresh_id=self.fresh_id,
            long_texts=tuple(c for c in self.long_texts if c in named),
            always=self.always,
        )


def wide_table(pg: psycopg.Connection[Any], plan: TableSplit, schema: str) -> Wide:
    """Describe the wide table. Its rows' highest id is not given out again."""
    table = qualified(schema, plan.source)
    found = {name: rest for name, *rest in pg.execute(_COLUMNS, (table,))}
    new = next((c for c in plan.ids if any(found[c][1:])), plan.ids[-1])
    type_name, identity, has_default = found[new]
    fresh = None if identity or has_default else _fresh(pg, table, new, type_name)
    return Wide(
        plan=plan,
        schema=schema,
        columns=tuple(found),
        long_texts=tuple(c for c in plan.key if c in found and found[c][0] in _ANY_LENGTH),
        new=new,
        fresh_id=fresh,
        always=identity == "a",
    )


def columns_of(pg: psycopg.Connection[Any], table: str) -> tuple[str, ...]:
    """The columns that a statement may write; none where the table is not there."""
    return tuple(name for name, *_ in pg.execute(_COLUMNS, (table,)))


def choose(pg: psycopg.Connection[Any], wide: Wide, seen: Sequence[str]) -> list[str]:
    """The ids of a few unlike rows: of a large group, with gaps, with the longest key; and some
    of those that the roles see."""
    plan, table = wide.plan, wide.name("source")
    queries: tuple[str, ...] = ()
    if plan.key:
        queries = _unlike_keys(plan, table)
    else:
        id = wide.id
        queries = (f"SELECT {id.text('')} FROM {table} ORDER BY {id.listed('')} LIMIT 3",)
    found = [i for query in queries for (i,) in pg.execute(query.encode())]
    kept = list(dict.fromkeys(found))[: A_FEW - 1]
    return list(dict.fromkeys([*kept, *seen]))[:A_FEW]


def _unlike_keys(plan: TableSplit, table: str) -> tuple[str, ...]:
    key, id_text = columns(plan.key), RowId(plan.ids).text("")
    by_id = RowId(plan.ids).listed("")
    gaps = " OR ".join(f"{ident(c)} IS NULL" for c in plan.key)
    length = " + ".join(f"coalesce(octet_length({ident(c)}::text), 0)" for c in plan.key)
    return (
        f"SELECT (array_agg({id_text} ORDER BY {by_id}))[1] FROM {table}"
        f" GROUP BY {key} ORDER BY count(*) DESC, 1 LIMIT 2",
        f"SELECT {id_text} FROM {table} WHERE {gaps} ORDER BY {by_id} LIMIT 1",
        f"SELECT {id_text} FROM {table} ORDER BY {length} DESC, {by_id} LIMIT 1",
    )


def rows_of(
    pg: psycopg.Connection[Any], wide: Wide, table: str, ids: Sequence[str], names: Sequence[str]
) -> dict[str, dict[str, str | None]]:
    """Those rows as text, by id, as far as the table has them."""
    found = {}
    listed = ", ".join(f"t.{ident(c)}::text" for c in names)
    for one in ids:
        found_by = wide.id.text("t") if wide.id.several else wide.id.listed("t")
        query = f"SELECT {listed} FROM {table} AS t WHERE {found_by} = {literal(one)}"
        row = pg.execute(query.encode()).fetchone()
        if row is not None:
            found[one] = dict(zip(names, row, strict=True))
    return found


def parents_of(
    pg: psycopg.Connection[Any], wide: Wide, children: Mapping[str, Row], names: Sequence[str]
) -> dict[str, dict[str, str | None]]:
    """The parent's row of each child, by the child's id."""
    plan, found = wide.plan, {}
    listed = ", ".join(f"t.{ident(c)}::text" for c in names)
    for one, child in children.items():
        link = child.get(plan.link)
        query = (
            f"SELECT {listed} FROM {wide.name('parent')} AS t "
            f"WHERE t.{ident(plan.parent_id)} = {literal(link or '')}"
        )
        row = pg.execute(query.encode()).fetchone() if link else None
        if row is not None:
            found[one] = dict(zip(names, row, strict=True))
    return found


def highest_number(pg: psycopg.Connection[Any], wide: Wide) -> int:
    """The highest id, where ids are whole numbers."""
    query = f"SELECT max({ident(wide.new)})::text FROM {wide.name('source')}"
    row = pg.execute(query.encode()).fetchone()
    text = row[0] if row and row[0] else "0"
    return int(text) if text.lstrip("-").isdigit() else 2**63


def _fresh(pg: psycopg.Connection[Any], table: str, column: str, type_name: str) -> str:
    if type_name in ("smallint", "integer", "bigint"):
        row = pg.execute(f"SELECT max({ident(column)}) FROM {table}".encode()).fetchone()
        return str(int(row[0] or 0) + 1 if row else 1)
    if type_name == "uuid":
        return "pg_catalog.gen_random_uuid()"
    return literal("rehearsal")
