"""Runs the revisions of the chain that ships, alone in their schema."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from alembic import context
from alembic.config import Config
from alembic.runtime.migration import MigrationStep, RevisionStep
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from membership_refactor.database import explain
from membership_refactor.environment.clear_errors import clear_errors
from membership_refactor.environment.find_database import bound_or_found, silence_driver
from membership_refactor.environment.request import Request, request_from, x_values
from membership_refactor.errors import NoDatabase, WrongUse
from membership_refactor.execution.kept_sessions import kept_sessions
from membership_refactor.execution.ownership import require_schema
from membership_refactor.execution.sessions import Sessions
from membership_refactor.execution.tenant_lock import busy, try_lock, unlock
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.execution.writable import require_writable
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.sql.quoting import ident


class Head(Protocol):
    """Prints what a script begins with."""

    def __call__(self, request: Request, config: Config, *, downgrade: bool) -> str: ...


LOOKS = "refactor_looks"
"""Alembic's option of a verb that only wants to know where env.py connects."""

AskFirst = Callable[[Engine, Request, Config], None]
"""Raises an error where this database must not be changed, before anything is done."""

Models = MetaData | list[MetaData] | Callable[[], list[MetaData]]
"""What autogenerate compares with the database. A function is called by commands that may compare,
and not by those that go to another revision: importing models takes a while."""

Include = Callable[[str | None, str, Any], bool]
"""Alembic's ``include_name``: whether autogenerate looks at a name of a kind."""


def run(
    metadata: Models,
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
            _run_online(request, metadata, ignored_indexes, ask_first)


def _run_offline(
    request: Request,
    metadata: Models,
    print_head: Head | None,
) -> None:
    if print_head is None:
        raise WrongUse("this env.py cannot print scripts.", hint="Run the command without --sql.")
    out = context.config.output_buffer or sys.stdout
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        target_metadata=None if callable(metadata) else metadata,
        version_table_schema=request.schema,
        transaction_per_migration=True,
        refactor=request,
    )
    noted, steps = _note_way(request)
    if steps:
        downgrade = steps[0].is_downgrade
        out.write(print_head(noted, context.config, downgrade=downgrade) + "\n")
    with context.begin_transaction():
        context.run_migrations()


def _run_online(
    request: Request,
    metadata: Models,
    ignored: Collection[str],
    ask_first: AskFirst | None,
) -> None:
    bound = bound_or_found(request)
    if isinstance(bound, Connection):
        migrate(request, bound, metadata, ignored, ask_first)
        return
    try:
        with bound.connect() as connection:
            migrate(request, connection, metadata, ignored, ask_first)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise explain(error.orig or error, str(bound.url)) from None
        raise


def migrate(
    request: Request,
    connection: Connection,
    metadata: Models = list,
    ignored_indexes: Collection[str] = (),
    ask_first: AskFirst | None = None,
) -> None:
    """Run the revisions of the command under way on this connection, alone in their schema."""
    connection.dialect.default_schema_name = request.schema
    versions = request.version_table or VersionTable(request.schema)
    context.configure(
        connection=connection,
        target_metadata=None if callable(metadata) else metadata,
        transaction_per_migration=True,
        version_table=versions.name,
        version_table_schema=versions.schema,
        include_schemas=False,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        refactor=request,
    )
    migration = context.get_context()
    if LOOKS in migration.opts:
        # Without the version: who only looks may have no right to read it.
        migration.opts["fn"]((), migration)
        return
    if migration.opts.get("destination_rev") is None:
        models = metadata() if callable(metadata) else metadata
        migration.opts["target_metadata"] = models
        migration.opts["include_name"] = included(models, ignored_indexes)
    with kept_sessions(connection.engine).kept():
        _run_alone(request, connection, versions, ask_first)


def _run_alone(
    request: Request,
    connection: Connection,
    versions: VersionTable,
    ask_first: AskFirst | None,
) -> None:
    # A command without a destination, such as current or check, runs nothing.
    migration = context.get_context()
    locked = migration.opts.get("destination_rev") is not None
    role = _look_first(connection, request.schema, versions, writes=locked)
    if role is not None:
        connection.exec_driver_sql(f"SET ROLE {ident(role)}", execution_options=_AS_IT_IS)
        connection.commit()
    if locked:
        _lock_out_others(connection, request.schema)
    try:
        if locked:
            # A stamp mends what is asked about. Alembic's option says that it is one.
            if ask_first is not None and "purge" not in migration.opts:
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
    several = [metadata] if isinstance(metadata, MetaData) else metadata
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


def _look_first(
    connection: Connection, schema: str, versions: VersionTable, *, writes: bool
) -> str | None:
    """Return the role in which Alembic may use its version table; None for the login itself.

    Raises NoDatabase where the schema is missing, where a command that writes meets a server or
    a login that only reads, and where the version could not be recorded after a step.
    """
    with Sessions(connection.engine, role=None, label="look").open(as_owner=False) as pg:
        require_schema(pg, schema)
        if writes:
            require_writable(pg)
        role = versions.acting_role(pg, writes=writes)
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
        raise busy(schema, AlembicProject(context.config).verbs("status", schema))


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
