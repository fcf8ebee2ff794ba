"""Sessions: the tool's own connections, with pinned settings and the role of the tables' owner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Engine

from membership_refactor.database.pooler import require_direct
from membership_refactor.errors import NoDatabase
from membership_refactor.execution.kept_sessions import kept_sessions
from membership_refactor.sql.own_statements import MARK, in_one_message
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.session_settings import (
    READ_ONLY,
    few_parallel_workers,
    pin_settings,
)

Pg = psycopg.Connection[tuple[Any, ...]]
"""A psycopg connection in autocommit mode; each transaction is begun explicitly."""
POOLED = "membership_refactor_pooled"
"""The execution option of an engine that says: a pooler may answer, and keeps sessions."""


class _Marked(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor whose statements bear the tool's mark, for whoever looks at the statistics."""

    def execute(self, query: Any, *values: Any, **options: Any) -> Self:
        return super().execute(_marked(query), *values, **options)

    def copy(self, statement: Any, *values: Any, **options: Any) -> Any:
        return super().copy(_marked(statement), *values, **options)


def _marked(query: Any) -> Any:
    mark = f"\n{MARK}"
    if isinstance(query, bytes):
        return query + mark.encode()
    return query + mark if isinstance(query, str) else query


class Sessions:
    """Opens connections that work as ``role``, which owns what is created through them."""

    def __init__(
        self, engine: Engine, *, role: str | None, label: str, parallel: int | None = None
    ) -> None:
        self.engine = engine
        self.role = role
        self.label = label
        self.parallel = parallel
        """The most parallel workers that one statement may have beside itself. None for what the
        server allows."""

    @contextmanager
    def open(
        self, *, as_owner: bool = True, purpose: str = "", writes: bool = True
    ) -> Iterator[Pg]:
        """Give a session until the block ends: a new one, or one that the run has kept.

        Raises NoDatabase if the login may not act as the owner, or if a pooler answers.
        """
        kept, name = kept_sessions(self.engine), f"membership_refactor {self.label} {purpose}"
        only = "" if writes else f", {READ_ONLY}"
        few = "" if self.parallel is None else f", {few_parallel_workers(self.parallel)}"
        pin = f"SELECT {pin_settings(name.strip())}{only}{few}"
        connection = kept.take(pin) or self._connected(pin)
        try:
            if as_owner and self.role:
                become(connection, self.role)
            yield connection
        except BaseException:
            # Who knows in which state it is.
            connection.close()
            raise
        kept.give(connection)

    def _connected(self, pin: str) -> Pg:
        # A pool of its own: the one of an engine that was handed over may hold a single connection,
        # which Alembic uses.
        proxied = self.engine.pool.recreate().connect()
        connection = proxied.driver_connection
        proxied.detach()
        assert isinstance(connection, psycopg.Connection)
        try:
            connection.rollback()
            connection.autocommit = True
            connection.prepare_threshold = None
            connection.cursor_factory = _Marked
            require_direct(connection, pooled=is_pooled(self.engine))
            run(connection, pin)
        except BaseException:
            connection.close()
            raise
        return connection


def is_pooled(engine: Engine) -> bool:
    """Whether a pooler may answer, which keeps a session for each client."""
    return bool(engine.get_execution_options().get(POOLED))


def become(connection: Pg, role: str) -> None:
    """Act as that role from now on. Raises NoDatabase if the login may not."""
    try:
        connection.execute(f"SET ROLE {ident(role)}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoDatabase(
            f'role "{connection.info.user}" may not act as "{role}", the owner of the tables.',
            hint=f"Connect as the owner, or run: {grant_role(connection, role)}",
        ) from error


def grant_role(connection: Pg, role: str) -> str:
    """The statement after which the login may act as that role, for this server's version."""
    # From 16 on a member may lack it, and a plain GRANT would leave it so.
    option = " WITH SET TRUE" if connection.info.server_version >= 160000 else ""
    return f"GRANT {ident(role)} TO {ident(connection.info.user)}{option};"


def may_become(connection: Pg, role: str) -> bool:
    """Whether the login may act as that role."""
    kind = "SET" if connection.info.server_version >= 160000 else "MEMBER"
    return bool(
        value(connection, f"SELECT pg_catalog.pg_has_role(session_user, {literal(role)}, '{kind}')")
    )


@contextmanager
def as_oneself(connection: Pg) -> Iterator[None]:
    """Act as the role that logged in while the block runs, to look at other sessions.

    PostgreSQL hides their state, age and WAL positions from the owner of the tables, unless that
    role has pg_read_all_stats itself.
    """
    role = value(connection, "SELECT pg_catalog.current_setting('role')")
    if role == "none":
        yield
        return
    run(connection, "SET ROLE NONE")
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            run(connection, f"SET ROLE {ident(role)}")


def run(connection: Pg, text: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Execute text without parameters; a percent sign in it stands for itself."""
    return connection.execute(text.encode())


def together(connection: Pg, statements: Iterable[str]) -> None:
    """Execute texts in one transaction, and in one message: nobody waits for the client between
    them."""
    run(connection, in_one_message(statements))


def is_there(connection: Pg, table: str) -> bool:
    """Whether there is a relation of that quoted name."""
    return value(connection, f"SELECT pg_catalog.to_regclass({literal(table)})") is not None


def estimated_rows(connection: Pg, table: str) -> int | None:
    """How many rows the quoted table has by the statistics; None where it has none or is gone."""
    rows = value(
        connection,
        "SELECT c.reltuples::bigint FROM pg_catalog.pg_class AS c "
        f"WHERE c.oid = pg_catalog.to_regclass({literal(table)})",
    )
    return int(rows) if rows and rows > 0 else None


def value(connection: Pg, text: str) -> Any:
    """Return the first column of the first row, or None."""
    row = run(connection, text).fetchone()
    return row[0] if row else None
