"""The cores of the server are known where the login may know them, and not guessed elsewhere."""

from __future__ import annotations

import os

import pytest

from membership_refactor.execution import cores
from membership_refactor.execution.cores import cores_in, half, server_cores
from membership_refactor.execution.sessions import Sessions, value
from tests.chain.deployer import deployer
from tests.chain.driver import Chain

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
