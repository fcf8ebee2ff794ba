"""The Alembic verbs: a plan and a step, handed to the runner or printed as a script.

``op.copy_table(SPLIT)`` takes the step up, ``op.undo_copy_table(SPLIT)`` takes it down; so for
every step. Importing this module registers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine

from membership_refactor import script
from membership_refactor.enrollment.action import perform
from membership_refactor.environment import Request
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.planning import CHAIN, TableSplit
from membership_refactor.plans.chain import SPLIT, STEPS, TABLES
from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import Names
from membership_refactor.steps import ALL
from membership_refactor.steps.enrollment_identity import UniqueIndex
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


def chain_of(plan: TableSplit) -> tuple[Mapping[str, Step], tuple[str, ...]]:
    """The steps of a plan, and the tables that they concern besides the plan's own.

    0001 and 0002 are about the tables of the plan that ships; any other begins with 0003.
    """
    return (STEPS, TABLES) if plan.name == SPLIT.name else (ALL, ())


def runner_for(engine: Engine, plan: TableSplit, request: Request) -> Runner:
    """The runner of a plan's chain, as the command line asks for it."""
    steps, tables = chain_of(plan)
    return Runner(
        engine,
        plan,
        request.schema,
        steps=steps,
        options=request.options,
        progress=request.progress,
        tables=tables,
        performers={UniqueIndex: perform},
    )


def _take(engine: Engine, request: Request, operation: StepOperation) -> None:
    runner = runner_for(engine, operation.plan, request)
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


def _print(context: MigrationContext, request: Request, operation: StepOperation) -> None:
    revision, direction = operation.step.revision, operation.direction
    lowest = ""
    if direction is Direction.DOWN:
        lowest = lowest_on_the_way(revision, request.destination)
    text = script.print_step(
        operation.step,
        _predicted(operation.plan, request).situation(revision, direction),
        direction,
        steps=chain_of(operation.plan)[0],
        destination=lowest,
        pace=_pace(request),
    )
    # The text begins and ends its transactions itself, so Alembic's has to be closed around it.
    with context.autocommit_block():
        context.impl.static_output(text)


def print_head(request: Request, start: str | None) -> str:
    """What a script begins with: it stops where the tables are not those it is made for."""
    prediction = _predicted(SPLIT, request)
    down = start is not None and request.destination is not None and request.destination < start
    direction = Direction.DOWN if down else Direction.UP
    first = start if down else next((r for r in STEPS if start is None or r > start), start)
    return script.print_head(
        prediction.names,
        prediction.at(start),
        first or "",
        direction,
        tables=TABLES,
        pace=_pace(request),
    )


def _predicted(plan: TableSplit, request: Request) -> script.Prediction:
    """From the portrait that is given; without one, from a schema without the tables."""
    first = request.read_portrait() or Portrait(schema=request.schema, tables=())
    names = Names(plan, request.schema)
    steps, tables = chain_of(plan)
    return script.predicted(names, first, steps=steps, tables=tables)


def _pace(request: Request) -> script.Pace:
    wanted = {f.name for f in fields(script.Pace)}
    return script.Pace(**{k: v for k, v in asdict(request.options).items() if k in wanted})


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
