"""Predicted portraits of the tables at each step: a script has no database to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import Names
from membership_refactor.steps.step import Direction, Situation
from membership_refactor.steps.step_chain import Chain


@dataclass(frozen=True, slots=True)
class Prediction:
    """Portraits before and after each step of the chain."""

    names: Names
    chain: Chain
    before: Mapping[str, Portrait]
    after: Mapping[str, Portrait]

    def now(self, step: str, direction: Direction) -> Portrait:
        """Return the tables as they are when the step begins in that direction."""
        return (self.before if direction is Direction.UP else self.after)[step]

    def situation(self, step: str, direction: Direction) -> Situation:
        """Return the situation in which the step begins in that direction."""
        now = self.now(step, direction)
        return Situation(self.names, dict(self.before), now, revisions=self.chain.revisions)


def predicted(names: Names, chain: Chain, first: Portrait) -> Prediction:
    """The portraits of the whole chain; ``first`` is the one before its lowest step.

    Of ``first`` the tables of plan and chain are kept, which is what the runner would read.
    """
    plan = names.plan
    wanted = {*plan.tables, *chain.tables}
    now = replace(first, tables=tuple(t for t in first.tables if t.name in wanted))
    before: dict[str, Portrait] = {}
    after: dict[str, Portrait] = {}
    for step in chain:
        before[step.name] = now
        now = step.becomes(Situation(names, dict(before), now, revisions=chain.revisions))
        after[step.name] = now
    return Prediction(names, chain, before, after)
