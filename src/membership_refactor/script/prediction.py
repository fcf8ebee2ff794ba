"""What the tables look like at each revision, predicted: a script has no database to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import Names
from membership_refactor.steps import ALL
from membership_refactor.steps.step import Direction, Situation, Step


@dataclass(frozen=True, slots=True)
class Prediction:
    """Portraits before and after each step of the chain."""

    names: Names
    before: Mapping[str, Portrait]
    after: Mapping[str, Portrait]

    def situation(self, revision: str, direction: Direction) -> Situation:
        """What the step is given when it begins in that direction."""
        now = self.before if direction is Direction.UP else self.after
        return Situation(self.names, dict(self.before), now[revision])

    def at(self, revision: str | None) -> Portrait:
        """The tables when the chain stands at ``revision``; None is before its first step."""
        reached = [r for r in sorted(self.after) if revision is not None and r <= revision]
        return self.after[reached[-1]] if reached else self.before[min(self.before)]


def predicted(
    names: Names,
    first: Portrait,
    *,
    steps: Mapping[str, Step] = ALL,
    tables: Iterable[str] = (),
) -> Prediction:
    """The chain of portraits from ``first``, the one before the lowest of ``steps``.

    Of ``first`` the plan's own tables are kept, and ``tables``: what the runner would read.
    """
    plan = names.plan
    wanted = {plan.source, plan.copy, plan.parent, plan.retired, *tables}
    now = replace(first, tables=tuple(t for t in first.tables if t.name in wanted))
    before: dict[str, Portrait] = {}
    after: dict[str, Portrait] = {}
    for revision in sorted(steps):
        before[revision] = now
        now = steps[revision].becomes(Situation(names, dict(before), now))
        after[revision] = now
    return Prediction(names, before, after)
