"""What alembic/env.py does: finds the database, the tenant and the options, and runs the chain.

One place turns every failure into Alembic's CommandError: one clear line, status 255.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from alembic.runtime.environment import EnvironmentContext
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, pool
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from membership_refactor.database import choose_for_application, examine, explain
from membership_refactor.errors import NoDatabase, RefactorError, WrongUse
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.tenant_lock import busy, try_lock, unlock
from membership_refactor.planning import CHAIN
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json
from membership_refactor.sql.quoting import ident, literal

OWN_NAMES = ("schema", "url", "portrait")
"""The ``-x`` names besides those of Options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; the operations find it in Alembic's options."""

    schema: str = "public"
    url: str | None = None
    portrait: Path | None = None
    options: Options = field(default_factory=Options)
    destination: str | None = None
    """The revision that Alembic is on its way to; empty for base."""
    progress: Progress = field(default_factory=Progress)

    def read_portrait(self) -> Portrait | None:
        """The portrait that a script is made for; None where none is given."""
        if self.portrait is None:
            return None
        try:
            return from_json(self.portrait.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongUse(
                f"-x portrait={self.portrait}: {error.strerror}.",
                hint="membership-refactor plan --format json writes one.",
            ) from None


def request_from(given: Mapping[str, str], **more: Any) -> Request:
    """The request that ``-x NAME=VALUE`` makes; WrongUse for an unknown name."""
    known = (*OWN_NAMES, *Options.names())
    for name in given:
        if name not in known:
            raise WrongUse(f"-x {name}: unknown name; there are {', '.join(sorted(known))}.")
    schema = given.get("schema", "public")
    if not schema or "\0" in schema or len(schema.encode()) > 63:
        raise WrongUse(f'-x schema="{schema}" is no name of a schema.')
    portrait = given.get("portrait")
    rest = {name: text for name, text in given.items() if name not in OWN_NAMES}
    return Request(
        schema=schema,
        url=given.get("url"),
        portrait=Path(portrait) if portrait else None,
        options=Options.from_text(rest),
        **more,
    )


def connect_engine(url: str, schema: str) -> Engine:
    """An engine whose every connection has the tenant's schema, and nothing else, in its path."""
    engine = create_engine(url, poolclass=pool.NullPool)

    @event.listens_for(engine, "connect")
    def _pin(dbapi_connection: Any, _record: Any) -> None:
        before = dbapi_connection.autocommit
        dbapi_connection.autocommit = True
        path = literal(ident(schema))
        with dbapi_connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_catalog.set_config('search_path', {path}, false)".encode())
        dbapi_connection.autocommit = before

    return engine


def find_engine(request: Request, *, configured: str | None = None) -> Engine:
    """The database in the documented order, tried; NoDatabase in one line where there is none."""
    choice = choose_for_application(x_url=request.url, configured=configured)
    examine(choice.url)
    return connect_engine(choice.url, request.schema)


def silence_driver() -> None:
    """psycopg warns of a rollback that Ctrl-C interrupts; what matters is said in one line."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)


Head = Callable[["Request", str | None], str]
"""What a script begins with, from the request and the revision that it starts from."""
Include = Callable[[str | None, str, Any], bool]
"""Alembic's ``include_name``: whether autogenerate looks at a name of a kind."""


def run(
    context: EnvironmentContext,
    metadata: MetaData | list[MetaData],
    *,
    print_head: Head | None = None,
    ignored_indexes: Collection[str] = (),
) -> None:
    """Do the whole work of env.py.

    ``ignored_indexes`` are indexes in the database that no model has and that autogenerate leaves
    alone.
    """
    silence_driver()
    with _clear_errors():
        request = request_from(_x_arguments(context))
        if context.is_offline_mode():
            _run_offline(context, request, metadata, print_head)
        else:
            include = included(metadata, ignored_indexes)
            _run_online(context, request, metadata, include)


def _x_arguments(context: EnvironmentContext) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in context.get_x_argument():
        name, found, value = text.partition("=")
        if not found:
            raise WrongUse(f"-x {text}: write -x NAME=VALUE.")
        given[name] = value
    return given


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except RefactorError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("interrupted; nothing is half recorded.") from error
    except DBAPIError as error:
        raise CommandError(of_server(error.orig or error)) from error


def of_server(error: BaseException) -> str:
    """What the server refused, in one line, and what to do."""
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"the role lacks a privilege: {text}. Connect as the owner of the tables, or have it "
            "granted (0001 needs CREATE on the schema and on the database)."
        )
    return f"the server stopped it: {text}. Nothing is half recorded; run it again."


