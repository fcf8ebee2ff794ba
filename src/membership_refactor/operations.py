"""Runs one step of a plan for Alembic: on the server, or as a script with ``--sql``.

Importing this module registers two verbs for each step with Alembic, ``op.copy_table(PLAN)`` and
``op.undo_copy_table(PLAN)``. The same verbs with types are in ``membership_refactor.op``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic.config import Config
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from membership_refactor import script
from membership_refactor.environment import Request, clear_errors
from membership_refactor.environment.guest import (
    commit_version_row,
    engine_for,
    guest_of,
    requests_of,
)
from membership_refactor.environment.running_revision import running_revision, versions_before
from membership_refactor.errors import WrongUse
from membership_refactor.execution.ledger import StepRecord
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import POOLED
from membership_refactor.inspect.history import require_own_history, require_step_of_history
from membership_refactor.inspect.read_only import looking
from membership_refactor.planning import TableSplit
from membership_refactor.plans.chain import STEPS
from membership_refactor.portrait import Portrait
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.script.version import STOP_AT_ERROR, require_version
from membership_refactor.sql.names import Names
from membership_refactor.steps.enrollment_identity import UniqueIndex
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain


class StepOperation(MigrateOperation):
    """A plan, one of its steps, a direction, and the schema where the revision names one."""

    def __init__(
        self, plan: TableSplit, step: Step, direction: Direction, schema: str | None = None
    ) -> None:
        self.plan, self.step, self.direction, self.schema = plan, step, direction, schema

    def reverse(self) -> StepOperation:
        return StepOperation(self.plan, self.step, self.direction.other, self.schema)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (f"{self.step.name} {self.direction}", self.plan.name)


@Operations.implementation_for(StepOperation)
def _run(operations: Operations, operation: StepOperation) -> None:
    context = operations.migration_context
    project = project_of(context)
    with clear_errors():
        running = running_revision(context)
        for request in requests_of(context, project, operation.plan, operation.schema):
            if running is not None:
                revision = running.revision.revision
                project.note(operation.plan, request.schema, operation.step.name, revision)
            with project.hints(operation.plan, request.schema).meant():
                if context.as_sql:
                    _print(context, request, operation, project)
                else:
                    with engine_for(context, request) as engine:
                        _take(engine, request, operation, project)


def project_of(context: MigrationContext) -> AlembicProject:
    """The project whose revision is running, read once in a run."""
    known = context.opts.get(_PROJECT)
    if not isinstance(known, AlembicProject):
        known = AlembicProject(context.config, context.opts.get("script"))
        context.opts[_PROJECT] = known
    return known


_PROJECT = "refactor_project"
"""Alembic's option under which the project is kept."""


def runner_for(
    engine: Engine, plan: TableSplit, request: Request, project: AlembicProject
) -> Runner:
    """Make the runner of a plan of the project, with the options of the command line.

    The ledger is asked which revisions ran the steps. Raises WrongUse where the revisions are in
    an order that cannot be.
    """
    return _runner_and_steps(engine, plan, request, project)[0]


def _runner_and_steps(
    engine: Engine, plan: TableSplit, request: Request, project: AlembicProject
) -> tuple[Runner, Mapping[str, StepRecord]]:
    """The runner, and the steps that the ledger knows."""
    # An engine that was handed over does not know what was said of a pooler.
    engine = engine.execution_options(**{POOLED: request.options.pooler is not None})

    def runner(chain: Chain) -> Runner:
        return Runner(
            engine,
            plan,
            request.schema,
            chain,
            options=request.options,
            progress=request.progress,
            performers={UniqueIndex: _perform},
            version_table=request.version_table,
        )

    unnamed = runner(project.steps(plan))
    with looking(unnamed, "history") as pg:
        there = unnamed.ledger.exists(pg)
        recorded = unnamed.ledger.revisions(pg) if there else {}
        steps = unnamed.ledger.steps(pg) if there else {}
    return runner(project.chain(plan, request.schema, recorded)), steps


def _perform(*given: Any) -> object:
    # Only now, because it imports what merges, and few runs build an index of enrollments.
    from membership_refactor.enrollment.unique_index import perform

    return perform(*given)


def _take(
    engine: Engine, request: Request, operation: StepOperation, project: AlembicProject
) -> None:
    runner, steps = _runner_and_steps(engine, operation.plan, request, project)
    step = _step_of_plan(runner.chain, operation).name
    require_step_of_history(runner, steps, step, operation.direction)
    if operation.direction is Direction.UP:
        runner.upgrade(step)
    else:
        runner.downgrade(step, lowest=_lowest(runner.chain, step, request))


def _step_of_plan(chain: Chain, operation: StepOperation) -> Step:
    """The step as the plan has it. Raises WrongUse for one that it does not take."""
    name = operation.step.name
    if name not in chain:
        raise WrongUse(
            f'plan "{operation.plan.name}" takes no step {name}.',
            hint=f"Its steps: {', '.join(step.name for step in chain)}. A baseline is registered "
            "in alembic.ini.",
        )
    return chain[name]


