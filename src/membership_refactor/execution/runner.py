"""The runner: takes a step up or down, from where the ledger says it stands, to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import psycopg
from sqlalchemy import Engine

from membership_refactor.catalog.read import read_portrait, read_server
from membership_refactor.checks.row_security import every_row_is_seen
from membership_refactor.errors import (
    CannotCarry,
    RefactorError,
    StepInterrupted,
    StepOutOfOrder,
)
from membership_refactor.execution.do_action import Performer, Work
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.ownership import owner_of
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import open_gate, require
from membership_refactor.execution.sessions import Pg, Sessions, run
from membership_refactor.execution.throttle import Throttle
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.server import Server
from membership_refactor.sql.ledger.tables import drop_ledger
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Action
from membership_refactor.steps.step import Direction, Situation, Step


class Runner:
    """Runs the steps of one plan in one schema. Nothing of it survives between two steps."""

    def __init__(
        self,
        engine: Engine,
        plan: TableSplit,
        schema: str,
        *,
        steps: Mapping[str, Step],
        options: Options | None = None,
        progress: Progress | None = None,
        tables: Iterable[str] = (),
        performers: Mapping[type[Action], Performer] | None = None,
    ) -> None:
        self.performers = dict(performers or {})
        self.engine, self.plan, self.schema = engine, plan, schema
        self.steps = steps
        self.options = options or Options()
        self.progress = progress or Progress()
        self.names = Names(plan, schema)
        self.ledger = Ledger(plan, schema)
        own = (plan.source, plan.copy, plan.parent, plan.retired)
        self.tables = tuple(dict.fromkeys([*own, *tables]))

    # --- the way ------------------------------------------------------------------------

    def upgrade(self, revision: str) -> None:
        """Takes the step up; a step that the ledger has as done is left alone."""
        self._go(self.steps[revision], Direction.UP, revision)

    def downgrade(self, revision: str, *, destination: str | None = None) -> None:
        """Takes the step down. ``destination`` is the revision below which nothing is asked:
        the refusals of every step on the way there are asked before anything is changed."""
        self._go(self.steps[revision], Direction.DOWN, destination or "")

    def abandon(self) -> str | None:
        """Takes the open step back; what was done is undone, and its name returned.

        A way up is undone by the way down. A way down is finished first and then gone up
        again: either way the chain stands where it stood before.
        """
        sessions = self._sessions(self._owner(), "abandon")
        with sessions.open(purpose="ledger") as pg:
            found = self.ledger.open_step(pg)
            if found is None:
                return None
            done = self.ledger.done(pg, found.revision, found.direction)
            step = self.steps[found.revision]
            self.ledger.event(pg, found.revision, found.direction, "abandoned")
            if not done:
                if found.direction is Direction.UP:
                    self.ledger.forget(pg, found.revision)
                else:
                    self.ledger.restore(pg, found.revision)
                return f"{step.revision} {step.name} {found.direction}"
            if found.direction is Direction.UP:
                self.ledger.turn(pg, found.revision, Direction.DOWN, self.read())
        if found.direction is Direction.UP:
            self.downgrade(step.revision, destination=step.revision)
        else:
            self.downgrade(step.revision, destination=step.revision)
            self.upgrade(step.revision)
        return f"{step.revision} {step.name} {found.direction}"

    def _go(self, step: Step, direction: Direction, destination: str) -> None:
        label = f"{step.revision} {direction}"
        try:
            # Of several steps the server may be gone at the first question of one.
            sessions = self._sessions(self._owner(), label)
            with sessions.open(purpose="ledger") as pg:
                self._through(step, direction, destination, sessions, pg)
        except (KeyboardInterrupt, psycopg.Error) as error:
            raise self._said(step, direction, error) from error

    def _through(
        self,
        step: Step,
        direction: Direction,
        destination: str,
        sessions: Sessions,
        pg: Pg,
    ) -> None:
        revision = step.revision
        self.ledger.create(pg)
        self.ledger.record_plan(pg)
        opened = self.ledger.require_order(pg, revision, direction)
        self._require(pg, (every_row_is_seen(self.names),), step, direction)
        if opened is None:
            known = self.ledger.steps(pg).get(revision)
            if self._stands(known is not None and known.direction is Direction.UP, direction):
                self.progress.say(f"{revision} {step.name}: {direction} already, nothing to do")
                return
            situation = self._asked(pg, step, direction, destination)
            assert situation.now is not None
            self.ledger.begin(pg, revision, direction, situation.now)
        else:
            self.progress.say(f"{revision} {step.name}: going on where it stopped")
            situation = replace(self.situation(pg), now=self.ledger.now(pg, revision))
        self.progress.say(f"{revision} {step.name} {direction}")
        actions = step.up(situation) if direction is Direction.UP else step.down(situation)
        done = self.ledger.done(pg, revision, direction)
        work = Work(
            revision=revision,
            direction=direction,
            engine=self.engine,
            sessions=sessions,
            pg=pg,
            ledger=self.ledger,
            options=self.options,
            progress=self.progress,
            performers=self.performers,
        )
        for action in actions:
            if action.name not in done:
                work.do(action)
        if step.ends_ledger and direction is Direction.DOWN:
            run(pg, drop_ledger(self.schema).text)
            return
        after = step.after_up if direction is Direction.UP else step.after_down
        self._require(pg, after(situation), step, direction)
        self.ledger.end(pg, revision, direction)

    @staticmethod
    def _stands(is_up: bool, direction: Direction) -> bool:
        return is_up if direction is Direction.UP else not is_up

    def _asked(self, pg: Pg, step: Step, direction: Direction, destination: str) -> Situation:
        """The situation in which the step begins, after everything that may speak against it."""
        portrait, server = self.read(), self.server()
        situation = replace(self.situation(pg), now=portrait, server=server)
        self._require_neighbours(pg, step, direction)
        Throttle(self.ledger, self.options, self.progress).look(pg)
        if direction is Direction.UP:
            kept = {**situation.portraits, step.revision: portrait}
            situation = replace(situation, portraits=kept)
            refused = step.refusals(situation)
            if refused:
                raise CannotCarry(
                    f"{step.revision} {step.name} cannot begin; nothing has been changed:",
                    differences=refused,
                    hint="Mend these, then run the same command again.",
                )
            if step.gate is not None:
                open_gate(
                    pg,
                    step.gate(situation),
                    step.revision,
                    ledger=self.ledger,
                    options=self.options,
                    progress=self.progress,
                )
            self._require(pg, step.before_up(situation), step, direction)
            return situation
        for revision in sorted(self.steps, reverse=True):
            if destination <= revision <= step.revision:
                other = self.steps[revision]
                self._require(pg, other.before_down(situation), other, direction)
        return situation

    def _require_neighbours(self, pg: Pg, step: Step, direction: Direction) -> None:
        known = self.ledger.steps(pg)
        up = {r for r, s in known.items() if s.direction is Direction.UP and not s.open}
        if direction is Direction.UP:
            wrong = sorted(r for r in self.steps if r < step.revision and r not in up)
            order = "has not been taken up"
        else:
            wrong = sorted(r for r in self.steps if r > step.revision and r in up)
            order = "still stands"
        if wrong:
            raise StepOutOfOrder(
                f"{step.revision} {step.name} cannot go {direction}: {wrong[0]} {order}, "
                "says the ledger.",
                hint="Was the version stamped by hand? See: membership-refactor status",
            )

    def situation(self, pg: Pg) -> Situation:
        """The plan with the portraits that the ledger keeps."""
        return Situation(self.names, self.ledger.portraits(pg))

    def read(self) -> Portrait:
        """The portrait of the plan's tables as they are now."""
        with self.engine.connect() as connection:
            return read_portrait(connection, self.schema, self.tables)

    def server(self) -> Server:
        """What the server and the connected role allow."""
        with self.engine.connect() as connection:
            # The ledger stands already, so nothing more is made in the database itself.
            return replace(read_server(connection, self.schema), creates_in_database=True)

    def _require(self, pg: Pg, checks: Iterable, step: Step, direction: Direction) -> None:  # type: ignore[type-arg]
        require(
            pg,
            checks,
            ledger=self.ledger,
            progress=self.progress,
            revision=step.revision,
            direction=direction,
        )

    # --- who and where ------------------------------------------------------------------

    def _owner(self) -> str | None:
        return owner_of(self.engine, self.ledger, self.schema, self.tables)

    def sessions(self, label: str) -> Sessions:
        """Sessions in the name of the tables' owner; for what looks at the tables between steps."""
        return self._sessions(self._owner(), label)

    def _sessions(self, owner: str | None, label: str) -> Sessions:
        return Sessions(self.engine, role=owner, label=label)

    def _said(self, step: Step, direction: Direction, error: BaseException) -> RefactorError:
        """One clear line; what is open, and the two commands that end it."""
        verb = "upgrade" if direction is Direction.UP else "downgrade"
        what = (
            "interrupted"
            if isinstance(error, KeyboardInterrupt)
            else f"stopped: {' '.join(str(error).split())}"
        )
        goal = step.revision
        if direction is Direction.DOWN:
            number = int(step.revision) - 1
            goal = f"{number:04d}" if number else "base"
        return StepInterrupted(
            f"{step.revision} {step.name} {direction} was {what}. "
            "What it committed stays; nothing is lost.",
            hint=f"Go on with: alembic {verb} {goal}   or take it back with: "
            "membership-refactor abandon",
        )
