"""Steps on many partitions take many locks: more than the server has room for are named before."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.ddl.cannot_copy import cannot_carry
from membership_refactor.sql.ddl.cannot_partition import locks_needed
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Subject, build, said
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, hashed, partitioned
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import step_of

SPLIT: Subject = partitioned("HASH (id)", *hashed(12))
MOST = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM pg_locks GROUP BY pid) AS l"


@pytest.mark.slow
def test_no_transaction_of_a_step_takes_more_locks_than_it_is_said_to(chain_at: ChainAt) -> None:
    chain = chain_at("0002", subject=SPLIT, name="split hash of 12", first=build(SPLIT, fill))
    source, most = chain.portrait().table(NAME), 0
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as look:

        def count(text: str) -> None:
            nonlocal most
            row = look.execute(MOST).fetchone()
            most = max(most, row[0] if row is not None else 0)

        runner = chain.runner(engine=watched(chain.url, count))
        for revision in SPLIT.revisions:
            runner.upgrade(step_of(revision))
        for revision in reversed(SPLIT.revisions):
            runner.downgrade(step_of(revision))
    assert source.partitioning is not None
    said = locks_needed(source, source.partitioning)
    assert said / 4 < most <= said


def test_too_little_room_is_named_with_the_setting_that_makes_enough(chain_at: ChainAt) -> None:
    chain = chain_at("0002", subject=SPLIT, name="split hash of 12", first=build(SPLIT, fill))
    source = chain.portrait().table(NAME)
    assert source.partitioning is not None
    needed = locks_needed(source, source.partitioning)
    server = Server(superuser=True, locks_each=64, locking_sessions=needed // 64)
    (text,) = cannot_carry(SPLIT.plan, source, server=server)
    assert f"takes up to {needed:,} locks in one transaction" in text
    wanted = int(text.partition("max_locks_per_transaction to ")[2].partition(" ")[0])
    assert wanted > 64
    assert cannot_carry(SPLIT.plan, source, server=replace(server, locks_each=wanted)) == ()


@pytest.mark.parametrize(("count", "named"), [(3, False), (45, True)])
def test_plan_says_how_long_a_short_lock_is_held_where_there_are_many(
    count: int, named: bool, chain_at: ChainAt
) -> None:
    subject = partitioned("HASH (id)", *hashed(count))
    name = "split hash" if count == 3 else f"split hash of {count}"
    chain = chain_at("0002", subject=subject, name=name, first=build(subject, fill))
    assert ("about 22 ms each time, in which writers wait" in said(chain)) is named
