"""The Alembic verbs: a plan and a step, handed to the runner or printed as a script.

``op.copy_table(SPLIT)`` takes the step up, ``op.undo_copy_table(SPLIT)`` takes it down; so for
every step. Importing this module registers them.
"""

from __future__ import annotations

from typing import Any

from alembic.operations import MigrateOperation, Operations
from alembic.util import CommandError

from membership_refactor.enrollment.install import install, uninstall
from membership_refactor.environment import Request
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.planning import CHAIN, TableSplit, UniqueIdentity
from membership_refactor.plans.chain import STEPS, TABLES
from membership_refactor.steps.step import Direction, Step


class StepOperation(MigrateOperation):
    """Intent only: which plan, which step, which way."""

    def __init__(self, plan: TableSplit, step: Step, direction: Direction) -> None:
        self.plan, self.step, self.direction = plan, step, direction

    def reverse(self) -> StepOperation:
        return StepOperation(self.plan, self.step, self.direction.other)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (f"{self.step.name} {self.direction}", self.plan.name)


@Operations.implementation_for(StepOperation)
def _run(operations: Operations, operation: StepOperation) -> None:
    context = operations.migration_context
    request = context.opts.get("refactor")
    if not isinstance(request, Request):
        raise CommandError(
            "these revisions need the env.py that ships with them "
            "(membership_refactor.environment.run)."
        )
    try:
        if context.as_sql:
            _print(context, request, operation)
        else:
            # Alembic's transaction is committed, so that nothing sits idle in it for hours; the
            # step commits on connections of its own.
            with context.autocommit_block():
                assert context.connection is not None
                _take(context.connection.engine, request, operation)
    except RefactorError as error:
        raise CommandError(str(error)) from error


def _take(engine: Any, request: Request, operation: StepOperation) -> None:
    runner = Runner(
        engine,
        operation.plan,
        request.schema,
        steps=STEPS,
        options=request.options,
        progress=request.progress,
        tables=TABLES,
    )
    if operation.direction is Direction.UP:
        runner.upgrade(operation.step.revision)
    else:
        lowest = lowest_on_the_way(operation.step.revision, request.destination)
        runner.downgrade(operation.step.revision, destination=lowest)


def lowest_on_the_way(revision: str, destination: str | None) -> str:
    """The last revision that a downgrade to ``destination`` takes down."""
    if destination is None:
        return revision
    return next(r for r, _ in CHAIN if r > destination)


def _print(context: Any, request: Request, operation: StepOperation) -> None:
    raise RefactorError("offline scripts are not there yet.")


def print_head(request: Request, start: str | None) -> str:
    """What a script begins with."""
    raise RefactorError("offline scripts are not there yet.")


class IdentityOperation(MigrateOperation):
    """Intent only: the constraints of a unique identity come or go."""

    def __init__(self, plan: UniqueIdentity, direction: Direction) -> None:
        self.plan, self.direction = plan, direction

    @classmethod
    def enrollment_identity(cls, operations: Operations, plan: UniqueIdentity) -> None:
        """Every row has an identity, and none of them stands twice in a scope."""
        operations.invoke(cls(plan, Direction.UP))

    @classmethod
    def undo_enrollment_identity(cls, operations: Operations, plan: UniqueIdentity) -> None:
        """The constraints are gone; the record of merges stays."""
        operations.invoke(cls(plan, Direction.DOWN))

    def reverse(self) -> IdentityOperation:
        return IdentityOperation(self.plan, self.direction.other)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (f"enrollment_identity {self.direction}", self.plan.name)


for _name in ("enrollment_identity", "undo_enrollment_identity"):
    Operations.register_operation(_name)(IdentityOperation)


@Operations.implementation_for(IdentityOperation)
def _run_identity(operations: Operations, operation: IdentityOperation) -> None:
    context = operations.migration_context
    request = context.opts["refactor"]
    try:
        with context.autocommit_block():
            assert context.connection is not None
            act = install if operation.direction is Direction.UP else uninstall
            act(context.connection.engine, operation.plan, request.schema)
    except RefactorError as error:
        raise CommandError(str(error)) from error


def _register(name: str, step: Step, direction: Direction) -> None:
    """``op.<name>(plan)``."""

    def verb(cls: type[StepOperation], operations: Operations, plan: TableSplit) -> None:
        operations.invoke(cls(plan, step, direction))

    verb.__name__ = name
    verb.__doc__ = f"Takes step {step.revision} {step.name} {direction}."
    setattr(StepOperation, name, classmethod(verb))
    Operations.register_operation(name)(StepOperation)


for _step in STEPS.values():
    _register(_step.name, _step, Direction.UP)
    _register(f"undo_{_step.name}", _step, Direction.DOWN)
