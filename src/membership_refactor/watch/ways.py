"""Names that lead to the old structure: views, rules, policies and SQL functions over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from membership_refactor.scan.resolve.tables_as_spelled import WORDS
from membership_refactor.sql.old_shape.reading import own_views
from membership_refactor.sql.quoting import literal

FUNCTIONS = """\
SELECT p.proname::pg_catalog.text, p.prosrc, l.lanname = 'sql' FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL AND p.oid >= 16384
ORDER BY 1, 2"""
"""Name and body of each function in SQL and PL/pgSQL, and whether it is in SQL. PostgreSQL may put
a body in SQL into the statement that calls it, so that only the function's name shows. The
statements of PL/pgSQL show, but not an expression that only calls a function."""
CALLED = ("function", "operator", "cast", "domain")
"""Kinds of names that an expression without a table can use."""


def edges(ledger: str) -> str:
    """SELECT of kind and name of what reads a table or calls a function, then that table with
    schema and column, or that function. The column is ``*`` for whatever takes whole rows.

    A function with a parsed body is not in the statistics by itself, so everything that calls one
    has to be found by its own name. The tool's own views are left out: they note who reads them.
    """
    return f"""\
SELECT o.kind, o.name, t.relname::text, n.nspname::text,
  coalesce(a.attname::text, CASE WHEN o.whole THEN '*' ELSE '' END)
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_class AS t
  ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.oid = d.refobjid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
  AND d.refobjsubid > 0
JOIN LATERAL (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END,
    c.relname::text, pg_catalog.strpos(r.ev_action::text, ':varattno 0 ') > 0
  FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
    AND c.oid <> t.oid AND c.oid NOT IN {own_views(literal(ledger))}
  UNION ALL
  SELECT 'policy', c.relname::text, pg_catalog.strpos(
    pg_catalog.concat(p.polqual::text, p.polwithcheck::text), ':varattno 0 ') > 0
  FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
  WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
    AND c.oid <> t.oid
  UNION ALL
  SELECT 'function', p.proname::text,
    pg_catalog.strpos(p.prosqlbody::text, ':varattno 0 ') > 0
  FROM pg_catalog.pg_proc AS p
  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
) AS o (kind, name, whole) ON true
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
UNION ALL
SELECT 'inheritance', p.relname::text, c.relname::text, n.nspname::text, ''
FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
UNION ALL
SELECT o.kind, o.name, p.proname::text, '', ''
FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid
JOIN LATERAL (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END,
    c.relname::text
  FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
    AND c.oid NOT IN {own_views(literal(ledger))}
  UNION ALL
  SELECT 'function', f.proname::text FROM pg_catalog.pg_proc AS f
  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.objid
  UNION ALL
  SELECT 'operator', o.oprname::text FROM pg_catalog.pg_operator AS o
  WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.objid
  UNION ALL
  SELECT 'cast', t.typname::text FROM pg_catalog.pg_cast AS k
  JOIN pg_catalog.pg_type AS t ON t.oid IN (k.castsource, k.casttarget) AND t.oid >= 16384
  WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND k.oid = d.objid
  UNION ALL
  SELECT 'domain', t.typname::text FROM pg_catalog.pg_constraint AS c
  JOIN pg_catalog.pg_type AS t ON t.oid = c.contypid
  WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = d.objid
  UNION ALL
  SELECT u.kind, c.relname::text FROM (
    SELECT 'policy', p.oid, p.polrelid, 'pg_catalog.pg_policy'::pg_catalog.regclass
    FROM pg_catalog.pg_policy AS p
    UNION ALL SELECT 'default', a.oid, a.adrelid, 'pg_catalog.pg_attrdef'::pg_catalog.regclass
    FROM pg_catalog.pg_attrdef AS a
    UNION ALL SELECT 'check', c.oid, c.conrelid, 'pg_catalog.pg_constraint'::pg_catalog.regclass
    FROM pg_catalog.pg_constraint AS c
    UNION ALL SELECT 'trigger', t.oid, t.tgrelid, 'pg_catalog.pg_trigger'::pg_catalog.regclass
    FROM pg_catalog.pg_trigger AS t
    UNION ALL SELECT 'index', i.indexrelid, i.indrelid, 'pg_catalog.pg_class'::pg_catalog.regclass
    FROM pg_catalog.pg_index AS i
  ) AS u (kind, oid, relation, class)
  JOIN pg_catalog.pg_class AS c ON c.oid = u.relation
  WHERE u.class = d.classid AND u.oid = d.objid
) AS o (kind, name) ON true
WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid >= 16384
UNION ALL
SELECT 'domain', c.relname::text, t.typname::text, '', ''
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'd'
WHERE t.oid >= 16384 AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1, 2, 3, 4, 5"""


Ways = Mapping[str, Mapping[str, str]]
"""By target: the folded names that lead there, each with its kind."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Something with a name of its own that leads to a table or function."""

    kind: str
    name: str
    to: str
    schema: str
    """The schema of a table; empty for a function."""
    column: str
    """Empty where it depends on the whole table, ``*`` where it takes whole rows of it."""


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
        return not self.columns or edge.column in (*self.columns, "*")


def named_in(text: str, names: Iterable[str]) -> list[str]:
    """Which of the folded names are in the text: words by themselves, anything else anywhere."""
    folded = text.lower()
    words = set(WORDS.findall(folded))
    return [
        name
        for name in names
        if (name in words if WORDS.fullmatch(name) else name.replace('"', '""') in folded)
    ]


def ways(
    structures: Iterable[Structure],
    edges: Iterable[Edge],
    functions: Iterable[tuple[str, str, bool]],
) -> Ways:
    """What leads to each structure.

    ``functions`` are names of functions with their bodies, and whether they are in SQL. Such a
    function leads there if its body has the name of the table, or of something that leads there;
    any other only if it calls something that leads there.
    """
    known, bodies = tuple(edges), tuple(functions)
    return {s.target: dict(sorted(_leading_to(s, known, bodies).items())) for s in structures}


def _leading_to(
    structure: Structure,
    edges: tuple[Edge, ...],
    functions: tuple[tuple[str, str, bool], ...],
) -> dict[str, str]:
    found = {e.name.lower(): e.kind for e in edges if structure.is_met_by(e)}
    table = structure.table.lower()
    found |= {
        n.lower(): "function" for n, body, sql in functions if sql and named_in(body, [table])
    }
    while True:
        more = {e.name.lower(): e.kind for e in edges if e.to.lower() in found}
        called = [name for name, kind in found.items() if kind in CALLED]
        more |= {
            n.lower(): "function"
            for n, body, sql in functions
            if named_in(body, found if sql else called)
        }
        if more.keys() <= found.keys():
            return found
        found = {**more, **found}
