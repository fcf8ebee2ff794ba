"""Read-only sessions, for verbs that must change nothing and create no ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import NoDatabase
from membership_refactor.execution.ownership import require_schema
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import literal, qualified


@contextmanager
def looking(engine: Engine, schema: str, purpose: str) -> Iterator[Pg]:
    """Open a read-only session, as the ledger's owner where there is a ledger.

    Raises NoDatabase where a schema or a privilege is missing.
    """
    with Sessions(engine, role=None, label="look").open(as_owner=False) as pg:
        owner = _ledger_owner(pg, schema)
    with Sessions(engine, role=owner, label="look").open(purpose=purpose) as pg:
        run(pg, "SET default_transaction_read_only = on")
        try:
            yield pg
        except psycopg.errors.InsufficientPrivilege as error:
            raise NoDatabase(
                f'role "{pg.info.user}" may not do that: {error.diag.message_primary}.',
                hint="Connect as the owner of the tables, or as a member of that role.",
            ) from error


def _ledger_owner(pg: Pg, schema: str) -> str | None:
    require_schema(pg, schema)
    found: str | None = value(
        pg,
        "SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_namespace AS n\n"
        f"WHERE n.nspname = {literal(ledger_schema(schema))}",
    )
    return found


def alembic_version(pg: Pg, schema: str) -> str | None:
    """The revisions in the schema's version table. None where nothing has run."""
    table = qualified(schema, "alembic_version")
    if value(pg, f"SELECT pg_catalog.to_regclass({literal(table)})") is None:
        return None
    found: str | None = value(
        pg, f"SELECT pg_catalog.string_agg(version_num, ', ' ORDER BY version_num) FROM {table}"
    )
    return found
