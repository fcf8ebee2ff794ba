"""Workers do ranges of a step that another process runs: every row once, whoever is killed."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.errors import PlanChanged, RefactorError, StepInterrupted
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.remote_worker import RemoteWorker
from membership_refactor.execution.shared_job import read_newest
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.portrait import differences
from membership_refactor.sql.build.shared_job import OFFERED
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import OPTIONS, Chain, Snapshot, snapshot
from tests.chain.killing import Moments, go
from tests.chain.test_kill import start as chain_before
from tests.cli.processes import FINDINGS, WRONG_USE, refactor, running, until, value
from tests.fixtures.chains import ChainAt

TAKEN = re.compile("SELECT first, last FROM")
"""Before a worker takes a range."""
DONE = re.compile(r'UPDATE "[^"]*"\."batch" SET done = true')
"""A range is done, and not yet recorded."""
HELPED = [
    ("0003", Direction.UP),
    pytest.param("0007", Direction.UP, marks=pytest.mark.slow),
    pytest.param("0008", Direction.UP, marks=pytest.mark.slow),
    pytest.param("0009", Direction.DOWN, marks=pytest.mark.slow),
    pytest.param("0005", Direction.DOWN, marks=pytest.mark.slow),
]


def start(revision: str, direction: Direction, chain_at: ChainAt) -> Chain:
    """A chain before that step, whose ledger stands."""
    return with_ledger(chain_before(revision, direction, chain_at))


def with_ledger(chain: Chain) -> Chain:
    """The chain, in whose ledger a control row can be written."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        chain.runner().ledger.create(pg)
    return chain


def remote(
    chain: Chain, *, engine: Engine | None = None, out: Any = None, **more: Any
) -> RemoteWorker:
    """A worker with a connection of its own."""
    runner = chain.runner(engine=engine)
    runner.options = Options(workers=more.get("workers", 1))
    runner.progress = Progress(out or io.StringIO())
    return RemoteWorker(runner, forever=more.get("forever", False))


@contextmanager
def in_a_process(work: Callable[[], object]) -> Iterator[int]:
    """The work in a process of its own, which is killed with the block. Nothing of pytest runs in
    it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        yield pid
    finally:
        # Who has asked for its end has had it.
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def ended(pid: int) -> int:
    """Its exit status; minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def paused(chain: Chain, to: bool) -> None:
    """What a DBA writes into the ledger: batches wait, or go on."""
    control = chain.runner().ledger.table("control")
    chain.run(
        f"INSERT INTO {control} (plan, paused) VALUES ('{chain.plan.name}', {to}) "
        "ON CONFLICT (plan) DO UPDATE SET paused = excluded.paused"
    )


def watch_ranges(chain: Chain) -> None:
    """From now on each range that is recorded as done is noted, with the session that did it."""
    batch = chain.runner().ledger.table("batch")
    chain.run(
        "CREATE TABLE public.seen (job text, n bigint, rows bigint, who text)",
        "CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO public.seen "
        "VALUES (NEW.job, NEW.n, NEW.rows, current_setting('application_name')); "
        "RETURN NULL; END $$",
        f"CREATE TRIGGER see AFTER UPDATE ON {batch} FOR EACH ROW WHEN (NEW.done) "
        "EXECUTE FUNCTION public.see()",
    )


@contextmanager
def only(chain: Chain, *pids: int) -> Iterator[None]:
    """While the block runs nobody but these workers can record a range as done."""
    batch = chain.runner().ledger.table("batch")
    theirs = ", ".join(f"'%:{pid} %'" for pid in pids)
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute("SELECT pg_advisory_lock(1)")
        # Others give up after their lock_timeout, and try again.
        chain.run(
            "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT current_setting('application_name') LIKE ANY (ARRAY[{theirs}]) THEN "
            "PERFORM pg_advisory_xact_lock(1); END IF; RETURN NEW; END $$",
            f"CREATE TRIGGER hold BEFORE UPDATE ON {batch} FOR EACH ROW WHEN (NEW.done) "
            "EXECUTE FUNCTION public.hold()",
        )
        yield


