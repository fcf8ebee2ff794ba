"""Which revision of a project runs which step of a plan, and whether their order can be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from alembic.script import Script, ScriptDirectory

from membership_refactor.errors import WrongUse
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.planning.revisions import BASE
from membership_refactor.project.verb_calls import CONSTANT, Calls, StepCall, calls_of


@dataclass(frozen=True, slots=True)
class ProjectHistory:
    """The revisions of a project that run steps, lowest first."""

    script: ScriptDirectory
    calls: Mapping[str, Calls]
    """By revision: what was found in it."""

    @staticmethod
    def read(script: ScriptDirectory, steps: Collection[str]) -> ProjectHistory:
        """Read the upgrade() of every revision. None of them is run."""
        found = {r.revision: calls_of(r.module, steps) for r in script.walk_revisions()}
        lowest_first = reversed(list(found.items()))
        return ProjectHistory(script, {r: c for r, c in lowest_first if c.found or c.unread})

    def plans(self) -> dict[str, TableSplit]:
        """The plans that revisions name, by name."""
        return {call.plan.name: call.plan for calls in self.calls.values() for call in calls.found}

    def schemas(self, plan: str) -> tuple[str, ...]:
        """The schemas that revisions name with that plan."""
        named = (call.schema for _, call in self._of(plan) if call.schema is not None)
        return tuple(dict.fromkeys(named))

    def revisions(
        self,
        plan: str,
        schema: str,
        steps: Sequence[str],
        noted: Mapping[str, str] | None = None,
    ) -> Revisions:
        """The revisions of the steps, which are in the plan's order. A step that no revision runs
        yet has none. ``noted`` are revisions that ran steps, by step: they win over what was read,
        unless two revisions were read that run one.

        Raises WrongUse where a step is run twice, where one is missing below another, where they
        are in another order, and where they are on branches that nothing merges.
        """
        runs: dict[str, list[str]] = {}
        for revision, call in self._of(plan):
            # Both ways of an `if` may call the verb, and one of them is taken.
            if call.schema in (None, schema) and revision not in runs.get(call.step, ()):
                runs.setdefault(call.step, []).append(revision)
        there = {r.revision for r in self.script.walk_revisions()}
        for step, ran in (noted or {}).items():
            if step in steps and ran in there and len(runs.get(step, ())) < 2:
                runs[step] = [ran]
        for step, revisions in runs.items():
            if len(revisions) > 1:
                raise WrongUse(
                    f'{step} of plan "{plan}" is run by two revisions: {" and ".join(revisions)}.',
                    hint=f"Take it out of one of them, or write {CONSTANT} = [] into the one that "
                    "does not run it.",
                )
        ids = {step: runs[step][0] for step in steps if step in runs}
        self._require_none_missing(plan, steps, ids)
        self._require_order(plan, ids)
        before = {step: below for step in ids if (below := self._below(ids[step])) is not None}
        return Revisions(ids, before, others=self._of_others(plan))

    def _of_others(self, plan: str) -> dict[str, str | None]:
        """The revisions that run steps of other plans only, with the newest below each that does
        not."""
        plans = {r: {call.plan.name for call in c.found} for r, c in self.calls.items()}
        others = {r for r, named in plans.items() if named and plan not in named}
        found: dict[str, str | None] = {}
        for revision in others:
            below: str | None = revision
            while below in others:
                lower = self._below(below)
                below = None if lower == BASE else lower
            found[revision] = below
        return found

    def applied(self, heads: Iterable[str]) -> set[str]:
        """Every revision that has run where the version is ``heads``; unknown ones are left out."""
        known = {r.revision for r in self.script.walk_revisions()}
        return {found for head in heads if head in known for found in self._ancestors(head)}

    def _of(self, plan: str) -> Iterator[tuple[str, StepCall]]:
        for revision, calls in self.calls.items():
            for call in calls.found:
                if call.plan.name == plan:
                    yield revision, call

    def _require_none_missing(
        self, plan: str, steps: Sequence[str], ids: Mapping[str, str]
    ) -> None:
        there = [step in ids for step in steps]
        if True not in there:
            return
        last = max(place for place, is_there in enumerate(there) if is_there)
        for place, step in enumerate(steps[:last]):
            if step in ids:
                continue
            above = next(other for other in steps[place:] if other in ids)
            blind = [r for r, c in self.calls.items() if step in c.unread]
            if blind:
                hint = f"{blind[0]} calls {step} with a plan that only a run can tell. In it, "
            else:
                hint = (
                    f"Write a revision with op.{step}(...) before {ids[above]}. If there is one, "
                )
            raise WrongUse(
                f'no revision runs {step} of plan "{plan}", and {ids[above]} runs {above}, which '
                "comes after it.",
                hint=f'{hint}write {CONSTANT} = [("{step}", THE_PLAN)] at the top.',
            )

    def _require_order(self, plan: str, ids: Mapping[str, str]) -> None:
        for (low, below), (high, above) in pairwise(ids.items()):
            if below == above:
                run = [c.step for r, c in self._of(plan) if r == below and c.step in (low, high)]
                if run[:1] == [high] and low in run:
                    raise _wrong_order(plan, low, below, high, above)
            elif below not in self._ancestors(above):
                if above in self._ancestors(below):
                    raise _wrong_order(plan, low, below, high, above)
                raise WrongUse(
                    f'{below} runs {low} and {above} runs {high} of plan "{plan}", on two branches '
                    "of which neither comes before the other.",
                    hint=f"Let {above} depend on {below}: depends_on = ({below!r},) in {above}.",
                )

    def _ancestors(self, revision: str) -> set[str]:
        """The revision and all that run before it."""
        return {r.revision for r in self.script.walk_revisions(BASE, revision)}

    def _below(self, revision: str) -> str | None:
        """The revision before that one; None where there are several."""
        script: Script | None = self.script.get_revision(revision)
        assert script is not None
        below = script.down_revision
        if below is None:
            return BASE
        return below if isinstance(below, str) else None


def _wrong_order(plan: str, low: str, below: str, high: str, above: str) -> WrongUse:
    return WrongUse(
        f'{above} runs {high} of plan "{plan}" before {below} runs {low}, which has to come first.',
        hint="Exchange the two: each upgrade() and downgrade().",
    )
