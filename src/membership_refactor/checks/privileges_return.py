"""The check that a table which comes back lets nobody in whom its successor has shut out."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal


def archive_admits_nobody_else(names: Names) -> Check:
    """Grants may have been revoked from the child, and row security set up on it, since the archive
    was its model. The archive still has what it had, and would be read and written again."""
    archive, child = (
        f"pg_catalog.to_regclass({literal(table)})" for table in (names.retired, names.child)
    )
    # An owner's own grants say nothing: an owner can give them again.
    grants = """\
SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
    pg_catalog.pg_get_userbyid(g.grantee)::text) END AS grantee, g.privilege_type,
    x.attname FROM (
  SELECT c.relacl AS acl, c.relowner, NULL::name AS attname FROM pg_catalog.pg_class AS c
  WHERE c.oid = {table}
  UNION ALL
  SELECT a.attacl, c.relowner, a.attname FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.oid = {table} AND a.attnum > 0 AND NOT a.attisdropped) AS x
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS g WHERE g.grantee <> x.relowner"""
    policies = """\
SELECT p.polname, p.polcmd, p.polpermissive, p.polroles FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = {table}"""
    retired = names.retired
    return Check(
        name="the archive admits nobody else",
        sentence=f"nobody may use {retired} who may not use {names.child}",
        query=(
            f"SELECT pg_catalog.format('REVOKE %s%s ON %s FROM %s', g.privilege_type,\n"
            "  CASE WHEN g.attname IS NOT NULL THEN pg_catalog.format(' (%I)', g.attname) END,\n"
            f"  {literal(retired)}, g.grantee)\n"
            f"FROM (\n{grants.format(table=archive)}\nEXCEPT\n"
            f"{grants.format(table=child)}\n) AS g\n"
            # A column that is gone for now comes back with its grants; a grant of the table is one
            # of each column.
            "WHERE g.attname IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a\n"
            f"  WHERE a.attrelid = {child} AND a.attname = g.attname AND NOT a.attisdropped)\n"
            f"AND NOT EXISTS (SELECT FROM (\n{grants.format(table=child)}\n) AS c\n"
            "  WHERE c.attname IS NULL AND c.grantee = g.grantee\n"
            "  AND c.privilege_type = g.privilege_type)\n"
            "UNION ALL\n"
            f"SELECT 'ALTER TABLE ' || {literal(retired)} || ' ENABLE ROW LEVEL SECURITY'\n"
            "FROM pg_catalog.pg_class AS a, pg_catalog.pg_class AS c\n"
            f"WHERE a.oid = {archive} AND c.oid = {child}\n"
            "AND c.relrowsecurity AND NOT a.relrowsecurity\n"
            "UNION ALL\n"
            "SELECT pg_catalog.format('CREATE POLICY %I ON %s as on %s', p.polname,\n"
            f"  {literal(retired)}, {literal(names.child)})\n"
            f"FROM (\n{policies.format(table=child)}\nEXCEPT\n"
            f"{policies.format(table=archive)}\n) AS p\n"
            f"WHERE {archive} IS NOT NULL"
        ),
        reach=Reach.CATALOG,
        hint="Run each of these statements, then run the same command again.",
    )
