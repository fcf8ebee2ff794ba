"""Does each kind of action, and records it as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import singledispatchmethod
from typing import Any

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.batches import Batches
from membership_refactor.execution.felt_step import FeltStep
from membership_refactor.execution.indexes import build_alone
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.locks import Held, briefly, rehearse
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import require
from membership_refactor.execution.sessions import (
    Pg,
    Sessions,
    estimated_rows,
    is_there,
    run,
    together,
)
from membership_refactor.execution.shared_job import offer_of
from membership_refactor.execution.switching import Drain
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.ledger.standing_triggers import (
    NO_OTHERS,
    known,
    raise_if_gone,
    standing,
    standing_on,
)
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.steps.actions import (
    LONG,
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
    names: Names
    engine: Engine
    sessions: Sessions
    pg: Pg
    ledger: Ledger
    options: Options
    progress: Progress
    felt: FeltStep
    performers: Mapping[type[Action], Performer]

    @property
    def rows(self) -> StepRows:
        """The ledger's rows of this step in this direction, as statements."""
        return self.ledger.rows(self.step, self.direction)

    def do(self, action: Action) -> None:
        """Do it, or record that there is nothing to do: its partition has left."""
        if not self.has_left(action):
            try:
                self._do(action)
            except psycopg.errors.UndefinedTable:
                if not self.has_left(action):
                    raise
            else:
                return
        self.progress.say(f"  {action.title}: not needed, the partition has left")
        run(self.pg, self._marking(action, left=True))

    def has_left(self, action: Action) -> bool:
        """Whether it is about a partition that is not there any more."""
        table = action.of_partition
        return bool(table) and not is_there(self.pg, table)

    @singledispatchmethod
    def _do(self, action: Action) -> None:
        perform = self.performers.get(type(action))
        if perform is not None:
            self.progress.say(f"  {action.title}")
            perform(self.engine, self.sessions, action, self.progress.say)
            self._mark(action)
            return
        raise StepOutOfOrder(f"No handler for action {type(action).__name__}.")

    @_do.register
    def _(self, action: Run) -> None:
        self.progress.say(f"  {action.title}")
        together(self.pg, (*(s.text for s in action.statements), self._marking(action)))

    @_do.register
    def _(self, action: Brief) -> None:
        self.progress.say(f"  {action.title}")
        statements = action.statements
        if not (self.names.partitioned and action.leaves_triggers):
            alone = action.of_partition or action.of_root
            asked = raise_if_gone(self.names, self.rows, alone)
            statements = (asked, *statements)
        text = in_one_message(statement.text for statement in statements)

        def under_lock(pg: Pg) -> None:
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
            members=self.names.partitioned,
        )
        self._measured(action, held)

    @_do.register
    def _(self, action: Alone) -> None:
        self.progress.say(f"  {action.title}")
        build_alone(self.pg, action.statement, action.index)
        self._mark(action)

    @_do.register
    def _(self, action: Switch) -> None:
        self.progress.say(f"  {action.title}")
        drain = Drain(self.pg, self.progress, seconds=self.options.lock_timeout)
        held = drain.switch(
            action,
            raise_if_gone(self.names, self.rows),
            lambda replayed: self._marking(action, rows=replayed),
        )
        self._measured(action, held)

    @_do.register
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

    @_do.register
    def _(self, action: Build | Ranges) -> None:
        job = range_job(
            action,
            self.names,
            self.step,
            self.direction,
        )
        batches = Batches(
            self.sessions,
            Throttle(self.ledger, self.options, self.progress, self.felt.probe),
            self.progress,
            job,
            workers=self.felt.workers(self.pg),
            rows=self.options.batch_rows,
        )
        offer = offer_of(self.ledger, self.step, self.direction, job, self.options)
        rows = batches.run(action.title, estimated_rows(self.pg, job.table), offer=offer)
        self.progress.say(f"  {action.title}: {rows:,} rows")
        with self.pg.transaction():
            run(self.pg, self._marking(action, rows=rows))
            self.ledger.close_job(self.pg, job.job)

    def _mark(self, action: Action) -> None:
        run(self.pg, self._marking(action))

    def _marking(self, action: Action, *, rows: int | None = None, left: bool = False) -> str:
        """INSERT that records the action as done, with the triggers that have to stand now."""
        names, alone = self.names, action.of_partition or action.of_root
        leaves = isinstance(action, LONG) or (isinstance(action, Brief) and action.leaves_triggers)
        # One that is dropped meanwhile is not forgotten where an action creates and drops none.
        if names.partitioned and leaves and not left:
            triggers = NO_OTHERS
        elif alone and (left or isinstance(action, Brief)):
            now = "" if left else action.then_called or alone
            triggers = standing_on(names, self.rows, alone, now)
        elif isinstance(action, LONG):
            triggers = known(names, self.rows)
        else:
            triggers = NO_OTHERS if alone else standing(names)
        counted = {} if rows is None else {"rows": str(rows)}
        return self.rows.mark(action.key, triggers=triggers, **counted)

    def _measured(self, action: Action, held: Held) -> None:
        """Record how long the action waited for its locks and held them."""
        run(self.pg, self.rows.measured(action.key, **asdict(held)))
