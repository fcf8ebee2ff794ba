"""Standbys have statistics of their own: each is sampled, or it is a hole."""

from __future__ import annotations

from collections.abc import Iterator
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

    def catch_up(self) -> None:
        """Return when the standby has everything that the primary has committed."""
        end = self.watched.chain.value("SELECT pg_current_wal_lsn()")
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            reached = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            while connection.execute(reached, (end,)).fetchone() != (True,):
                connection.execute("SELECT pg_sleep(0.05)")


@pytest.fixture(scope="module")
def pair(pytestconfig: pytest.Config) -> Iterator[Pair]:
    with launch_counting(pytestconfig, {"wal_level": "replica"}) as server:
        url = at(Databases(server.server), "0004", subject=MEMBERSHIP, name="fixed", first=FIXED)
        watched = Watched(Chain(url, MEMBERSHIP), server)
        watched.run("CREATE EXTENSION pg_stat_statements")
        with replica_of(server) as standby:
            database = make_url(url).database
            own = make_url(standby).set(database=database)
            yield Pair(watched, own.render_as_string(hide_password=False))


@pytest.fixture(autouse=True)
def afresh(pair: Pair) -> None:
    pair.watched.run("DELETE FROM public_refactor.usage_sample")
    pair.catch_up()


def test_a_standby_that_is_not_named_is_a_hole(pair: Pair) -> None:
    pair.watched.sample()
    (hole,) = pair.watched.sample()[SOURCE].holes
    assert "1 standbys receive the WAL and 0 are sampled: replica_1" in hole
    assert "--standby URL" in hole


def test_what_receives_the_wal_without_readers_can_be_named(pair: Pair) -> None:
    archiver = replace(pair.watched, request=Request(no_readers=("replica_1",)))
    archiver.sample()
    assert archiver.sample()[SOURCE].covered


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


def test_a_reset_on_a_standby_is_a_hole_that_names_it(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    pair.read("SELECT pg_stat_statements_reset()")
    (hole,) = both.sample()[SOURCE].holes
    assert hole.startswith("standby one: the statistics were reset or lost in a crash")


def test_a_standby_that_is_no_longer_sampled_is_a_hole(pair: Pair) -> None:
    both = pair.with_standby()
    both.sample()
    said = pair.watched.sample()[SOURCE].holes
    assert "standby one was sampled before and is not sampled now" in said


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


def test_the_primary_is_not_taken_for_its_standby(pair: Pair) -> None:
    engine = connect_engine(pair.watched.chain.url, "public")
    taken = replace(pair.watched, request=Request(standbys=(("standby one", engine),)))
    taken.sample()
    said = taken.sample()[SOURCE].holes
    assert any("standby one is no standby" in hole for hole in said)
