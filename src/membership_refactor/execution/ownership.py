"""Ownership: the role in which the tool works, and to which the ledger belongs."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import NoDatabase, RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.sql.quoting import ident, literal, qualified


def owner_of(engine: Engine, ledger: Ledger, schema: str, tables: Iterable[str]) -> str | None:
    """The owner of the tables, in whose role everything is done; None before there are any.

    Afterwards there is a ledger, and it belongs to the owner. NoDatabase where the schema is
    missing or the ledger cannot be created, RefactorError where the tables have several owners.
    """
    names = ", ".join(literal(t) for t in tables)
    with Sessions(engine, role=None, label="look").open(as_owner=False) as pg:
        require_schema(pg, schema)
        rows = run(
            pg,
            "SELECT c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text,\n"
            "  (SELECT pg_catalog.pg_get_userbyid(l.relowner)::text FROM pg_catalog.pg_class AS l\n"
            f"   WHERE l.oid = pg_catalog.to_regclass({literal(ledger.table('step'))}))\n"
            "FROM pg_catalog.pg_class AS c\n"
            "WHERE c.relnamespace = "
            f"pg_catalog.to_regnamespace({literal(ident(schema))})\n"
            f"  AND c.relkind IN ('r', 'p') AND c.relname IN ({names})",
        ).fetchall()
        owners = sorted({row[1] for row in rows})
        if len(owners) > 1:
            # The ledger remembers who owned the tables when the first step ran.
            right = rows[0][2] or owners[0]
            raise RefactorError(
                f'the tables of plan "{ledger.plan.name}" have several owners: '
                f"{', '.join(owners)}.",
                hint="Give them one owner: "
                + "; ".join(
                    f"ALTER TABLE {qualified(schema, table)} OWNER TO {ident(right)}"
                    for table, owner, _ in rows
                    if owner != right
                )
                + ";",
            )
        owner = owners[0] if owners else None
        if owner and not ledger.exists(pg):
            try:
                ledger.create(pg, owner=owner)
                _transfer(pg, ledger, owner)
            except psycopg.errors.InsufficientPrivilege as error:
                raise NoDatabase(
                    f'role "{pg.info.user}" cannot create the ledger schema '
                    f'"{ledger.name}" for "{owner}": {error.diag.message_primary}.',
                    hint=f"GRANT CREATE ON DATABASE {ident(pg.info.dbname)} TO "
                    f"{ident(pg.info.user)}; and make it a member of {ident(owner)}.",
                ) from error
        return owner


def require_schema(pg: Pg, schema: str) -> None:
    """NoDatabase where the schema does not exist."""
    if value(pg, f"SELECT pg_catalog.to_regnamespace({literal(ident(schema))})") is None:
        raise no_schema(schema)


def no_schema(schema: str) -> NoDatabase:
    """The error that says so."""
    return NoDatabase(
        f'schema "{schema}" does not exist.',
        hint=f"CREATE SCHEMA {ident(schema)}; or name another with -x schema=NAME.",
    )


def _transfer(pg: Pg, ledger: Ledger, owner: str) -> None:
    """Transfer the ledger's tables to the owner of the plan's tables."""
    if value(pg, "SELECT current_user::text") == owner:
        return
    rows = run(
        pg,
        "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class AS c\n"
        f"WHERE c.relnamespace = {literal(ident(ledger.name))}::pg_catalog.regnamespace\n"
        "  AND c.relkind = 'r'",
    ).fetchall()
    for (table,) in rows:
        run(pg, f"ALTER TABLE {table} OWNER TO {ident(owner)}")
