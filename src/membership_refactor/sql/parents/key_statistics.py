"""Counts of the groups that a key makes of a wide table, for the plan's key and for others."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import stored_type

_WITHOUT_EQUALITY = frozenset(
    {"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"}
)
_TEXTS = frozenset({"text", "character varying", "character"})
EXAMPLES = 3


def comparable(column: Column, row: str = "t") -> str:
    """The column in a form that GROUP BY accepts and in which NULL is still NULL."""
    name = f"{row}.{ident(column.name)}"
    plain = stored_type(column) not in _WITHOUT_EQUALITY
    return name if plain else f"{name}::pg_catalog.text"


def is_text(column: Column) -> bool:
    """Whether its values can differ in letter case and blanks."""
    return stored_type(column) in _TEXTS


def groups_query(plan: TableSplit, table: Table, where: str) -> str:
    """One row: rows, keys, keys with a NULL, and rows that may get another row's value."""
    key = [comparable(table.column(c)) for c in plan.key]
    gap = " OR ".join(f"{k} IS NULL" for k in key)
    apart = " OR ".join(_disagrees(table.column(c)) for c in plan.parent_values) or "false"
    return (
        "SELECT coalesce(pg_catalog.sum(g.n), 0)::bigint, pg_catalog.count(*),\n"
        "  pg_catalog.count(*) FILTER (WHERE g.gap),\n"
        "  coalesce(pg_catalog.sum(g.n - 1) FILTER (WHERE g.apart), 0)::bigint\n"
        f"FROM (SELECT pg_catalog.count(*) AS n, pg_catalog.bool_or({gap}) AS gap,\n"
        f"    ({apart}) AS apart\n"
        f"  FROM {where} AS t GROUP BY {', '.join(key)}) AS g"
    )


def _disagrees(column: Column) -> str:
    # count(DISTINCT ...) sorts each group separately: ten times slower for small groups.
    text = f't.{ident(column.name)}::pg_catalog.text COLLATE "C"'
    return (
        f"pg_catalog.min({text}) IS DISTINCT FROM pg_catalog.max({text})\n"
        f"    OR pg_catalog.count(t.{ident(column.name)}) NOT IN (0, pg_catalog.count(*))"
    )


def partition_query(table: Table, where: str, key: Sequence[str], other: Sequence[str]) -> str:
    """One row with four counts: groups of ``other``, those of them with a NULL, groups of ``key``
    that ``other`` splits, and groups of ``other`` that contain several groups of ``key``."""
    both = dict.fromkeys((*key, *other))
    names = {name: f"k{n}" for n, name in enumerate(both)}
    listed = ", ".join(f"{comparable(table.column(c))} AS {names[c]}" for c in both)
    one, two = (", ".join(names[c] for c in columns) for columns in (key, other))
    gap = " OR ".join(f"{names[c]} IS NULL" for c in other) or "false"
    return (
        f"WITH d AS MATERIALIZED (SELECT DISTINCT {listed} FROM {where} AS t),\n"
        f"o AS (SELECT pg_catalog.bool_or({gap}) AS gap, pg_catalog.count(*) AS n\n"
        f"  FROM d GROUP BY {two}),\n"
        f"k AS (SELECT pg_catalog.count(*) AS n FROM d GROUP BY {one})\n"
        "SELECT (SELECT pg_catalog.count(*) FROM o),\n"
        "  (SELECT pg_catalog.count(*) FROM o WHERE o.gap),\n"
        "  (SELECT pg_catalog.count(*) FROM k WHERE k.n > 1),\n"
        "  (SELECT pg_catalog.count(*) FROM o WHERE o.n > 1)"
    )


def disagreeing_query(table: Table, where: str, key: Sequence[str], others: Sequence[str]) -> str:
    """One row: for each of ``others`` the number of groups of ``key`` in which it varies."""
    listed = ", ".join(comparable(table.column(c)) for c in key)
    apart = ", ".join(f"({_disagrees(table.column(c))}) AS a{n}" for n, c in enumerate(others))
    counts = ", ".join(f"pg_catalog.count(*) FILTER (WHERE g.a{n})" for n in range(len(others)))
    return f"SELECT {counts}\nFROM (SELECT {apart} FROM {where} AS t GROUP BY {listed}) AS g"


def near_kinds(table: Table, key: Sequence[str]) -> tuple[str | None, ...]:
    """The ways in which two keys may differ and mean the same: None for letter case and blanks of
    text columns, and the name of each column that may be NULL."""
    columns = [table.column(c) for c in key]
    spelling = (None,) if any(is_text(c) for c in columns) else ()
    return (*spelling, *(c.name for c in columns if not c.not_null))


def near_query(table: Table, where: str, key: Sequence[str]) -> str:
    """A row for each of ``near_kinds``: its place, the number of groups of near keys, and the first
    groups with two keys each. It reads the table once."""
    columns = [table.column(c) for c in key]
    names = {c.name: ident(c.name) for c in columns}
    distinct = ", ".join(f"{comparable(c)} AS {names[c.name]}" for c in columns)
    shown = ", ', ', ".join(f"coalesce(k.{n}::text, 'NULL')" for n in names.values())
    parts = []
    for place, kind in enumerate(near_kinds(table, key)):
        if kind is None:
            grouping = [_folded(c) if is_text(c) else f"d.{names[c.name]}" for c in columns]
            having = "pg_catalog.count(*) > 1"
        else:
            grouping = [f"d.{n}" for name, n in names.items() if name != kind] or ["1 = 1"]
            missing = f"d.{names[kind]} IS NULL"
            having = f"pg_catalog.bool_or({missing}) AND pg_catalog.bool_or(NOT ({missing}))"
        parts.append(
            f"SELECT {place}, pg_catalog.count(*),\n"
            f"  coalesce((pg_catalog.array_agg(n.keys ORDER BY n.keys))[1:{EXAMPLES}], '{{}}')\n"
            "FROM (SELECT pg_catalog.min(d.shown) || ' ' || pg_catalog.max(d.shown) AS keys\n"
            f"  FROM d GROUP BY {', '.join(grouping)} HAVING {having}) AS n"
        )
    return (
        f"WITH d AS MATERIALIZED (SELECT k.*,\n"
        f"    ('(' || pg_catalog.concat({shown}) || ')') COLLATE \"C\" AS shown\n"
        f"  FROM (SELECT DISTINCT {distinct} FROM {where} AS t) AS k)\n"
        + "\nUNION ALL ".join(f"({part})" for part in parts)
        + "\nORDER BY 1"
    )


def _folded(column: Column) -> str:
    value = f"d.{ident(column.name)}::pg_catalog.text"
    return f"pg_catalog.lower(pg_catalog.regexp_replace({value}, '\\s+', '', 'g'))"
