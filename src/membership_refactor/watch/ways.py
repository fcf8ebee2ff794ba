"""Names that lead to the old structure: views, rules, policies and SQL functions over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EDGES = """\
SELECT o.kind, o.name, t.relname::text, n.nspname::text, coalesce(a.attname::text, '')
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_class AS t
  ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.oid = d.refobjid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
  AND d.refobjsubid > 0
JOIN LATERAL (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END,
    c.relname::text
  FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
    AND c.oid <> t.oid
  UNION ALL
  SELECT 'policy', c.relname::text
  FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
  WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
    AND c.oid <> t.oid
  UNION ALL
  SELECT 'function', p.proname::text FROM pg_catalog.pg_proc AS p
  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
) AS o (kind, name) ON true
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
UNION ALL
SELECT 'inheritance', p.relname::text, c.relname::text, n.nspname::text, ''
FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END,
  c.relname::text, p.proname::text, '', ''
FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid
WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid >= 16384
ORDER BY 1, 2, 3, 4, 5"""
"""Kind and name of what reads a table or calls a function, then that table with schema and column,
or that function."""

FUNCTIONS = """\
SELECT p.proname::pg_catalog.text, p.prosrc FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE l.lanname = 'sql' AND p.prosqlbody IS NULL AND p.oid >= 16384
ORDER BY 1, 2"""
"""Name and body of each function in SQL. PostgreSQL may put such a body into the statement that
calls it, so that only the function's name shows."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Something with a name of its own that leads to a table or function."""

    kind: str
    name: str
    to: str
    schema: str
    """The schema of a table; empty for a function."""
    column: str
    """Empty where it depends on the whole."""


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure that goes: a table, or some of its columns."""

    target: str
    schema: str
    table: str
    columns: frozenset[str] = frozenset()
    """Empty for all of the table."""

    def is_met_by(self, edge: Edge) -> bool:
        if (edge.schema, edge.to) != (self.schema, self.table):
            return False
        return not self.columns or edge.column in self.columns


def ways(
    structures: Iterable[Structure],
    edges: Iterable[Edge],
    functions: Iterable[tuple[str, frozenset[str]]],
) -> Mapping[str, Mapping[str, str]]:
    """By target: the folded names that lead there, each with its kind.

    ``functions`` are names of functions with the folded words of their bodies. A function whose
    body has the name of the table, or of something that leads there, leads there too.
    """
    known, bodies = tuple(edges), tuple(functions)
    return {s.target: dict(sorted(_leading_to(s, known, bodies).items())) for s in structures}


def _leading_to(
    structure: Structure,
    edges: tuple[Edge, ...],
    functions: tuple[tuple[str, frozenset[str]], ...],
) -> dict[str, str]:
    found = {e.name.lower(): e.kind for e in edges if structure.is_met_by(e)}
    found |= {n.lower(): "function" for n, words in functions if structure.table.lower() in words}
    while True:
        more = {e.name.lower(): e.kind for e in edges if e.to.lower() in found}
        more |= {n.lower(): "function" for n, words in functions if not words.isdisjoint(found)}
        if more.keys() <= found.keys():
            return found
        found = {**more, **found}
