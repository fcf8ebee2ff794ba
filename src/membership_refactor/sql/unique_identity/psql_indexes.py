"""The unique indexes in a psql script: drop what is invalid, build once, check the result."""

from __future__ import annotations

from membership_refactor.planning import Alternative
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.unique_identity.indexes import create, left_over_names
from membership_refactor.sql.unique_identity.names import IdentityNames


def build_index(names: IdentityNames, alternative: Alternative) -> str:
    """Return psql text that builds a valid index, or raises.

    A DO block cannot run these statements, so psql's ``\\gexec`` runs what a query returns. It is
    tried once: duplicates that are written meanwhile stop the script and leave an invalid index.
    The next run, of a script or of Alembic, drops it.
    """
    index = alternative.constraint
    made = create(names, alternative).text
    return "\n".join(
        (
            "SET lock_timeout = 0;",
            _dropped(names, alternative, "AND NOT i.indisvalid"),
            f"SELECT {literal(made)}",
            f"WHERE pg_catalog.to_regclass({literal(_qualified(names, index))}) IS NULL",
            "\\gexec",
            "SET lock_timeout = '2s';",
            _asked(names, index),
        )
    )


def drop_index(names: IdentityNames, alternative: Alternative) -> str:
    """Return psql text that drops every index of the plan that no constraint uses."""
    unheld = (
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k "
        "WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)"
    )
    return "\n".join(
        ("SET lock_timeout = 0;", _dropped(names, alternative, unheld), "SET lock_timeout = '2s';")
    )


def _dropped(names: IdentityNames, alternative: Alternative, condition: str) -> str:
    index = alternative.constraint
    possible = ", ".join(literal(name) for name in (index, *left_over_names(index)))
    return "\n".join(
        (
            "SELECT pg_catalog.format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname,",
            "  c.relname)",
            "FROM pg_catalog.pg_index AS i",
            "JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid",
            "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace",
            f"WHERE i.indrelid = {literal(names.table)}::pg_catalog.regclass",
            f"  AND c.relname IN ({possible})",
            f"  {condition}",
            "\\gexec",
        )
    )


def _asked(names: IdentityNames, index: str) -> str:
    body = f"""
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
      WHERE i.indexrelid = pg_catalog.to_regclass({literal(_qualified(names, index))})
        AND i.indrelid = {literal(names.table)}::pg_catalog.regclass
        AND i.indisunique AND i.indisvalid) THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = {literal(f"the unique index {index} is missing, invalid or of another table")},
      HINT = 'Go on with alembic upgrade, which builds it again and merges what came meanwhile.';
  END IF;
END
"""
    return f"DO {dollar_quoted(body)};"


def _qualified(names: IdentityNames, index: str) -> str:
    return f"{ident(names.schema)}.{ident(index)}"
