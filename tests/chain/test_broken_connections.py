"""The server ends a session or stops at once, or two runners come together: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError, StepInterrupted
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, snapshot
from tests.chain.fixed import FIXED
from tests.chain.killing import MOMENTS, Moments, go, moments
from tests.chain.subjects import MEMBERSHIP
from tests.chain.test_kill import assert_alike, refuses_everything_else, start
from tests.fixtures.chains import ChainAt
from tests.fixtures.server import LaunchServer

LONG = [
    ("0003", Direction.UP),
    ("0007", Direction.UP),
    ("0008", Direction.UP),
    pytest.param("0008", Direction.DOWN, marks=pytest.mark.slow),
    ("0009", Direction.DOWN),
    pytest.param("0005", Direction.DOWN, marks=pytest.mark.slow),
]
"""The steps that have batches."""


def interrupted(
    chain: Chain, revision: str, direction: Direction, at: int, act: Callable[[], None]
) -> None:
    with pytest.raises(StepInterrupted) as said:
        go(chain, revision, direction, engine=watched(chain.url, Moments(MOMENTS, at, act)))
    message = str(said.value)
    assert message.count("\n") == 0
    assert f"{revision} " in message
    assert f"{direction} was stopped: " in message
    verb = "upgrade" if direction is Direction.UP else "downgrade"
    goal = revision if direction is Direction.UP else f"{int(revision) - 1:04d}"
    assert f"alembic {verb} {goal} " in message
    assert "membership-refactor abandon" in message


@pytest.mark.parametrize(("revision", "direction"), LONG)
def test_a_terminated_session_is_one_line_and_the_step_goes_on(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    count = moments(undisturbed, revision, direction, MOMENTS)
    after = snapshot(undisturbed)
    for at in (count // 3, count // 2):
        chain = start(revision, direction, chain_at)

        def terminate(url: str = chain.url) -> None:
            with psycopg.connect(libpq_url(url), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

        interrupted(chain, revision, direction, at, terminate)
        refuses_everything_else(chain, revision, direction)
        go(chain, revision, direction)
        assert_alike(snapshot(chain), after, f"terminated at {at} of {count}")


@pytest.mark.slow
def test_a_server_that_stops_at_once_forgets_nothing_that_was_recorded(
    launch_server: LaunchServer,
) -> None:
    """With fsync, because what an immediate stop leaves is what the log of the server holds."""
    server = launch_server(settings={"fsync": "on", "full_page_writes": "on"})
    undisturbed = Chain(server.server.database_url("undisturbed"), MEMBERSHIP)
    stopped = Chain(server.server.database_url("stopped"), MEMBERSHIP)
    with psycopg.connect(libpq_url(server.server.url), autocommit=True) as connection:
        connection.execute("CREATE DATABASE undisturbed TEMPLATE template0")
        connection.execute("CREATE DATABASE stopped TEMPLATE template0")
    FIXED(undisturbed.url)
    FIXED(stopped.url)

    def stop() -> None:
        server.stop("immediate")

    way = [*((f"{n:04d}", Direction.UP) for n in range(3, 12)),
           *((f"{n:04d}", Direction.DOWN) for n in range(11, 2, -1))]  # fmt: skip
    for revision, direction in way:
        count = moments(undisturbed, revision, direction, MOMENTS)
        at = max(count * 2 // 3, 1)
        interrupted(stopped, revision, direction, at, stop)
        with pytest.raises(StepInterrupted, match=f"{revision} .* {direction} was stopped: "):
            go(stopped, revision, direction)
        server.start()
        go(stopped, revision, direction)
        assert_alike(snapshot(stopped), snapshot(undisturbed), f"{revision} {direction}")


def test_a_second_run_is_refused_while_one_is_at_work(chain_at: ChainAt) -> None:
    """Whoever begins a run holds the tenant's lock; the batches of the first are under way."""
    chain = chain_at("0002")
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(RefactorError) as said, alone(chain.engine, "public", label="second"):
            go(chain, "0003", Direction.UP)
        refused.append(str(said.value))

    with alone(chain.engine, "public", label="first"):
        go(chain, "0003", Direction.UP, engine=watched(chain.url, Moments(MOMENTS, 3, second)))
    assert len(refused) == 1
    assert 'another migration of schema "public" is running.' in refused[0]
    with alone(chain.engine, "public", label="third"):
        chain.up("0004")
