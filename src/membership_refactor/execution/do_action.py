"""Does each kind of action, and records it as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from sqlalchemy import Engine

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.batches import Batches
from membership_refactor.execution.indexes import build_alone
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.locks import briefly, rehearse
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import require
from membership_refactor.execution.sessions import Pg, Sessions, run, together, value
from membership_refactor.execution.switching import Drain
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.names import Names
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.actions import (
    Action,
    Alone,
    Brief,
    Build,
    Ranges,
    Run,
    Switch,
    Verify,
)
from membership_refactor.steps.range_job import range_job
from membership_refactor.steps.step import Direction

Performer = Callable[[Engine, Sessions, Any, Callable[[str], None]], object]
"""Does a kind of action that is not known here, and says what a reader has to know; it may be
called again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Does the actions of one step in one direction; records each in the transaction that does
    it."""

    step: str
    direction: Direction
    engine: Engine
    sessions: Sessions
    pg: Pg
    ledger: Ledger
    options: Options
    progress: Progress
    performers: Mapping[type[Action], Performer]

    @singledispatchmethod
    def do(self, action: Action) -> None:
        perform = self.performers.get(type(action))
        if perform is not None:
            self.progress.say(f"  {action.title}")
            perform(self.engine, self.sessions, action, self.progress.say)
            self._mark(action)
            return
        raise StepOutOfOrder(f"No handler for action {type(action).__name__}.")

    @do.register
    def _(self, action: Run) -> None:
        self.progress.say(f"  {action.title}")
        together(self.pg, (*(s.text for s in action.statements), self._marking(action)))

    @do.register
    def _(self, action: Brief) -> None:
        self.progress.say(f"  {action.title}")
        text = in_one_message(statement.text for statement in action.statements)

        def under_lock(pg: Pg) -> None:
            if text:
                run(pg, text)
            self._mark(action)

        work: Callable[[Pg], None] | str = under_lock
        if action.rehearsal is not None:
            rehearse(self.pg, action.rehearsal.text)
            work = in_one_message((text, self._marking(action)))
        held = briefly(
            self.pg,
            action.locks,
            work,
            seconds=self.options.lock_timeout,
            say=self.progress.say,
            wanted=(*action.locks, *action.by_statements),
        )
        self.ledger.measured(self.pg, self.step, self.direction, action.key, held)

    @do.register
    def _(self, action: Alone) -> None:
        self.progress.say(f"  {action.title}")
        build_alone(self.pg, action.statement, action.index)
        self._mark(action)

    @do.register
    def _(self, action: Build) -> None:
        self._batches(action)

    @do.register
    def _(self, action: Ranges) -> None:
        self._batches(action)

    @do.register
    def _(self, action: Switch) -> None:
        self.progress.say(f"  {action.title}")
        drain = Drain(self.pg, self.ledger, self.progress, seconds=self.options.lock_timeout)
        held = drain.switch(action, self.step, self.direction)
        self.ledger.measured(self.pg, self.step, self.direction, action.key, held)

    @do.register
    def _(self, action: Verify) -> None:
        require(
            self.pg,
            action.checks,
            ledger=self.ledger,
            progress=self.progress,
            step=self.step,
            direction=self.direction,
        )
        self._mark(action)

    def _batches(self, action: Build | Ranges) -> None:
        job = range_job(
            action,
            Names(self.ledger.plan, self.ledger.schema),
            f"{self.step} {self.direction} {action.key}",
        )
        batches = Batches(
            self.sessions,
            Throttle(self.ledger, self.options, self.progress),
            self.progress,
            job,
            workers=self.options.workers,
            rows=self.options.batch_rows,
        )
        rows = batches.run(action.title, self._expected(job.table))
        self.progress.say(f"  {action.title}: {rows:,} rows")
        with self.pg.transaction():
            self.ledger.mark(self.pg, self.step, self.direction, action.key, rows=rows)
            self.ledger.close_job(self.pg, job.job)

    def _expected(self, table: str) -> int | None:
        rows = value(
            self.pg,
            f"SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = {literal(table)}"
            "::pg_catalog.regclass",
        )
        return int(rows) if rows and rows > 0 else None

    def _marking(self, action: Action) -> str:
        return self.ledger.marking(self.step, self.direction, action.key)

    def _mark(self, action: Action) -> None:
        self.ledger.mark(self.pg, self.step, self.direction, action.key)
