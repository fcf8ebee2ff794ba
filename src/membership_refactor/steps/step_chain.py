"""Chain: the steps of a plan in their order; every question of place is answered here."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from membership_refactor.checks.check import Check
from membership_refactor.planning.revisions import Revisions
from membership_refactor.portrait import Portrait
from membership_refactor.steps.step import Situation, Step


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps from the lowest to the highest, and what the project calls their revisions."""

    steps: tuple[Step, ...]
    revisions: Revisions = field(default_factory=Revisions)
    groups: tuple[Callable[[str], Portrait], ...] = ()
    """The tables that the first step creates or adopts besides those of the plan, by schema."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables of ``groups``. Their portraits are recorded."""
        return tuple(table.name for group in self.groups for table in group("public").tables)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __contains__(self, name: object) -> bool:
        return any(step.name == name for step in self.steps)

    def __getitem__(self, name: str) -> Step:
        """The step of that name; KeyError where the chain has none."""
        return self.steps[self._place(name)]

    def _place(self, name: str) -> int:
        for place, step in enumerate(self.steps):
            if step.name == name:
                return place
        raise KeyError(name)

    def below(self, name: str) -> tuple[Step, ...]:
        """The steps that come before that one, lowest first."""
        return self.steps[: self._place(name)]

    def above(self, name: str) -> tuple[Step, ...]:
        """The steps that come after that one, lowest first."""
        return self.steps[self._place(name) + 1 :]

    def to_come(self, name: str | None) -> tuple[Step, ...]:
        """The steps above that one, or all of them if none has run."""
        return self.steps if name is None else self.above(name)

    def way_down(self, highest: str, lowest: str) -> tuple[Step, ...]:
        """The steps from ``highest`` down to ``lowest``, in the order of a downgrade."""
        return tuple(reversed(self.steps[self._place(lowest) : self._place(highest) + 1]))

    def highest(self, names: Container[str]) -> Step | None:
        """The highest of those steps."""
        return next((step for step in reversed(self.steps) if step.name in names), None)

    def run_by(self, revision: str) -> tuple[Step, ...]:
        """The steps that the revision of that id runs, lowest first."""
        return tuple(s for s in self.steps if self.revisions.ids.get(s.name) == revision)

    def checks_at(self, name: str, s: Situation) -> tuple[Check, ...]:
        """What has to hold while the chain is at that step: its ``holds``, and ``keeps`` of it and
        of every step below."""
        step = self[name]
        lasting = (check for other in (*self.below(name), step) for check in other.keeps(s))
        return (*step.holds(s), *lasting)
