"""The server crashes while workers are at work: they wait for it, and help the next command."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from membership_refactor.database import LaunchedServer
from membership_refactor.errors import RefactorError
from membership_refactor.steps.step import Direction
from tests.chain.driver import Chain, snapshot
from tests.chain.killing import go
from tests.chain.test_kill import start
from tests.cli.processes import until
from tests.execution.test_remote_workers import (
    assert_alike,
    ended,
    forget_ranges,
    in_a_process,
    owner,
    paused,
    remote,
    sessions,
    watch_ranges,
    with_ledger,
)
from tests.fixtures.chains import ChainAt


@pytest.mark.slow
@pytest.mark.parametrize(
    ("revision", "direction"),
    [("0003", Direction.UP), ("0007", Direction.UP), ("0009", Direction.DOWN)],
)
def test_workers_outlive_a_crash_of_the_server(
    revision: str, direction: Direction, crashing: LaunchedServer, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    go(undisturbed, revision, direction)
    chain = with_ledger(start(revision, direction, chain_at))
    some = f"SELECT count(*) FROM {chain.runner().ledger.table('batch')} WHERE done"

    watch_ranges(chain)

    def step() -> None:
        with suppress(RefactorError):
            owner(chain, revision, direction)

    with (
        in_a_process(lambda: remote(chain, forever=True).work()) as one,
        in_a_process(lambda: remote(chain, forever=True).work()) as two,
    ):
        for last in (False, True):
            paused(chain, True)
            with in_a_process(step) as mover:
                until(lambda: all(sessions(chain, f":{pid}") >= 2 for pid in (one, two)))
                paused(chain, False)
                if not last:
                    until(lambda: chain.value(some) > 0 or not is_open(chain))
                    crashing.stop("immediate")
                    crashing.start()
                assert ended(mover) == 0
        for pid in (one, two):
            assert os.waitpid(pid, os.WNOHANG) == (0, 0), "a worker has ended"
    forget_ranges(chain)
    if is_open(chain):
        owner(chain, revision, direction)
    assert_alike(snapshot(chain), snapshot(undisturbed), f"{revision} {direction}")


def is_open(chain: Chain) -> bool:
    ledger = chain.runner().ledger
    return bool(chain.value(f"SELECT count(*) FROM {ledger.table('step')} WHERE state = 'open'"))
