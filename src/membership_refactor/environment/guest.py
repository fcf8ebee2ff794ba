"""What a verb needs in an Alembic project whose env.py knows nothing of it.

Everything comes from the context that Alembic gives to ``op``: the connection, the options of the
command line, the version table.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from membership_refactor.environment.own_engine import own_engine, require_same_database
from membership_refactor.environment.request import Request, guest_request
from membership_refactor.environment.running_revision import require_version, way_of
from membership_refactor.errors import WrongUse
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import AlembicProject

KEY = "refactor"
"""Alembic's option in which an env.py leaves its request."""
_COMMITS = "membership_refactor_commits"
_LOG = logging.getLogger("alembic.membership_refactor")


def requests_of(
    context: MigrationContext, project: AlembicProject, plan: TableSplit
) -> tuple[Request, ...]:
    """The request that env.py left; or else that of the command line, once for each schema in
    which the project says that the plan is.

    Raises WrongUse for a ``-x`` value or a registration that cannot be.
    """
    left = context.opts.get(KEY)
    if isinstance(left, Request):
        return (left,)
    options = context.config.cmd_opts if context.config is not None else None
    request = replace(
        guest_request(getattr(options, "x", None) or ()),
        way=tuple(step.revision.revision for step in way_of(context)),
    )
    return tuple(replace(request, schema=schema) for schema in project.schemas(plan))


@contextmanager
def outside_transaction(context: MigrationContext) -> Iterator[Any]:
    """Commit what Alembic has begun, and give its connection, outside of a transaction.

    The revisions before this one are committed with their version. Where the run has one
    transaction for all, the version of this one is committed as soon as Alembic has written it,
    so a later revision that fails does not take it back. Raises WrongUse where the transaction
    is not Alembic's.
    """
    if context._in_external_transaction:
        raise WrongUse(
            "the connection that Alembic was given is in a transaction of the caller, and the "
            "steps have to commit. Nothing was changed.",
            hint="Give context.configure a connection outside of a transaction. An env.py of the "
            "multidb template cannot run them.",
        )
    _commit_version_row(context)
    with context.autocommit_block():
        yield context.connection


def _commit_version_row(context: MigrationContext) -> None:
    """Let the version row of the revision that is running be committed once it is written."""
    context.opts[_COMMITS] = True
    if _commit not in context.on_version_apply_callbacks:
        context.on_version_apply_callbacks = (*context.on_version_apply_callbacks, _commit)


def _commit(ctx: MigrationContext, **_: Any) -> None:
    if ctx.opts.pop(_COMMITS, False) and ctx._transaction is not None:
        assert ctx.connection is not None
        ctx._transaction.commit()
        ctx._transaction = ctx.connection.begin()


@contextmanager
def alone_in_schema(context: MigrationContext, engine: Engine, schema: str) -> Iterator[None]:
    """Hold the schema's lock on a session of ``engine`` while the block runs.

    Raises RefactorError where another migration holds it, StepOutOfOrder where another one moved
    the version meanwhile, and NoDatabase where the engine leads to another database than Alembic's
    connection.
    """
    assert context.connection is not None
    with alone(engine, schema, label="lock") as pg:
        require_same_database(context.connection, pg)
        require_version(context)
        yield


@contextmanager
def engine_for(context: MigrationContext, request: Request) -> Iterator[Engine]:
    """Give the engine for the sessions of a step. Nobody else migrates its schema meanwhile.

    The step commits on sessions of its own. Alembic's transaction is committed first, because it
    would stay open, and hold back vacuum, for as long as the step takes.
    """
    with interruptible(), outside_transaction(context) as connection:
        if request is context.opts.get(KEY):
            # The env.py is ours: it chose the engine and holds the lock for the whole run.
            yield connection.engine
            return
        pooled = request.options.pooler is not None
        engine = own_engine(connection, request.schema, pooled=pooled)
        with alone_in_schema(context, engine, request.schema):
            yield engine


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
