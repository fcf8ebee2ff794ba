"""The campaign's course: up and down the chain, with kills, crashes, restores and what others do to
the tables, checked at every rest."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from membership_refactor.database import LaunchedServer, libpq_url
from membership_refactor.errors import RefactorError, StepOutOfOrder
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.inspect.all_comparisons import repair_all, repair_objects, verify_all
from membership_refactor.plans.programme_membership import SPLIT
from tests.campaign import checks
from tests.campaign.events import Events
from tests.campaign.kinds import kinds_at, kinds_between, neighbour
from tests.campaign.mover import Movers
from tests.campaign.outcome import Outcome
from tests.campaign.servers import OWNER, as_owner, moved
from tests.campaign.tables import FIRST_WRITER, fill
from tests.campaign.writers import Writer
from tests.fixtures.steps import SHIPPED as CHAIN

MOST_WRITERS = 8
STEP_SECONDS = 300.0
"""A step that has not ended by then, over all its tries, hangs."""


class Campaign:
    """Servers between which the one database is restored, writers, and a chain that is moved up
    and down by the owner of its tables."""

    def __init__(
        self,
        servers: Sequence[LaunchedServer],
        url: str,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        self.servers, self.launched, self.url, self.say = servers, servers[0], url, say
        self.random = random.Random(seed)
        self.events = Events(self._connect, OWNER, seed)
        self.outcome = Outcome(seed, events=self.events.done, mended=self.events.mended)
        self.movers = Movers(as_owner(url), ("batch-rows=250", "workers=2", "lock-timeout=60"))
        self.ground = checks.Ground()
        self.at, self.epoch = "0002", 0
        self.usual: dict[str, float] = {}
        self.writers = [
            Writer(
                f"writer {n}",
                dsn=libpq_url(url),
                person=FIRST_WRITER + n,
                seed=seed * 100 + n,
                tally=self.outcome.tally,
            )
            for n in range(MOST_WRITERS)
        ]

    def run(self, seconds: float) -> Outcome:
        """Goes on until the time is over and the way under way has come to its turning point."""
        began = time.monotonic()
        self._move("up", faults=False)
        with self._connect() as pg:
            fill(pg)
            pg.commit()
            self.ground.keep(pg)
        for writer in self.writers:
            writer.start()
        try:
            direction, goal = "up", self._goal("up")
            while time.monotonic() - began < seconds and len(self.outcome.bad) < 30:
                self._report()
                if self.at == goal:
                    direction = "down" if direction == "up" else "up"
                    goal = self._goal(direction)
                self._step(direction)
        finally:
            for writer in self.writers:
                writer.stopping.set()
            for writer in self.writers:
                writer.join(30)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _report(self) -> None:
        """What is wrong is said at once, not only in the end."""
        for line in self.outcome.bad[self._told[0] :]:
            self.say(f"! {line}")
        for line in self.outcome.tally.unexpected[self._told[1] :]:
            self.say(f"! {line}")
        self._told = len(self.outcome.bad), len(self.outcome.tally.unexpected)

    _told = (0, 0)

    def _goal(self, direction: str) -> str:
        low, high = (8, 11) if direction == "up" else (2, 7)
        return f"{self.random.randint(low, high):04d}"

    # --- one step -------------------------------------------------------------------------------

    def _step(self, direction: str) -> None:
        target = neighbour(self.at, direction)
        if self.random.random() < 0.15:
            self.events.happen_loudly(self.at)
        else:
            self._assign(kinds_between(self.at, target))
        if direction == "down" and self.at == "0008":
            self._delete_childless()
        self._move(direction)
        if direction == "up" and self.at == "0008":
            self.epoch += 1
        while self.random.random() < 0.4:
            self.events.happen(self.at)
        self._assign(kinds_at(self.at))
        self._verify()
        self._rest()

    def _assign(self, kinds: tuple[str, ...], *, most: int = MOST_WRITERS) -> None:
        active = self.random.sample(self.writers, self.random.randint(2, most))
        for writer in self.writers:
            writer.assign(
                self.random.choice(kinds) if kinds and writer in active else None, self.epoch
            )

    def _move(self, direction: str, *, faults: bool = True) -> None:
        """The step is taken, however often it is interrupted on its way."""
        target = neighbour(self.at, direction) if faults else "0002"
        name, began = f"{direction} {target}", time.monotonic()
        disturbed, mended, emptied = False, 0, 0
        while True:
            started = time.monotonic()
            process, pipe = self.movers.start(name)
            if faults and self.random.random() < 0.3:
                disturbed = True
                self._happen_meanwhile(self.usual.get(name, 1.0))
            if faults and self.random.random() < 0.5:
                disturbed = True
                limit = 1.2 * self.usual.get(name, 1.0)
                process.join(self.random.uniform(0, limit))
                self._disturb(process)
            process.join(STEP_SECONDS)
            if process.is_alive():
                process.kill()
                self.outcome.bad.append(f"wrong: {name} hangs")
                return
            said = _last_words(pipe)
            if said == "":
                break
            if "parents have children" in said and name == "down 0007":
                # An old-style writer has emptied another one meanwhile. Where that goes on, as on
                # a busy machine, a DBA lets the writers rest until the step has begun.
                emptied += 1
                if emptied > 5:
                    self._assign(())
                self._delete_childless()
            elif "no lock on" in said or "arrive faster" in said:
                # Transactions longer than the 50 ms of a try, always one of them under way: an
                # honest failure. A DBA takes a quieter moment.
                self.outcome.starved += 1
                self._assign(kinds_between(self.at, target), most=2)
            elif faults and mended < 30 and self.events.mend(said, self._repair):
                mended += 1
                self.say(f"  {name} refused: {said}")
            elif faults and "own triggers fire" in said:
                mended += 1
                self.say(f"  {name} refused: {said}")
                self._abandon(name)
            elif not _passing(said):
                self.outcome.bad.append(f"wrong: {name}: {said}")
                return
            elif self.random.random() < 0.4:
                self._abandon(name)
            if time.monotonic() - began > STEP_SECONDS:
                self.outcome.bad.append(f"wrong: {name} never ends: {said}")
                return
        if not disturbed:
            self.usual[name] = time.monotonic() - started
        self.outcome.steps[name] += 1
        self.at = target

    def _disturb(self, process: Any) -> None:
        chance = self.random.random()
        if chance < 0.6:
            if process.is_alive():
                process.kill()
                self.outcome.kills += 1
        elif chance < 0.8:
            self.launched.stop("immediate")
            self.launched.start()
            self.outcome.crashes += 1
        else:
            with self._connect() as pg:
                row = pg.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM "
                    "pg_stat_activity WHERE pid <> pg_backend_pid() AND (application_name LIKE "
                    "'membership!_refactor%' ESCAPE '!' OR application_name = 'campaign writer') "
                    "AND random() < 0.5) AS a"
                ).fetchone()
                self.outcome.cut += row[0] if row else 0

    def _happen_meanwhile(self, usual: float) -> None:
        """An event at some moment of the step."""
        self._meanwhile = threading.Timer(
            self.random.uniform(0, usual), self.events.happen, (self.at,)
        )
        self._meanwhile.start()

    _meanwhile: threading.Timer | None = None

    def _abandon(self, name: str, *, again: bool = True) -> None:
        """Takes the interrupted step back; the campaign then runs it again."""
        try:
            runner = self._runner()
            with alone(runner.engine, "public", label="abandon"):
                if runner.abandon() is not None:
                    self.outcome.abandoned += 1
        except (RefactorError, psycopg.Error, DBAPIError) as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            if "no lock on" in said or "arrive faster" in said or _passing(said):
                return
            if "parents have children" in said:
                self._delete_childless()
            elif again and "own triggers fire" in said and self._meanwhile is not None:
                # The event of this try may have come late. Nothing happens during the next one.
                self._meanwhile.join()
                self._abandon(name, again=False)
            elif not self.events.mend(said, self._repair):
                self.outcome.bad.append(f"wrong: abandon of {name}: {said}")

    def _repair(self) -> None:
        """``repair --apply``, once the writers rest: what slipped past is then all there is."""
        kinds = [writer.kind for writer in self.writers]
        self._assign(())
        runner = self._runner()
        for _ in range(50):
            try:
                with alone(runner.engine, "public", label="repair"):
                    repair_objects(runner)
                    repair_all(runner, verify_all(runner))
                break
            except (RefactorError, psycopg.Error, DBAPIError) as error:
                said = " ".join(str(error).split())
                if not _passing(said) and "no lock on" not in said:
                    self.outcome.bad.append(f"wrong: repair at {self.at}: {said}")
                    break
        for writer, kind in zip(self.writers, kinds, strict=True):
            writer.assign(kind, self.epoch)

    def _restore(self) -> None:
        """Everything is dumped, and restored on a server of the two; everybody follows."""
        for writer in self.writers:
            writer.leave()
        target = self.random.choice(self.servers)
        self.url = moved(self.url, self.launched, target)
        self.launched = target
        self.movers.url = as_owner(self.url)
        for writer in self.writers:
            writer.dsn = libpq_url(self.url)
        self.outcome.restores += 1

    def _delete_childless(self) -> None:
        """What the refusal of 0008's way down asks a DBA to do."""
        while True:
            try:
                with self._connect() as pg:
                    pg.execute(
                        "DELETE FROM programme_membership AS p WHERE NOT EXISTS (SELECT FROM "
                        "curriculum_membership AS c WHERE c.programme_membership_uuid = p.uuid)"
                    )
                return
            except psycopg.errors.ObjectNotInPrerequisiteState:
                # The step has begun already, and has closed the table.
                return
            except (psycopg.errors.ForeignKeyViolation, psycopg.OperationalError):
                continue

    # --- looking --------------------------------------------------------------------------------

    def _verify(self) -> None:
        """While writers run nothing may be found."""
        runner = self._runner()
        for _ in range(3):
            try:
                verified = verify_all(runner)
            except RefactorError as error:
                if not isinstance(error, StepOutOfOrder) and self.events.mend(
                    str(error), self._repair
                ):
                    continue
                self.outcome.bad.append(f"wrong: verify at {self.at}: {error}")
                return
            self.outcome.verified += len(verified.verdicts)
            for verdict in verified.verdicts:
                if verdict.findings:
                    self.outcome.false_alarms += 1
                    self.outcome.bad.append(
                        f"wrong: verify at {self.at}, {verdict.comparison.name}: "
                        f"{verdict.findings[:3]}"
                    )

    def _runner(self) -> Runner:
        return Runner(
            create_engine(as_owner(self.url), poolclass=NullPool),
            SPLIT,
            "public",
            CHAIN,
            options=Options(accept_usage="campaign"),
            progress=Progress(quiet=True),
        )

    def _rest(self) -> None:
        self._assign(())
        if self._meanwhile is not None:
            self._meanwhile.join()
        with self._connect() as pg:
            wrong, compared = checks.compare(pg, self.at, self.writers, self.ground)
            if self.at >= "0008":
                wrong += checks.serial(pg, self.epoch)
        self.outcome.bad += [f"{line} (at {self.at})" for line in wrong]
        self.outcome.compared += compared
        self.outcome.rests += 1
        if self.random.random() < 0.15:
            self._restore()
        commits = self.outcome.tally.commits.total() // 2
        self.say(
            f"at {self.at}: {commits} commits, {self.outcome.kills} kills, "
            f"{self.outcome.crashes} crashes, {len(self.outcome.bad)} wrong"
        )

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(libpq_url(self.url))
        connection.execute("SET search_path = public")
        return connection


def _last_words(pipe: Any) -> str:
    try:
        return str(pipe.recv())
    except EOFError:
        return "killed"


def _passing(said: str) -> bool:
    """Whether it is what an interruption, or a session not yet gone, lets a mover say."""
    return said == "killed" or any(
        text in said
        for text in (
            "another migration of schema",
            "terminating connection",
            "server closed the connection",
            "the connection is closed",
            "connection failed",
            "connection to server",
            "starting up",
            "shutting down",
            "consuming input failed",
            "the connection is lost",
            "Connection refused",
            "No server answers",
            "recovery mode",
        )
    )
