"""A subscription that begins to write a table of the plan between two steps is named at once.

An apply worker fires row triggers only. What it writes would reach neither the copy nor a parent.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from membership_refactor.checks.guard import guard
from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import CHAIN

WIDE, CHILD = "public.programme_membership", "public.curriculum_membership"


@pytest.fixture
def subscribed(chain_at: ChainAt, request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A chain at a revision, one of whose tables is in a subscription that is enabled."""
    revision, table = request.param
    chain = chain_at(revision)
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        # Nobody answers there: the worker that would apply changes ends, and is started again.
        pg.execute(
            "CREATE SUBSCRIPTION incoming CONNECTION 'host=/nowhere dbname=none'"
            " PUBLICATION p WITH (connect = false, slot_name = 'none_such')"
        )
        pg.execute(
            "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
            f" SELECT oid, '{table}'::regclass, 'r' FROM pg_subscription"
            " WHERE subname = 'incoming'"
        )
        pg.execute("ALTER SUBSCRIPTION incoming ENABLE")
        yield chain
        pg.execute("ALTER SUBSCRIPTION incoming DISABLE")
        pg.execute("ALTER SUBSCRIPTION incoming SET (slot_name = NONE)")
        pg.execute("DROP SUBSCRIPTION incoming")


def named(chain: Chain) -> list[str]:
    return [key for check in guard(chain.names) for (key,) in chain.query(check.query)]


CASES = [("0003", WIDE), ("0004", CHILD), ("0007", CHILD), ("0008", CHILD)]


@pytest.mark.parametrize("subscribed", CASES, indirect=True)
def test_a_table_that_a_subscription_writes_stops_both_ways_and_checks(subscribed: Chain) -> None:
    (found,) = named(subscribed)
    assert found.endswith(": ALTER SUBSCRIPTION incoming DISABLE")
    runner = subscribed.runner()
    with runner.sessions("a test").open() as pg:
        last = runner.ledger.stands_at(pg)
    assert last is not None
    following = next(s for s in CHAIN.above(last.name))
    for go, step in ((runner.upgrade, following), (runner.downgrade, last)):
        with pytest.raises(CheckFailed, match="ALTER SUBSCRIPTION incoming DISABLE"):
            go(step.name)
    subscribed.run("ALTER SUBSCRIPTION incoming DISABLE")
    assert named(subscribed) == []
    runner.upgrade(following.name)


@pytest.mark.parametrize("subscribed", [("0010", CHILD)], indirect=True)
def test_the_finished_table_may_be_written_by_a_subscription(subscribed: Chain) -> None:
    assert named(subscribed) == []
