"""Splits a live PostgreSQL table as a chain of Alembic revisions, without losing a row.

The public surface is what this package exports, and these modules:

- ``refactoring``: what an env.py of your own may call.
- ``membership_refactor.op``: the verbs of a revision file.
- ``membership_refactor.environment``: ``run`` for an env.py, ``request_from`` and ``included`` for
  an env.py of your own.
- ``membership_refactor.models``: the SQLAlchemy models of the current structure, and its modules
  ``legacy``, ``interim`` and ``enrollment``.
- ``membership_refactor.plans``: the plans that ship.
- ``membership_refactor.errors``: every error, below ``RefactorError``.
"""

from __future__ import annotations

from typing import Any

from membership_refactor.errors import RefactorError
from membership_refactor.planning import (
    Alternative,
    Conflict,
    Dependent,
    Keep,
    LinkOnDelete,
    Nulls,
    ParentColumn,
    Ranking,
    SurvivorRule,
    TableSplit,
    UniqueIdentity,
)

__version__ = "0.1.0"

__all__ = [
    "Alternative",
    "Conflict",
    "Dependent",
    "Keep",
    "LinkOnDelete",
    "Nulls",
    "ParentColumn",
    "Ranking",
    "RefactorError",
    "SurvivorRule",
    "TableSplit",
    "UniqueIdentity",
    "refactoring",
]


def refactoring(context: Any, *, url: str | None = None) -> None:
    """Prepare a run of somebody's env.py. Call it with ``alembic.context`` before the first
    ``context.configure``.

    What refuses the first step of each plan, or the way down, is then told before the first
    revision of the run, of whichever project that is. One lock is held for the whole run, and a
    script stops at its first error. The steps run without this call too. ``url`` is an address of
    psycopg for the sessions of the steps, where they cannot go the way of the project's own driver.
    """
    # Alembic is imported only by those who use it.
    from membership_refactor.prepared_env import prepare

    prepare(context, url=url)
