"""Finds the database of a project where its env.py finds it, for verbs that run no revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import Error
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.environment.guest import KEY, engine_beside, version_table_of
from membership_refactor.environment.own_engine import require_same_database
from membership_refactor.environment.request import Request
from membership_refactor.environment.run_revisions import LOOKS
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.execution.sessions import Sessions, value
from membership_refactor.execution.version_table import VersionTable


@dataclass(frozen=True, slots=True)
class ProjectDatabase:
    """Where env.py leads."""

    engine: Engine
    """For sessions of our own, with the schema of the plan in their search_path."""
    version_table: VersionTable
    follows_schema: bool
    """Whether env.py runs the revisions in the schema of ``-x schema=``."""


def project_database(
    config: Config, script: ScriptDirectory, request: Request, schema: str
) -> ProjectDatabase:
    """Run the env.py of a project, and return where it connects. No revision is run.

    Raises what env.py refuses, NoDatabase where the sessions of our own would be in another, and
    WrongUse where it fails or leads to several databases.
    """
    found: list[ProjectDatabase] = []

    def look(_heads: Any, context: MigrationContext) -> Iterable[Any]:
        found.append(_found(context, request, schema))
        return ()

    asked: dict[str, Any] = {"fn": look, "dont_mutate": True, LOOKS: True}
    try:
        with EnvironmentContext(config, script, **asked):
            script.run_env()
    except (RefactorError, DBAPIError, Error):
        raise
    except CommandError as error:
        # Its own message is that of the error from which it was made.
        if isinstance(error.__cause__, (RefactorError, DBAPIError, Error)):
            raise error.__cause__ from None
        raise
    # Whatever the env.py of somebody else raises. What is no text has been said already.
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.code, str):
            raise
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise WrongUse(
            f"the project's env.py stopped: {said}.",
            hint="`alembic current` shows where, with a traceback.",
        ) from error
    if len(found) != 1:
        raise WrongUse(
            f"the project's env.py leads to {len(found) or 'no'} databases.",
            hint="It has to call context.run_migrations() for one, outside of offline mode.",
        )
    return found[0]


def _found(context: MigrationContext, request: Request, schema: str) -> ProjectDatabase:
    connection = context.connection
    assert connection is not None
    version_table = version_table_of(context)
    if isinstance(context.opts.get(KEY), Request):
        return ProjectDatabase(connection.engine, version_table, follows_schema=True)
    engine = engine_beside(context, replace(request, schema=schema))
    with Sessions(engine, role=None, label="look").open(as_owner=False) as pg:
        value(pg, "SELECT pg_catalog.pg_try_advisory_lock_shared(pg_catalog.pg_backend_pid())")
        require_same_database(connection, pg)
    return ProjectDatabase(engine, version_table, follows_schema=False)
