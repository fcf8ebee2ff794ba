"""What a verb needs in an Alembic project whose env.py knows nothing of it.

Everything comes from the context that Alembic gives to ``op``: the connection, the options of the
command line, the version table. The two lines in env.py leave a ``Guest`` in it.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.database.url import normalise_url
from membership_refactor.environment.find_database import connect_engine
from membership_refactor.environment.own_engine import own_engine, require_same_database
from membership_refactor.environment.request import Request, guest_request
from membership_refactor.environment.running_revision import require_version, way_of
from membership_refactor.errors import WrongUse
from membership_refactor.execution.kept_sessions import kept_sessions
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import USUAL_SCHEMA, AlembicProject
from membership_refactor.sql.quoting import literal

KEY = "refactor"
"""Alembic's option in which an env.py that calls ``environment.run`` leaves its request."""
GUEST = "refactor_guest"
"""Alembic's option for what is known of a guest's run."""
_LOG = logging.getLogger("alembic.membership_refactor")


@dataclass(slots=True)
class Guest:
    """A run in a project of somebody else."""

    prepared: bool = False
    """Whether env.py has the two lines."""
    url: str | None = None
    """The address for the sessions of the steps, where env.py names one."""
    beside: dict[str, Engine] = field(default_factory=dict)
    """By schema: the engine for the sessions of the steps."""
    engines: dict[str, Engine] = field(default_factory=dict)
    """By schema: the engine under whose lock the whole run stands."""
    printed: set[tuple[str, str]] = field(default_factory=set)
    """The plans and schemas whose head a script has."""
    commits: bool = False
    """Whether the version row of the revision that is running is committed once it is written."""


def guest_of(context: MigrationContext) -> Guest | None:
    """The guest's run; None where the env.py is one that calls ``environment.run``."""
    if isinstance(context.opts.get(KEY), Request):
        return None
    found = context.opts.get(GUEST)
    if not isinstance(found, Guest):
        context.opts[GUEST] = found = Guest()
        _LOG.info(
            "What refuses a step is told when the step begins. With the line refactoring(context) "
            "in env.py it is told before the first revision of a run."
        )
    return found


def requests_of(
    context: MigrationContext,
    project: AlembicProject,
    plan: TableSplit,
    schema: str | None = None,
) -> tuple[Request, ...]:
    """The request that env.py left; or else that of the command line, for the schema that the
    revision names, or once for each schema in which the project says that the plan is.

    Raises WrongUse for a ``-x`` value, a schema or a registration that cannot be.
    """
    left = context.opts.get(KEY)
    if isinstance(left, Request):
        if schema not in (None, left.schema):
            raise WrongUse(
                f'the revision names schema "{schema}", and env.py runs in schema '
                f'"{left.schema}" alone.',
                hint="Take schema= out of the revision, or run with: -x schema=NAME",
            )
        return (left,)
    options = context.config.cmd_opts if context.config is not None else None
    request = replace(
        guest_request(getattr(options, "x", None) or ()),
        way=tuple(step.revision.revision for step in way_of(context)),
        version_table=version_table_of(context),
    )
    schemas = project.schemas(plan) if schema is None else (schema,)
    return tuple(replace(request, schema=schema) for schema in schemas)


def version_table_of(context: MigrationContext) -> VersionTable:
    """Where this context records the version."""
    usual = context.dialect.default_schema_name or USUAL_SCHEMA
    return VersionTable(context.version_table_schema or usual, context.version_table)


def require_own_transaction(context: MigrationContext) -> None:
    """Raise WrongUse where Alembic works in a transaction of its caller, which cannot commit."""
    if context._in_external_transaction:
        raise WrongUse(
            "the connection that Alembic was given is in a transaction of the caller, and the "
            "steps have to commit. Nothing was changed.",
            hint="Give context.configure a connection outside of a transaction. An env.py of the "
            "multidb template cannot run them.",
        )


@contextmanager
def outside_transaction(context: MigrationContext) -> Iterator[Connection]:
    """Commit what Alembic has begun, and give its connection, outside of a transaction.

    The revisions before this one are committed with their version. Raises WrongUse where the
    transaction is not Alembic's.
    """
    require_own_transaction(context)
    with context.autocommit_block():
        assert context.connection is not None
        yield context.connection


