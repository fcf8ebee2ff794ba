"""The runner: takes a step up or down to its end, from where the ledger says it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

import psycopg
from sqlalchemy import Engine

from membership_refactor.catalog.read import read_portrait, read_server
from membership_refactor.checks.check import Check
from membership_refactor.checks.guard import (
    every_row_is_seen,
    no_subscription_writes,
    own_objects_stand,
    own_triggers_fire,
)
from membership_refactor.errors import (
    CannotCarry,
    RefactorError,
    StepInterrupted,
    StepOutOfOrder,
)
from membership_refactor.execution.do_action import Performer, Work
from membership_refactor.execution.ledger import TURNED, Ledger, StepRecord
from membership_refactor.execution.options import Options
from membership_refactor.execution.own_triggers import wake_triggers
from membership_refactor.execution.ownership import create_ledger_schema, owner_of
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import open_gate, require
from membership_refactor.execution.server_errors import in_one_line
from membership_refactor.execution.sessions import Pg, Sessions, run
from membership_refactor.execution.throttle import Throttle
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.execution.writable import require_writable
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.application_code.search_path import path_obstacles, session_path
from membership_refactor.sql.ledger.own_objects import renew_foreign_fence
from membership_refactor.sql.ledger.table_definitions import drop_ledger
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.actions import Action, Run
from membership_refactor.steps.changed_tables import changed_since, misplaced_tables
from membership_refactor.steps.step import Direction, Situation, Step
from membership_refactor.steps.step_chain import Chain


class Runner:
    """Runs the steps of one plan in one schema. It keeps nothing between two steps."""

    def __init__(
        self,
        engine: Engine,
        plan: TableSplit,
        schema: str,
        chain: Chain,
        *,
        options: Options | None = None,
        progress: Progress | None = None,
        performers: Mapping[type[Action], Performer] | None = None,
        version_table: VersionTable | None = None,
    ) -> None:
        self.performers = dict(performers or {})
        self.engine, self.plan, self.schema, self.chain = engine, plan, schema, chain
        self.options = options or Options()
        self.progress = progress or Progress()
        self.version_table = version_table or VersionTable(schema)
        self.names = Names(plan, schema)
        self.ledger = Ledger(plan, schema, chain)
        self.own_tables = plan.tables
        self.tables = tuple(dict.fromkeys([*self.own_tables, *chain.tables]))

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
        """Raise what speaks against the step already now, before Alembic runs other revisions
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
                    self._require(pg, other.before_down(situation), found, direction)

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
            taken = f"{self._label(found.step)} {found.direction}"
            self.ledger.event(pg, found.step, found.direction, "abandoned")
            if not done:
                if found.direction is Direction.UP:
                    self.ledger.forget(pg, found.step)
                else:
                    self.ledger.restore(pg, found.step)
                return taken
            if wake_triggers(pg, self.names, self.options, self.progress):
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

    def _label(self, step: str) -> str:
        return self.chain.revisions.label(step)

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
        """Ask everything that may speak against the step. Return the situation in which it is
        taken, None where it is done already, and whether it is open. No table is changed, and no
        ledger is made before a step that may not come first."""
        name, label = step.name, self._label(step.name)
        if not self.ledger.exists(pg):
            self._require_neighbours({}, step, direction)
            if direction is Direction.DOWN:
                self.progress.say(f"{label}: down already, nothing to do")
                return None, False
            if sessions.role is not None:
                create_ledger_schema(pg, self.ledger, sessions.role)
        self.ledger.create(pg)
        self.ledger.record_plan(pg)
        steps = self.ledger.steps(pg)
        opened = self.ledger.require_order(steps, name, direction)
        self._require(pg, (every_row_is_seen(self.names),), step, direction)
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
            self._require_structure(step, now, last, direction, lowest)
            self.progress.say(f"{label}: {direction} already, nothing to do")
            return None, False
        self._require_neighbours(steps, step, direction)
        return self._asked(pg, step, last, direction, lowest), False

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
        self.progress.say(f"{self._label(name)} {direction}")
        actions = step.up(situation) if direction is Direction.UP else step.down(situation)
        done = self.ledger.done(pg, name, direction)
        work = Work(
            step=name,
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
            if action.asked not in done:
                if not isinstance(action, Run):
                    self._require_firing(pg, step, direction)
                work.do(action)
        if step.ends_ledger and direction is Direction.DOWN:
            run(pg, drop_ledger(self.schema).text)
            return
        after = step.after_up if direction is Direction.UP else step.after_down
        self._require_firing(pg, step, direction)
        self._require(pg, after(situation), step, direction)
        self.ledger.end(pg, name, direction)

    def _asked(
        self, pg: Pg, step: Step, last: Step | None, direction: Direction, lowest: str
    ) -> Situation:
        """The situation in which the step begins, after everything that may speak against it.
        ``last`` is the step at which the chain stands."""
        with self._looking() as look:
            portrait = read_portrait(look, self.schema, self.tables)
            server = read_server(look, self.schema, self.owner(look))
        # The ledger stands already, so nothing more is made in the database itself.
        server = replace(server, creates_in_database=True)
        situation = replace(self.situation(pg), now=portrait, server=server)
        if situation.names.path:
            run(pg, session_path(situation.names))
        stands = (own_objects_stand(self.names), no_subscription_writes(self.names))
        self._require(pg, stands, step, direction)
        self._require_structure(step, situation, last, direction, lowest)
        self._require_nothing_refused(step, path_obstacles(self.plan, portrait))
        Throttle(self.ledger, self.options, self.progress).look(pg)
        if direction is Direction.DOWN:
            for other in self.chain.way_down(step.name, lowest):
                self._require(pg, other.before_down(situation), other, direction)
            return situation
        kept = {**situation.portraits, step.name: portrait}
        situation = replace(situation, portraits=kept)
        self._require_nothing_refused(step, step.refusals(situation))
        for gate in step.gates(situation):
            open_gate(
                pg,
                gate,
                step.name,
                ledger=self.ledger,
                options=self.options,
                progress=self.progress,
            )
        self._require(pg, step.before_up(situation), step, direction)
        return situation

    def _require_nothing_refused(self, step: Step, refused: tuple[str, ...]) -> None:
        if refused:
            raise CannotCarry(
                f"{self._label(step.name)} cannot begin; nothing has been changed:",
                differences=refused,
                hint="Mend these, then run the same command again.",
            )

    def _require_neighbours(
        self, known: Mapping[str, StepRecord], step: Step, direction: Direction
    ) -> None:
        up = {n for n, s in known.items() if s.direction is Direction.UP and not s.open}
        if direction is Direction.UP:
            wrong = [s for s in self.chain.below(step.name) if s.name not in up]
            order = "has not been applied"
        else:
            wrong = [s for s in self.chain.above(step.name) if s.name in up]
            order = "is still applied"
        if wrong:
            other = self.chain.revisions.of(wrong[0].name)
            raise StepOutOfOrder(
                f"{self._label(step.name)} cannot go {direction}: {other} {order}, "
                "according to the ledger.",
                hint=f"Was the version stamped by hand? See: {self.chain.revisions.verb('status')}",
            )

    def require_tables_of_ledger(self, pg: Pg) -> None:
        """Raise StepOutOfOrder where no step is open and the plan's tables are not those that the
        ledger knows: one of the two was restored without the other."""
        if not self.ledger.exists(pg) or self.ledger.open_step(pg) is not None:
            return
        last = self.ledger.stands_at(pg)
        found = misplaced_tables(replace(self.situation(pg), now=self.read()), last)
        if found:
            after = f" after {self._label(last.name)}" if last else ""
            raise StepOutOfOrder(
                f"the tables are not those that the ledger knows{after}: {', '.join(found)}. "
                "Nothing was changed.",
                hint=f"If they were restored, restore the schemas {ident(self.schema)} and "
                f"{ident(self.ledger.name)} of one dump. Else undo that change.",
            )

    def _require_structure(
        self, step: Step, s: Situation, last: Step | None, direction: Direction, lowest: str
    ) -> None:
        """Raise CannotCarry where the tables are no longer what the steps made of them."""
        going = self.chain.way_down(step.name, lowest) if direction is Direction.DOWN else ()
        found = changed_since(s, last, {other.name for other in going}) if last else ()
        if found:
            assert last is not None
            raise CannotCarry(
                f"{self._label(step.name)} cannot go {direction}: the tables were changed after "
                f"{self.chain.revisions.of(last.name)}. Nothing has been changed here.",
                differences=found,
                hint="Undo these changes with ALTER TABLE, then run the same command again.",
            )

    def situation(self, pg: Pg) -> Situation:
        """The plan with the portraits that the ledger keeps."""
        return Situation(self.names, self.ledger.portraits(pg), revisions=self.chain.revisions)

    def read(self) -> Portrait:
        """The portrait of the plan's tables as they are now."""
        with self._looking() as pg:
            return read_portrait(pg, self.schema, self.tables)

    def server(self) -> Server:
        """Read what the server and the connected role allow."""
        with self._looking() as pg:
            return read_server(pg, self.schema, self.owner(pg))

    def _looking(self) -> AbstractContextManager[Pg]:
        """A session of the login itself, which looks only."""
        return Sessions(self.engine, role=None, label="look").open(as_owner=False, writes=False)

    def _require(self, pg: Pg, checks: Iterable[Check], step: Step, direction: Direction) -> None:
        require(
            pg,
            checks,
            ledger=self.ledger,
            progress=self.progress,
            step=step.name,
            direction=direction,
        )

    def _require_firing(self, pg: Pg, step: Step, direction: Direction) -> None:
        """Raise CheckFailed where somebody has turned a trigger of the tool off since the step
        began. It is said and recorded only then, because it is asked before most actions."""
        check = own_triggers_fire(self.names)
        if run(pg, check.query).fetchone():
            self._require(pg, (check,), step, direction)

    # --- who and where ------------------------------------------------------------------

    def owner(self, pg: Pg) -> str | None:
        """Return the owner of the tables; None if there are no tables. ``pg`` acts as the login."""
        return owner_of(pg, self.plan, self.schema, self.tables)

    def sessions(self, label: str) -> Sessions:
        """Sessions that may write, in the role of the tables' owner. Raises NoDatabase where the
        server or the login only reads."""
        with Sessions(self.engine, role=None, label="look").open(as_owner=False) as pg:
            owner = self.owner(pg)
            require_writable(pg)
        return Sessions(self.engine, role=owner, label=label)

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
                f"{self._label(step.name)} {direction} was {what}. This command changed nothing.",
                hint=f"Run it again with: {command}",
            )
        return StepInterrupted(
            f"{self._label(step.name)} {direction} was {what}. "
            "What it committed stays; nothing is lost.",
            hint=f"Go on with: {command}   or take it back with: {back}",
        )
