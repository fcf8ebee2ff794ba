"""Batches give way while small writes take long, whatever the reason, and what was felt is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import LaunchedServer, create_database, libpq_url
from membership_refactor.errors import ServerTooSlow
from membership_refactor.execution import probe, throttle
from membership_refactor.execution.felt_records import FeltAction, FeltRecords
from membership_refactor.execution.options import Options
from membership_refactor.inspect import status_text
from membership_refactor.inspect.live import lines, read_moment
from membership_refactor.inspect.status import read_standing
from membership_refactor.sql.pacing.latency import MaxLatency
from membership_refactor.steps.step import Direction
from tests.chain.deployer import deployer
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP
from tests.execution.conftest import ROWS, prepared
from tests.execution.running import PATIENCE, Running
from tests.fixtures.server import LaunchServer

LIMIT = MaxLatency(milliseconds=150.0)
QUICK = Options(accept_usage="a test", batch_rows=1, lock_timeout=20, max_latency=LIMIT)
"""Batches so small that the step runs until ``ended`` makes them large."""
SMALL = replace(QUICK, batch_rows=100)


def spans(chain: Chain, columns: str = "count(*)") -> Any:
    (found,) = chain.query(f"SELECT {columns} FROM public_refactor.felt")
    return found if len(found) > 1 else found[0]


def ended(step: Running) -> None:
    """Lets the rest be one batch, and waits for the end of the step."""
    step.control(f"batch_rows = {ROWS}")
    step.finish()
    finished(step.chain)


def finished(chain: Chain) -> None:
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS


def measuring(step: Running) -> None:
    """Waits until batches run and the probe has judged."""
    there = "SELECT to_regclass('public_refactor.felt') IS NOT NULL"
    step.until(
        lambda: (
            step.chain.value(there)
            and step.chain.value("SELECT coalesce(sum(writes), 0) > 0 FROM public_refactor.felt")
            and step.batches() > 0
        ),
        "measures while batches run",
    )


SLOW = (
    "CREATE TABLE public.slow (ms int)",
    """CREATE FUNCTION public.wait_busily() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE began timestamptz := clock_timestamp(); ms int := (SELECT max(s.ms) FROM public.slow s);
    BEGIN
      WHILE clock_timestamp() < began + coalesce(ms, 0) * interval '1 ms' LOOP END LOOP;
      RETURN NEW;
    END $$""",
    "CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON public_refactor.felt FOR EACH ROW "
    "EXECUTE FUNCTION public.wait_busily()",
)
"""Makes small writes of the probe as slow as the table ``slow`` says, and nothing else."""


def test_batches_shrink_and_wait_and_grow_again(chain: Chain) -> None:
    step = Running(chain, replace(QUICK, lock_timeout=60))
    step.start()
    measuring(step)
    chain.run(*SLOW, "INSERT INTO public.slow VALUES (400)")
    reason = step.waiting("latency")
    assert reason.startswith("latency: a small write takes ") and "150.0 ms allowed" in reason
    before = step.batches()
    standing = read_standing(step.runner)
    assert "a small write takes" in status_text.as_text(standing)
    assert any("a small write takes" in line for line in lines(read_moment(step.runner)))
    assert step.batches() == before, "no batch runs meanwhile"
    chain.run("DELETE FROM public.slow")
    newest = "SELECT share FROM public_refactor.felt ORDER BY ended DESC LIMIT 1"
    step.until(lambda: chain.value(newest) == 1, "has whole batches again")
    ended(step)
    (waited,) = step.events("waited")
    assert waited["reason"] == "latency" and waited["seconds"] > 0
    least, gave_way, longest = spans(chain, "min(share), sum(waited_seconds), max(longest_ms)")
    assert least == 0.5 and gave_way > 0 and longest > 400
    said = step.said.getvalue()
    assert "waiting: latency: a small write takes" in said and "going on" in said


@pytest.mark.parametrize(("share", "first"), [(1.0, 2_000), (0.5, 1_000), (1 / 16, 500)])
def test_a_batch_has_its_share_of_the_usual_size_and_no_less_than_the_smallest(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, share: float, first: int
) -> None:
    monkeypatch.setattr(throttle.Throttle, "share", share)
    step = Running(chain, replace(SMALL, batch_rows=None, max_latency=None))
    step.observe()
    step.start()
    step.finish()
    assert step.sizes()[0] == first
    finished(chain)


def test_a_server_that_stays_slow_is_not_waited_for_for_ever(chain: Chain) -> None:
    step = Running(chain, replace(QUICK, lock_timeout=3))
    step.start()
    measuring(step)
    chain.run(*SLOW, "INSERT INTO public.slow VALUES (400)")
    with pytest.raises(ServerTooSlow) as said:
        step.finish()
    assert "no batch ran: a small write takes" in str(said.value)
    assert "-x max-latency=" in str(said.value)
    before = step.batches()
    # The same command goes on, and takes the server as it is now for idle.
    chain.run("DELETE FROM public.slow")
    again = Running(chain, QUICK)
    again.start()
    ended(again)
    assert before > 0


def test_a_write_that_does_not_end_holds_the_batches(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen while it lasts, not afterwards."""
    monkeypatch.setattr(throttle, "SAID_AFTER", 0.2)
    step = Running(chain, QUICK)
    step.start()
    measuring(step)
    with psycopg.connect(libpq_url(chain.url)) as holder:
        holder.execute("LOCK TABLE public_refactor.felt IN EXCLUSIVE MODE")
        step.waiting("latency")
        holder.rollback()
    ended(step)


