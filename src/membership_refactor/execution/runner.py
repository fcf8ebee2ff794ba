"""The runner: takes a step up or down, from where the ledger says it stands, to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

import psycopg
from sqlalchemy import Engine

from membership_refactor.errors import (
    CannotCarry,
    NoDatabase,
    RefactorError,
    StepInterrupted,
    StepOutOfOrder,
)
from membership_refactor.execution.batches import Batches, RangeJob
from membership_refactor.execution.catalog import read_portrait, read_server
from membership_refactor.execution.examine import require
from membership_refactor.execution.gates import open_gate
from membership_refactor.execution.indexes import build_alone
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.locks import briefly, rehearse
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.execution.switching import Drain
from membership_refactor.execution.throttle import Throttle
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.server import Server
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.ledger import drop_ledger
from membership_refactor.sql.names import Names
from membership_refactor.sql.statements import Statement
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
from membership_refactor.steps.step import Direction, Situation, Step

Performer = Callable[[Engine, Sessions, Any], object]
"""Does an action that the runner does not know by itself; it may be called again."""


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
        work = _Work(self, step, direction, sessions, pg)
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
        return Situation(self.plan, self.names, self.ledger.portraits(pg))

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
        """The owner of the tables, in whose name everything is done; None before there are any."""
        names = ", ".join(literal(t) for t in self.tables)
        with Sessions(self.engine, role=None, label="look").open(as_owner=False) as pg:
            if (
                value(pg, f"SELECT pg_catalog.to_regnamespace({literal(ident(self.schema))})")
                is None
            ):
                raise NoDatabase(
                    f'schema "{self.schema}" does not exist.',
                    hint=f"CREATE SCHEMA {ident(self.schema)}, or say -x schema=NAME.",
                )
            rows = run(
                pg,
                "SELECT DISTINCT pg_catalog.pg_get_userbyid(c.relowner)::text\n"
                "FROM pg_catalog.pg_class AS c\n"
                "WHERE c.relnamespace = "
                f"pg_catalog.to_regnamespace({literal(ident(self.schema))})\n"
                f"  AND c.relkind IN ('r', 'p') AND c.relname IN ({names})",
            ).fetchall()
            owners = sorted(row[0] for row in rows)
            if len(owners) > 1:
                raise RefactorError(
                    f'the tables of plan "{self.plan.name}" have several owners: '
                    f"{', '.join(owners)}.",
                    hint="Give them one owner with ALTER TABLE … OWNER TO.",
                )
            owner = owners[0] if owners else None
            if owner and not self.ledger.exists(pg):
                try:
                    self.ledger.create(pg, owner=owner)
                    self._give(pg, owner)
                except psycopg.errors.InsufficientPrivilege as error:
                    raise NoDatabase(
                        f'role "{pg.info.user}" cannot make the ledger schema '
                        f'"{self.ledger.name}" for "{owner}": {error.diag.message_primary}.',
                        hint=f"GRANT CREATE ON DATABASE {ident(pg.info.dbname)} TO "
                        f"{ident(pg.info.user)}; and make it a member of {ident(owner)}.",
                    ) from error
            return owner

    def _give(self, pg: Pg, owner: str) -> None:
        """The ledger's tables to the owner of the plan's tables, who need not be who connects."""
        if value(pg, "SELECT current_user::text") == owner:
            return
        rows = run(
            pg,
            "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class AS c\n"
            f"WHERE c.relnamespace = {literal(ident(self.ledger.name))}::pg_catalog.regnamespace\n"
            "  AND c.relkind = 'r'",
        ).fetchall()
        for (table,) in rows:
            run(pg, f"ALTER TABLE {table} OWNER TO {ident(owner)}")

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


class _Work:
    """Does actions of one step in one direction."""

    def __init__(
        self, runner: Runner, step: Step, direction: Direction, sessions: Sessions, pg: Pg
    ) -> None:
        self.runner, self.step, self.direction = runner, step, direction
        self.sessions, self.pg = sessions, pg
        self.ledger, self.options = runner.ledger, runner.options
        self.progress = runner.progress

    @singledispatchmethod
    def do(self, action: Action) -> None:
        perform = self.runner.performers.get(type(action))
        if perform is not None:
            self.progress.say(f"  {action.name}")
            perform(self.runner.engine, self.sessions, action)
            self._mark(action)
            return
        raise StepOutOfOrder(f"nobody knows how to do {type(action).__name__}.")

    @do.register
    def _(self, action: Run) -> None:
        self.progress.say(f"  {action.name}")
        with self.pg.transaction():
            for statement in action.statements:
                run(self.pg, statement.text)
            self._mark(action)

    @do.register
    def _(self, action: Brief) -> None:
        self.progress.say(f"  {action.name}")
        text = ";\n".join(_texts(action.statements))

        def under_lock(pg: Pg) -> None:
            if text:
                run(pg, text)
            self._mark(action)

        work: Callable[[Pg], None] | str = under_lock
        if action.rehearsal is not None:
            rehearse(self.pg, action.rehearsal.text)
            work = ";\n".join((text, self._marking(action)))
        held = briefly(
            self.pg,
            action.locks,
            work,
            seconds=self.options.lock_timeout,
            say=self.progress.say,
        )
        self.ledger.measured(self.pg, self.step.revision, self.direction, action.name, held)

    @do.register
    def _(self, action: Alone) -> None:
        self.progress.say(f"  {action.name}")
        build_alone(self.pg, action)
        self._mark(action)

    @do.register
    def _(self, action: Build) -> None:
        move = action.move
        call_null = f"SELECT {move.function('build_null')}()" if move.route_null else None
        self._batches(
            action,
            RangeJob(
                job=f"{self.step.revision} {self.direction} {action.name}",
                title=action.name,
                table=move.log.table,
                route=move.route,
                route_type=move.route_type,
                call=f"SELECT {move.function('build')}({{first}}, {{last}})",
                call_null=call_null,
                locking=False,
                expected=self._expected(move.log.table),
            ),
        )

    @do.register
    def _(self, action: Ranges) -> None:
        self._batches(
            action,
            RangeJob(
                job=f"{self.step.revision} {self.direction} {action.name}",
                title=action.name,
                table=action.table,
                route=action.key,
                route_type=action.key_type,
                call=f"SELECT {action.function}({{first}}, {{last}})",
                expected=self._expected(action.table),
            ),
        )

    @do.register
    def _(self, action: Switch) -> None:
        self.progress.say(f"  {action.name}")
        drain = Drain(self.pg, self.ledger, self.progress, seconds=self.options.lock_timeout)
        held = drain.switch(action, self.step.revision, self.direction)
        self.ledger.measured(self.pg, self.step.revision, self.direction, action.name, held)

    @do.register
    def _(self, action: Verify) -> None:
        self.runner._require(self.pg, action.checks, self.step, self.direction)
        self._mark(action)

    def _batches(self, action: Action, job: RangeJob) -> None:
        batches = Batches(
            self.sessions,
            self.ledger,
            Throttle(self.ledger, self.options, self.progress),
            self.progress,
            workers=self.options.workers,
            rows=self.options.batch_rows,
        )
        rows = batches.run(job)
        self.progress.say(f"  {action.name}: {rows:,} rows")
        with self.pg.transaction():
            self.ledger.mark(self.pg, self.step.revision, self.direction, action.name, rows=rows)
            self.ledger.close_job(self.pg, job.job)

    def _expected(self, table: str) -> int | None:
        rows = value(
            self.pg,
            f"SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = {literal(table)}"
            "::pg_catalog.regclass",
        )
        return int(rows) if rows and rows > 0 else None

    def _marking(self, action: Action) -> str:
        return self.ledger.marking(self.step.revision, self.direction, action.name)

    def _mark(self, action: Action) -> None:
        self.ledger.mark(self.pg, self.step.revision, self.direction, action.name)


def _texts(statements: Iterable[Statement]) -> list[str]:
    return [statement.text for statement in statements]
