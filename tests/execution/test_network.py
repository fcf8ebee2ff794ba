"""Workers on hosts of their own: network namespaces, one of which loses its cable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.database import LaunchedServer, libpq_url
from membership_refactor.steps.step import Direction
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain, snapshot
from tests.chain.fixed import at
from tests.chain.killing import go
from tests.chain.subjects import MEMBERSHIP
from tests.cli.processes import ROOT, environment, until
from tests.execution.test_remote_workers import (
    assert_alike,
    ended,
    forget_ranges,
    offering,
    only,
    owner,
    paused,
    sessions,
    watch_ranges,
    with_ledger,
)
from tests.fixtures.server import LaunchServer

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Host:
    """A network namespace with a cable to this one."""

    name: str
    cable: str
    address: str
    """This machine's end of the cable."""

    @contextmanager
    def worker(self, url: str) -> Iterator[subprocess.Popen[str]]:
        """`membership-refactor work` on that host."""
        there = make_url(url).set(host=self.address).render_as_string(hide_password=False)
        command = ["ip", "netns", "exec", self.name, sys.executable, "-m"]
        process = subprocess.Popen(
            [*command, "membership_refactor.cli", "-x", f"url={there}", "work"],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@contextmanager
def host(number: int) -> Iterator[Host]:
    """A host, which is gone after the block."""
    unique = f"{os.getpid() % 10_000}_{number}"
    net = f"10.213.{os.getpid() % 250}.{4 * number}"
    first = net.rpartition(".")[0]
    here, there = (f"{first}.{4 * number + n}" for n in (1, 2))
    made = Host(f"mr_{unique}", f"mra{unique}", here)
    try:
        for line in (
            f"netns add {made.name}",
            f"link add {made.cable} type veth peer name mrb netns {made.name}",
            f"address add {here}/30 dev {made.cable}",
            f"link set {made.cable} up",
            f"-n {made.name} address add {there}/30 dev mrb",
            f"-n {made.name} link set mrb up",
        ):
            done = subprocess.run(["ip", *line.split()], capture_output=True, check=False)
            if done.returncode:
                pytest.skip(f"no network namespaces here: {done.stderr.decode().strip()}")
        yield made
    finally:
        for line in (f"link delete {made.cable}", f"netns delete {made.name}"):
            subprocess.run(["ip", *line.split()], capture_output=True, check=False)


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    if shutil.which("ip") is None:
        pytest.skip("no network namespaces here: the program ip is missing")
    with ExitStack() as stack:
        yield stack.enter_context(host(1)), stack.enter_context(host(2))


@pytest.fixture
def reached(hosts: tuple[Host, Host], launch_server: LaunchServer) -> LaunchedServer:
    """A server that listens at the cables of both hosts."""
    launched = launch_server(tcp=True)
    addresses = ", ".join(["127.0.0.1", *(each.address for each in hosts)])
    with psycopg.connect(libpq_url(launched.server.url), autocommit=True) as pg:
        pg.execute(f"ALTER SYSTEM SET listen_addresses = '{addresses}'".encode())
    assert launched.server.data is not None
    with Path(launched.server.data, "pg_hba.conf").open("a", encoding="utf-8") as file:
        file.write("host all all 10.213.0.0/16 trust\n")
    launched.stop()
    launched.start()
    return launched


def test_a_host_that_loses_its_cable_in_a_range_leaves_it_to_the_others(
    hosts: tuple[Host, Host], reached: LaunchedServer
) -> None:
    """The server waits for its answer for a minute; then the range is free."""
    databases = Databases(reached.server)
    undisturbed, chain = (with_ledger(Chain(at(databases, "0002"), MEMBERSHIP)) for _ in range(2))
    go(undisturbed, "0003", Direction.UP)
    watch_ranges(chain)
    paused(chain, True)
    with offering(chain, lambda: owner(chain, "0003", Direction.UP)) as mover, ExitStack() as stack:
        lost, kept = (stack.enter_context(each.worker(chain.url)) for each in hosts)
        until(lambda: all(sessions(chain, f":{each.pid}") >= 2 for each in (lost, kept)))
        # Long enough inside its first range for the cable to be pulled.
        chain.run(
            "CREATE FUNCTION public.stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            f"IF current_setting(''application_name'') LIKE ''%:{lost.pid} %'' THEN "
            "PERFORM pg_sleep(3); END IF; RETURN NEW; END'",
            f"CREATE TRIGGER stay BEFORE UPDATE ON {chain.runner().ledger.table('batch')} "
            "FOR EACH ROW EXECUTE FUNCTION public.stay()",
        )
        with only(chain, lost.pid):
            paused(chain, False)
            until(lambda: waits(chain, lost.pid))
        subprocess.run(["ip", "link", "set", hosts[0].cable, "down"], check=True)
        assert ended(mover) == 0
        assert kept.wait(60) == 0
        done_by_lost = chain.value(
            f"SELECT count(*) FROM public.seen WHERE who LIKE '%:{lost.pid} %'"
        )
        assert done_by_lost == 0
    chain.run(
        f"DROP TRIGGER stay ON {chain.runner().ledger.table('batch')}",
        "DROP FUNCTION public.stay()",
    )
    forget_ranges(chain)
    assert_alike(snapshot(chain), snapshot(undisturbed), "a host lost its cable")
    for each in (undisturbed, chain):
        databases.drop(each.url)


def waits(chain: Chain, pid: int) -> bool:
    """Whether a session of that worker is inside its range."""
    return bool(
        chain.value(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
            f"AND application_name LIKE '%:{pid} %'"
        )
    )
