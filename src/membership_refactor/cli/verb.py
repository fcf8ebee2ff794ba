"""Verb: what a module of this folder offers so that the command line can carry it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.environment import Request

FINE, FINDINGS, WRONG_USE = 0, 1, 2
"""Exit status of the tool's own verbs; Alembic's verbs keep Alembic's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a verb gets besides its own options."""

    schema: str
    """The tenant's schema (``-x schema=``, else ``public``)."""
    format: str
    """``text`` or ``json`` (some verbs offer more); data goes to standard output."""
    engine: Callable[[], Engine]
    """Finds the database in the documented order and says one clear line when there is none.
    Its connections have the schema first in their search_path."""
    request: Request
    """What ``-x`` asks for, options of a run included."""
    config: Config
    """Alembic's configuration, where the revisions are to be found."""


class Verb(Protocol):
    """One verb, one module: ``NAME``, ``HELP``, ``configure`` and ``run``.

    A module may have ``FORMATS``, the choices of ``--format``, the first being the default.
    """

    NAME: str
    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the verb's own options; ``--format text|json`` is there already."""
        ...

    def run(self, options: argparse.Namespace, context: Context) -> int:
        """Does it, prints the data to standard output, returns the exit status.

        Progress and logs go to standard error. A RefactorError becomes one line and status 2
        for wrong use, 255 otherwise.
        """
        ...
