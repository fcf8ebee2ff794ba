"""Standbys have statistics of their own: each is sampled, or it is a hole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.database import libpq_url
from membership_refactor.environment import connect_engine
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.watch.take_sample import Request
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import MEMBERSHIP
from tests.execution.replica import replica_of
from tests.fixtures.watched import SOURCE, Watched, launch_counting

T = "programme_membership"


@dataclass
class Pair:
    """A primary that is watched, and its standby."""

    watched: Watched
    url: str

    def with_standby(self) -> Watched:
        request = Request(standbys=(("standby one", connect_engine(self.url, "public")),))
        return replace(self.watched, request=request)

    def read(self, text: str) -> None:
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            connection.execute(text.encode())

    def fail_over(self) -> Watched:
        """The primary ends without a word, and the standby takes its place."""
        self.watched.server.stop("immediate")
        self.read("SELECT pg_promote()")
        return replace(self.watched, chain=Chain(self.url, MEMBERSHIP))

    def catch_up(self) -> None:
        """Return when the standby has everything that the primary has committed."""
        end = self.watched.chain.value("SELECT pg_current_wal_lsn()")
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            reached = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            while connection.execute(reached, (end,)).fetchone() != (True,):
                connection.execute("SELECT pg_sleep(0.05)")


@pytest.fixture(scope="module")
def pair(pytestconfig: pytest.Config) -> Iterator[Pair]:
    with running_pair(pytestconfig) as found:
        yield found


@contextmanager
def running_pair(
    pytestconfig: pytest.Config, revision: str = "0004", **settings: str
) -> Iterator[Pair]:
    with launch_counting(pytestconfig, {"wal_level": "replica", **settings}) as server:
        url = at(Databases(server.server), revision, subject=MEMBERSHIP, name="fixed", first=FIXED)
        watched = Watched(Chain(url, MEMBERSHIP), server)
        watched.run("CREATE EXTENSION pg_stat_statements")
        with replica_of(server) as standby:
            database = make_url(url).database
            own = make_url(standby).set(database=database)
            yield Pair(watched, own.render_as_string(hide_password=False))


@pytest.fixture
def afresh(pair: Pair) -> None:
    pair.watched.run("DELETE FROM public_refactor.usage_sample")
    pair.catch_up()


@pytest.mark.usefixtures("afresh")
def test_a_standby_that_is_not_named_is_a_hole(pair: Pair) -> None:
    pair.watched.sample()
    (hole,) = pair.watched.sample()[SOURCE].holes
    assert "1 standbys receive the WAL and 0 are sampled: replica_1" in hole
    assert "--standby URL" in hole


@pytest.mark.usefixtures("afresh")
def test_what_receives_the_wal_without_readers_can_be_named(pair: Pair) -> None:
    archiver = replace(pair.watched, request=Request(no_readers=("replica_1",)))
    archiver.sample()
    assert archiver.sample()[SOURCE].covered


@pytest.mark.usefixtures("afresh")
def test_a_read_on_a_standby_is_found_with_its_role(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    assert both.sample()[SOURCE].covered
    pair.read(f"SELECT count(*) FROM {T}")
    seen = both.sample()[SOURCE]
    assert (seen.uses, seen.who, seen.holes) == (1, ("postgres",), ())
    servers = pair.watched.chain.query(
        "SELECT DISTINCT server FROM public_refactor.usage WHERE uses > 0"
    )
    assert servers == [("standby one",)]


@pytest.mark.usefixtures("afresh")
def test_a_reset_on_a_standby_is_a_hole_that_names_it(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    pair.read("SELECT pg_stat_statements_reset()")
    (hole,) = both.sample()[SOURCE].holes
    assert hole.startswith("standby one: the statistics were reset or lost in a crash")


@pytest.mark.usefixtures("afresh")
def test_a_standby_that_is_no_longer_sampled_is_a_hole(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    said = pair.watched.sample()[SOURCE].holes
    assert "standby one was sampled before and is not sampled now" in said


@pytest.mark.usefixtures("afresh")
def test_a_standby_that_cannot_be_read_is_a_hole_and_the_primary_is_sampled(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    lost = make_url(pair.url).set(query={"host": "/nowhere", "port": "5432"})
    engine = connect_engine(lost.render_as_string(hide_password=False), "public")
    without = replace(pair.watched, request=Request(standbys=(("standby one", engine),)))
    pair.watched.run(f"SELECT 1, 2 FROM {T}")
    seen = without.sample()[SOURCE]
    assert any(hole.startswith("standby one cannot be read: ") for hole in seen.holes)
    assert seen.uses == 1


@pytest.mark.usefixtures("afresh")
def test_the_primary_is_not_taken_for_its_standby(pair: Pair) -> None:
    engine = connect_engine(pair.watched.chain.url, "public")
    taken = replace(pair.watched, request=Request(standbys=(("standby one", engine),)))
    taken.sample()
    said = taken.sample()[SOURCE].holes
    assert any("standby one is not a standby" in hole for hole in said)


@pytest.mark.parametrize("sampled", [True, False], ids=["sampled before", "never sampled"])
def test_a_failover_is_a_named_hole_and_counts_nothing_twice(
    sampled: bool, pytestconfig: pytest.Config
) -> None:
    with running_pair(pytestconfig) as pair:
        pair.catch_up()
        before = (
            pair.with_standby()
            if sampled
            else replace(pair.watched, request=Request(no_readers=("replica_1",)))
        )
        before.sample()
        pair.watched.run(f"SELECT count(*) FROM {T}")
        for _ in range(3):
            pair.read(f"SELECT count(*) FROM {T}")
        assert before.sample()[SOURCE].uses == (4 if sampled else 1)
        pair.read(f"SELECT count(*) FROM {T}")
        pair.catch_up()
        after = pair.fail_over()
        seen = after.sample()[SOURCE]
        assert any(
            "a failover or a restore: the timeline went from 1 to 2" in h for h in seen.holes
        )
        assert seen.uses == (1 if sampled else 0), "only what no sample has seen yet"
        counted = after.chain.query(
            "SELECT sum(uses)::int, sum(before)::int FROM public_refactor.usage "
            f"WHERE target = '{SOURCE}'"
        )
        assert counted == [(5, 0) if sampled else (1, 4)]
        assert after.sample()[SOURCE].covered, "the watch goes on"
        pair.read(f"SELECT count(*) FROM {T}")
        assert after.sample()[SOURCE].uses == 1