def sessions_of_probe(chain: Chain) -> list[int]:
    found = chain.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'membership_refactor%probe'"
    )
    return [pid for (pid,) in found]


def test_a_probe_that_is_lost_is_a_warning_and_comes_back(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "AGAIN_SECONDS", 0.1)
    step = Running(chain, QUICK)
    step.start()
    measuring(step)
    (pid,) = sessions_of_probe(chain)
    assert chain.value(f"SELECT pg_terminate_backend({pid})")
    step.until(lambda: "is measured again" in step.said.getvalue(), "measures again")
    assert sessions_of_probe(chain) != [pid]
    ended(step)
    said = step.said.getvalue()
    assert said.count("warning: the latency of small writes is not measured now") == 1
    assert sessions_of_probe(chain) == []


def test_a_ledger_whose_table_is_dropped_meanwhile_is_a_warning(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "AGAIN_SECONDS", 60.0)
    step = Running(chain, QUICK)
    step.start()
    measuring(step)
    chain.run("DROP TABLE public_refactor.felt")
    step.until(lambda: "is not measured now" in step.said.getvalue(), "warns")
    ended(step)


@contextmanager
def burners(chain: Chain, count: int) -> Iterator[None]:
    """Sessions that take every core, until the block ends."""
    busy = (
        "DO $$ BEGIN PERFORM set_config('jit', 'off', false); LOOP "
        "PERFORM sqrt(n) FROM generate_series(1, 10000) AS n; END LOOP; END $$"
    )
    connections = [psycopg.connect(libpq_url(chain.url), autocommit=True) for _ in range(count)]

    def burn(pg: psycopg.Connection[Any]) -> None:
        with suppress(psycopg.errors.QueryCanceled):
            pg.execute(busy)

    threads = [threading.Thread(target=burn, args=(pg,)) for pg in connections]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for pg, thread in zip(connections, threads, strict=True):
            while thread.is_alive():
                pg.cancel()
                thread.join(0.2)
            pg.close()


