"""The checks of the current revision: of rows, of the tables' structure, of the models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from membership_refactor.checks.check import Check
from membership_refactor.checks.guard import guard
from membership_refactor.counts import counted
from membership_refactor.errors import StepOutOfOrder, WrongUse
from membership_refactor.execution.run_checks import examine, record_found
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, Sessions
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.inspect.check_results import CheckOutcome
from membership_refactor.inspect.models import model_differences
from membership_refactor.inspect.read_only import looking
from membership_refactor.planning import Revisions, Stage
from membership_refactor.portrait import Portrait, differences
from membership_refactor.project.alembic_project import Models
from membership_refactor.sql.application_code.search_path import path_obstacles
from membership_refactor.steps.partition_sides import partitions_followed
from membership_refactor.steps.step import Direction, Situation, Step

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A check with its name, and the function that runs it."""

    name: str
    sentence: str
    ask: Callable[[], CheckOutcome]


class StandingChecks:
    """The checks of the current revision. Each can be run alone.

    ``models`` are those that the project names; without any no check speaks of models. Where the
    first step adopted tables, their differences were accepted then and are not reported.
    """

    def __init__(self, runner: Runner, *, models: Models) -> None:
        self.runner, self.models = runner, models
        self.portrait = runner.read()
        with looking(runner, "checks") as pg:
            there = runner.ledger.exists(pg)
            situation = runner.situation(pg) if there else None
            self.step = runner.ledger.stands_at(pg) if there else None
            self.open_step = runner.ledger.open_step(pg) if there else None
        self.situation: Situation | None = situation and replace(situation, now=self.portrait)
        self.recorded = there

    @property
    def revision(self) -> str | None:
        """The revision of the highest step that has run. None before the first."""
        return self.runner.chain.revisions.of(self.step.name) if self.step else None

    def questions(self) -> tuple[Question, ...]:
        """Every check of the current revision. There is none before the first step."""
        step, situation = self.step, self.situation
        if step is None or situation is None:
            return ()
        found = [
            Question(name=c.name, sentence=c.sentence, ask=partial(self._over_tables, c))
            for c in (
                *guard(situation.names, path_obstacles(self.runner.plan, self.portrait)),
                *partitions_followed(situation),
                *self.runner.chain.checks_at(step.name, situation),
            )
        ]
        found.append(
            _of_differences(
                "portrait is as predicted",
                "the structure of the tables is what the steps made",
                partial(self._portrait, situation, step),
                hint="The tables were changed since the last step. Undo the change, or make sure "
                "that the next step can handle it.",
            )
        )
        if self.models(step):
            found.append(
                _of_differences(
                    "models equal the database",
                    "Alembic finds no difference between the models and the database",
                    partial(self._models, situation, step),
                    hint="Undo the change of the table, or adapt the models.",
                )
            )
        return tuple(found)

    def chosen(self, names: Sequence[str]) -> tuple[Question, ...]:
        """Return the checks of these names, or all. Raises WrongUse for an unknown name.

        Raises StepOutOfOrder for all of them while a step is open, because the checks need to pass
        only between steps.
        """
        questions = self.questions()
        if names:
            by_name = {q.name: q for q in questions}
            unknown = [name for name in names if name not in by_name]
            if unknown:
                raise WrongUse(
                    f'there is no check "{unknown[0]}" at {self.revision or "base"}; there are '
                    f"{', '.join(by_name) or 'none'}.",
                    hint=f"{self.runner.chain.revisions.verb('checks')} --list",
                )
            return tuple(by_name[name] for name in names)
        if self.open_step is not None:
            ledger, opened = self.runner.ledger, self.open_step
            raise StepOutOfOrder(
                f"step {ledger.chain.revisions.label(opened.step)} is open {opened.direction}: "
                "the checks need to pass only between steps.",
                hint=f"{ledger.ways_out(opened.step, opened.direction)}   or name the checks to "
                "run.",
            )
        return questions

    def record(self, findings: Iterable[CheckOutcome]) -> bool:
        """Write the results into the ledger. Return whether the role may do that."""
        if not self.recorded:
            return False
        runner = self.runner
        with looking(runner, "checks") as pg:
            owner = pg.execute(b"SELECT current_user::text").fetchone()
        assert owner is not None
        with Sessions(runner.engine, role=owner[0], label="checks").open() as pg:
            try:
                record_found(
                    pg,
                    [(f.name, f.broken, f.keys, f.seconds) for f in findings],
                    ledger=runner.ledger,
                    step=self.step.name if self.step else None,
                    direction=Direction.UP,
                )
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
                return False
        return True

    # --- the three kinds ----------------------------------------------------------------

    def _over_tables(self, check: Check) -> CheckOutcome:
        with looking(self.runner, "checks") as pg:
            return _examined(pg, check, self.runner.chain.revisions)

    def _portrait(self, s: Situation, step: Step) -> Sequence[str]:
        own = set(self.runner.plan.tables)
        expected = step.becomes(s)
        # Before the split all tables of the baseline are compared; from then on the plan's own.
        split = step.stage is not Stage.LEGACY
        names = own if split else {t.name for t in expected.tables}
        return differences(
            _only(expected, names),
            _only(self.portrait, names),
            without=() if split else ("incoming",),
        )

    def _models(self, s: Situation, step: Step) -> Sequence[str]:
        first = s.portraits.get(self.runner.chain.steps[0].name)
        pairs = []
        for group in self.runner.chain.groups:
            made = group(self.runner.schema)
            if first is not None and any(first.find(t.name) for t in made.tables):
                pairs.append((made, _only(first, {t.name for t in made.tables})))
        with self.runner.engine.connect() as connection:
            return model_differences(
                connection,
                self.runner.plan,
                self.runner.schema,
                self.models(step),
                tables=self.runner.tables,
                expected=step.becomes(s),
                baseline=pairs,
                now=self.portrait,
            )


def what_is_broken(runner: Runner, *, models: Models) -> Iterator[str]:
    """A line for each check of the current revision that fails, and for each comparison that finds
    rows."""
    for question in StandingChecks(runner, models=models).questions():
        answer = question.ask()
        if not answer.holds:
            listed = "; ".join(answer.keys)
            yield f"{answer.name}: {answer.sentence}: {answer.broken} ({listed})"
    for verdict in verify_all(runner).verdicts:
        if verdict.findings:
            first = verdict.findings[0]
            yield (
                f"verify, {verdict.comparison.name}: {counted(len(verdict.findings), 'row')}, "
                f"first {first.key} {first.difference} {', '.join(first.columns)}"
            )


def _examined(pg: Pg, check: Check, revisions: Revisions) -> CheckOutcome:
    result = examine(pg, check)
    return CheckOutcome(
        name=check.name,
        sentence=check.sentence,
        broken=result.broken,
        keys=result.keys,
        seconds=result.seconds,
        hint=revisions.naming(check.hint),
    )


def _of_differences(
    name: str, sentence: str, found: Callable[[], Sequence[str]], *, hint: str
) -> Question:
    """A question that holds where ``found`` returns nothing."""

    def ask() -> CheckOutcome:
        began = time.perf_counter()
        listed = found()
        return CheckOutcome(
            name=name,
            sentence=sentence,
            broken=len(listed),
            keys=tuple(listed[:SHOWN]),
            seconds=time.perf_counter() - began,
            hint=hint,
        )

    return Question(name=name, sentence=sentence, ask=ask)


def _only(portrait: Portrait, names: Iterable[str]) -> Portrait:
    kept = set(names)
    return replace(portrait, tables=tuple(t for t in portrait.tables if t.name in kept))
