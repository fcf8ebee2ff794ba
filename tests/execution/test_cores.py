"""The cores of the server are known where the login may know them, and not guessed elsewhere."""

from __future__ import annotations

import os

import pytest

from membership_refactor.execution import chain_in_schema, cores, felt_step
from membership_refactor.execution.cores import cores_in, half, server_cores
from membership_refactor.execution.felt_step import FeltStep
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Sessions, value
from membership_refactor.steps.step import Direction
from tests.chain.deployer import deployer
from tests.chain.driver import Chain
from tests.execution.conftest import ROWS
from tests.execution.running import Running

CPUINFO = "".join(f"processor\t: {n}\nmodel name\t: a processor\n\n" for n in range(8))


@pytest.mark.parametrize(
    ("cpuinfo", "cpu_max", "found"),
    [
        (CPUINFO, None, 8),
        (CPUINFO, "max 100000\n", 8),
        (CPUINFO, "250000 100000\n", 2),
        (CPUINFO, "50000 100000\n", 1),
        (CPUINFO, "1600000 100000", 8),
        (None, "200000 100000", None),
        ("", "", None),
    ],
)
def test_the_files_of_linux_are_read(
    cpuinfo: str | None, cpu_max: str | None, found: int | None
) -> None:
    assert cores_in(cpuinfo, cpu_max) == found


def test_half_of_the_cores_and_never_none() -> None:
    assert [half(n) for n in (1, 2, 3, 8)] == [1, 1, 1, 4]


def test_a_server_of_this_machine_has_the_cores_of_this_machine(chain: Chain) -> None:
    with Sessions(chain.engine, role=None, label="test").open(as_owner=False) as pg:
        assert server_cores(pg) == len(os.sched_getaffinity(0))


def test_a_server_elsewhere_is_asked_if_the_login_may_read_its_files(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_is_here", lambda pg: False)
    with Sessions(chain.engine, role=None, label="test").open(as_owner=False) as pg:
        assert server_cores(pg) == os.cpu_count() or cores_in(None, None) is None
    with (
        deployer(chain) as login,
        Sessions(login.chain.engine, role=None, label="test").open(as_owner=False) as pg,
    ):
        assert server_cores(pg) is None
        assert login.chain.runner().sessions("test").parallel is None


def test_our_sessions_leave_half_of_the_cores_to_others(chain: Chain) -> None:
    sessions = chain.runner().sessions("test")
    assert sessions.parallel == half(len(os.sched_getaffinity(0))) - 1
    with sessions.open() as pg:
        for name in ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers"):
            found = int(value(pg, f"SELECT pg_catalog.current_setting('{name}')"))
            assert found <= sessions.parallel
            assert chain.value(f"SELECT current_setting('{name}')") == "2", "of no other session"


def test_half_of_the_cores_work_where_nobody_says_how_many(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_in_schema, "server_cores", lambda pg: 6)
    monkeypatch.setattr(felt_step, "PROBED_BYTES", 1)
    step = Running(chain, Options(accept_usage="a test", batch_rows=1, lock_timeout=20))
    step.start()
    step.finish()
    assert "  3 batches at a time, because the server has 6 cores or more" in step.said.getvalue()
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS
    assert chain.value("SELECT sum(writes) > 0 FROM public_refactor.felt"), "and it is measured"


@pytest.mark.parametrize(
    "options",
    [
        Options(accept_usage="a test", batch_rows=50, workers=1),
        Options(accept_usage="a test", batch_rows=50, max_latency=None),
    ],
    ids=["asked for one", "nothing is measured"],
)
def test_one_batch_works_where_nobody_would_notice_that_it_is_too_much(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, options: Options
) -> None:
    monkeypatch.setattr(chain_in_schema, "server_cores", lambda pg: 6)
    monkeypatch.setattr(felt_step, "PROBED_BYTES", 1)
    step = Running(chain, options)
    step.start()
    step.finish()
    assert "batches at a time" not in step.said.getvalue()


def test_a_partitioned_table_is_as_large_as_its_partitions(chain: Chain) -> None:
    chain.run(
        "CREATE TABLE public.parted (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES FROM (0) TO (9999999)",
    )
    runner = chain.runner()
    sessions = runner.sessions("test")

    def large() -> bool:
        with sessions.open() as pg:
            return FeltStep(
                sessions,
                runner.ledger,
                Options(),
                Progress(quiet=True),
                step="copy_table",
                direction=Direction.UP,
                tables=("parted", "of no name"),
            ).is_large(pg)

    assert not large()
    chain.run("INSERT INTO public.parted SELECT generate_series(1, 300000)")
    assert large()
