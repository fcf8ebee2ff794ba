"""The way of a rehearsal: moves of the chain, and what is asked and tried at each stage."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import psycopg
from alembic.util import CommandError

from membership_refactor.counts import counted
from membership_refactor.errors import RefactorError
from membership_refactor.inspect.checks import what_is_broken
from membership_refactor.inspect.sizes import duration
from membership_refactor.rehearsal.findings import Finding, Kind, Leg, Rehearsal
from membership_refactor.rehearsal.movement import Movement
from membership_refactor.rehearsal.round_trip import Contents, changed, contents
from membership_refactor.rehearsal.subject import Subject, Wanted
from membership_refactor.rehearsal.trials import Trials
from membership_refactor.steps.step import Step

BEFORE = "before the first step"


@dataclass
class Way:
    """One rehearsal on its way. What is found is added to ``done``."""

    subject: Subject
    wanted: Wanted
    chain: Movement
    trials: Trials
    done: Rehearsal
    steps: tuple[Step, ...]
    began: float = field(default_factory=time.monotonic)

    def go(self) -> None:
        """Up with everything, down with everything, up again with the checks of the steps."""
        began = time.monotonic()
        tried = self.trials.try_before()
        self._leg(BEFORE, "statements", began, tried)
        first = self._contents()
        climbed = self._climb(self.steps, try_all=True)
        top = self._contents() if climbed == len(self.steps) else None
        if not self.wanted.back or not self._descend(self.steps[:climbed]):
            return
        self._found(changed(first, self._contents(), "the way up and down"))
        if top is not None and self._climb(self.steps, try_all=False) == len(self.steps):
            self._found(changed(top, self._contents(), "the second way up"))

    # --- moves --------------------------------------------------------------------------

    def _climb(self, steps: tuple[Step, ...], *, try_all: bool) -> int:
        """Return how many steps have run."""
        for n, step in enumerate(steps):
            stage = f"{self._id(step)} up" + ("" if try_all else " again")
            if not self._move(stage, step, up=True):
                self._take_back(step)
                return n
            if try_all:
                self._ask(stage)
                self._try(stage, step.name)
        return len(steps)

    def _descend(self, steps: tuple[Step, ...]) -> bool:
        for n, step in reversed(list(enumerate(steps))):
            stage = f"{self._id(step)} down"
            if not self._move(stage, step, up=False):
                return False
            self._try(stage, steps[n - 1].name if n else None)
        return True

    def _move(self, stage: str, step: Step, *, up: bool) -> bool:
        began = time.monotonic()
        try:
            (self.chain.up if up else self.chain.down)(step.name)
        except (RefactorError, CommandError, psycopg.Error) as error:
            self._found([Finding(kind=Kind.STOPS, stages=(stage,), what=_one_line(error))])
            return False
        finally:
            self._leg(stage, step.name, began)
        return True

    def _take_back(self, step: Step) -> None:
        """A step that stopped has to be taken back, as a user would."""
        stage = f"{self._id(step)} abandon"
        try:
            self.chain.runner.abandon()
        except (RefactorError, CommandError, psycopg.Error) as error:
            self._found([Finding(kind=Kind.DEAD_END, stages=(stage,), what=_one_line(error))])

    def _id(self, step: Step) -> str:
        return self.chain.runner.chain.revisions.of(step.name)

    # --- what is asked at a stage -------------------------------------------------------

    def _ask(self, stage: str) -> None:
        """Every check of the stage, and the comparison of both sides."""
        began = time.monotonic()
        broken = tuple(self._broken())
        self._found(Finding(kind=Kind.CHECK, stages=(stage,), what=line) for line in broken)
        self._leg(stage, "checks", began)

    def _broken(self) -> Iterator[str]:
        models = self.subject.project.models(self.subject.plan)
        try:
            yield from what_is_broken(self.chain.runner, models=models)
        except (RefactorError, psycopg.Error) as error:
            yield _one_line(error)

    def _contents(self) -> Contents:
        return contents(self.trials.prober.pg, self.trials.wide)

    def _try(self, stage: str, step: str | None) -> None:
        began, before = time.monotonic(), self.trials.prober.tried
        self._found(self.trials.differences_at(stage, step))
        self._leg(stage, "statements", began, self.trials.prober.tried - before)

    # --- telling ------------------------------------------------------------------------

    def _found(self, findings: Iterable[Finding]) -> None:
        self.done.findings.extend(findings)

    def _leg(self, stage: str, name: str, began: float, tried: int = 0) -> None:
        now = time.monotonic()
        self.done.tried += tried
        self.done.legs.append(Leg(stage=stage, name=name, seconds=now - began, probes=tried))
        # Before the steps, three legs for each on the way up, two down, one on the second way up.
        legs = 1 + (6 if self.wanted.back else 3) * len(self.steps)
        left = (now - self.began) * (max(legs / len(self.done.legs), 1.0) - 1)
        what = f", {counted(tried, 'statement')}" if tried else ""
        self.wanted.progress.say(
            f"  {stage}: {name}{what} ({duration(now - began)}); about {duration(left)} left"
        )


def _one_line(error: BaseException) -> str:
    """The error's text. Ctrl-C, of which the steps and Alembic make errors, stays Ctrl-C."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        cause = cause.__cause__
    return " ".join(str(error).split())
