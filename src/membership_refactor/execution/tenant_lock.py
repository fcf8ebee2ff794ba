"""One at a time: whoever changes a tenant's tables, or its place in the chain, holds its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import RefactorError
from membership_refactor.execution.sessions import Sessions, value
from membership_refactor.sql.names import tenant_lock


def try_lock(schema: str) -> str:
    """A query that takes the lock or says false. Only the trying form: a waiter would hold a
    snapshot, for which a concurrent index build waits in a deadlock."""
    return f"SELECT pg_catalog.pg_try_advisory_lock({tenant_lock(schema)})"


def unlock(schema: str) -> str:
    """A query that lets go of it."""
    return f"SELECT pg_catalog.pg_advisory_unlock({tenant_lock(schema)})"


def busy(schema: str) -> RefactorError:
    """What somebody is told who comes second."""
    return RefactorError(
        f'another migration of schema "{schema}" is running.',
        hint="Wait for it; membership-refactor status shows how far it is.",
    )


@contextmanager
def alone(engine: Engine, schema: str, *, label: str) -> Iterator[None]:
    """Holds the lock for the block, on a session of its own."""
    with Sessions(engine, role=None, label=label).open(as_owner=False) as pg:
        if not value(pg, try_lock(schema)):
            raise busy(schema)
        try:
            yield
        finally:
            # The lock goes with the session, but only when the server has noticed its end; whoever
            # comes next may be quicker.
            with suppress(psycopg.Error):
                value(pg, unlock(schema))