def forget_ranges(chain: Chain) -> None:
    batch = chain.runner().ledger.table("batch")
    chain.run(
        f"DROP TRIGGER see ON {batch}",
        f"DROP TRIGGER IF EXISTS hold ON {batch}",
        "DROP FUNCTION public.see()",
        "DROP FUNCTION IF EXISTS public.hold()",
        "DROP TABLE public.seen",
    )


def offered(chain: Chain) -> bool:
    event = chain.runner().ledger.table("event")
    return bool(chain.value(f"SELECT count(*) FROM {event} WHERE event = 'shares ranges'"))


def sessions(chain: Chain, word: str) -> int:
    return int(
        chain.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            f"AND application_name LIKE 'membership!_refactor%{word}%' ESCAPE '!'"
        )
    )


def owner(chain: Chain, revision: str, direction: Direction) -> None:
    """The step, as `alembic` runs it: under the lock of the schema."""
    runner = chain.runner()
    with alone(runner.engine, runner.schema, label="owner"):
        go(chain, revision, direction)


@contextmanager
def offering(chain: Chain, work: Callable[[], object]) -> Iterator[int]:
    """The step in a process of its own, which has offered its ranges and waits."""
    with in_a_process(work) as pid:
        until(lambda: offered(chain))
        yield pid


def assert_alike(found: Snapshot, expected: Snapshot, place: str) -> None:
    assert found.tables == expected.tables, place
    assert differences(expected.portrait, found.portrait) == (), place
    assert found.own == expected.own, place


# --- together -----------------------------------------------------------------------------


