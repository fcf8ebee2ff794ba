"""What an env.py needs: read the -x options, find the database and the schema, run the revisions.

The shipped ``alembic/env.py`` calls ``run``. An env.py of your own may call ``request_from``
instead, and hand the result to ``context.configure(..., refactor=request)``.
"""

from __future__ import annotations

import configparser
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import psycopg
from alembic import context
from alembic.config import Config
from alembic.runtime.migration import MigrationStep, RevisionStep
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, pool
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from membership_refactor.database import choose_for_application, examine, explain
from membership_refactor.database.handed_over import (
    ATTRIBUTE,
    handed_over,
    require_usable_connection,
)
from membership_refactor.errors import NoDatabase, RefactorError, WrongUse
from membership_refactor.execution.options import Options
from membership_refactor.execution.ownership import require_schema
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.server_errors import of_server
from membership_refactor.execution.sessions import POOLED, Sessions
from membership_refactor.execution.tenant_lock import busy, try_lock, unlock
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.execution.writable import require_writable
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json
from membership_refactor.sql.quoting import ident, literal

X_NAMES = {
    "url": "the database, before DATABASE_URL and sqlalchemy.url",
    "schema": "the schema that holds the tables (default public)",
    "portrait": "with --sql: the file that `plan --format json` wrote; the script is made for it",
    "batch-rows": "rows in a batch (default: as many as take 0.1 s, 0.02 s where rows are locked)",
    "workers": "batches at a time (default 1)",
    "lock-timeout": "seconds for which a short lock is tried again (default 120)",
    "max-lag-bytes": "wait while the slowest replica is this many bytes behind (default: never)",
    "max-wal-rate": "wait while the server writes more bytes of WAL a second (default: never)",
    "max-active": "wait while more sessions of others are active (default: never)",
    "pooler": "`session` if a connection pooler answers that keeps a session for each client",
    "accept-usage": "the reason for which a step may go on without evidence; it is recorded",
    "accept-whole-rows": "the reason to begin although triggers use columns of a row by position",
}
"""Every name of ``-x NAME=VALUE``, and what its value means."""
_OWN_NAMES = ("url", "schema", "portrait")
"""Those that are not options of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for. The ``op.`` verbs find it in Alembic's options."""

    schema: str = "public"
    url: str | None = None
    portrait: Path | None = None
    """The file of the portrait that a script is made for."""
    options: Options = field(default_factory=Options)
    way: tuple[str, ...] = ()
    """The ids of the revisions that this command runs, in order; empty until Alembic knows."""
    progress: Progress = field(default_factory=Progress)

    def read_portrait(self) -> Portrait | None:
        """The portrait that a script is made for. None where none is given."""
        if self.portrait is None:
            return None
        try:
            return from_json(self.portrait.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongUse(
                f"-x portrait={self.portrait}: {error.strerror}.",
                hint="`membership-refactor plan --format json > FILE` writes one.",
            ) from None


def request_from(given: Mapping[str, str], **more: Any) -> Request:
    """Make the request of ``-x NAME=VALUE`` pairs. Raises WrongUse for a name or value that
    cannot be. ``more`` are further fields of the request."""
    for name in given:
        if name not in X_NAMES:
            raise WrongUse(
                f"-x {name}: unknown name.", hint=f"Known: {', '.join(sorted(X_NAMES))}."
            )
    for name in ("url", "portrait"):
        if name in given and not given[name].strip():
            raise WrongUse(f"-x {name}= is empty.", hint="Write a value, or leave it out.")
    schema = given.get("schema", "public")
    if not schema or "\0" in schema or len(schema.encode()) > 63:
        raise WrongUse(f'-x schema="{schema}" cannot be the name of a schema.')
    portrait = given.get("portrait")
    rest = {name: text for name, text in given.items() if name not in _OWN_NAMES}
    return Request(
        schema=schema,
        url=given.get("url"),
        portrait=Path(portrait) if portrait else None,
        options=Options.from_text(rest),
        **more,
    )


def x_values(arguments: Iterable[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` texts, as they stand behind each ``-x``."""
    given: dict[str, str] = {}
    for text in arguments:
        name, found, value = text.partition("=")
        if not found:
            raise WrongUse(f"-x {text}: write -x NAME=VALUE.")
        if given.get(name, value) != value:
            raise WrongUse(f"-x {name} is given twice, with two values.", hint="Leave one out.")
        given[name] = value
    return given


def connect_engine(url: str, schema: str, *, pooled: bool = False) -> Engine:
    """Make an engine whose connections have this schema alone in their search_path. ``pooled``
    says that a pooler may answer."""
    engine = create_engine(url, poolclass=pool.NullPool, execution_options={POOLED: pooled})

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


class Head(Protocol):
    """Prints what a script begins with."""

    def __call__(self, request: Request, *, downgrade: bool) -> str: ...


AskFirst = Callable[[Engine, Request, Config], None]
"""Raises what speaks against changing this database, before anything is done."""

Include = Callable[[str | None, str, Any], bool]
"""Alembic's ``include_name``: whether autogenerate looks at a name of a kind."""


def run(
    metadata: MetaData | list[MetaData],
    *,
    print_head: Head | None = None,
    ask_first: AskFirst | None = None,
    ignored_indexes: Collection[str] = (),
) -> None:
    """Do everything that env.py has to do. Every failure becomes a CommandError of one line.

    ``ignored_indexes`` are indexes in the database that no model has and that autogenerate leaves
    alone.
    """
    silence_driver()
    with clear_errors():
        request = request_from(x_values(context.get_x_argument()))
        if context.is_offline_mode():
            _run_offline(request, metadata, print_head)
        else:
            include = included(metadata, ignored_indexes)
            _run_online(request, metadata, include, ask_first)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what goes wrong in the block into Alembic's CommandError: one line, status 255."""
    try:
        yield
    except RefactorError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("interrupted. The open transaction was rolled back.") from error
    except DBAPIError as error:
        raise CommandError(of_server(error.orig or error)) from error
    except psycopg.Error as error:
        raise CommandError(of_server(error)) from error
    except PoolTimeout as error:
        raise CommandError(
            "the pool of the engine that was handed to Alembic has no second connection, and the "
            "steps need some. Hand over an Engine with poolclass=NullPool."
        ) from error
    except OSError as error:
        if error.filename is not None:
            raise CommandError(of_output(error)) from error
        # Alembic says what failed on standard output, which is what cannot be written.
        print(f"FAILED: {of_output(error)}", file=sys.stderr)
        raise SystemExit(255) from None


def of_output(error: OSError) -> str:
    """Describe in one line a file that cannot be used, or an output that cannot be written.

    Standard output is closed off then, so that the interpreter's last flush cannot fail again.
    """
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"the output could not be written: {error.strerror}."


def _run_offline(
    request: Request,
    metadata: MetaData | list[MetaData],
    print_head: Head | None,
) -> None:
    if print_head is None:
        raise WrongUse("this env.py cannot print scripts.", hint="Run the command without --sql.")
    out = context.config.output_buffer or sys.stdout
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        target_metadata=metadata,
        version_table_schema=request.schema,
        transaction_per_migration=True,
        refactor=request,
    )
    noted, steps = _note_way(request)
    if steps:
        out.write(print_head(noted, downgrade=steps[0].is_downgrade) + "\n")
    with context.begin_transaction():
        context.run_migrations()


def _run_online(
    request: Request,
    metadata: MetaData | list[MetaData],
    include: Include,
    ask_first: AskFirst | None,
) -> None:
    bound = bound_or_found(request)
    if isinstance(bound, Connection):
        migrate(request, bound, metadata, include, ask_first)
        return
    try:
        with bound.connect() as connection:
            migrate(request, connection, metadata, include, ask_first)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise explain(error.orig or error, str(bound.url)) from None
        raise


def migrate(
    request: Request,
    connection: Connection,
    metadata: MetaData | list[MetaData] | None = None,
    include: Include | None = None,
    ask_first: AskFirst | None = None,
) -> None:
    """Run the revisions of the command under way on this connection, alone in their schema."""
    connection.dialect.default_schema_name = request.schema
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
    # A command without a destination, such as current or check, runs nothing.
    locked = context.get_context().opts.get("destination_rev") is not None
    role = _look_first(connection, request.schema, writes=locked)
    if role is not None:
        connection.exec_driver_sql(f"SET ROLE {ident(role)}", execution_options=_AS_IT_IS)
        connection.commit()
    if locked:
        _lock_out_others(connection, request.schema)
    try:
        if locked:
            # A stamp mends what is asked about. Alembic's option says that it is one.
            if ask_first is not None and "purge" not in context.get_context().opts:
                ask_first(connection.engine, request, context.config)
            _note_way(request)
            connection.commit()
        with context.begin_transaction():
            context.run_migrations()
    finally:
        if locked:
            # Without this the next command may begin before the server sees the session's end.
            with suppress(SQLAlchemyError):
                connection.rollback()
                connection.exec_driver_sql(unlock(request.schema))
                if role is not None:
                    connection.exec_driver_sql("RESET ROLE")
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


_AS_IT_IS = {"no_parameters": True}
"""The execution option for text in which a percent sign means itself."""


def _look_first(connection: Connection, schema: str, *, writes: bool) -> str | None:
    """Return the role in which Alembic may use its version table; None for the login itself.

    Raises NoDatabase where the schema is missing, where a command that writes meets a server or
    a login that only reads, and where the version could not be recorded after a step.
    """
    with Sessions(connection.engine, role=None, label="look").open(as_owner=False) as pg:
        require_schema(pg, schema)
        if writes:
            require_writable(pg)
        role = VersionTable(schema).acting_role(pg, writes=writes)
    reads = connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
    connection.commit()
    if writes and reads:
        raise NoDatabase(
            "the connection that was handed to Alembic only reads. Nothing was changed.",
            hint="Hand over one without postgresql_readonly, or an Engine.",
        )
    return role


def _lock_out_others(connection: Connection, schema: str) -> None:
    """Take the schema's session lock on Alembic's connection, so that it outlives the commits."""
    got = connection.exec_driver_sql(try_lock(schema)).scalar()
    # autocommit_block() refuses while the transaction of this query is open.
    connection.commit()
    if not got:
        raise busy(schema)


def _note_way(request: Request) -> tuple[Request, list[MigrationStep]]:
    """Add to the request which revisions this command runs. Alembic lists them itself, so every
    form of a target is resolved as Alembic resolves it."""
    migration = context.get_context()
    steps: list[MigrationStep] = list(
        migration.opts["fn"](migration.get_current_heads(), migration)
    )
    way = tuple(step.revision.revision for step in steps if isinstance(step, RevisionStep))
    migration.opts["refactor"] = noted = replace(request, way=way)
    return noted, steps
