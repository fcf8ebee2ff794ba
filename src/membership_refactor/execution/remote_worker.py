"""Helps the command that runs steps: does ranges that it offers, on any number of hosts."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import psycopg
from sqlalchemy.exc import OperationalError

from membership_refactor.errors import NoDatabase, StepInterrupted
from membership_refactor.execution.batches import Batches
from membership_refactor.execution.chain_in_schema import ChainInSchema
from membership_refactor.execution.following_throttle import FollowingThrottle
from membership_refactor.execution.ledger import StepRecord
from membership_refactor.execution.server_errors import in_one_line
from membership_refactor.execution.sessions import Pg, estimated_rows
from membership_refactor.execution.shared_job import Newest, Shared, SharedJob, read_newest
from membership_refactor.sql.build.ranges import RangeJob
from membership_refactor.sql.pacing.reasons import LOOK_SECONDS
from membership_refactor.steps.range_job import range_job

GAP = 2
"""Looks in a row without a command before it counts as ended: some projects take the lock anew for
each revision."""


LOST = (
    psycopg.OperationalError,
    # Its session was ended while it hung inside a range.
    psycopg.errors.IdleInTransactionSessionTimeout,
    OperationalError,
)
"""Errors that say that a session is gone."""


class RemoteWorker:
    """Does ranges of one plan in one schema for whatever command runs steps there.

    It begins and ends nothing: it neither opens a step nor records an action, and it does ranges
    only while the command that offered them runs.
    """

    def __init__(self, place: ChainInSchema, *, forever: bool) -> None:
        self.place, self.forever = place, forever
        self.who = f"{socket.gethostname()}:{os.getpid()}"
        self.rows = 0
        """Rows that were written here."""
        self.open_step: StepRecord | None = None
        """The step that the command has left open."""
        self._left = 0
        """The offer of which nothing is left."""
        self._said = ""

    def work(self) -> bool:
        """Help until the command that runs now has ended. Return whether one ran.

        With ``forever``, wait for the next command, also while the server restarts. Raises
        RefactorError where this process may not help: another plan, another version.
        """
        while True:
            try:
                with self.place.sessions("look").open(purpose=f"work {self.who}") as pg:
                    return self._until_it_ends(pg)
            except (*LOST, NoDatabase) as error:
                if self.forever:
                    self._say(f"  waiting for the server: {in_one_line(error)}")
                    time.sleep(LOOK_SECONDS)
                elif isinstance(error, NoDatabase):
                    raise
                else:
                    raise StepInterrupted(
                        f"this worker lost its session: {in_one_line(error)}. What it committed "
                        "stays, and its last range is free for others.",
                        hint="When the server answers: membership-refactor work",
                    ) from error

    def _until_it_ends(self, pg: Pg) -> bool:
        ledger = self.place.ledger
        seen, missed = False, 0
        while True:
            newest = read_newest(pg, ledger)
            running = newest.holder is not None
            seen, missed = seen or running, 0 if running else missed + 1
            if newest.job is not None and newest.n != self._left:
                self._join(pg, newest)
                continue
            if missed >= GAP and not self.forever:
                self.open_step = ledger.open_step(pg) if ledger.exists(pg) else None
                return seen
            self._say("  waiting for " + ("ranges" if running else "a command"))
            time.sleep(LOOK_SECONDS)

    def _join(self, pg: Pg, newest: Newest) -> None:
        place = self.place
        place.ledger.knows_plan(pg)
        shared = SharedJob(place.ledger, newest)
        options = shared.options(place.options)
        action, job = shared.chosen(lambda: self._jobs(pg, newest))
        label = f"{place.label(newest.step)} {newest.direction}"
        self._say(f"{label}: works on {action.title}")
        batches = Batches(
            place.sessions(f"{place.chain.revisions.of(newest.step)} {self.who}"),
            FollowingThrottle(shared, options, place.progress),
            place.progress,
            job,
            workers=options.workers or 1,
            rows=options.batch_rows,
            joined=shared,
        )
        rows = batches.join(action.title, estimated_rows(pg, job.table))
        self.rows += rows
        self._left = newest.n
        self._say(f"  {action.title}: {rows:,} rows here")

    def _jobs(self, pg: Pg, newest: Newest) -> Iterator[tuple[Shared, RangeJob]]:
        step, direction = newest.step, newest.direction
        for action in self.place.actions_of_open(pg, step, direction):
            if isinstance(action, Shared):
                yield action, range_job(action, self.place.names, step, direction)

    def _say(self, line: str) -> None:
        """Say it, but not twice in a row."""
        if line != self._said:
            self.place.progress.say(line)
            self._said = line
