"""The server stops at once, as in a crash, at any checkpoint: the same command goes on."""

from __future__ import annotations

import pytest

from membership_refactor.database import LaunchedServer
from membership_refactor.errors import RefactorError
from membership_refactor.portrait import differences
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import snapshot
from tests.chain.killing import MOMENTS, Moments, go, moments
from tests.chain.partitioned import PARTITIONED
from tests.chain.subjects import MEMBERSHIP
from tests.chain.test_kill import OF_PARTITIONED, WAYS, start
from tests.fixtures.chains import ChainAt

EVERY = 9
"""A plain run takes every ninth moment, the campaign every one."""


def crash(
    server: LaunchedServer,
    revision: str,
    direction: Direction,
    chain_at: ChainAt,
    every: int,
    name: str = "fixed",
) -> None:
    subject = PARTITIONED.get(name, MEMBERSHIP)
    undisturbed = start(revision, direction, chain_at, subject, name)
    count = moments(undisturbed, revision, direction, MOMENTS)
    after = snapshot(undisturbed)
    chosen = {*range(1 + int(revision) % every, count, every), count}
    for at in sorted(chosen):
        place = f"{revision} {direction}, crash at {at} of {count}"
        chain = start(revision, direction, chain_at, subject, name)

        def crashing() -> None:
            server.stop("immediate")
            server.start()

        moment = Moments(MOMENTS, at, crashing)
        with pytest.raises(RefactorError) as stopped:
            go(chain, revision, direction, engine=watched(chain.url, moment))
        assert "What it committed stays" in str(stopped.value), place
        # The very statement of the crash is not sent again by whoever catches its failure.
        go(chain, revision, direction)
        found = snapshot(chain)
        assert found.tables == after.tables, place
        assert differences(after.portrait, found.portrait) == (), place
        assert found.own == after.own, place


@pytest.mark.slow
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_crashed_server_loses_nothing_of_a_step(
    revision: str, direction: Direction, crashing: LaunchedServer, chain_at: ChainAt
) -> None:
    crash(crashing, revision, direction, chain_at, EVERY)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "revision", "direction"), OF_PARTITIONED)
def test_a_crashed_server_loses_nothing_of_a_step_on_a_partitioned_table(
    name: str, revision: str, direction: Direction, crashing: LaunchedServer, chain_at: ChainAt
) -> None:
    crash(crashing, revision, direction, chain_at, EVERY, name)


@pytest.mark.campaign
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_server_that_crashes_at_any_checkpoint_loses_nothing_of_a_step(
    revision: str, direction: Direction, crashing: LaunchedServer, chain_at: ChainAt
) -> None:
    crash(crashing, revision, direction, chain_at, 1)
