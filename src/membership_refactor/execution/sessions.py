"""Sessions: the tool's own connections, with pinned settings and the table owner's role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import NoDatabase
from membership_refactor.sql.identifiers import ident, literal

_SETTINGS = {
    # Nobody's schema can put an object in the way of ours; every name is qualified besides.
    "search_path": "pg_catalog, pg_temp",
    "lock_timeout": "2s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "client_min_messages": "error",
    "jit": "off",
}

_MEMORY = {
    # Batches sort and check joins hash a few ten MB; at the default of 4 MB they go to disk, and
    # the joins cost 1.5 times as much. A few sessions of ours are at work at a time, no more.
    "work_mem": "64MB",
    # An index on a million uuids or on the key sorts in memory instead of in runs on disk.
    "maintenance_work_mem": "256MB",
}
"""What a session may use at least; a server whose DBA allows more stays as it is."""

Pg = psycopg.Connection[tuple[Any, ...]]
"""A psycopg connection in autocommit; transactions are begun by name."""


class Sessions:
    """Opens connections of one kind. What is made through them belongs to ``role``."""

    def __init__(self, engine: Engine, *, role: str | None, label: str) -> None:
        self.engine = engine
        self.role = role
        self.label = label

    @contextmanager
    def open(self, *, as_owner: bool = True, purpose: str = "") -> Iterator[Pg]:
        """A connection of its own, closed afterwards; NoDatabase where the role is refused."""
        proxied = self.engine.raw_connection()
        connection = proxied.driver_connection
        proxied.detach()
        assert isinstance(connection, psycopg.Connection)
        try:
            connection.rollback()
            connection.autocommit = True
            connection.prepare_threshold = None
            self._settle(connection, as_owner, purpose)
            yield connection
        finally:
            connection.close()

    def _settle(self, connection: Pg, as_owner: bool, purpose: str) -> None:
        name = f"membership_refactor {self.label} {purpose}".strip()[:63]
        settings = {**_SETTINGS, "application_name": name}
        calls = ", ".join(
            f"pg_catalog.set_config({literal(k)}, {literal(v)}, false)" for k, v in settings.items()
        )
        at_least = ", ".join(
            f"pg_catalog.set_config({literal(k)}, CASE WHEN pg_catalog.pg_size_bytes("
            f"pg_catalog.current_setting({literal(k)})) < pg_catalog.pg_size_bytes({literal(v)}) "
            f"THEN {literal(v)} ELSE pg_catalog.current_setting({literal(k)}) END, false)"
            for k, v in _MEMORY.items()
        )
        connection.execute(f"SELECT {calls}, {at_least}".encode())
        if as_owner and self.role:
            try:
                connection.execute(f"SET ROLE {ident(self.role)}".encode())
            except psycopg.errors.InsufficientPrivilege as error:
                raise NoDatabase(
                    f'role "{connection.info.user}" may not act as "{self.role}", '
                    "the owner of the tables.",
                    hint=f"Connect as the owner or GRANT {ident(self.role)} TO "
                    f"{ident(connection.info.user)}.",
                ) from error


def run(connection: Pg, text: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Executes text that takes no parameters; a percent sign in it means itself."""
    return connection.execute(text.encode())


def value(connection: Pg, text: str) -> Any:
    """The first column of the first row, or None."""
    row = run(connection, text).fetchone()
    return row[0] if row else None