def _lowest(chain: Chain, step: str, request: Request) -> str:
    """Return the last step that this command takes down; ``step`` where env.py does not say."""
    way = [found.name for revision in request.way for found in reversed(chain.run_by(revision))]
    return way[-1] if step in way else step


def _print(
    context: MigrationContext,
    request: Request,
    operation: StepOperation,
    project: AlembicProject,
) -> None:
    prediction, direction = _predicted(operation.plan, request, project), operation.direction
    step = _step_of_plan(prediction.chain, operation)
    text = script.print_step(
        step,
        prediction.situation(step.name, direction),
        direction,
        prediction.chain,
        lowest=_lowest(prediction.chain, step.name, request),
        pace=request.options,
    )
    head = _head_of_guest(context, request, operation, project)
    # The script begins and ends its own transactions, so Alembic must not print one around it.
    with context.autocommit_block():
        context.impl.static_output(f"{head}{text}")


def _head_of_guest(
    context: MigrationContext,
    request: Request,
    operation: StepOperation,
    project: AlembicProject,
) -> str:
    """What stands before the first step of a plan in a script whose beginning is Alembic's."""
    guest, plan = guest_of(context), operation.plan
    if guest is None:
        return ""
    commit_version_row(context, guest)
    if (plan.name, request.schema) in guest.printed:
        return ""
    guest.printed.add((plan.name, request.schema))
    parts = [STOP_AT_ERROR]
    running, expected = running_revision(context), versions_before(context)
    if running is not None and expected:
        table = context.version_table_schema, context.version_table
        parts.append(require_version(*table, expected, running.revision.revision))
    parts.append(_head(plan, request, project, operation.direction) or "")
    return "".join(f"{part}\n" for part in parts)


def ask_first(engine: Engine, request: Request, config: Config) -> None:
    """Raise StepOutOfOrder where version, ledger and tables of a plan are not of one history."""
    project = AlembicProject(config)
    for plan in (registered.plan for registered in project.plans):
        with project.hints(plan, request.schema).meant():
            require_own_history(runner_for(engine, plan, request, project), project)


def print_head(request: Request, config: Config, *, downgrade: bool) -> str:
    """Return the beginning of a script, which stops where the tables are not those expected."""
    project = AlembicProject(config)
    direction = Direction.DOWN if downgrade else Direction.UP
    heads = []
    for plan in (registered.plan for registered in project.plans):
        with project.hints(plan, request.schema).meant():
            heads.append(_head(plan, request, project, direction))
    return "\n".join(head for head in heads if head)


def _head(
    plan: TableSplit, request: Request, project: AlembicProject, direction: Direction
) -> str | None:
    """The beginning for one plan; None where none of its steps is on the way."""
    prediction = _predicted(plan, request, project)
    way = [found for revision in request.way for found in prediction.chain.run_by(revision)]
    if not way:
        return None
    on_first = prediction.chain.run_by(prediction.chain.revisions.of(way[0].name))
    first = (on_first[-1] if direction is Direction.DOWN else way[0]).name
    return script.print_head(
        prediction.names,
        prediction.now(first, direction),
        first,
        direction,
        tables=prediction.chain.tables,
        pace=request.options,
        revisions=prediction.chain.revisions,
    )


def _predicted(plan: TableSplit, request: Request, project: AlembicProject) -> script.Prediction:
    """Predict from the portrait that is given. Without one, from a schema without the tables."""
    given, chain = request.read_portrait(), project.chain(plan, request.schema)
    first = given or Portrait(schema=request.schema, tables=())
    # A baseline may make the table.
    if first.find(plan.source) is None and next(iter(chain)).name == plan.steps[0]:
        raise WrongUse(
            f'the portrait {request.portrait} has no table "{plan.source}".'
            if given is not None
            else "a script is made for tables, and -x portrait= is not given.",
            hint="Describe the tables: membership-refactor plan --format json > portrait.json   "
            "and name that file: -x portrait=portrait.json",
        )
    return script.predicted(Names(plan, request.schema), chain, first)


def _register(step: Step) -> None:
    """Register ``op.<step>(plan)`` and ``op.undo_<step>(plan)`` with Alembic."""

    class Verbs:
        @classmethod
        def up(cls, operations: Operations, plan: TableSplit, schema: str | None = None) -> None:
            operations.invoke(StepOperation(plan, step, Direction.UP, schema))

        @classmethod
        def down(cls, operations: Operations, plan: TableSplit, schema: str | None = None) -> None:
            operations.invoke(StepOperation(plan, step, Direction.DOWN, schema))

    Operations.register_operation(step.name, "up")(Verbs)
    Operations.register_operation(f"undo_{step.name}", "down")(Verbs)


for _step in STEPS:
    _register(_step)
