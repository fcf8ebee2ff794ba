"""Runs one step of a plan for Alembic: on the server, or as a script with ``--sql``.

Importing this module registers two verbs for each step with Alembic, ``op.copy_table(PLAN)`` and
``op.undo_copy_table(PLAN)``. The same verbs with types are in ``membership_refactor.op``.
"""

from __future__ import annotations

from typing import Any

from alembic.config import Config
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine

from membership_refactor import script
from membership_refactor.enrollment.unique_index import perform
from membership_refactor.environment import Request
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import POOLED
from membership_refactor.inspect.history import require_own_history, require_step_of_history
from membership_refactor.planning import TableSplit
from membership_refactor.plans.chain import CHAIN, REVISIONS, SPLIT, TABLES
from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import Names
from membership_refactor.steps import steps_of
from membership_refactor.steps.enrollment_identity import UniqueIndex
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain


class StepOperation(MigrateOperation):
    """A plan, one of its steps, and a direction."""

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
            "env.py has to call membership_refactor.environment.run, or hand "
            "refactor=request_from(...) to context.configure."
        )
    try:
        if context.as_sql:
            _print(context, request, operation)
        else:
            # The step commits on connections of its own. Alembic's transaction is committed first,
            # because it would stay open, and hold back vacuum, for as long as the step takes.
            with context.autocommit_block():
                assert context.connection is not None
                _take(context.connection.engine, request, operation)
    except RefactorError as error:
        raise CommandError(str(error)) from error


def chain_of(plan: TableSplit) -> tuple[Chain, tuple[str, ...]]:
    """Return the chain of a plan, and the tables that it concerns besides the plan's own.

    The baseline and the enrollments belong to the plan that ships; any other plan begins with the
    copy, under the same ids.
    """
    return (CHAIN, TABLES) if plan.name == SPLIT.name else (Chain(steps_of(plan), REVISIONS), ())


def runner_for(engine: Engine, plan: TableSplit, request: Request) -> Runner:
    """Make the runner of a plan, with the options of the command line."""
    chain, tables = chain_of(plan)
    return Runner(
        # An engine that was handed over does not know what was said of a pooler.
        engine.execution_options(**{POOLED: request.options.pooler is not None}),
        plan,
        request.schema,
        chain,
        options=request.options,
        progress=request.progress,
        tables=tables,
        performers={UniqueIndex: perform},
    )


def _take(engine: Engine, request: Request, operation: StepOperation) -> None:
    runner, step = runner_for(engine, operation.plan, request), operation.step.name
    require_step_of_history(runner, step, operation.direction)
    if operation.direction is Direction.UP:
        runner.upgrade(step)
    else:
        runner.downgrade(step, lowest=_lowest(runner.chain, step, request))


def _lowest(chain: Chain, step: str, request: Request) -> str:
    """Return the last step that this command takes down; ``step`` where env.py does not say."""
    way = [found.name for found in map(chain.at, request.way) if found is not None]
    return way[-1] if step in way else step


def _print(context: MigrationContext, request: Request, operation: StepOperation) -> None:
    step, direction = operation.step, operation.direction
    prediction = _predicted(operation.plan, request)
    text = script.print_step(
        step,
        prediction.situation(step.name, direction),
        direction,
        prediction.chain,
        lowest=_lowest(prediction.chain, step.name, request),
        pace=request.options,
    )
    # The script begins and ends its own transactions, so Alembic must not print one around it.
    with context.autocommit_block():
        context.impl.static_output(text)


def ask_first(engine: Engine, request: Request, config: Config) -> None:
    """Raise StepOutOfOrder where version, ledger and tables are not of one history."""
    require_own_history(runner_for(engine, SPLIT, request), config)


def print_head(request: Request, *, downgrade: bool) -> str:
    """Return the beginning of a script, which stops where the tables are not those expected."""
    prediction = _predicted(SPLIT, request)
    direction = Direction.DOWN if downgrade else Direction.UP
    way = [step for step in map(prediction.chain.at, request.way) if step is not None]
    if not way:
        return ""
    first = way[0].name
    return script.print_head(
        prediction.names,
        prediction.now(first, direction),
        first,
        direction,
        tables=TABLES,
        pace=request.options,
    )


def _predicted(plan: TableSplit, request: Request) -> script.Prediction:
    """Predict from the portrait that is given. Without one, from a schema without the tables."""
    first = request.read_portrait() or Portrait(schema=request.schema, tables=())
    chain, tables = chain_of(plan)
    return script.predicted(Names(plan, request.schema), chain, first, tables=tables)


def _register(step: Step) -> None:
    """Register ``op.<step>(plan)`` and ``op.undo_<step>(plan)`` with Alembic."""

    class Verbs:
        @classmethod
        def up(cls, operations: Operations, plan: TableSplit) -> None:
            operations.invoke(StepOperation(plan, step, Direction.UP))

        @classmethod
        def down(cls, operations: Operations, plan: TableSplit) -> None:
            operations.invoke(StepOperation(plan, step, Direction.DOWN))

    Operations.register_operation(step.name, "up")(Verbs)
    Operations.register_operation(f"undo_{step.name}", "down")(Verbs)


for _step in CHAIN:
    _register(_step)
