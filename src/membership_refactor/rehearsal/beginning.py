"""Where the chain stands in the database that is to be cloned, and the steps that are rehearsed."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.environment import connect_engine
from membership_refactor.execution.sessions import is_there
from membership_refactor.inspect.read_only import looking
from membership_refactor.operations import runner_for
from membership_refactor.rehearsal.dump_structure import CannotRehearse
from membership_refactor.rehearsal.subject import Subject
from membership_refactor.steps.step import Step
from membership_refactor.steps.step_chain import Chain


def steps_to_come(subject: Subject, last: str | None) -> tuple[Step, ...]:
    """The steps from where the chain stands to ``last``, or to the end.

    Raises CannotRehearse where the copy is made already, a step is open, the table is not there,
    ``last`` is none of these steps, or the project has revisions for some of them only.
    """
    request, plan = subject.request, subject.plan
    engine = connect_engine(subject.url, request.schema)
    runner = runner_for(engine, plan, request, subject.project)
    with looking(runner, "rehearse") as pg:
        known = runner.ledger.exists(pg)
        opened = runner.ledger.open_step(pg) if known else None
        at = runner.ledger.stands_at(pg) if known else None
        there = is_there(pg, runner.names.source)
    engine.dispose()
    chain = runner.chain
    steps = chain.to_come(at.name if at else None)
    if opened is not None or plan.steps[0] not in [s.name for s in steps]:
        stands = f"step {chain.revisions.label(opened.step)} is open" if opened else None
        stands = stands or f"the chain stands at {chain.revisions.label(at.name if at else '')}"
        raise CannotRehearse(
            f"Here {stands}, and a rehearsal begins before {chain.revisions.of(plan.steps[0])}.",
            hint=f"`{chain.revisions.verb('plan')}` says what the next steps would do.",
        )
    if not there:
        raise CannotRehearse(
            f'There is no table "{plan.source}" in the schema "{request.schema}" to rehearse with.',
            hint="Name the schema with -x schema=NAME before the verb.",
        )
    names = [step.name for step in steps]
    if last is not None and last not in names:
        raise CannotRehearse(
            f"{last} is none of the steps that are to come.", hint=f"They are: {', '.join(names)}."
        )
    rehearsed = steps if last is None else steps[: names.index(last) + 1]
    _require_revisions(chain, rehearsed)
    return rehearsed


def _require_revisions(chain: Chain, steps: Sequence[Step]) -> None:
    """Raise CannotRehearse where revisions run only the first of these steps: the rehearsal runs
    revisions, and nothing may look rehearsed that was not."""
    ids = chain.revisions.ids
    without = [step.name for step in steps if step.name not in ids]
    if not ids or not without:
        return
    last = next((step.name for step in reversed(steps) if step.name in ids), None)
    raise CannotRehearse(
        f"The project has no revision for {without[0]} yet, and a rehearsal runs its revisions.",
        hint=f"Rehearse as far as they go: {chain.revisions.verb('rehearse')} --to {last}"
        if last
        else f"Write one with op.{without[0]}(...).",
    )
