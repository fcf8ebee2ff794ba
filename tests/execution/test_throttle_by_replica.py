"""Batches wait for a real streaming replica whose replay stands still, measured in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.database import LaunchedServer, create_database, libpq_url
from membership_refactor.execution.options import Options
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.sql.pacing.latency import MaxLatency
from tests.chain.deployer import deployer
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP
from tests.execution.conftest import ROWS, prepared
from tests.execution.replica import replica_of
from tests.execution.running import Running
from tests.fixtures.server import LaunchServer
from tests.offline.scripts import PACE, Script, psql, wait_until


@pytest.fixture
def primary(launch_server: LaunchServer) -> LaunchedServer:
    return launch_server(settings={"max_wal_senders": "4", "hot_standby": "on"})


@pytest.fixture
def replica(primary: LaunchedServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a hot standby that streams from the primary."""
    with replica_of(primary) as url, psycopg.connect(libpq_url(url), autocommit=True) as pg:
        yield pg


@pytest.mark.slow
def test_batches_wait_for_a_replica_that_stands_still(
    primary: LaunchedServer,
    replica: psycopg.Connection[Any],
) -> None:
    url = create_database(primary.server.url, "lagging", template="template0")
    prepared(url)
    chain = Chain(url, MEMBERSHIP)
    replica.execute("SELECT pg_wal_replay_pause()")
    chain.run(
        "CREATE TABLE public.noise AS SELECT repeat('x', 500) AS x FROM generate_series(1, 2000)"
    )
    limit = 300_000
    step = Running(
        chain,
        Options(accept_usage="a test", batch_rows=100, max_lag_bytes=limit, lock_timeout=20),
    )
    step.start()
    reason = step.waiting("replica lag")
    behind = int(reason.split(" is ")[1].split()[0].replace(",", ""))
    assert behind > 1_000_000
    assert reason.endswith(f"bytes behind, {limit:,} allowed")
    assert step.batches() == 0
    replica.execute("SELECT pg_wal_replay_resume()")
    step.finish()
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS
    (waited,) = step.events("waited")
    assert waited["reason"] == "replica lag"


@pytest.mark.slow
def test_a_script_waits_for_a_replica_that_the_owner_of_the_tables_may_not_see(
    primary: LaunchedServer, replica: psycopg.Connection[Any]
) -> None:
    url = create_database(primary.server.url, "hidden", template="template0")
    prepared(url)
    chain = Chain(url, MEMBERSHIP)
    replica.execute("SELECT pg_wal_replay_pause()")
    chain.run(
        "CREATE TABLE public.noise AS SELECT repeat('x', 500) AS x FROM generate_series(1, 2000)"
    )
    pace = replace(PACE, max_lag_bytes=300_000)
    with deployer(chain) as login:
        script = Script(login.chain, legacy_tables("public"), pace=pace)
        script.up("0003").stopped(f"GRANT pg_monitor TO {login.name}")
        chain.run(f"GRANT pg_monitor TO {login.name}")
        with psql(login.chain.url, script.text(["0003"])) as process:
            waiting = (
                "SELECT detail ->> 'reason' FROM public_refactor.event WHERE event = 'waiting'"
            )
            table = "SELECT to_regclass('public_refactor.event') IS NOT NULL"
            wait_until(lambda: chain.value(table) and bool(chain.query(waiting)))
            ((reason,),) = chain.query(waiting)
            assert reason.startswith("replica lag: replica_1 is ")
            assert reason.endswith("bytes behind, 300,000 allowed")
            assert chain.value("SELECT count(*) FROM public_refactor.batch") == 0
            replica.execute("SELECT pg_wal_replay_resume()")
            assert process.wait(60) == 0
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS


@pytest.mark.slow
def test_how_far_a_replica_is_behind_is_kept_with_what_was_felt(
    primary: LaunchedServer, replica: psycopg.Connection[Any]
) -> None:
    url = create_database(primary.server.url, "felt", template="template0")
    prepared(url)
    chain = Chain(url, MEMBERSHIP)
    replica.execute("SELECT pg_wal_replay_pause()")
    chain.run(
        "CREATE TABLE public.noise AS SELECT repeat('x', 500) AS x FROM generate_series(1, 2000)"
    )
    limit = MaxLatency(milliseconds=10_000.0)
    step = Running(
        chain, Options(accept_usage="a test", batch_rows=20, max_latency=limit, lock_timeout=20)
    )
    step.start()
    step.finish()
    replica.execute("SELECT pg_wal_replay_resume()")
    assert chain.value("SELECT max(lag_bytes) FROM public_refactor.felt") > 1_000_000