@contextmanager
def _never_idle(connection: Connection, *, keeps_session: bool) -> Iterator[None]:
    """Let the connection be idle for as long as the step takes: the version is written on it
    afterwards. ``keeps_session`` says that a pooler, where one answers, has one for this client.

    Of any other pooler nothing is set: it would stay behind in a session of the application. Nor
    is there a session then that could be ended for being idle.
    """
    if not keeps_session and _behind_pooler(connection):
        yield
        return
    before = _idle_session_timeout(connection, "0")
    try:
        yield
    except BaseException:
        # What stopped the step is what has to be said, also where the connection is gone.
        with suppress(DBAPIError):
            _idle_session_timeout(connection, before)
        raise
    _idle_session_timeout(connection, before)


def _behind_pooler(connection: Connection) -> bool:
    """Whether the process id that the protocol gave at connect is not the session's."""
    driver: Any = connection.connection.driver_connection
    told = driver.get_server_pid() if hasattr(driver, "get_server_pid") else driver.info.backend_pid
    return bool(told != connection.exec_driver_sql("SELECT pg_catalog.pg_backend_pid()").scalar())


def _idle_session_timeout(connection: Connection, wanted: str) -> str:
    """Set it for the session, and return what it was."""
    return str(
        connection.exec_driver_sql(
            "SELECT pg_catalog.current_setting('idle_session_timeout'), "
            f"pg_catalog.set_config('idle_session_timeout', {literal(wanted)}, false)"
        ).scalar()
    )


def commit_version_row(context: MigrationContext, guest: Guest) -> None:
    """Let the version row of the revision that is running be committed once it is written.

    Where the run has one transaction for all, a later revision that fails would take it back.
    """
    guest.commits = True
    if _commit not in context.on_version_apply_callbacks:
        context.on_version_apply_callbacks = (*context.on_version_apply_callbacks, _commit)


def _commit(ctx: MigrationContext, **_: Any) -> None:
    guest = ctx.opts.get(GUEST)
    if not isinstance(guest, Guest) or not guest.commits:
        return
    guest.commits = False
    if ctx.as_sql:
        if not ctx._transaction_per_migration:
            ctx.impl.emit_commit()
            ctx.impl.emit_begin()
    elif ctx._transaction is not None:
        assert ctx.connection is not None
        ctx._transaction.commit()
        ctx._transaction = ctx.connection.begin()


@contextmanager
def engine_for(context: MigrationContext, request: Request) -> Iterator[Engine]:
    """Give the engine for the sessions of a step. Nobody else migrates its schema meanwhile.

    The step commits on sessions of its own. Alembic's transaction is committed first, because it
    would stay open, and hold back vacuum, for as long as the step takes. Ctrl-C interrupts the
    step.
    """
    guest = guest_of(context)
    with interruptible(), outside_transaction(context) as connection, ExitStack() as held:
        if guest is None:
            # The env.py chose the engine and holds the lock for the whole run.
            engine = connection.engine
        else:
            commit_version_row(context, guest)
            if request.schema in guest.engines:
                engine = guest.engines[request.schema]
            else:
                engine = held.enter_context(alone_in_schema(context, request))
                require_version(context)
        # Only now: a pooler that shares its sessions has been refused where the engine goes. That
        # is where this connection goes too, unless env.py names another address.
        same = guest is None or guest.url is None
        pooled = request.options.pooler is not None
        held.enter_context(_never_idle(connection, keeps_session=pooled and same))
        yield engine


@contextmanager
def alone_in_schema(context: MigrationContext, request: Request) -> Iterator[Engine]:
    """Give an engine for the sessions of the steps, and hold the schema's lock on one of them.

    Raises RefactorError where another migration holds it, and NoDatabase where the engine leads
    to another database than Alembic's connection.
    """
    assert context.connection is not None
    engine = engine_beside(context, request)
    with (
        kept_sessions(engine).kept(),
        alone(engine, request.schema, label="lock") as pg,
    ):
        require_same_database(context.connection, pg)
        yield engine


def engine_beside(context: MigrationContext, request: Request) -> Engine:
    """An engine for sessions of our own beside the project's connection, or where its env.py
    says that they go."""
    found = context.opts.get(GUEST)
    guest = found if isinstance(found, Guest) else Guest()
    if request.schema not in guest.beside:
        pooled = request.options.pooler is not None
        if guest.url is not None:
            made = connect_engine(normalise_url(guest.url), request.schema, pooled=pooled)
        else:
            assert context.connection is not None
            made = own_engine(context.connection, request.schema, pooled=pooled)
        guest.beside[request.schema] = made
    return guest.beside[request.schema]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt while the block runs.

    asyncio's own handler only cancels the task, which a step that is running never notices.
    """
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread may set a handler. None is one that Python cannot put back.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
