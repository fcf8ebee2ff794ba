"""Verb: what a module of this folder has to define to become a verb of the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.environment import Request
from membership_refactor.environment.look import ProjectDatabase, project_database
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.history import require_own_history
from membership_refactor.operations import runner_for
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import AlembicProject, Models

FINE, FINDINGS, WRONG_USE = 0, 1, 2
"""Exit status of the verbs of this package. Alembic's verbs keep Alembic's."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a verb is given besides its own options."""

    schema: str
    """The schema of ``-x schema=``, or else ``public``."""
    format: str
    """``text``, ``json``, or another of the verb's FORMATS."""
    engine: Callable[[], Engine]
    """Finds the database in the documented order and connects. Raises NoDatabase.
    The connections have the schema in their search_path."""
    request: Request
    """Everything that ``-x`` asks for."""
    config: Config
    """Alembic's configuration, which says where the revisions are."""
    plan_name: str | None = None
    """What ``--plan`` says."""
    schema_asked: str | None = None
    """What ``-x schema=`` says."""

    @cached_property
    def project(self) -> AlembicProject:
        """The plans and the revisions of the project."""
        return AlembicProject(self.config)

    @cached_property
    def plan(self) -> TableSplit:
        """The plan that the command is about. Raises WrongUse where it is not clear."""
        return self.project.chosen(self.plan_name).plan

    @cached_property
    def plan_request(self) -> Request:
        """The request, with the schema that has the plan's tables."""
        schema = self.project.schema(self.plan, self.schema_asked)
        return replace(self.request, schema=schema)

    @cached_property
    def database(self) -> ProjectDatabase:
        """Where the project's env.py connects, with the plan's schema in the search_path."""
        return self.database_with(self.plan_request.schema)

    def database_with(self, schema: str) -> ProjectDatabase:
        """The same, with another schema in the search_path."""
        script = self.project.script
        assert script is not None
        request = replace(self.request, schema=schema)
        return project_database(self.config, script, request, schema)

    @property
    def request_of_database(self) -> Request:
        """``plan_request``, with the version table that env.py says."""
        return replace(self.plan_request, version_table=self.database.version_table)

    @contextmanager
    def hints(self) -> Iterator[None]:
        """Let the errors of the block name the plan and the schema, where they are known."""
        try:
            yield
        except RefactorError:
            # Only what the verb has asked for itself: to ask may be what has failed.
            known = vars(self)
            if "plan" not in known or "project" not in known:
                raise
            schema = known["plan_request"].schema if "plan_request" in known else self.schema
            with self.project.hints(self.plan, schema).meant():
                raise

    def named(self, text: str) -> str:
        """The text, with each command line of a verb in it meaning the plan."""
        hints = self.project.hints(self.plan, self.plan_request.schema)
        return hints.naming(text) or ""

    def show(self, values: Any, text: str) -> None:
        """Print the values for ``--format json``, else the text."""
        print(as_json(values) if self.format == "json" else text)

    def models(self) -> Models:
        """The models that the project names for the plan."""
        return self.project.models(self.plan)

    def runner(self) -> Runner:
        """The runner of the plan, with the options of the command line.

        Raises StepOutOfOrder where version, ledger and tables are not of one history.
        """
        request = self.request_of_database
        runner = runner_for(self.database.engine, self.plan, request, self.project)
        require_own_history(runner, self.project)
        return runner


def as_json(values: Any) -> str:
    """JSON for people and programs. Moments and paths are texts in it."""
    return json.dumps(values, indent=2, ensure_ascii=False, default=str)


def plan_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--plan``, for a verb that concerns a plan."""
    parser.add_argument("--plan", metavar="NAME", help="the plan (default: the project's only one)")


class Verb(Protocol):
    """One verb is one module with these names.

    A module may also have ``FORMATS``, the choices of ``--format``. The first is the default;
    without FORMATS they are ``text`` and ``json``. With ``OWN_PROJECT = True`` the verb never
    works on the project that is installed with this package. With ``one_line(document)``, which
    makes one line of its JSON, it has ``--all-schemas``; ``ONE_SCHEMA_ONLY`` names the options
    that do not go together with that, and ``for_all_schemas(options)`` raises WrongUse for what
    else would not do.
    """

    NAME: str
    HELP: str
    """One line for the list of all verbs."""
    DESCRIPTION: str
    """For ``--help``: what it does, whether it changes anything, and its exit status."""
    EXAMPLE: str
    """One command line that works as it is."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's own options. ``--format`` is there already."""
        ...

    def run(self, options: argparse.Namespace, context: Context) -> int:
        """Run the verb and return the exit status.

        Data goes to standard output, progress and logs to standard error. A RefactorError
        becomes one line, with status 2 for wrong use and 255 otherwise.
        """
        ...