@pytest.mark.parametrize(("revision", "direction"), HELPED)
def test_three_remote_workers_and_the_owner_do_every_range_once(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    go(undisturbed, revision, direction)
    chain = start(revision, direction, chain_at)
    watch_ranges(chain)
    paused(chain, True)
    with (
        offering(chain, lambda: owner(chain, revision, direction)) as mover,
        in_a_process(lambda: remote(chain).work()) as one,
        in_a_process(lambda: remote(chain).work()) as two,
        in_a_process(lambda: remote(chain, workers=2).work()) as three,
    ):
        until(lambda: sessions(chain, f":{three}") >= 3)
        until(lambda: sessions(chain, f":{one}") >= 2 and sessions(chain, f":{two}") >= 2)
        with only(chain, one, two, three):
            paused(chain, False)
            until(lambda: chain.value("SELECT count(*) FROM public.seen") > 0)
        assert ended(mover) == 0
        assert [ended(pid) for pid in (one, two, three)] == [0, 0, 0]
    assert chain.query("SELECT job, n FROM public.seen GROUP BY 1, 2 HAVING count(*) > 1") == []
    forget_ranges(chain)
    assert_alike(snapshot(chain), snapshot(undisturbed), f"{revision} {direction}")


def test_workers_keep_to_the_limits_of_the_command_that_runs_the_step(
    chain_at: ChainAt,
) -> None:
    chain = start("0003", Direction.UP, chain_at)
    watch_ranges(chain)
    paused(chain, True)
    with (
        offering(chain, lambda: owner(chain, "0003", Direction.UP)) as mover,
        in_a_process(lambda: remote(chain).work()) as one,
    ):
        until(lambda: sessions(chain, f":{one}") >= 2)
        paused(chain, False)
        assert (ended(mover), ended(one)) == (0, 0)
    assert OPTIONS.batch_rows == 7
    assert chain.value("SELECT max(rows) FROM public.seen") == 7
    waits = chain.query(
        f"SELECT count(*) FROM {chain.runner().ledger.table('event')} WHERE event = 'waiting'"
    )
    assert waits == [(1,)], "one wait is one event, however many processes wait"


# --- killed -------------------------------------------------------------------------------


def dying(chain: Chain, moment: re.Pattern[str], at: int) -> None:
    """A worker that kills itself at its n-th moment."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    remote(chain, engine=watched(chain.url, Moments(moment, at, die))).work()


@pytest.mark.parametrize(
    "moment",
    [pytest.param(TAKEN, id="before a range", marks=pytest.mark.slow), pytest.param(DONE, id="in")],
)
@pytest.mark.parametrize(("revision", "direction"), HELPED)
def test_a_worker_that_is_killed_at_a_range_leaves_it_to_others(
    revision: str, direction: Direction, moment: re.Pattern[str], chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    go(undisturbed, revision, direction)
    chain = start(revision, direction, chain_at)
    watch_ranges(chain)
    paused(chain, True)
    with (
        offering(chain, lambda: owner(chain, revision, direction)) as mover,
        in_a_process(lambda: dying(chain, moment, 1)) as first,
        in_a_process(lambda: dying(chain, moment, 2)) as second,
        in_a_process(lambda: remote(chain).work()) as third,
    ):
        until(lambda: all(sessions(chain, f":{pid}") >= 2 for pid in (first, second, third)))
        with only(chain, first, second):
            paused(chain, False)
            assert ended(first) == -signal.SIGKILL
        assert (ended(mover), ended(third)) == (0, 0)
        # The second may have found only one range.
        assert ended(second) in (0, -signal.SIGKILL)
    forget_ranges(chain)
    assert_alike(snapshot(chain), snapshot(undisturbed), f"{revision} {direction}")


@pytest.mark.parametrize("at", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_owner_that_is_killed_stops_its_workers_and_the_same_command_goes_on(
    at: int, chain_at: ChainAt
) -> None:
    undisturbed = start("0003", Direction.UP, chain_at)
    go(undisturbed, "0003", Direction.UP)
    chain = start("0003", Direction.UP, chain_at)
    watch_ranges(chain)
    paused(chain, True)

    def mortal() -> None:
        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        runner = chain.runner()
        engine = watched(chain.url, Moments(DONE, at, die))
        with alone(runner.engine, runner.schema, label="owner"):
            go(chain, "0003", Direction.UP, engine=engine)

    with (
        offering(chain, mortal) as mover,
        in_a_process(lambda: remote(chain).work()) as leaves,
        in_a_process(lambda: remote(chain, forever=True).work()) as stays,
    ):
        until(lambda: all(sessions(chain, f":{pid}") >= 2 for pid in (leaves, stays)))
        paused(chain, False)
        killed = ended(mover)
        assert killed in (0, -signal.SIGKILL)
        assert ended(leaves) == 0
        if killed:
            owner(chain, "0003", Direction.UP)
        assert os.waitpid(stays, os.WNOHANG) == (0, 0), "it waits for the next command"
    forget_ranges(chain)
    assert_alike(snapshot(chain), snapshot(undisturbed), f"owner killed at {at}")


@pytest.mark.slow
def test_the_range_of_a_worker_that_hangs_is_done_by_others(chain_at: ChainAt) -> None:
    """The server ends its session after half a minute. When it wakes up, it has lost nothing."""
    undisturbed = start("0003", Direction.UP, chain_at)
    go(undisturbed, "0003", Direction.UP)
    chain = start("0003", Direction.UP, chain_at)

    def hanging() -> None:
        def hang() -> None:
            os.kill(os.getpid(), signal.SIGSTOP)

        with suppress(StepInterrupted):
            remote(chain, engine=watched(chain.url, Moments(DONE, 1, hang))).work()

    watch_ranges(chain)
    paused(chain, True)
    with (
        offering(chain, lambda: owner(chain, "0003", Direction.UP)) as mover,
        in_a_process(hanging) as hangs,
    ):
        until(lambda: sessions(chain, f":{hangs}") >= 2)
        with only(chain, hangs):
            paused(chain, False)
            until(lambda: ") T " in Path(f"/proc/{hangs}/stat").read_text())
        assert ended(mover) == 0
        os.kill(hangs, signal.SIGCONT)
        assert ended(hangs) == 0
    forget_ranges(chain)
    assert_alike(snapshot(chain), snapshot(undisturbed), "a worker hung in its range")


# --- staged -------------------------------------------------------------------------------


class Halt:
    """Halts a worker before its first statement of a pattern until it is let go."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.halted, self.go_on = threading.Event(), threading.Event()

    def __call__(self, text: str) -> None:
        if self.pattern.search(text) and not self.halted.is_set():
            self.halted.set()
            assert self.go_on.wait(120)


@contextmanager
def halted(chain: Chain, pattern: re.Pattern[str]) -> Iterator[tuple[Halt, list[Any]]]:
    """A worker in a thread, halted at that place; what it returned or raised."""
    halt = Halt(pattern)
    came: list[Any] = []

    def work() -> None:
        try:
            came.append(remote(chain, engine=watched(chain.url, halt)).work())
        except RefactorError as error:
            came.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield halt, came
    finally:
        halt.go_on.set()
        thread.join(60)


def under_way(chain: Chain) -> tuple[threading.Thread, list[BaseException]]:
    """0003 in a thread, under the lock of the schema."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            owner(chain, "0003", Direction.UP)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, errors


def test_the_owner_waits_for_a_range_that_a_worker_is_at_and_does_it_when_the_worker_dies(
    chain_at: ChainAt,
) -> None:
    undisturbed = start("0003", Direction.UP, chain_at)
    go(undisturbed, "0003", Direction.UP)
    chain = start("0003", Direction.UP, chain_at)
    batch = chain.runner().ledger.table("batch")
    watch_ranges(chain)
    paused(chain, True)
    thread, errors = under_way(chain)
    until(lambda: offered(chain))
    with halted(chain, DONE) as (halt, came):
        until(lambda: sessions(chain, f":{os.getpid()}") >= 2)
        with only(chain, os.getpid()):
            paused(chain, False)
            assert halt.halted.wait(60)
        # All others are done, and that one is waited for.
        until(lambda: chain.value(f"SELECT count(*) FROM {batch} WHERE NOT done") == 1)
        until(lambda: sessions(chain, "copy_table up copy") >= 1)
        assert thread.is_alive() and not errors
        chain.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
            f"current_database() AND application_name LIKE '%:{os.getpid()} copy%'"
        )
        thread.join(60)
        assert not thread.is_alive() and not errors, errors
    forget_ranges(chain)
    assert isinstance(came[0], StepInterrupted), came
    assert "membership-refactor work" in str(came[0])
    assert_alike(snapshot(chain), snapshot(undisturbed), "a worker's session ended in its range")


def test_a_worker_that_wakes_up_in_another_run_of_the_step_does_nothing_of_it(
    chain_at: ChainAt,
) -> None:
    """Between claim and range the step ends, is taken back, and is begun anew with other ranges."""
    undisturbed = start("0003", Direction.UP, chain_at)
    go(undisturbed, "0003", Direction.UP)
    chain = start("0003", Direction.UP, chain_at)
    batch = chain.runner().ledger.table("batch")
    watch_ranges(chain)
    paused(chain, True)
    thread, errors = under_way(chain)
    until(lambda: offered(chain))
    with halted(chain, TAKEN) as (halt, came):
        until(lambda: sessions(chain, f":{os.getpid()}") >= 2)
        with only(chain, os.getpid()):
            paused(chain, False)
            assert halt.halted.wait(60)
        thread.join(60)
        assert not thread.is_alive() and not errors, errors
        forget_ranges(chain)
        chain.down("0003")
        again = replace(chain, options=replace(OPTIONS, batch_rows=5))

        def mortal() -> None:
            def die() -> None:
                os.kill(os.getpid(), signal.SIGKILL)

            go(again, "0003", Direction.UP, engine=watched(chain.url, Moments(TAKEN, 3, die)))

        with in_a_process(mortal) as mover:
            assert ended(mover) == -signal.SIGKILL
        before = chain.query(f"SELECT n, first, last, done FROM {batch} ORDER BY n")
        assert [done for _, _, _, done in before] == [True, True, False]
        halt.go_on.set()
        until(lambda: bool(came))
        assert chain.query(f"SELECT n, first, last, done FROM {batch} ORDER BY n") == before
    owner(again, "0003", Direction.UP)
    assert_alike(snapshot(chain), snapshot(undisturbed), "a worker of an earlier run")


# --- refused ------------------------------------------------------------------------------


def half_done(chain: Chain) -> None:
    """0003 has offered its ranges, and its command was killed."""

    def mortal() -> None:
        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        engine = watched(chain.url, Moments(TAKEN, 2, die))
        with alone(chain.engine, chain.subject.schema, label="owner"):
            go(chain, "0003", Direction.UP, engine=engine)

    with in_a_process(mortal) as mover:
        assert ended(mover) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            'UPDATE {}.event SET detail = detail || \'{{"version": "0.0.1"}}\' '
            "WHERE event = 'shares ranges'",
            RefactorError,
            "is version 0.0.1 of membership-refactor",
        ),
        (
            'UPDATE {}.event SET detail = detail || \'{{"statements": ""}}\' '
            "WHERE event = 'shares ranges'",
            RefactorError,
            "another build of version",
        ),
        ("UPDATE {}.plan SET fingerprint = 'another'", PlanChanged, "is not the one"),
    ],
    ids=["version", "statements", "plan"],
)
def test_a_worker_of_another_plan_or_version_is_refused_in_a_line(
    change: str, error: type[RefactorError], says: str, chain_at: ChainAt
) -> None:
    chain = start("0003", Direction.UP, chain_at)
    paused(chain, True)
    with offering(chain, lambda: owner(chain, "0003", Direction.UP)):
        chain.run(change.format(chain.names.ledger))
        with pytest.raises(error, match=says) as refused:
            remote(chain).work()
    assert "\n" not in str(refused.value)
    batches = chain.runner().ledger.table("batch")
    assert chain.value(f"SELECT count(*) FROM {batches}") == 0


def test_a_worker_does_nothing_while_no_command_runs(chain_at: ChainAt) -> None:
    chain = start("0003", Direction.UP, chain_at)
    assert remote(chain).work() is False
    half_done(chain)
    batch = chain.runner().ledger.table("batch")
    before = chain.query(f"SELECT n, done FROM {batch}")
    late = remote(chain)
    assert late.work() is False
    assert late.open_step is not None and late.open_step.step == "copy_table"
    assert chain.query(f"SELECT n, done FROM {batch}") == before
    # Another command of the schema is not the one that made the offer.
    with alone(chain.engine, chain.subject.schema, label="another") as pg:
        newest = read_newest(pg, chain.runner().ledger)
    assert (newest.event, newest.job) == (OFFERED, None) and newest.holder is not None
    assert chain.query(f"SELECT n, done FROM {batch}") == before


# --- the command line ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_verb_helps_until_the_command_ends(chain_at: ChainAt) -> None:
    chain = start("0003", Direction.UP, chain_at)
    nobody = refactor("work", "--format", "json", url=chain.url)
    assert nobody.status == FINDINGS
    assert json.loads(nobody.out) == {"command_found": False, "rows": 0, "open_step": None}
    own = refactor("-x", "max-lag-bytes=1", "work", url=chain.url)
    assert own.status == WRONG_USE
    assert own.said.startswith("FAILED: -x max-lag-bytes is not an option of a worker.")
    paused(chain, True)
    stack = ExitStack()
    with stack, running("alembic", "-x", "batch-rows=3", "upgrade", "0003", url=chain.url) as mover:
        until(lambda: offered(chain))
        one = stack.enter_context(
            running("membership-refactor", "-x", "workers=2", "work", url=chain.url)
        )
        until(lambda: sessions(chain, f":{one.pid}") >= 3)
        paused(chain, False)
        assert mover.wait(60) == 0
        assert one.wait(60) == 0
        assert one.stdout is not None and one.stderr is not None
        said = one.stdout.read()
        assert re.fullmatch(
            r"[\d,]+ rows done here\. The command has ended, and no step is open\.\n", said
        )
        assert "works on" in one.stderr.read()
    assert value(chain.url, f"SELECT count(*) FROM {chain.names.copy}") == value(
        chain.url, f"SELECT count(*) FROM {chain.names.source}"
    )
