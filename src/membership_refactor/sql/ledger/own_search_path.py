"""The search_path of the tool's own functions, where a later trigger of the application needs more.

Functions are made in a step. In the weeks after it the application may get a trigger whose function
names something in a schema that they do not have.
"""

from __future__ import annotations

from membership_refactor.sql.ledger.own_objects import is_own_function
from membership_refactor.sql.names import AFTER_PREFIX, Names
from membership_refactor.sql.quoting import dollar_quoted, literal, qualified
from membership_refactor.sql.statements import Statement


def functions_without_path(names: Names) -> str:
    """SELECT of one text a function that writes the plan's tables and lacks a schema of
    ``names.path``."""
    schemas = ", ".join(literal(schema) for schema in names.path)
    return f"""\
SELECT pg_catalog.format('%s does not have the schema %I in its search_path',
    p.oid::pg_catalog.regprocedure, s.schema)
FROM pg_catalog.pg_proc AS p
CROSS JOIN pg_catalog.unnest(ARRAY[{schemas}]::pg_catalog.text[]) AS s (schema)
WHERE {is_own_function(names)}
  AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgfoid = p.oid
    AND pg_catalog.starts_with(t.tgname::pg_catalog.text, {literal(AFTER_PREFIX)}))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest(p.proconfig) AS c (c)
    WHERE pg_catalog.starts_with(c.c, 'search_path=') AND pg_catalog.quote_ident(s.schema) = ANY (
      pg_catalog.string_to_array(pg_catalog.substr(c.c, 13), ', ')))
ORDER BY 1"""


def add_path(names: Names) -> Statement:
    """Give all of the plan's functions ``names.path``, and record them so."""
    body = f"""
DECLARE
  own_function record;
BEGIN
  FOR own_function IN
    SELECT p.oid, p.oid::pg_catalog.regprocedure::pg_catalog.text AS name
    FROM pg_catalog.pg_proc AS p
    WHERE {is_own_function(names)}
    AND EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS c (c)
      WHERE pg_catalog.starts_with(c.c, 'search_path='))
  LOOP
    EXECUTE pg_catalog.format('ALTER FUNCTION %s SET search_path = %s', own_function.name,
      {literal(names.search_path)});
    UPDATE {qualified(names.ledger, "own_object")} AS r
    SET definition = pg_catalog.pg_get_functiondef(own_function.oid)
    WHERE r.plan = {literal(names.plan.name)} AND r.kind = 'function'
      AND r.name = own_function.name;
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")
