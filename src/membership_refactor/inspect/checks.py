"""Asks what has to hold where the chain stands: checks over tables, the portrait, the models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from membership_refactor.checks.check import Check
from membership_refactor.errors import StepOutOfOrder, WrongUse
from membership_refactor.execution.ledger import ways_out
from membership_refactor.execution.run_checks import examine
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, Sessions
from membership_refactor.inspect.findings import Finding
from membership_refactor.inspect.models import metadata_at, model_differences
from membership_refactor.inspect.read_only import alembic_version, looking
from membership_refactor.portrait import Portrait, differences
from membership_refactor.steps.standing import standing_checks
from membership_refactor.steps.step import Direction, Situation, Step

PORTRAIT, MODELS = "portrait is as predicted", "models equal the database"
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A check that has a name, and what answers it."""

    name: str
    sentence: str
    ask: Callable[[], Finding]


class StandingChecks:
    """The checks of the revision at which the chain stands, each to be asked by itself.

    ``groups`` make the portraits of the tables that 0001 creates; what they differ in from those
    that it found is known since the adoption.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        steps: Mapping[str, Step],
        groups: Sequence[Callable[[str], Portrait]],
    ) -> None:
        self.runner, self.steps, self.groups = runner, steps, groups
        self.portrait = runner.read()
        with looking(runner.engine, runner.schema, "checks") as pg:
            self.revision = alembic_version(pg, runner.schema)
            there = runner.ledger.exists(pg)
            situation = runner.situation(pg) if there else None
            known = runner.ledger.steps(pg) if there else {}
        self.situation: Situation | None = situation and replace(situation, now=self.portrait)
        self.open_step = next((s for s in known.values() if s.open), None)
        self.recorded = there

    def questions(self) -> tuple[Question, ...]:
        """Every check there is here; none before 0001."""
        revision, situation = self.revision, self.situation
        if revision is None or situation is None:
            return ()
        found = [
            Question(name=c.name, sentence=c.sentence, ask=partial(self._over_tables, c))
            for c in (*standing_checks(situation, revision), *self._of_identity(revision))
        ]
        found.append(
            Question(
                name=PORTRAIT,
                sentence="the tables are in everything the catalog knows what the steps make them",
                ask=partial(self._portrait, situation, revision),
            )
        )
        if metadata_at(revision):
            found.append(
                Question(
                    name=MODELS,
                    sentence="Alembic finds no difference between the models and the database",
                    ask=partial(self._models, situation, revision),
                )
            )
        return tuple(found)

    def chosen(self, names: Sequence[str]) -> tuple[Question, ...]:
        """Those of ``names``, or all. WrongUse for an unknown name; an open step is between two
        structures, so that only what is asked for by name is asked then."""
        questions = self.questions()
        if names:
            by_name = {q.name: q for q in questions}
            unknown = [name for name in names if name not in by_name]
            if unknown:
                raise WrongUse(
                    f'there is no check "{unknown[0]}" at {self.revision or "base"}; there are '
                    f"{', '.join(by_name) or 'none'}.",
                    hint="membership-refactor checks --list",
                )
            return tuple(by_name[name] for name in names)
        if self.open_step is not None:
            step = self.open_step
            go_on, take_back = ways_out(step)
            raise StepOutOfOrder(
                f"step {step.revision} is open {step.direction}: what holds between steps need not "
                "hold within one.",
                hint=f"Finish it with: {go_on}   or take it back with: {take_back}   or ask for "
                "checks by name.",
            )
        return questions

    def record(self, findings: Iterable[Finding]) -> bool:
        """Writes the results into the ledger; false where the role may not."""
        if not self.recorded:
            return False
        runner = self.runner
        with looking(runner.engine, runner.schema, "checks") as pg:
            owner = pg.execute(b"SELECT current_user::text").fetchone()
        assert owner is not None
        with Sessions(runner.engine, role=owner[0], label="checks").open() as pg:
            try:
                for f in findings:
                    runner.ledger.check_result(
                        pg,
                        self.revision,
                        Direction.UP,
                        f.name,
                        broken=f.broken,
                        keys=list(f.keys),
                        seconds=f.seconds,
                    )
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
                return False
        return True

    # --- the three kinds ----------------------------------------------------------------

    def _over_tables(self, check: Check) -> Finding:
        with looking(self.runner.engine, self.runner.schema, "checks") as pg:
            return _examined(pg, check)

    def _of_identity(self, revision: str) -> tuple[Check, ...]:
        step = self.steps.get("0002")
        assert self.situation is not None
        return step.after_up(self.situation) if step is not None and revision >= "0002" else ()

    def _portrait(self, s: Situation, revision: str) -> Finding:
        began = time.perf_counter()
        plan = self.runner.plan
        own = {plan.source, plan.copy, plan.parent, plan.retired}
        expected = self.steps[revision].becomes(s)
        # What hangs on the other tables is their owner's business; the steps predict their own.
        names = own if revision >= "0003" else {t.name for t in expected.tables}
        listed = differences(
            _only(expected, names),
            _only(self.portrait, names),
            without=() if revision >= "0003" else ("incoming",),
        )
        return _finding(
            PORTRAIT,
            "the tables are in everything the catalog knows what the steps make them",
            listed,
            began,
            "Somebody has changed them since; put it back, or know of it before the next step.",
        )

    def _models(self, s: Situation, revision: str) -> Finding:
        began = time.perf_counter()
        first = s.portraits.get("0001")
        pairs = []
        for group in self.groups:
            made = group(self.runner.schema)
            if first is not None and any(first.find(t.name) for t in made.tables):
                pairs.append((made, _only(first, {t.name for t in made.tables})))
        with self.runner.engine.connect() as connection:
            listed = model_differences(
                connection,
                self.runner.plan,
                self.runner.schema,
                revision,
                baseline=pairs,
                now=self.portrait,
            )
        return _finding(
            MODELS,
            "Alembic finds no difference between the models and the database",
            listed,
            began,
            "Change the table back, or the models.",
        )


def _examined(pg: Pg, check: Check) -> Finding:
    result = examine(pg, check)
    return Finding(
        name=check.name,
        sentence=check.sentence,
        broken=result.broken,
        keys=result.keys,
        seconds=result.seconds,
        hint=check.hint,
    )


def _finding(name: str, sentence: str, listed: Sequence[str], began: float, hint: str) -> Finding:
    return Finding(
        name=name,
        sentence=sentence,
        broken=len(listed),
        keys=tuple(listed[:SHOWN]),
        seconds=time.perf_counter() - began,
        hint=hint,
    )


def _only(portrait: Portrait, names: Iterable[str]) -> Portrait:
    kept = set(names)
    return replace(portrait, tables=tuple(t for t in portrait.tables if t.name in kept))
