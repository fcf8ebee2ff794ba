"""Ownership: the role in which the tool works, and to which the ledger belongs."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from membership_refactor.errors import NoDatabase, RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.planning import TableSplit
from membership_refactor.sql.ledger.table_definitions import create_ledger
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import ident, literal, qualified


def owner_of(pg: Pg, plan: TableSplit, schema: str, tables: Iterable[str]) -> str | None:
    """Return the owner of the tables, in whose role everything is done; None if there are no
    tables.

    ``pg`` acts as the login. Raises NoDatabase where the schema is missing, RefactorError where the
    tables have several owners, or another one than what the tool made for them.
    """
    names = ", ".join(literal(t) for t in tables)
    rows = run(
        pg,
        "SELECT c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text,\n"
        f"  coalesce({_owner_of_functions(plan, schema)}, {_owner_of_ledger(schema)})\n"
        "FROM pg_catalog.pg_class AS c\n"
        "WHERE c.relnamespace = "
        f"pg_catalog.to_regnamespace({literal(ident(schema))})\n"
        f"  AND c.relkind IN ('r', 'p') AND c.relname IN ({names})",
    ).fetchall()
    owners: list[str] = sorted({row[1] for row in rows})
    # What the tool made remembers who owned the tables when the first step ran.
    right = next((row[2] for row in rows if row[2]), None) or next(iter(owners), None)
    if right is not None and owners != [right]:
        one = f"have several owners: {', '.join(owners)}"
        if len(owners) == 1:
            one = (
                f'belong to "{owners[0]}", and what this tool made for them belongs to "{right}", '
                "which may not write them"
            )
        raise RefactorError(
            f'the tables of plan "{plan.name}" {one}.',
            hint="Give them one owner: "
            + "; ".join(
                f"ALTER TABLE {qualified(schema, table)} OWNER TO {ident(right)}"
                for table, owner, _ in rows
                if owner != right
            )
            + ";",
        )
    if not owners:
        require_schema(pg, schema)
        return None
    return owners[0]


def _owner_of_functions(plan: TableSplit, schema: str) -> str:
    """A scalar subquery: the owner of the plan's functions, which write the tables. NULL before
    there are any."""
    return (
        "(SELECT pg_catalog.min(pg_catalog.pg_get_userbyid(f.proowner)::text)\n"
        "   FROM pg_catalog.pg_proc AS f\n"
        "   JOIN pg_catalog.pg_namespace AS m ON m.oid = f.pronamespace\n"
        f"   WHERE m.nspname = {literal(ledger_schema(schema))}\n"
        f"   AND pg_catalog.starts_with(f.proname::text, {literal(f'{plan.name}_')}))"
    )


def _owner_of_ledger(schema: str) -> str:
    """The same of the ledger's tables. NULL where the owner of the tables may use them anyway."""
    return (
        "(SELECT pg_catalog.pg_get_userbyid(l.relowner)::text FROM pg_catalog.pg_class AS l\n"
        "   JOIN pg_catalog.pg_namespace AS m ON m.oid = l.relnamespace\n"
        f"   WHERE m.nspname = {literal(ledger_schema(schema))} AND l.relname = 'step'\n"
        "   AND NOT pg_catalog.pg_has_role(c.relowner, l.relowner, 'USAGE'))"
    )


def create_ledger_schema(pg: Pg, ledger: Ledger, owner: str) -> None:
    """Create the ledger's schema, owned by ``owner``. ``pg`` acts as the owner, and does so
    afterwards.

    Raises NoDatabase where neither the owner nor the login may create its schema.
    """
    database = ident(pg.info.dbname)
    try:
        with pg.transaction():
            if not value(
                pg,
                "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')",
            ):
                # The login creates it then, which may have the privilege.
                run(pg, "SET LOCAL ROLE NONE")
            run(pg, create_ledger(ledger.schema, owner)[0].text)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoDatabase(
            f'neither "{owner}", the owner of the tables, nor role "{pg.info.user}" may create the '
            f'ledger schema "{ledger.name}": {error.diag.message_primary}. No table was changed.',
            hint=f"GRANT CREATE ON DATABASE {database} TO {ident(owner)};",
        ) from error


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
