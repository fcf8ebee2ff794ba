"""What the two lines in somebody's env.py do: look at the whole run before its first revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Engine

from membership_refactor.environment import Request, clear_errors
from membership_refactor.environment.guest import (
    GUEST,
    KEY,
    Guest,
    alone_in_schema,
    interruptible,
    requests_of,
    require_own_transaction,
)
from membership_refactor.inspect.history import require_own_history
from membership_refactor.operations import project_of, runner_for
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.script.version import STOP_AT_ERROR
from membership_refactor.steps.step import Direction

_PREPARED = "membership_refactor_prepared"


def prepare(context: Any, *, url: str | None = None) -> None:
    """Let every context that this env.py configures look at its run first. A second call changes
    nothing. ``context`` is ``alembic.context`` or the EnvironmentContext itself."""
    found = getattr(context, "_proxy", context)
    assert isinstance(found, EnvironmentContext)
    if hasattr(found, _PREPARED):
        return
    setattr(found, _PREPARED, True)
    configure = found.configure

    def configured(*given: Any, **named: Any) -> None:
        configure(*given, **named)
        _look_first(found.get_context(), url)

    # Of this one command; alembic.context calls it.
    vars(found)["configure"] = configured


def _look_first(context: MigrationContext, url: str | None) -> None:
    """Replace the function that lists the revisions of a run by one that asks before it lists."""
    if isinstance(context.opts.get(KEY), Request):
        # environment.run does all of this itself.
        return
    listed = context.opts.get("fn")
    context.opts[GUEST] = guest = Guest(prepared=True, url=url)
    if listed is None:
        return

    def asked(heads: tuple[str, ...], ctx: MigrationContext) -> Iterator[Any]:
        steps = list(listed(heads, ctx))
        with ExitStack() as held:
            with clear_errors():
                _ask(ctx, guest, steps, held)
            yield from steps

    context._migrations_fn = asked


def _ask(context: MigrationContext, guest: Guest, steps: Iterable[Any], held: ExitStack) -> None:
    way = tuple(step for step in steps if isinstance(step, RevisionStep))
    project = project_of(context)
    calls = project.history.calls if project.history is not None else {}
    ours = [step for step in way if step.revision.revision in calls]
    if not ours:
        return
    if context.as_sql:
        context.impl.static_output(STOP_AT_ERROR)
        return
    require_own_transaction(context)
    named = (call for step in ours for call in calls[step.revision.revision].found)
    plans = {(call.plan.name, call.schema): call.plan for call in named}
    for (_, schema), plan in plans.items():
        for request in requests_of(context, project, plan, schema):
            with project.hints(plan, request.schema).meant(), interruptible():
                if request.schema not in guest.engines:
                    engine = held.enter_context(alone_in_schema(context, request))
                    held.callback(guest.engines.pop, request.schema)
                    guest.engines[request.schema] = engine
                _ask_plan(guest.engines[request.schema], plan, request, project, way)


def _ask_plan(
    engine: Engine,
    plan: TableSplit,
    request: Request,
    project: AlembicProject,
    way: Sequence[RevisionStep],
) -> None:
    """Raise an error where the first step of the plan on the way cannot begin."""
    runner = runner_for(engine, plan, request, project)
    require_own_history(runner, project)
    found = [(step, runner.chain.run_by(step.revision.revision)) for step in way]
    on_way = [(step.is_upgrade, own) for step, names in found for own in names]
    if on_way:
        is_upgrade = on_way[0][0]
        order = [own.name for _, own in on_way]
        if is_upgrade:
            runner.ask(order[0], Direction.UP)
        else:
            down = [s.name for s in reversed(list(runner.chain)) if s.name in order]
            runner.ask(down[0], Direction.DOWN, lowest=down[-1])
