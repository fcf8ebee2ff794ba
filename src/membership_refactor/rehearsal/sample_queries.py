"""SQL that finds the rows of a sample: the ones that make trouble, and those beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.sql.quoting import columns, ident
from membership_refactor.sql.row_id import RowId

WHERE = "t.tableoid::pg_catalog.regclass::text, t.ctid::text"
"""What a row is known by. A partitioned table repeats a ctid in each partition."""
FOREIGN_KEYS = """
SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text, p.relkind = 'p',
  array_agg(a.attname::text ORDER BY k.n), array_agg(b.attname::text ORDER BY k.n)
FROM pg_catalog.pg_constraint AS c
JOIN pg_catalog.pg_class AS r ON r.oid = c.conrelid AND r.relkind = 'r'
JOIN pg_catalog.pg_class AS p ON p.oid = c.confrelid
CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (x, y, n)
JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.conrelid, k.x)
JOIN pg_catalog.pg_attribute AS b ON (b.attrelid, b.attnum) = (c.confrelid, k.y)
WHERE c.contype = 'f'
GROUP BY c.oid, c.conname, c.conrelid, c.confrelid, p.relkind
ORDER BY c.oid
"""
LEAVES = """
SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.oid = to_regclass(%s)
  AND (c.relkind = 'r' OR EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf))
"""
SMALL = """
SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND NOT starts_with(n.nspname, 'pg_')
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND (pg_catalog.pg_relation_size(c.oid) BETWEEN 1 AND %(bytes)s OR n.nspname = %(ledger)s)
ORDER BY 1
"""
"""Tables so small that they are taken whole, and the ledger. Extensions fill their own."""
SEQUENCES = """
SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_catalog.pg_sequences
WHERE last_value IS NOT NULL
"""
ESTIMATE = """
SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 AND (c.reltuples > 0 OR c.relpages > 0)
  THEN c.reltuples ELSE pg_catalog.pg_relation_size(c.oid) / 60 END), 0)::bigint
FROM pg_catalog.pg_class AS c
WHERE c.relkind = 'r' AND (c.oid = to_regclass(%(table)s)
  OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(to_regclass(%(table)s))))
"""
"""How many rows a table has, with all partitions; from its size where it was never analyzed."""
TEXTS = """
SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND t.typlen = -1
"""
"""The columns whose values have a length."""

MOST_OF_A_KIND = 20


def hard_rows(plan: TableSplit, table: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(what they are, query) for the rows on which a chain is likeliest to stop.

    ``table`` is what to read: the table, or a share of it.
    """
    if plan.key:
        yield from _rows_by_key(plan, table)
    for name in texts:
        yield (
            "longest values",
            f"SELECT {WHERE} FROM {table} AS t WHERE t.{ident(name)} IS NOT NULL"
            f" ORDER BY octet_length(t.{ident(name)}::text) DESC LIMIT 2",
        )
    for order in ("ASC", "DESC"):
        yield (
            "first and last ids",
            f"SELECT {WHERE} FROM {table} AS t"
            f" ORDER BY {RowId(plan.ids).listed('t', f' {order}')} LIMIT 2",
        )


def _rows_by_key(plan: TableSplit, table: str) -> Iterator[tuple[str, str]]:
    key = columns(plan.key, "t.")
    folded = ", ".join(f"lower(btrim(coalesce(t.{ident(c)}::text, '')))" for c in plan.key)
    yield (
        "rows of the largest groups",
        f"SELECT s.a, s.b FROM (SELECT {WHERE},"
        f" row_number() OVER (PARTITION BY {key}), count(*) OVER (PARTITION BY {key})"
        f" FROM {table} AS t) AS s (a, b, n, rows)"
        f" WHERE s.n <= {MOST_OF_A_KIND} AND s.rows > 1 ORDER BY s.rows DESC"
        f" LIMIT {10 * MOST_OF_A_KIND}",
    )
    for name in plan.key:
        yield (
            "gaps in the key",
            f"SELECT {WHERE} FROM {table} AS t WHERE t.{ident(name)} IS NULL"
            f" LIMIT {MOST_OF_A_KIND}",
        )
    few = "unnest((array_agg(t.tableoid::pg_catalog.regclass::text ORDER BY t.ctid))[1:4])"
    few += ", unnest((array_agg(t.ctid::text ORDER BY t.ctid))[1:4])"
    whole = " || '/' || ".join(f"coalesce(quote_literal(t.{ident(c)}::text), '')" for c in plan.key)
    yield (
        "near keys",
        f"SELECT {few} FROM {table} AS t GROUP BY {folded}"
        f" HAVING count(DISTINCT ({whole})) > 1 LIMIT {MOST_OF_A_KIND}",
    )
    if plan.parent_values:
        values = " || '/' || ".join(
            f"coalesce(quote_literal(t.{ident(c)}::text), '')" for c in plan.parent_values
        )
        yield (
            "groups that disagree",
            f"SELECT {few} FROM {table} AS t GROUP BY {key}"
            f" HAVING count(DISTINCT ({values})) > 1 LIMIT {MOST_OF_A_KIND}",
        )


def plain_rows(table: str, estimate: int, wanted: int) -> str:
    """About that many rows from everywhere; all where the table has few more."""
    if estimate <= wanted + wanted // 5:
        return f"SELECT {WHERE} FROM {table} AS t"
    # A LIMIT alone would take the first pages, so the share is chosen, with a little to spare.
    share = min(100.0, 105.0 * wanted / estimate)
    return f"SELECT {WHERE} FROM {table} AS t TABLESAMPLE BERNOULLI ({share:.6f}) LIMIT {wanted}"


def a_share_of(table: str, estimate: int, most: int) -> str:
    """The table, or random pages of it with about that many rows where it has more."""
    if estimate <= most:
        return table
    share = 100.0 * most / estimate
    return f"(SELECT tableoid, ctid, * FROM {table} TABLESAMPLE SYSTEM ({share:.6f}))"


def referred_rows(child: str, parent: str, by: list[str], to: list[str], ctids: str) -> str:
    """The rows of the parent to which those rows of the child refer."""
    on = " AND ".join(f"c.{ident(a)} = t.{ident(b)}" for a, b in zip(by, to, strict=True))
    return (
        f"SELECT DISTINCT {WHERE} FROM ONLY {child} AS c JOIN {parent} AS t ON {on}"
        f" WHERE c.ctid = ANY ({ctids})"
    )


def referring_rows(
    child: str, leaf: str, by: list[str], to: list[str], ctids: str, per_row: int
) -> str:
    """At most ``per_row`` rows of the child that refer to each of those rows; one scan."""
    key = columns(by, "t.")
    return (
        f"SELECT s.a, s.b FROM (SELECT {WHERE}, row_number() OVER (PARTITION BY {key})"
        f" FROM ONLY {child} AS t WHERE ({key}) IN (SELECT {columns(to, 'p.')}"
        f" FROM ONLY {leaf} AS p WHERE p.ctid = ANY ({ctids}))) AS s (a, b, n)"
        f" WHERE s.n <= {per_row}"
    )


def ctid_array(ctids: Iterable[str]) -> str:
    """The rows as a literal, so that they are found by a Tid Scan."""
    listed = ",".join(f'"{ctid}"' for ctid in ctids)
    return "'{" + listed + "}'::tid[]"
