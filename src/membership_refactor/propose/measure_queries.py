"""The SQL of the search: statistics, samples of whole groups, and exact counts. Pure text.

Values are compared by the hash of their text. It works for every type, NULL can be one more value,
and only eight bytes of a value leave the server.
"""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.checks.source_rows import several_values
from membership_refactor.portrait import Column, Table
from membership_refactor.propose.anchors import Anchor
from membership_refactor.propose.columns import Profiles
from membership_refactor.sql.parents.key_statistics import comparable
from membership_refactor.sql.quoting import ident, literal, qualified

_NULL = 7
"""Stands for NULL among the hashes."""
_POSITIVE = 2147483647
EXAMPLES = 3


def statistics_query(table: Table) -> str:
    """A row for each column that was analysed: name, n_distinct, part of NULLs, average width, part
    of the most common value. Those of a partitioned table are of all its partitions."""
    inherited = "NOT s.inherited" if table.partitioning is None else "s.inherited"
    return (
        "SELECT s.attname::text, s.n_distinct::float8, s.null_frac::float8, s.avg_width,\n"
        "  coalesce(s.most_common_freqs[1], 0)::float8\n"
        "FROM pg_catalog.pg_stats AS s\n"
        f"WHERE s.schemaname = {literal(table.schema)} AND s.tablename = {literal(table.name)}\n"
        f"  AND {inherited}"
    )


def count_query(table: Table) -> str:
    return f"SELECT pg_catalog.count(*) FROM {qualified(table.schema, table.name)}"


def blocks_query(table: Table, columns: Sequence[Column], percent: float) -> str:
    """Hashes and widths of the rows of some blocks, or of all rows at 100 percent."""
    some = "" if percent >= 100 else f" TABLESAMPLE SYSTEM ({percent:.6f})"
    hashes = ", ".join(_hash(c) for c in columns)
    widths = ", ".join(f"pg_catalog.pg_column_size(t.{ident(c.name)})" for c in columns)
    return f"SELECT {hashes}, {widths}\nFROM {qualified(table.schema, table.name)} AS t{some}"


def sample_query(
    table: Table, found: Profiles, anchors: Sequence[Anchor], wanted: int, most: int
) -> str:
    """Rows of whole groups of each anchor, all in one scan: first a boolean for each anchor, then
    a hash for each compared column. At most ``most`` rows come."""
    chosen = [_chosen(found, anchor, anchor.classes(found.rows, wanted)) for anchor in anchors]
    hashes = ", ".join(_hash(p.column) for p in found.compared)
    return (
        f"SELECT {', '.join(chosen)},\n  {hashes}\n"
        f"FROM {qualified(table.schema, table.name)} AS t\nWHERE {' OR '.join(chosen)}\n"
        f"LIMIT {most}"
    )


def all_rows_query(table: Table, found: Profiles) -> str:
    """A hash for each compared column, of every row."""
    hashes = ", ".join(_hash(p.column) for p in found.compared)
    return f"SELECT {hashes}\nFROM {qualified(table.schema, table.name)} AS t"


def exact_query(table: Table, key: Sequence[Column], columns: Sequence[Column]) -> str:
    """One row: groups, groups of several rows, groups with a NULL in the key, rows of the largest
    group; then for each column the groups in which it has more than one value."""
    inner = [f"{comparable(c)} AS k{n}" for n, c in enumerate(key)] + [
        f"coalesce({_hash(c)}, {_NULL}) AS h{n}" for n, c in enumerate(columns)
    ]
    listed = ", ".join(f"k{n}" for n in range(len(key)))
    gap = " OR ".join(f"s.k{n} IS NULL" for n in range(len(key)))
    # Cheaper than min and max, and by value, so that the states of many groups stay small.
    apart = "".join(
        f",\n    pg_catalog.bit_and(s.h{n}) <> pg_catalog.bit_or(s.h{n}) AS a{n}"
        for n in range(len(columns))
    )
    counts = "".join(f", pg_catalog.count(*) FILTER (WHERE g.a{n})" for n in range(len(columns)))
    return (
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE g.n > 1),\n"
        "  pg_catalog.count(*) FILTER (WHERE g.gap), coalesce(pg_catalog.max(g.n), 0)"
        f"{counts}\n"
        f"FROM (SELECT pg_catalog.count(*) AS n, pg_catalog.bool_or({gap}) AS gap{apart}\n"
        # OFFSET 0: each hash is computed once, not once in each aggregate.
        f"  FROM (SELECT {', '.join(inner)}\n"
        f"    FROM {qualified(table.schema, table.name)} AS t OFFSET 0) AS s\n"
        f"  GROUP BY {listed}) AS g"
    )


def examples_query(table: Table, key: Sequence[Column], column: Column) -> str:
    """The first groups in which the column has more than one value: the key's values as texts,
    and two of the column's values."""
    keys = ", ".join(comparable(c) for c in key)
    shown = ", ".join(f"coalesce(({comparable(c)})::text, 'NULL')" for c in key)
    text = f't.{ident(column.name)}::text COLLATE "C"'
    return (
        f"SELECT ARRAY[{shown}], coalesce(pg_catalog.min({text}), 'NULL'),\n"
        f"  CASE WHEN pg_catalog.min({text}) <> pg_catalog.max({text}) "
        f"THEN pg_catalog.max({text}) ELSE 'NULL' END\n"
        f"FROM {qualified(table.schema, table.name)} AS t\nGROUP BY {keys}\n"
        f"HAVING pg_catalog.min({text}) <> pg_catalog.max({text})\n"
        f"  OR pg_catalog.count(t.{ident(column.name)}) NOT IN (0, pg_catalog.count(*))\n"
        f"ORDER BY {keys}\nLIMIT {EXAMPLES}"
    )


def really_apart_query(table: Table, key: Sequence[Column], column: Column) -> str:
    """The number of groups in which the column has more than one value by its own comparison, as
    the policy ``agree`` compares: 1.0 and 1.00 are one value."""
    keys = ", ".join(comparable(c) for c in key)
    value = f"t.{ident(column.name)}"
    return (
        "SELECT pg_catalog.count(*) FROM (SELECT 1\n"
        f"  FROM {qualified(table.schema, table.name)} AS t GROUP BY {keys}\n"
        f"  HAVING {several_values(value)}) AS g"
    )


def names_query(schema: str) -> str:
    """Name and kind of every table, index, view and sequence of the schema."""
    return (
        "SELECT c.relname::text, c.relkind::text FROM pg_catalog.pg_class AS c\n"
        f"WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(schema))})\n"
        "ORDER BY c.relname"
    )


def reserved_words_query() -> str:
    """Words that are no names without quotes."""
    return "SELECT k.word FROM pg_catalog.pg_get_keywords() AS k WHERE k.catcode IN ('R', 'T')"


def _hash(column: Column) -> str:
    """COLLATE "C": a collation may find different texts equal, and costs more."""
    return f'pg_catalog.hashtextextended(t.{ident(column.name)}::text COLLATE "C", 0)'


def _chosen(found: Profiles, anchor: Anchor, classes: int) -> str:
    """Whether a row is in the sample of an anchor, by the hash of the anchor's values."""
    hashes = [_hash(found.compared[p].column) for p in anchor.places]
    mixed = " # ".join(
        h if n == 0 else f"coalesce(pg_catalog.hashint8extended({h}, {n}), 0)"
        for n, h in enumerate(hashes)
    )
    return f"coalesce((({mixed}) & {_POSITIVE}) % {classes} = 0, false)"
