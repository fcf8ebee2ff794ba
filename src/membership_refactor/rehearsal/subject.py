"""What is rehearsed, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from alembic.config import Config

from membership_refactor.environment import Request
from membership_refactor.execution.progress import Progress
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.rehearsal.scratch import Place


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is rehearsed: a database, a plan, and the Alembic project that has its revisions."""

    url: str
    plan: TableSplit
    request: Request
    config: Config | None = None
    """Without a project the steps are run directly."""

    @cached_property
    def project(self) -> AlembicProject:
        """What the project says of the plan."""
        return AlembicProject(self.config)


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
