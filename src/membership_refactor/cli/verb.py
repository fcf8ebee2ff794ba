"""Verb: what a module of this folder has to define to become a verb of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.environment import Request
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.history import require_own_history
from membership_refactor.operations import runner_for
from membership_refactor.plans.chain import SPLIT

FINE, FINDINGS, WRONG_USE = 0, 1, 2
"""Exit status of the verbs of this package. Alembic's verbs keep Alembic's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a verb is given besides its own options."""

    schema: str
    """The schema that holds the tables: ``-x schema=``, or else ``public``."""
    format: str
    """``text``, ``json``, or another of the verb's FORMATS."""
    engine: Callable[[], Engine]
    """Finds the database in the documented order and connects. Raises NoDatabase.
    The connections have the schema in their search_path."""
    request: Request
    """Everything that ``-x`` asks for."""
    config: Config
    """Alembic's configuration, which says where the revisions are."""

    def runner(self) -> Runner:
        """The runner of the shipped plan, with the options of the command line.

        Raises StepOutOfOrder where version, ledger and tables are not of one history.
        """
        runner = runner_for(self.engine(), SPLIT, self.request)
        require_own_history(runner, self.config)
        return runner


class Verb(Protocol):
    """One verb is one module with these names.

    A module may also have ``FORMATS``, the choices of ``--format``. The first is the default;
    without FORMATS they are ``text`` and ``json``.
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
