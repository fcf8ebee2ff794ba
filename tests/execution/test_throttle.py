"""Batches wait as long as there is a reason, and say what it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from membership_refactor.execution.options import Options
from tests.chain.deployer import Deployer, deployer
from tests.chain.driver import Chain
from tests.execution.conftest import ROWS
from tests.execution.running import Running

BATCHES = Options(accept_usage="a test", batch_rows=100, lock_timeout=20)


def finished(chain: Chain) -> None:
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS


def test_a_dba_pauses_and_resumes_a_running_step(chain: Chain) -> None:
    step = Running(chain, BATCHES)
    step.control("paused = true")
    step.control("note = 'backup until six'")
    step.start()
    assert step.waiting("paused") == "paused in the ledger: backup until six"
    assert step.batches() == 0
    step.control("paused = false")
    step.finish()
    (waited,) = step.events("waited")
    assert waited["reason"] == "paused in the ledger"
    assert waited["seconds"] > 0
    said = step.said.getvalue()
    assert "waiting: paused in the ledger: backup until six" in said
    assert "going on" in said
    finished(chain)


def test_a_dba_changes_the_speed_of_a_running_step(chain: Chain) -> None:
    """Ranges of one row, then of half of all rows; nothing is started anew."""
    step = Running(chain, Options(accept_usage="a test", batch_rows=1, lock_timeout=20))
    step.observe()
    step.start()
    step.until(lambda: len(step.sizes()) > 2, "copies row by row")
    step.control(f"batch_rows = {ROWS // 2}")
    step.finish()
    finished(chain)
    sizes = step.sizes()
    assert sizes[:3] == [1, 1, 1]
    assert ROWS // 2 in sizes
    assert sum(sizes) == ROWS


def test_batches_wait_while_wal_runs_fast(chain: Chain) -> None:
    """The limit stands in the control row, and is lifted there."""
    step = Running(chain, BATCHES)
    step.control("max_wal_bytes_per_second = 1")
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
            pg.execute("CREATE TABLE public.noise (x text)")
            while not stop.is_set():
                pg.execute(
                    "INSERT INTO public.noise SELECT repeat('x', 500) FROM generate_series(1, 50)"
                )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        step.control("paused = true")
        step.start()
        step.waiting("paused")
        step.control("paused = false")
        reason = step.waiting("WAL rate")
        assert reason.endswith("bytes/s, 1 allowed")
        step.control("max_wal_bytes_per_second = 1000000000000")
        step.finish()
    finally:
        stop.set()
        writer.join()
    finished(chain)


def test_batches_wait_while_others_are_busy(chain: Chain) -> None:
    step = Running(chain, BATCHES)
    step.control("max_active_sessions = 2")
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(4711)")
        waiters = [
            psycopg.connect(libpq_url(chain.url), autocommit=True, application_name="busy")
            for _ in range(3)
        ]
        threads = [
            threading.Thread(target=w.execute, args=("SELECT pg_advisory_lock_shared(4711)",))
            for w in waiters
        ]
        for thread in threads:
            thread.start()
        step.start()
        reason = step.waiting("load")
        assert reason.endswith("other sessions are active, 2 allowed")
        assert int(reason.split()[1]) >= 3
        holder.execute("SELECT pg_advisory_unlock(4711)")
        for thread in threads:
            thread.join()
        for waiter in waiters:
            waiter.close()
        step.finish()
    finished(chain)


@pytest.fixture
def owned(chain: Chain) -> Iterator[Deployer]:
    with deployer(chain) as one:
        yield one


def test_a_limit_that_the_role_cannot_judge_is_refused(owned: Deployer, chain: Chain) -> None:
    url, name = owned.chain.url, owned.name
    with psycopg.connect(libpq_url(chain.url)):  # a session that the deployer may not look into
        step = Running(
            chain,
            Options(accept_usage="a test", max_active=100, lock_timeout=20),
            engine=create_engine(url, poolclass=NullPool),
        )
        step.start()
        with pytest.raises(RefactorError, match=f'role "{name}" may not see .* pg_monitor'):
            step.finish()
        chain.run(f"GRANT pg_monitor TO {name}")
        again = Running(
            chain,
            Options(accept_usage="a test", max_active=100, lock_timeout=20),
            engine=create_engine(url, poolclass=NullPool),
        )
        again.start()
        again.finish()
    finished(chain)


def test_the_session_in_the_way_is_described_to_a_role_that_may_see_it(
    owned: Deployer, chain: Chain
) -> None:
    """The owner itself may not; the deployer who acts as the owner may."""
    url, name = owned.chain.url, owned.name
    chain.run(f"GRANT pg_monitor TO {name}")
    with psycopg.connect(libpq_url(chain.url), application_name="nightly report") as long:
        long.execute("UPDATE public.programme_membership SET rotation = 'x' WHERE id = 1")
        step = Running(
            chain,
            Options(accept_usage="a test", lock_timeout=2),
            engine=create_engine(url, poolclass=NullPool),
        )
        step.start()
        with pytest.raises(RefactorError, match="nightly report, idle in transaction, for"):
            step.finish()