def _run_offline(
    context: EnvironmentContext,
    request: Request,
    metadata: MetaData | list[MetaData],
    print_head: Head | None,
) -> None:
    if print_head is None:
        raise WrongUse("this env.py has no offline scripts.", hint="Run it without --sql.")
    out = context.config.output_buffer or sys.stdout
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        target_metadata=metadata,
        version_table_schema=request.schema,
        transaction_per_migration=True,
        refactor=request,
    )
    _note_destination(context, request)
    out.write(print_head(context.get_context().opts["refactor"], _starting(context)) + "\n")
    with context.begin_transaction():
        context.run_migrations()


def _run_online(
    context: EnvironmentContext,
    request: Request,
    metadata: MetaData | list[MetaData],
    include: Include,
) -> None:
    given = context.config.attributes.get("connection")
    if isinstance(given, Connection):
        if given.in_transaction():
            raise WrongUse(
                "the connection handed to Alembic is in a transaction; the steps commit as they "
                "go.",
                hint="Hand over an Engine, or a connection outside of a transaction.",
            )
        _migrate(context, request, metadata, include, given)
        return
    configured = context.config.get_main_option("sqlalchemy.url")
    engine = given if isinstance(given, Engine) else find_engine(request, configured=configured)
    try:
        with engine.connect() as connection:
            _migrate(context, request, metadata, include, connection)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise explain(error.orig or error, str(engine.url)) from error
        raise


def _migrate(
    context: EnvironmentContext,
    request: Request,
    metadata: MetaData | list[MetaData],
    include: Include,
    connection: Connection,
) -> None:
    connection.dialect.default_schema_name = request.schema
    _require_schema(connection, request.schema)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        version_table_schema=request.schema,
        include_schemas=False,
        include_name=include,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        refactor=request,
    )
    locked = _note_destination(context, request)
    if locked:
        _lock_out_others(connection, request.schema)
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        if locked:
            # The server may notice the session's end later than the next command begins.
            with suppress(SQLAlchemyError):
                connection.rollback()
                connection.exec_driver_sql(unlock(request.schema))
                connection.commit()


def included(metadata: MetaData | list[MetaData], ignored_indexes: Collection[str] = ()) -> Include:
    """Return the filter for autogenerate: it compares only the tables that have models.

    Other tables of the schema, such as the archive, and the ignored indexes are left alone.
    """
    several = metadata if isinstance(metadata, list) else [metadata]
    names = {table.name for one in several for table in one.tables.values()}

    def include(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "table":
            return name in names
        if kind == "index" and name in ignored_indexes:
            return False
        return kind != "schema" or name is None or not name.endswith("_refactor")

    return include


def _require_schema(connection: Connection, schema: str) -> None:
    query = f"SELECT pg_catalog.to_regnamespace({literal(ident(schema))}) IS NOT NULL"
    there = connection.exec_driver_sql(query, execution_options={"no_parameters": True}).scalar()
    connection.commit()
    if not there:
        raise NoDatabase(
            f'schema "{schema}" does not exist.',
            hint=f"CREATE SCHEMA {ident(schema)}; or name another with -x schema=NAME.",
        )


def _lock_out_others(connection: Connection, schema: str) -> None:
    """Takes the tenant's session lock on Alembic's connection, which outlives the commits."""
    got = connection.exec_driver_sql(try_lock(schema)).scalar()
    # The transaction that was begun for it has to end, or autocommit_block() refuses.
    connection.commit()
    if not got:
        raise busy(schema)


def _note_destination(context: EnvironmentContext, request: Request) -> bool:
    """Adds Alembic's destination to the request, as far as its text tells one; whether the
    command has a destination, which ``current`` and ``check`` have not."""
    opts = context.get_context().opts
    wanted = opts.get("destination_rev")
    if isinstance(wanted, (tuple, list)):
        wanted = wanted[0] if wanted else None
    if wanted is None:
        return False
    destination = _absolute(str(wanted).rpartition(":")[2])
    opts["refactor"] = replace(request, destination=destination)
    return True


def _absolute(revision: str) -> str | None:
    if revision == "base":
        return ""
    if revision in ("head", "heads"):
        return CHAIN[-1][0]
    return revision if re.fullmatch(r"\d{4}", revision) else None


def _starting(context: EnvironmentContext) -> str | None:
    """The revision that a script starts from; None for base."""
    start = context.get_starting_revision_argument()
    if isinstance(start, (tuple, list)):
        start = start[0] if start else None
    return None if start in (None, "base") else str(start)
