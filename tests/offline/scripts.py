"""Prints the scripts of a chain and runs them with psql."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.portrait import Portrait
from membership_refactor.script import Pace, Prediction, predicted, print_head, print_step
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.step import Direction
from membership_refactor.steps.step_chain import Chain as Steps
from tests.chain.driver import REVISIONS, Chain
from tests.fixtures.steps import CHAIN, step_of

PSQL = shutil.which("psql")
UP, DOWN = Direction.UP, Direction.DOWN
PACE = Pace(accept_usage="a test", batch_rows=200, lock_timeout=20)
PATIENCE = 30.0
"""Seconds until a condition that does not come true counts as a failure."""
STOPPED = 3
"""What psql returns when a statement failed under ON_ERROR_STOP."""


@dataclass(frozen=True)
class Script:
    """Scripts for one database, made from the portrait of its legacy tables alone."""

    chain: Chain
    legacy: Portrait
    pace: Pace = PACE
    steps: Steps = CHAIN

    @property
    def prediction(self) -> Prediction:
        return predicted(self.chain.names, self.steps, self.legacy)

    def text(self, revisions: Sequence[str], direction: Direction = UP) -> str:
        prediction, names = self.prediction, [step_of(r) for r in revisions]
        start = prediction.now(names[0], direction)
        head = print_head(self.chain.names, start, names[0], direction, pace=self.pace)
        steps = (
            print_step(
                self.steps[name],
                prediction.situation(name, direction),
                direction,
                self.steps,
                lowest=names[-1] if direction is DOWN else None,
                pace=self.pace,
            )
            for name in names
        )
        return "".join((head, *steps))

    def up(self, *revisions: str) -> Outcome:
        return run_psql(self.chain.url, self.text(revisions or REVISIONS))

    def down(self, *revisions: str) -> Outcome:
        return run_psql(self.chain.url, self.text(revisions or REVISIONS[::-1], DOWN))


@dataclass(frozen=True)
class Outcome:
    """What psql said, and how it ended."""

    code: int
    said: str

    def fine(self) -> Outcome:
        assert self.code == 0, self.said
        return self

    def stopped(self, *words: str) -> Outcome:
        """psql stopped at an error whose text holds ``words``."""
        assert self.code == STOPPED, self.said
        for word in words:
            assert word in self.said, self.said
        return self


@contextmanager
def psql(url: str, text: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """psql at work on the text; killed at the end if it still is."""
    if PSQL is None:
        pytest.skip("no psql on this machine")
    with TemporaryDirectory() as folder:
        # Not by way of standard input: a pipe would stop the writer while psql is at work.
        script = Path(folder) / "script.sql"
        script.write_text(text, encoding="utf-8")
        command = [PSQL, "-X", *options, "-d", libpq_url(url), "-f", str(script)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def run_psql(url: str, text: str, *options: str) -> Outcome:
    """Runs the script to its end."""
    with psql(url, text, *options) as process:
        said, _ = process.communicate(timeout=120)
        return Outcome(process.returncode, said)


def wait_until(condition: Callable[[], bool]) -> None:
    """Asks again and again, as fast as the server answers."""
    until = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < until, "this never came true"


HOLD = 4_711
"""An advisory lock that a test holds in order to stop the tool at a chosen batch."""


@contextmanager
def held_at_batch(chain: Chain, number: int) -> Iterator[Callable[[], None]]:
    """Whoever finishes that batch of any job waits at its checkpoint.

    The function given waits until somebody is there, and ends that session and any other of the
    tool's: what a kill of client and backends does.
    """
    table = qualified(chain.names.ledger, "batch")
    chain.run(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM pg_catalog.pg_advisory_xact_lock({HOLD}); RETURN NEW; END $$",
        f"CREATE TRIGGER hold BEFORE UPDATE ON {table} FOR EACH ROW "
        f"WHEN (NEW.done AND NEW.n = {number}) EXECUTE FUNCTION public.hold()",
    )
    waiting = f"locktype = 'advisory' AND objid = {HOLD} AND NOT granted"
    tool = "application_name LIKE 'membership!_refactor%' ESCAPE '!'"
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as holder:
        holder.execute(f"SELECT pg_advisory_lock({HOLD})".encode())

        def kill() -> None:
            query = f"SELECT EXISTS (SELECT FROM pg_locks WHERE {waiting})"
            wait_until(lambda: bool(chain.value(query)))
            chain.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE {tool} AND datname = current_database()"
            )
            left = (
                f"SELECT count(*) FROM pg_stat_activity WHERE {tool} "
                "AND datname = current_database()"
            )
            wait_until(lambda: not chain.value(left))

        yield kill
    chain.run(f"DROP TRIGGER hold ON {table}", "DROP FUNCTION public.hold()")
