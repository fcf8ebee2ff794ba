"""Which database a command line means, and an engine for it."""

from __future__ import annotations

import configparser
import logging
from contextlib import nullcontext
from typing import Any

from alembic import context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DBAPIError

from membership_refactor.database import choose_for_application, examine, explain
from membership_refactor.database.examination import require_usable
from membership_refactor.database.handed_over import (
    ATTRIBUTE,
    handed_over,
    require_usable_connection,
)
from membership_refactor.database.pooler import require_direct
from membership_refactor.environment.request import Request
from membership_refactor.errors import WrongUse
from membership_refactor.execution.kept_sessions import KEPT, KeptSessions
from membership_refactor.execution.sessions import POOLED
from membership_refactor.sql.quoting import ident, literal


def connect_engine(url: str, schema: str, *, pooled: bool = False) -> Engine:
    """Make an engine whose connections have this schema alone in their search_path. ``pooled``
    says that a pooler may answer that keeps a session for each client.

    Each connection raises NoDatabase before anything is set in its session, where that is not so.
    """
    options = {POOLED: pooled, KEPT: KeptSessions()}
    engine = create_engine(url, poolclass=pool.NullPool, execution_options=options)
    known = False

    @event.listens_for(engine, "connect")
    def _pin(dbapi_connection: Any, _record: Any) -> None:
        nonlocal known
        before = dbapi_connection.autocommit
        dbapi_connection.autocommit = True
        if known:
            require_direct(dbapi_connection, pooled=pooled)
        else:
            require_usable(dbapi_connection, url, pooled=pooled)
            known = True
        path = literal(ident(schema))
        with dbapi_connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_catalog.set_config('search_path', {path}, false)".encode())
        dbapi_connection.autocommit = before

    return engine


def find_engine(request: Request, *, configured: str | None = None) -> Engine:
    """Find the database in the documented order and try it. Raises NoDatabase."""
    choice = choose_for_application(x_url=request.url, configured=configured)
    pooled = request.options.pooler is not None
    examine(choice.url, source=choice.source, pooled=pooled)
    return connect_engine(choice.url, request.schema, pooled=pooled)


def bound_or_found(request: Request) -> Connection | Engine:
    """Return what the program handed over to Alembic, or else the database that is found.

    Raises WrongUse for what cannot be used, and NoDatabase.
    """
    given = handed_over(context.config.attributes, x_url=request.url)
    if given is None:
        return find_engine(request, configured=configured_url(context.config))
    pooled = request.options.pooler is not None
    try:
        with nullcontext(given) if isinstance(given, Connection) else given.connect() as connection:
            require_usable_connection(connection, pooled=pooled)
    except DBAPIError as error:
        raise explain(error.orig or error, str(given.engine.url), source=ATTRIBUTE) from None
    return given


def configured_url(config: Config) -> str | None:
    """The sqlalchemy.url of the configuration. A section chosen by ``-n`` may have none of its
    own; then the one of [alembic] counts."""
    try:
        return config.get_main_option("sqlalchemy.url") or config.get_section_option(
            "alembic", "sqlalchemy.url"
        )
    except configparser.InterpolationError:
        # Without the cause, whose text holds the URL and so the password.
        raise WrongUse(
            f"sqlalchemy.url in {config.config_file_name} has a single % sign.",
            hint="Write every % of the URL as %% there, or set DATABASE_URL instead.",
        ) from None
    except CommandError:
        return None


def silence_driver() -> None:
    """Hide psycopg's warning about a rollback that Ctrl-C interrupted."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)
