"""Row security: the tool's functions see every row of the tables that they compare, or raise.

A session sets ``row_security = off``, and PostgreSQL raises if a policy would hide rows. A trigger
function cannot set it, because the application's triggers that it fires would inherit the setting.
It calls ``row_security_active`` instead.
"""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal


def raise_if_filtered(*tables: str) -> str:
    """plpgsql that raises 42501 where row security hides rows of ``tables`` (quoted names) from
    the role that the function runs as. About one microsecond a table."""
    asked = " OR ".join(
        f"pg_catalog.row_security_active({literal(table)}::pg_catalog.regclass)" for table in tables
    )
    message = (
        f"row security hides rows of {' or '.join(tables)} from the role that owns the tables, "
        "so this write cannot be carried to the other table"
    )
    commands = " ".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;" for table in tables)
    return f"""  IF {asked} THEN
    RAISE insufficient_privilege USING MESSAGE = {literal(message)},
      HINT = {literal(commands)};
  END IF;
"""


def filtered_tables(names: Names) -> str:
    """SELECT of one text a table in which row security hides rows from the connected role, with
    the statement that ends it.

    Asked are the plan's tables, and those that their foreign keys join to them: PostgreSQL
    validates a new foreign key as the table's owner, who may see less under FORCE.
    """
    plan = names.plan
    tables = plan.tables
    named = ", ".join(literal(table) for table in tables)
    schema = literal(ident(names.schema))
    return f"""\
WITH own AS (
  SELECT c.oid FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace({schema})
    AND c.relkind IN ('r', 'p') AND c.relname IN ({named})),
joined AS (
  SELECT k.confrelid AS oid FROM pg_catalog.pg_constraint AS k JOIN own AS o ON o.oid = k.conrelid
  WHERE k.contype = 'f'
  UNION
  SELECT k.conrelid FROM pg_catalog.pg_constraint AS k JOIN own AS o ON o.oid = k.confrelid
  WHERE k.contype = 'f'),
asked AS (
  SELECT o.oid FROM own AS o
  UNION
  SELECT c.oid FROM joined AS j JOIN pg_catalog.pg_class AS c ON c.oid = j.oid
  WHERE c.relforcerowsecurity AND pg_catalog.pg_has_role(c.relowner, 'USAGE'))
SELECT pg_catalog.format('%s: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t.name, t.name)
FROM (
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM asked AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE pg_catalog.row_security_active(c.oid)) AS t
ORDER BY t.name"""
