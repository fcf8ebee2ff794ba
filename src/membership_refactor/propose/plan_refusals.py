"""What ``plan`` would refuse of a plan that is not written yet, asked with the same checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from membership_refactor.checks.source_rows import GROUPS_AGREE
from membership_refactor.execution.options import Options
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import POOLED
from membership_refactor.inspect.forecast import ask
from membership_refactor.inspect.forecast_values import Answer, Asked
from membership_refactor.inspect.read_only import looking
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.steps import steps_of
from membership_refactor.steps.step import Situation
from membership_refactor.steps.step_chain import Chain


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is in the way of a plan."""

    refused: tuple[str, ...] = ()
    """Why a step would be refused, a line each."""
    asked: tuple[str, ...] = ()
    """What the first step lets through only with a reason that is recorded, a line each."""


def what_is_ahead(
    engine: Engine,
    plan: TableSplit,
    schema: str,
    ids: Mapping[str, str],
    options: Options,
    *,
    agree: bool,
) -> Ahead:
    """Ask each step what it refuses, and the first one its checks and gates. Reads only.

    ``ids`` are revisions by step. ``agree`` says that the columns which have to agree were counted
    already, and do; the count is the longest of the checks. Later gates ask for evidence that
    nobody can have yet.
    """
    runner = Runner(
        engine.execution_options(**{POOLED: options.pooler is not None}),
        plan,
        schema,
        Chain(steps_of(plan), Revisions(ids)),
        options=options,
    )
    now, server = runner.read(), runner.server()
    portraits: dict[str, Portrait] = {}
    asked: tuple[str, ...] = ()
    for step in runner.chain:
        portraits = {**portraits, step.name: now}
        s = Situation(runner.names, portraits, now, server, runner.chain.revisions)
        if refused := step.refusals(s):
            return Ahead(tuple(refused), asked)
        if len(portraits) == 1:
            checks = [c for c in step.before_up(s) if not (agree and c.name == GROUPS_AGREE)]
            with looking(runner, "new") as pg:
                refused = _failing(ask(pg, check, s.names, s.revisions) for check in checks)
                asked = _failing(ask(pg, gate, s.names, s.revisions) for gate in step.gates(s))
            if refused:
                return Ahead(refused, asked)
        now = step.becomes(s)
    return Ahead((), asked)


def _failing(answers: Iterable[Asked]) -> tuple[str, ...]:
    return tuple(
        f"fails: {a.sentence} ({a.broken} broken{'; first: ' if a.keys else ''}"
        f"{'; '.join(a.keys)}). {a.hint or ''}".rstrip()
        for a in answers
        if a.answer is Answer.FAILS
    )
