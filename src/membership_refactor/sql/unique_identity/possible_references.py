"""SQL that finds references without a foreign key: columns of the database, and their values."""

from __future__ import annotations

from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.unique_identity.names import IdentityNames


def columns_of_database(names: IdentityNames) -> str:
    """Return the columns of every table of users: schema, table, column, type, whether it is an
    array, whether a foreign key constrains it, whether this session may read every row.

    Partitions are left out, because their table stands for them.
    """
    return (
        "SELECT n.nspname::text, c.relname::text, a.attname::text,\n"
        "  COALESCE(e.typname, b.typname)::text, e.oid IS NOT NULL,\n"
        "  EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f'\n"
        "    AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey)),\n"
        "  c.relkind <> 'f' AND pg_catalog.has_table_privilege(c.oid, 'SELECT')\n"
        "    AND NOT pg_catalog.row_security_active(c.oid)\n"
        "FROM pg_catalog.pg_attribute AS a\n"
        "JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid\n"
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
        "JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid\n"
        "JOIN pg_catalog.pg_type AS b\n"
        "  ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END\n"
        "LEFT JOIN pg_catalog.pg_type AS e ON e.oid = b.typelem AND b.typcategory = 'A'\n"
        "WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND a.attnum > 0\n"
        "  AND NOT a.attisdropped AND n.nspname !~ '^pg_'\n"
        f"  AND n.nspname NOT IN ('information_schema', {literal(names.ledger)})\n"
        "ORDER BY 1, 2, a.attnum"
    )


def values_among_ids(
    names: IdentityNames, table: str, id_column: str, place: tuple[str, str, str], *, array: bool
) -> str:
    """Return whether one of the first 1,000 values of the column is an id of the table."""
    schema, referring, column = place
    equal = f"x.{ident(id_column)} = {'ANY (s.v)' if array else 's.v'}"
    return (
        f"SELECT EXISTS (SELECT FROM (SELECT {ident(column)} AS v"
        f" FROM {qualified(schema, referring)} WHERE {ident(column)} IS NOT NULL LIMIT 1000) AS s"
        f" JOIN {names.within(table)} AS x ON {equal})"
    )


def documents_that_name(place: tuple[str, str, str], keys: str) -> str:
    """Return whether one of the first 100 documents has a key that matches ``keys``."""
    schema, referring, column = place
    return (
        f"SELECT EXISTS (SELECT FROM (SELECT {ident(column)}::text AS v"
        f" FROM {qualified(schema, referring)} WHERE {ident(column)} IS NOT NULL LIMIT 100) AS s"
        f" WHERE s.v ~* {literal(keys)})"
    )
