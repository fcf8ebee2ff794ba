"""Makes the forecast: applies the steps to portraits, and asks checks and gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace

import psycopg

from membership_refactor.checks.check import Check
from membership_refactor.execution.ledger import Ledger, StepRecord
from membership_refactor.execution.run_checks import examine
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.inspect.estimates import Estimates
from membership_refactor.inspect.forecast_values import (
    Answer,
    Asked,
    Forecast,
    StepForecast,
)
from membership_refactor.inspect.history import stands_at
from membership_refactor.inspect.lock_forecast import LockUse, locks_of, locks_of_keys
from membership_refactor.inspect.read_only import looking
from membership_refactor.planning import Revisions, Stage
from membership_refactor.portrait import Portrait
from membership_refactor.sql.application_code.search_path import session_path
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.steps.actions import Action, Verify
from membership_refactor.steps.revision_text import RevisionText
from membership_refactor.steps.step import Direction, Situation, Step


def forecast(runner: Runner, texts: Mapping[str, RevisionText]) -> tuple[Forecast, Portrait]:
    """Return the forecast up to the head, and the portrait of the tables now. Reads only.

    ``texts`` are what the revision files say of themselves, by id.
    """
    portrait = runner.read()
    with looking(runner, "plan") as pg:
        stands = stands_at(runner, pg)
        ledger = runner.ledger if runner.ledger.exists(pg) else None
        known = ledger.steps(pg) if ledger else {}
        open_step = next((s for s in known.values() if s.open), None)
        if open_step is not None and open_step.direction is Direction.DOWN and ledger:
            ledger.require_order(known, open_step.step, Direction.UP)
        maker = _Maker(
            runner,
            pg,
            ledger,
            texts=texts,
            portrait=portrait,
            open_step=open_step,
        )
        at = ledger.highest_up(known) if ledger else None
        made = maker.steps_after(at)
        return (
            Forecast(
                plan=runner.plan.name,
                fingerprint=runner.plan.fingerprint,
                schema=runner.schema,
                server_version=portrait.server_version,
                stands_at=stands,
                open_step=maker.open_label,
                **asdict(maker.estimates.counts),
                times_as_long=maker.estimates.times_as_long,
                workers=maker.estimates.workers,
                steps=made,
            ),
            portrait,
        )


def ask(pg: Pg, check: Check, names: Names, revisions: Revisions) -> Asked:
    """Run the check now. One that needs tables of a later step is asked when its step begins."""
    try:
        with pg.transaction():
            run(pg, session_path(names).replace("SET", "SET LOCAL", 1))
            result = examine(pg, check)
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ):
        return Asked(sentence=check.sentence, answer=Answer.LATER)
    return Asked(
        sentence=check.sentence,
        answer=Answer.HOLDS if result.holds else Answer.FAILS,
        broken=result.broken,
        keys=result.keys,
        hint=revisions.naming(check.hint),
    )


class _Maker:
    def __init__(
        self,
        runner: Runner,
        pg: Pg,
        ledger: Ledger | None,
        *,
        texts: Mapping[str, RevisionText],
        portrait: Portrait,
        open_step: StepRecord | None,
    ) -> None:
        self.runner, self.pg, self.ledger = runner, pg, ledger
        self.plan, self.names = runner.plan, runner.names
        self.chain, self.texts, self.portrait = runner.chain, texts, portrait
        self.open_step = open_step
        self.estimates = Estimates(runner, pg, portrait)

    def steps_after(self, at: Step | None) -> tuple[StepForecast, ...]:
        portraits = dict(self.ledger.portraits(self.pg)) if self.ledger else {}
        now, made = self.portrait, []
        server = self.runner.server()
        if self.ledger is not None:
            server = replace(server, creates_in_database=True)
        to_come = self.chain.to_come(at.name if at else None)
        for step in to_come:
            is_open = self.open_step is not None and self.open_step.step == step.name
            if is_open:
                assert self.ledger is not None
                now = self.ledger.now(self.pg, step.name) or now
            portraits = {**portraits, step.name: now}
            s = Situation(self.names, portraits, now, server, self.chain.revisions)
            refused = () if is_open else step.refusals(s)
            if refused:
                # What comes after cannot be computed from tables that do not fit.
                made.append(self._refused(step, refused))
                break
            now = step.becomes(s)
            made.append(self._step(step, s, now, first=not is_open and step is to_come[0]))
        return tuple(made)

    def _refused(self, step: Step, refused: tuple[str, ...]) -> StepForecast:
        return replace(self._empty(step), refusals=refused)

    def _step(self, step: Step, s: Situation, after: Portrait, *, first: bool) -> StepForecast:
        assert s.now is not None
        before = s.now
        actions = step.up(s)
        if self.open_step is not None and self.open_step.step == step.name and self.ledger:
            done = self.ledger.done(self.pg, step.name, Direction.UP)
            actions = tuple(a for a in actions if a.key not in done)
        down = step.down(replace(s, now=after))
        rows = sum(self.estimates.rows_written(a) for a in actions)
        gone = len(after.tables) < len(before.tables)
        checks = (*step.before_up(s), *step.after_up(s))
        return replace(
            self._empty(step),
            rows=rows,
            bytes=self.estimates.bytes(rows),
            freed=self.estimates.archive_bytes() if gone else 0,
            seconds=self.estimates.seconds((*actions, Verify(key="", title="", checks=checks))),
            locks=(
                *self._locks(step, actions, before, after),
                *locks_of_keys(actions, before, after),
            ),
            undo_rows=sum(self.estimates.rows_read(a) for a in down),
            asked=tuple(self._ask(c, s, now=first) for c in step.before_up(s)),
            gates=tuple(self._ask(c, s, now=True) for c in step.gates(s)),
            notes=step.notes(s),
        )

    @property
    def open_label(self) -> str | None:
        """The revision of the open step, and its direction."""
        if self.open_step is None:
            return None
        return f"{self.chain.revisions.of(self.open_step.step)} {self.open_step.direction}"

    # --- locks --------------------------------------------------------------------------

    def _locks(
        self, step: Step, actions: Iterable[Action], before: Portrait, after: Portrait
    ) -> tuple[LockUse, ...]:
        private = {qualified(t.schema, t.name) for t in after.tables if not before.find(t.name)}
        if step.stage is Stage.COPY:
            # The rebuilt parent is closed to applications in this stage.
            other = self.plan.parent != self.plan.source or before.find(self.plan.retired)
            private |= {self.names.parent} if other else set()
        ledger = ident(self.names.ledger) + "."
        used = locks_of(actions, private=private)
        return tuple(
            replace(u, table=self.names.child) if u.table.startswith(ledger) else u for u in used
        )

    # --- checks and gates ---------------------------------------------------------------

    def _ask(self, check: Check, s: Situation, *, now: bool) -> Asked:
        later = Asked(sentence=check.sentence, answer=Answer.LATER)
        return ask(self.pg, check, s.names, s.revisions) if now else later

    def _empty(self, step: Step) -> StepForecast:
        revision = self.chain.revisions.of(step.name)
        text = self.texts.get(revision) or RevisionText(title=step.name)
        return StepForecast(
            revision=revision,
            name=step.name,
            title=text.title,
            deploy=text.deploy,
            undo=text.undo,
        )
