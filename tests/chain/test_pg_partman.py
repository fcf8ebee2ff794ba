"""A real pg_partman makes and drops partitions all the while that the chain goes up and down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed, StepInterrupted
from tests.chain.driver import Chain
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, partitioned
from tests.chain.subjects import renamed
from tests.chain.test_changed_partitions import repaired, seen
from tests.chain.test_partitioned import apart
from tests.fixtures.databases import NewDatabase

SOURCE, COPY = f"public.{NAME}", "public.curriculum_membership"
SUBJECT = renamed(partitioned("RANGE (id)"))
KEPT = 80
"""pg_partman drops partitions whose ids are this much smaller than the greatest one."""

MAINTENANCE = "SELECT partman.run_maintenance('{t}', p_analyze := false, p_jobmon := false)"


@pytest.fixture
def chain(new_database: NewDatabase) -> Chain:
    chain = Chain(new_database(), SUBJECT)
    available = "SELECT FROM pg_available_extensions WHERE name = 'pg_partman'"
    if not chain.query(available):
        pytest.skip("no pg_partman for this PostgreSQL: apt-get install postgresql-15-partman")
    chain.run(
        *SUBJECT.create,
        "CREATE SCHEMA partman",
        "CREATE EXTENSION pg_partman SCHEMA partman",
        f"SELECT partman.create_parent('{SOURCE}', 'id', 'native', '20', p_premake := 2)",
        f"UPDATE partman.part_config SET retention = '{KEPT}', retention_keep_table = false, "
        "infinite_time_partitions = true",
    )
    with psycopg.connect(libpq_url(chain.url)) as pg:
        fill(pg)
    chain.run(MAINTENANCE.format(t=SOURCE))
    return chain


@dataclass
class Life:
    """What goes on meanwhile: an application that writes, and pg_partman's maintenance."""

    chain: Chain
    table: str = SOURCE
    rounds: int = 0
    errors: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def live(self) -> None:
        with psycopg.connect(libpq_url(self.chain.url), autocommit=True) as pg:
            while not self.ended.is_set():
                self.once(pg)
                self.ended.wait(0.3)

    def once(self, pg: psycopg.Connection[object]) -> None:
        """Three rows, and what cron does."""
        table = self.table
        for text in (
            f"INSERT INTO {table} (id, person_id, programme_id, curriculum_id) OVERRIDING SYSTEM "
            f"VALUE SELECT coalesce(max(id), 0) + g * 3, 1, 1, 1 FROM {table}, "
            "generate_series(1, 3) AS g GROUP BY g",
            f"UPDATE {table} SET rotation = 'alive' WHERE id % 7 = 0",
            MAINTENANCE.format(t=table),
        ):
            try:
                pg.execute(text.encode())
            except psycopg.Error as error:
                self.errors.append(str(error).splitlines()[0])
                return
        self.rounds += 1


@contextmanager
def going_on(chain: Chain) -> Iterator[Life]:
    life = Life(chain)
    thread = threading.Thread(target=life.live)
    thread.start()
    try:
        yield life
    finally:
        life.ended.set()
        thread.join()


def through(chain: Chain, move: Callable[[], None]) -> int:
    """Take a step as the messages say. Return how often it had to be tried again."""
    for tries in range(40):
        try:
            move()
        except (CheckFailed, StepInterrupted):
            chain.runner().abandon()
            repaired(chain)
        else:
            return tries
    raise AssertionError("partitions change faster than they can be followed")


def partitions(chain: Chain, table: str) -> set[str]:
    return {
        name
        for (name,) in chain.query(
            f"SELECT relid::regclass::text FROM pg_partition_tree('{table}') WHERE level > 0"
        )
    }


@pytest.mark.slow
def test_retention_and_new_partitions_go_on_while_the_chain_goes_up_and_down(chain: Chain) -> None:
    first = partitions(chain, SOURCE)
    with going_on(chain) as life:
        for revision in ("0003", "0004"):
            through(chain, lambda r=revision: chain.up(r))  # type: ignore[misc]
        made = partitions(chain, SOURCE)
        assert made - first and first - made, life
        through(chain, lambda: chain.up("0005"))
        chain.run(f"UPDATE partman.part_config SET parent_table = '{COPY}'")
        life.table, rounds = COPY, life.rounds
        while life.rounds < rounds + 5:
            life.ended.wait(0.1)
        assert partitions(chain, COPY)
        through(chain, lambda: chain.down("0005"))
        chain.run(f"UPDATE partman.part_config SET parent_table = '{SOURCE}'")
        life.table, rounds = SOURCE, life.rounds
        while life.rounds < rounds + 5:
            life.ended.wait(0.1)
        repaired(chain)
        for revision in ("0004", "0003"):
            through(chain, lambda r=revision: chain.down(r))  # type: ignore[misc]
        through(chain, lambda: chain.up("0003"))
    repaired(chain)
    assert seen(chain) == [] and apart(chain) == []
    assert chain.value(f"SELECT count(*) FROM {SOURCE}") > 10
