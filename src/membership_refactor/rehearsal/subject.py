"""What is rehearsed, and how much of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alembic.config import Config

from membership_refactor.environment import Request
from membership_refactor.execution.progress import Progress
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.rehearsal.scratch import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is rehearsed: a database, a plan, and the Alembic project that has its revisions."""

    url: str
    plan: TableSplit
    request: Request
    config: Config | None = None
    """Without a project the steps are run directly."""
    groups: tuple[Callable[[str], Portrait], ...] = ()
    """The tables that the first step of the chain creates or adopts, for its checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much is rehearsed, and where."""

    rows: int = 10_000
    place: Place = Place.AUTO
    roles: tuple[str, ...] = ()
    """Only these roles; all that may write where none is named."""
    to: str | None = None
    """The last step that is taken up, by its name; all where none is named."""
    back: bool = True
    """Whether it goes down again afterwards, and up once more."""
    progress: Progress = field(default_factory=Progress)
