"""Read-only sessions, for verbs that must change nothing and create no ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from membership_refactor.checks.guard import every_row_is_seen
from membership_refactor.errors import CheckFailed, NoDatabase
from membership_refactor.execution.run_checks import examine
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import (
    Pg,
    Sessions,
    become,
    grant_role,
    may_become,
    value,
)
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import literal


@contextmanager
def looking(runner: Runner, purpose: str) -> Iterator[Pg]:
    """Open a read-only session as the owner of the ledger, or of the tables before there is one.

    A login that may not act as the owner reads as itself, where it has the privileges. Raises
    NoDatabase where the schema or a privilege is missing, and CheckFailed where row security hides
    rows of the plan's tables.
    """
    sessions = Sessions(runner.engine, role=None, label="look")
    with sessions.open(purpose=purpose, writes=False) as pg:
        owner = runner.owner(pg)
        owner = _ledger_owner(pg, runner.schema) or owner
        as_itself = owner is None or (not may_become(pg, owner) and _may_read(pg, runner.schema))
        if owner is not None and not as_itself:
            become(pg, owner)
        try:
            yield pg
        except psycopg.errors.InsufficientPrivilege as error:
            hidden = every_row_is_seen(runner.names)
            found = examine(pg, hidden)
            if found.broken:
                raise CheckFailed(
                    hidden.name,
                    hidden.sentence,
                    count=found.broken,
                    keys=found.keys,
                    hint=runner.chain.revisions.naming(hidden.hint),
                ) from error
            raise NoDatabase(
                f'role "{pg.info.user}" may not do that: {error.diag.message_primary}.',
                hint="Connect as the owner of the tables"
                + (f", or run: {grant_role(pg, owner)}" if as_itself and owner else "."),
            ) from error


def reads_as_the_tool(pg: Pg, runner: Runner) -> bool:
    """Whether the watch takes what this login reads for the tool's own. What another one reads is
    a use of the old structure. True where there is no ledger, and so no watch."""
    owner = _ledger_owner(pg, runner.schema)
    if owner is None:
        return True
    return bool(
        value(pg, f"SELECT pg_catalog.pg_has_role(session_user, {literal(owner)}, 'MEMBER')")
    )


def _ledger_owner(pg: Pg, schema: str) -> str | None:
    found: str | None = value(
        pg,
        "SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_namespace AS n\n"
        f"WHERE n.nspname = {literal(ledger_schema(schema))}",
    )
    return found


def _may_read(pg: Pg, schema: str) -> bool:
    """Whether the login itself may use the ledger, or the schema of the tables where there is
    none. What it may read in there shows when it is read."""
    used = value(
        pg,
        "SELECT bool_and(pg_catalog.has_schema_privilege(n.oid, 'USAGE'))\n"
        "FROM pg_catalog.pg_namespace AS n\n"
        f"WHERE n.nspname IN ({literal(schema)}, {literal(ledger_schema(schema))})",
    )
    return bool(used)
