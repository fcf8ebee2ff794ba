"""What the owner of the tables may do. Its own privileges can be revoked, and capture writes as the
owner: then each write of the application would fail."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal

_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
"""What the steps and capture do to the tables. To own a table is not enough for any of it."""


def owner_may_write(names: Names) -> Check:
    """The owner has its privileges on the plan's tables and their schema, and may refer to the
    tables of their foreign keys. The copy and the parent get the owner's privileges as they are."""
    tables = ", ".join(map(literal, names.plan.written_tables))
    return Check(
        name="the owner may write",
        sentence="the owner of the tables may read and write them",
        query=f"""WITH own AS (
  SELECT c.oid, c.relnamespace, c.relowner FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(names.schema))})
    AND c.relkind IN ('r', 'p') AND c.relname IN ({tables})),
needed AS (
  SELECT o.relowner, o.oid, u.privilege FROM own AS o,
    pg_catalog.unnest(ARRAY[{", ".join(map(literal, _TABLE))}]) AS u (privilege)
  UNION
  SELECT o.relowner, k.confrelid, 'REFERENCES'
  FROM own AS o JOIN pg_catalog.pg_constraint AS k ON k.conrelid = o.oid AND k.contype = 'f'),
reached AS (
  SELECT n.relowner, c.relnamespace FROM needed AS n
  JOIN pg_catalog.pg_class AS c ON c.oid = n.oid GROUP BY n.relowner, c.relnamespace)
SELECT pg_catalog.format('GRANT %s ON %I.%I TO %I',
  pg_catalog.string_agg(n.privilege, ', '), s.nspname, c.relname,
  pg_catalog.pg_get_userbyid(n.relowner))
FROM needed AS n JOIN pg_catalog.pg_class AS c ON c.oid = n.oid
JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
WHERE NOT pg_catalog.has_table_privilege(n.relowner, n.oid, n.privilege)
  AND NOT (n.privilege = 'REFERENCES'
    AND pg_catalog.has_any_column_privilege(n.relowner, n.oid, 'REFERENCES'))
GROUP BY n.relowner, s.nspname, c.relname
UNION ALL
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname,
  pg_catalog.pg_get_userbyid(r.relowner))
FROM reached AS r JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace
WHERE NOT pg_catalog.has_schema_privilege(r.relowner, s.oid, 'USAGE')
ORDER BY 1""",
        reach=Reach.CATALOG,
        hint="What carries writes from one table to the other works as the owner, which lacks "
        "these privileges. Run the statements that are named, then run the same command again.",
    )
