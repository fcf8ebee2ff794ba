"""Splits a live PostgreSQL table as a chain of Alembic revisions, without losing a row.

The public surface is what this package exports, and these modules:

- ``membership_refactor.op``: the verbs of a revision file.
- ``membership_refactor.environment``: ``run`` for an env.py, ``request_from`` and ``included`` for
  an env.py of your own.
- ``membership_refactor.models``: the SQLAlchemy models of the current structure, and its modules
  ``legacy``, ``interim`` and ``enrollment``.
- ``membership_refactor.plans``: the plans that ship.
- ``membership_refactor.errors``: every error, below ``RefactorError``.
"""

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
]