def idle_time(chain: Chain, step: str, most: MaxLatency) -> float:
    """Milliseconds that a probe of the step takes for the idle time."""
    runner, said = chain.runner(), list[str]()
    writes = probe.Probe(runner.sessions("felt"), FeltRecords(runner.ledger), most, said.append)
    writes.begin(FeltAction(step, Direction.UP, "copy", "copies"))
    measured = f"SELECT idle_ms FROM public_refactor.felt WHERE step = '{step}' AND idle_ms > 0"
    deadline = time.monotonic() + PATIENCE
    while not (found := chain.query(measured)):
        assert time.monotonic() < deadline, said
    writes.end()
    return float(found[0][0])


def test_a_step_takes_the_idle_time_of_the_one_before_and_does_not_wait_for_its_own(
    chain: Chain,
) -> None:
    first = idle_time(chain, "copy_table", LIMIT)
    assert idle_time(chain, "rebuild_parent", LIMIT) == first


@pytest.mark.parametrize("change", ["idle_ms = 1e-6", "ended = ended - interval '11 min'"])
def test_an_idle_time_that_is_old_or_cannot_hold_is_measured_again(
    chain: Chain, change: str
) -> None:
    limit = MaxLatency(factor=3.0)
    first = idle_time(chain, "copy_table", limit)
    chain.run(f"UPDATE public_refactor.felt SET {change}")
    again = idle_time(chain, "rebuild_parent", limit)
    assert again not in {first, 1e-6}


@pytest.mark.slow
def test_batches_give_way_to_sessions_that_take_every_core(chain: Chain) -> None:
    limit = MaxLatency(factor=1.5)
    step = Running(chain, replace(QUICK, max_latency=limit, lock_timeout=120))
    step.start()
    measuring(step)
    with burners(chain, 30):
        step.until(
            lambda: spans(chain, "coalesce(sum(waited_seconds), 0)") > 0, "gives way to others"
        )
    step.control(f"batch_rows = {ROWS}")
    ended(step)


def test_what_is_small_is_not_measured_unless_somebody_asks(chain: Chain) -> None:
    step = Running(chain, Options(accept_usage="a test", batch_rows=100, lock_timeout=20))
    step.start()
    step.finish()
    assert chain.value("SELECT to_regclass('public_refactor.felt') IS NULL")


def test_off_measures_nothing(chain: Chain) -> None:
    step = Running(chain, replace(SMALL, max_latency=None))
    step.start()
    step.finish()
    assert chain.value("SELECT to_regclass('public_refactor.felt') IS NULL")


def test_a_role_needs_no_privilege_that_it_did_not_need_before(chain: Chain) -> None:
    with deployer(chain) as login:
        engine = create_engine(login.chain.url, poolclass=NullPool)
        step = Running(login.chain, replace(SMALL, batch_rows=1), engine=engine)
        step.start()
        step.finish()
        assert "warning" not in step.said.getvalue()
        assert spans(chain, "sum(writes)") > 0
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'felt'"
        assert chain.value(owner) == login.owner
        finished(chain)


def test_a_role_with_few_sessions_keeps_them_for_the_step(chain: Chain) -> None:
    with deployer(chain) as login:
        chain.run(f"ALTER ROLE {login.name} CONNECTION LIMIT 4")
        engine = create_engine(login.chain.url, poolclass=NullPool)
        step = Running(login.chain, SMALL, engine=engine)
        step.start()
        step.finish()
        said = step.said.getvalue()
        assert said.count("is not measured, because only") == 1
        finished(chain)


@pytest.mark.slow
def test_a_synchronous_replica_that_is_gone_is_felt(launch_server: LaunchServer) -> None:
    """Writers wait for its answer; the batches do not, so without the probe they would go on."""
    server: LaunchedServer = launch_server()
    url = create_database(server.server.url, "alone", template="template0")
    prepared(url)
    chain = Chain(url, MEMBERSHIP)
    step = Running(chain, QUICK)
    step.start()
    measuring(step)
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        pg.execute("SET synchronous_commit = local")
        pg.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        pg.execute("SELECT pg_reload_conf()")
        step.waiting("latency")
        pg.execute("ALTER SYSTEM RESET synchronous_standby_names")
        pg.execute("SELECT pg_reload_conf()")
    ended(step)
