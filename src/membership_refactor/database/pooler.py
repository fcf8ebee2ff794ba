"""Tells a connection pooler from a server, before anything is set in somebody else's session.

A pooler in transaction mode hands each transaction to whichever server session is free. Settings,
session locks and the role would stay behind in sessions of the application.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from membership_refactor.errors import NoDatabase

ROUNDS = 6
"""How often the proof is tried. Under load a single round misses a pooler in transaction mode."""

_Connection = psycopg.Connection[Any]


def require_direct(connection: _Connection, *, pooled: bool = False) -> None:
    """Return if the server itself answers. Raises NoDatabase for a pooler.

    The process id that the protocol gave at connect is made up by every pooler; a plain TCP proxy
    passes it on. ``pooled`` lets a pooler pass of which the user says that it keeps a session for
    each client.
    """
    if pooled or _process(connection) == connection.info.backend_pid:
        return
    info = connection.info
    raise NoDatabase(
        f"A connection pooler answers at {info.host}:{info.port}. Settings and locks of this tool "
        "would stay behind in sessions of the application. Nothing was changed.",
        hint="Give the address of the PostgreSQL server itself. If the pooler keeps one session "
        "for each client, say so with: -x pooler=session",
    )


def require_own_session(connection: _Connection) -> None:
    """Return if no proof is found that the pooler shares sessions. Raises NoDatabase if it does.

    While another client, who connects alike, holds a session in a transaction, this one must keep
    its own.
    """
    info = connection.info
    address = make_conninfo(**info.get_parameters(), password=info.password or None)
    for _ in range(ROUNDS):
        before = _process(connection)
        with psycopg.connect(address, autocommit=True) as other:
            try:
                other.execute("BEGIN")
                held, after = _process(other), _process(connection)
            except psycopg.DatabaseError:
                held = after = before  # in statement mode BEGIN itself is refused
        if held == before or after != before:
            raise NoDatabase(
                f"The connection pooler at {info.host}:{info.port} shares its sessions between "
                "clients, so it is not in session mode. Nothing was changed.",
                hint="Give the address of the PostgreSQL server itself.",
            )


def _process(connection: _Connection) -> int:
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
