"""What ``plan`` would refuse of a plan that is not written yet: the same forecast is asked."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine

from membership_refactor.execution.options import Options
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import POOLED
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.forecast_values import Answer, Forecast
from membership_refactor.inspect.revision_text import RevisionText
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.steps import steps_of
from membership_refactor.steps.step_chain import Chain


def forecast_of(
    engine: Engine, plan: TableSplit, schema: str, ids: Mapping[str, str], options: Options
) -> Forecast:
    """The forecast of every step of the plan. Reads only. ``ids`` are by step."""
    runner = Runner(
        engine.execution_options(**{POOLED: options.pooler is not None}),
        plan,
        schema,
        Chain(steps_of(plan), Revisions(ids)),
        options=options,
    )
    texts = {revision: RevisionText(title=step) for step, revision in ids.items()}
    return forecast(runner, texts)[0]


def refused(made: Forecast) -> tuple[str, ...]:
    """Why a step of the plan would be refused, a line each. Gates are left out: they ask for
    evidence that nobody can have yet."""
    reasons = []
    for step in made.steps:
        reasons += list(step.refusals)
        for asked in step.asked:
            if asked.answer is Answer.FAILS:
                keys = f"; first: {'; '.join(asked.keys)}" if asked.keys else ""
                reasons.append(f"not so: {asked.sentence} ({asked.broken} broken{keys})")
    return tuple(dict.fromkeys(reasons))
