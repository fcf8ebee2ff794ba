"""The runner: takes a step up or down to its end, from where the ledger says it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import psycopg

from membership_refactor.checks.guard import every_row_is_seen
from membership_refactor.errors import RefactorError, StepInterrupted
from membership_refactor.execution.before_step import (
    ask_before,
    require_firing,
    require_neighbours,
    require_structure,
)
from membership_refactor.execution.chain_in_schema import ChainInSchema
from membership_refactor.execution.do_action import Work
from membership_refactor.execution.felt_step import FeltStep
from membership_refactor.execution.ledger import TURNED
from membership_refactor.execution.own_triggers import open_logs, wake_triggers
from membership_refactor.execution.ownership import create_ledger_schema
from membership_refactor.execution.server_errors import in_one_line
from membership_refactor.execution.sessions import Pg, Sessions, run
from membership_refactor.sql.application_code.search_path import session_path
from membership_refactor.sql.ledger.own_objects import renew_foreign_fence
from membership_refactor.sql.ledger.table_definitions import drop_ledger
from membership_refactor.sql.triggers import OwnTrigger
from membership_refactor.steps.actions import LONG, Action
from membership_refactor.steps.step import Direction, Situation, Step

CHECKS = "checks"
"""What is measured during the checks at the end of a step is recorded under this key."""


class Runner(ChainInSchema):
    """Runs the steps of one plan in one schema. It keeps nothing between two steps."""

    # --- the way ------------------------------------------------------------------------

    def upgrade(self, step: str) -> None:
        """Take the step up, unless the ledger says that it is done."""
        self._go(self.chain[step], Direction.UP, step)

    def downgrade(self, step: str, *, lowest: str | None = None) -> None:
        """Take the step down.

        ``lowest`` is the last step that this downgrade takes down. What every step from this one
        to that one refuses is asked before anything is changed.
        """
        self._go(self.chain[step], Direction.DOWN, lowest or step)

    def ask(self, step: str, direction: Direction, *, lowest: str | None = None) -> None:
        """Raise already now what refuses the step, before Alembic runs other revisions
        that come first: an open step, or what a step on the way down refuses. No table is changed.
        """
        found = self.chain[step]
        with self.sessions("ask").open(purpose="ledger") as pg:
            if not self.ledger.exists(pg):
                return
            self.ledger.record_plan(pg)
            opened = self.ledger.require_order(self.ledger.steps(pg), step, direction)
            if opened is None and direction is Direction.DOWN:
                situation = replace(self.situation(pg), now=self.read())
                run(pg, session_path(situation.names))
                for other in self.chain.way_down(step, lowest or step):
                    self.require(pg, other.before_down(situation), found, direction)

    def abandon(self) -> str | None:
        """Take the open step back; return its label and direction, None where none is open.

        An open upgrade is undone by its downgrade. An open downgrade is finished first and then
        upgraded again. Either way the chain stands where it stood before. An abandon that was
        interrupted while it undid an upgrade goes on.
        """
        sessions = self.sessions("abandon")
        with sessions.open(purpose="ledger") as pg:
            found = self.ledger.open_step(pg) if self.ledger.exists(pg) else None
            if found is None:
                return None
            done = self.ledger.done(pg, found.step, found.direction)
            taken = f"{self.label(found.step)} {found.direction}"
            rows = self.ledger.rows(found.step, found.direction)
            run(pg, rows.event("abandoned"))
            if not done:
                if found.direction is Direction.UP:
                    self.ledger.forget(pg, found.step)
                else:
                    self.ledger.restore(pg, found.step)
                return taken
            logs: tuple[OwnTrigger, ...] = ()
            situation = replace(self.situation(pg), now=self.ledger.now(pg, found.step))
            if found.direction is Direction.DOWN:
                # It is finished first, and its switch asks for them.
                logs = open_logs(self.chain[found.step].down(situation), done)
            if wake_triggers(pg, situation.names, rows, logs, self.options, self.progress):
                self.progress.say(
                    "  triggers of this tool did not fire; writes may have slipped past. Run: "
                    + self.chain.revisions.verb("verify")
                )
            if found.direction is Direction.UP:
                self.ledger.turn(pg, found.step, Direction.DOWN, self.read())
        self.downgrade(found.step)
        if found.direction is Direction.DOWN and TURNED not in done:
            self.upgrade(found.step)
        return taken

    def _go(self, step: Step, direction: Direction, lowest: str) -> None:
        begun = False
        try:
            sessions = self.sessions(f"{self.chain.revisions.of(step.name)} {direction}")
            with sessions.open(purpose="ledger") as pg:
                situation, opened = self._enter(step, direction, lowest, sessions, pg)
                if situation is not None:
                    begun = True
                    self._through(step, direction, situation, sessions, pg, opened=opened)
        except (KeyboardInterrupt, psycopg.Error) as error:
            raise self._stopped(step, direction, error, begun=begun) from error

    def _enter(
        self,
        step: Step,
        direction: Direction,
        lowest: str,
        sessions: Sessions,
        pg: Pg,
    ) -> tuple[Situation | None, bool]:
        """Ask everything that may refuse the step. Return the situation in which it is
        taken, None where it is done already, and whether it is open. No table is changed, and no
        ledger is made before a step that may not come first."""
        name, label = step.name, self.label(step.name)
        if not self.ledger.exists(pg):
            require_neighbours(self, {}, step, direction)
            if direction is Direction.DOWN:
                self.progress.say(f"{label}: down already, nothing to do")
                return None, False
            if sessions.role is not None:
                create_ledger_schema(pg, self.ledger, sessions.role)
        self.ledger.create(pg)
        self.ledger.record_plan(pg)
        steps = self.ledger.steps(pg)
        opened = self.ledger.require_order(steps, name, direction)
        self.require(pg, (every_row_is_seen(self.names),), step, direction)
        run(pg, renew_foreign_fence(self.names).text)
        if opened is not None:
            self.progress.say(f"{label}: resumed")
            situation = replace(self.situation(pg), now=self.ledger.now(pg, name))
            run(pg, session_path(situation.names))
            return situation, True
        known, last = steps.get(name), self.ledger.highest_up(steps)
        is_up = known is not None and known.direction is Direction.UP
        if is_up is (direction is Direction.UP):
            self.require_tables_of_ledger(pg)
            now = replace(self.situation(pg), now=self.read())
            require_structure(self, step, now, last, direction, lowest)
            self.progress.say(f"{label}: {direction} already, nothing to do")
            return None, False
        require_neighbours(self, steps, step, direction)
        return ask_before(self, pg, step, last, direction, lowest), False

    def _through(
        self,
        step: Step,
        direction: Direction,
        situation: Situation,
        sessions: Sessions,
        pg: Pg,
        *,
        opened: bool,
    ) -> None:
        name = step.name
        if not opened:
            assert situation.now is not None
            self.ledger.begin(pg, name, direction, situation.now)
        self.progress.say(f"{self.label(name)} {direction}")
        ends_ledger = step.ends_ledger and direction is Direction.DOWN
        with FeltStep(
            sessions,
            self.ledger,
            self.options,
            self.progress,
            step=name,
            direction=direction,
            tables=self.tables,
        ) as felt:
            work = Work(
                step=name,
                direction=direction,
                names=situation.names,
                engine=self.engine,
                sessions=sessions,
                pg=pg,
                ledger=self.ledger,
                options=self.options,
                progress=self.progress,
                felt=felt,
                performers=self.performers,
            )
            up = direction is Direction.UP
            self._do(work, step, step.up(situation) if up else step.down(situation))
            if not ends_ledger:
                require_firing(self, work.names, pg, step, direction)
                felt.measure(pg, CHECKS, "the checks at its end", long=False)
                after = step.after_up if up else step.after_down
                self.require(pg, after(situation), step, direction)
        if ends_ledger:
            run(pg, drop_ledger(self.schema).text)
        else:
            self.ledger.end(pg, name, direction)

    def _do(self, work: Work, step: Step, actions: Iterable[Action]) -> None:
        """Do the actions that are not done yet."""
        pg, direction = work.pg, work.direction
        done = self.ledger.done(pg, step.name, direction)
        first = True
        for action in actions:
            if action.asked in done:
                continue
            work.felt.measure(pg, action.key, action.title, long=isinstance(action, LONG))
            # That takes longer with each partition. An action of one partition asks for its own
            # triggers under its lock, and the record forgets none of the others: they are missed
            # before the next action of the whole table, and at the end of the step.
            if first or not action.of_partition or work.has_left(action):
                require_firing(self, work.names, pg, step, direction)
            first = False
            work.do(action)

    def _stopped(
        self, step: Step, direction: Direction, error: BaseException, *, begun: bool
    ) -> RefactorError:
        """What stopped the step, and the commands that end it."""
        interrupted = isinstance(error, KeyboardInterrupt)
        what = "interrupted" if interrupted else f"stopped: {in_one_line(error)}"
        revisions = self.chain.revisions
        command, back = revisions.command(step.name, direction), revisions.verb("abandon")
        if not begun:
            return StepInterrupted(
                f"{self.label(step.name)} {direction} was {what}. This command changed nothing.",
                hint=f"Run it again with: {command}",
            )
        return StepInterrupted(
            f"{self.label(step.name)} {direction} was {what}. "
            "What it committed stays; nothing is lost.",
            hint=f"Go on with: {command}   or take it back with: {back}",
        )
