"""Batches wait for a real streaming replica whose replay stands still, measured in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.database import LaunchedServer, create_database, libpq_url
from membership_refactor.execution.options import Options
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP
from tests.execution.conftest import ROWS, prepared
from tests.execution.replica import replica_of
from tests.execution.running import Running
from tests.fixtures.server import LaunchServer


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
