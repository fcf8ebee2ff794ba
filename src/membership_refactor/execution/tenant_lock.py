"""The lock of a schema: only one migration at a time may change its tables or its version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import RefactorError
from membership_refactor.execution.sessions import Pg, Sessions, value
from membership_refactor.execution.writable import require_writable
from membership_refactor.sql.names import tenant_lock


def try_lock(schema: str) -> str:
    """Return a query that takes the lock for the session, or answers false if it is taken.

    It never waits: a waiting session holds a snapshot. A concurrent index build would wait for
    that snapshot, and the two would deadlock. The session may then sit idle for as long as the
    migration takes, so the query also turns idle_session_timeout off.
    """
    return (
        f"SELECT pg_catalog.pg_try_advisory_lock({tenant_lock(schema)}) "
        "AND pg_catalog.set_config('idle_session_timeout', '0', false) = '0'"
    )


def unlock(schema: str) -> str:
    """Return a query that releases the lock and restores idle_session_timeout."""
    return (
        f"SELECT pg_catalog.pg_advisory_unlock({tenant_lock(schema)}), "
        "pg_catalog.set_config(s.name, s.reset_val, false) "
        "FROM pg_catalog.pg_settings AS s WHERE s.name = 'idle_session_timeout'"
    )


def busy(schema: str, status: str = "membership-refactor status") -> RefactorError:
    """Return the error to raise when another migration holds the lock. ``status`` is the command
    that shows it."""
    return RefactorError(
        f'another migration of schema "{schema}" is running.',
        hint=f"Wait until it ends. To see how far it is: {status}",
    )


@contextmanager
def alone(engine: Engine, schema: str, *, label: str) -> Iterator[Pg]:
    """Hold the lock while the block runs, on a session of its own, which the block gets.

    Raises RefactorError if another migration holds it, NoDatabase where the login only reads.
    """
    with Sessions(engine, role=None, label=label).open(as_owner=False) as pg:
        require_writable(pg)
        if not value(pg, try_lock(schema)):
            raise busy(schema)
        try:
            yield pg
        finally:
            # The server releases the lock when it notices that the session has ended. The next
            # command may be quicker, so release it here.
            with suppress(psycopg.Error):
                value(pg, unlock(schema))
