"""Takes the chain along in the clone, as `alembic upgrade` and `alembic downgrade` would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from membership_refactor.environment import Request, clear_errors, migrate
from membership_refactor.execution.runner import Runner
from membership_refactor.operations import runner_for
from membership_refactor.rehearsal.subject import Subject


class Movement(Protocol):
    """The chain of one plan in the clone."""

    @property
    def runner(self) -> Runner:
        """The runner of the plan in the clone."""

    def up(self, step: str) -> None:
        """Take this step up. Raises what the user would get."""

    def down(self, step: str) -> None:
        """Take this step down."""


@dataclass(frozen=True)
class ByRevisions:
    """Runs the revision files of an Alembic project. Its env.py is not run, because it might
    choose another database."""

    runner: Runner
    config: Config
    request: Request

    def up(self, step: str) -> None:
        self.go(self.runner.chain.revisions.of(step), up=True)

    def down(self, step: str) -> None:
        revisions = self.runner.chain.revisions
        # In somebody else's project several revisions may be below ours.
        self.go(revisions.before.get(step, f"{revisions.of(step)}-1"), up=False)

    def go(self, target: str, *, up: bool) -> None:
        """Run the project's revisions up or down to this one."""
        script = ScriptDirectory.from_config(self.config)

        def revisions(heads: Any, _context: Any) -> Any:
            if up:
                return script._upgrade_revs(target, heads)
            return script._downgrade_revs(target, heads)

        with (
            clear_errors(),
            EnvironmentContext(self.config, script, fn=revisions, destination_rev=target),
            self.runner.engine.connect() as connection,
        ):
            migrate(self.request, connection)


@dataclass(frozen=True)
class BySteps:
    """Runs the steps of a plan that no revision file names yet."""

    runner: Runner

    def up(self, step: str) -> None:
        self.runner.upgrade(step)

    def down(self, step: str) -> None:
        self.runner.downgrade(step)


def movement(engine: Engine, subject: Subject, request: Request) -> ByRevisions | BySteps:
    """The movement of the plan: by revisions where the project has some for it."""
    runner = runner_for(engine, subject.plan, request, subject.project)
    if subject.config is None or not runner.chain.revisions.ids:
        return BySteps(runner)
    return ByRevisions(runner, subject.config, request)
