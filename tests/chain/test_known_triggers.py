"""Triggers of partitions that have to stand while a step is under way: each lock asks for its own.

Under the lock of one partition only the triggers of that partition are asked for and recorded.
Those of the others stay known, so the next lock on the whole table misses what went meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed, StepInterrupted
from membership_refactor.sql.ledger.standing_triggers import (
    known,
    raise_if_gone,
    standing,
    standing_on,
)
from membership_refactor.sql.triggers import after
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, build
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, hashed, partitioned
from tests.chain.subjects import renamed
from tests.chain.test_partitioned import apart
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import step_of

FEW, MANY = 3, 12
TO_COPY = after("to_copy_update")
GONE = {
    "while they are hung": ("0003", f'"{NAME}_p2"', f"{NAME}_p0"),
    "while partitions are renamed": (
        "0005",
        f'RENAME TO "{NAME}_retired_p2"',
        f"{NAME}_retired_p0",
    ),
}


def chain_of(chain_at: ChainAt, revision: str, count: int = FEW) -> Chain:
    subject = renamed(partitioned("HASH (id)", *hashed(count)))
    return chain_at(
        revision, subject=subject, name=f"renamed hash of {count}", first=build(subject, fill)
    )


@pytest.mark.parametrize("when", GONE)
def test_one_that_goes_from_another_partition_is_missed(when: str, chain_at: ChainAt) -> None:
    revision, sign, partition = GONE[when]
    chain = chain_of(chain_at, f"{int(revision) - 1:04d}")
    dropped: list[str] = []

    def drop(text: str) -> None:
        if sign in text and (revision == "0005" or TO_COPY in text) and not dropped:
            dropped.append(partition)
            chain.run(f'DROP TRIGGER "{TO_COPY}" ON public.{partition}')

    with pytest.raises((CheckFailed, StepInterrupted), match=f"{TO_COPY}.*{partition}.* is gone"):
        runner = chain.runner(engine=watched(chain.url, drop))
        runner.upgrade("copy_table" if revision == "0003" else "retire_source")
    assert dropped
    chain.runner().abandon()
    chain.up(revision)
    if revision == "0003":
        assert apart(chain) == []


OFF = {
    "of a partition that is done": (f'RENAME TO "{NAME}_retired_p2"', f"{NAME}_retired_p0"),
    "of a partition that is to come": (f'RENAME TO "{NAME}_retired_p0"', f"{NAME}_p2"),
}


@pytest.mark.parametrize("which", OFF)
def test_one_that_is_turned_off_on_another_partition_is_missed(
    which: str, chain_at: ChainAt
) -> None:
    sign, partition = OFF[which]
    chain = chain_of(chain_at, "0004")
    off: list[str] = []

    def turn_off(text: str) -> None:
        if sign in text and not off:
            off.append(partition)
            chain.run(f'ALTER TABLE public.{partition} DISABLE TRIGGER "{TO_COPY}"')

    with pytest.raises((CheckFailed, StepInterrupted), match=f"{TO_COPY}.*{partition}") as stopped:
        chain.runner(engine=watched(chain.url, turn_off)).upgrade("retire_source")
    assert ("does not fire always" in str(stopped.value)) is partition.endswith(f"{NAME}_p2")
    # Run again, it does not go on from the lock at which it stopped.
    with pytest.raises(CheckFailed, match=f"own triggers fire.*{partition}"):
        chain.up("0005")
    chain.runner().abandon()
    chain.up("0005")


def test_a_partition_that_is_dropped_within_a_step_stops_it(chain_at: ChainAt) -> None:
    """Its actions that are to come are not needed; what stood on it is missed all the same."""
    chain = chain_of(chain_at, "0004")
    dropped: list[str] = []

    def drop(text: str) -> None:
        if f'RENAME TO "{NAME}_retired_p0"' in text and not dropped:
            dropped.append(f"{NAME}_p2")
            chain.run(f"DROP TABLE public.{NAME}_p2")

    with pytest.raises(CheckFailed, match=f"{NAME}_p2.* is gone"):
        chain.runner(engine=watched(chain.url, drop)).upgrade("retire_source")


def drop_one(chain: Chain, table: str) -> str:
    """Drop a trigger of its own from the partition; its name."""
    (own,) = chain.query(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0"
        f" AND tgrelid = 'public.{table}'::regclass ORDER BY tgname LIMIT 1"
    )
    chain.run("SET lock_timeout = '5s'", f'DROP TRIGGER "{own[0]}" ON public.{table}')
    return str(own[0])


def test_one_that_goes_before_its_partition_gets_a_foreign_key_is_missed(
    chain_at: ChainAt,
) -> None:
    """That lock asks for no trigger, and records none: it hides none that went."""
    chain = chain_of(chain_at, "0002")
    copy = renamed(partitioned("HASH (id)", *hashed(FEW))).plan.copy
    dropped: list[str] = []

    def drop(text: str) -> None:
        # The lock of that statement is on another partition.
        if "ADD CONSTRAINT" in text and f'"{copy}_p0"' in text and not dropped:
            dropped.append(drop_one(chain, f"{copy}_p1"))

    with pytest.raises((CheckFailed, StepInterrupted), match=f"{copy}_p1.* is gone"):
        chain.runner(engine=watched(chain.url, drop)).upgrade("copy_table")
    assert dropped


def read_under_lock(chain: Chain) -> int:
    """How many rows of pg_trigger the lock of one partition reads."""
    runner = chain.runner()
    with psycopg.connect(libpq_url(chain.url)) as pg:
        pg.execute("SET enable_seqscan = off")  # small catalogs
        names = replace(runner.situation(pg), now=runner.read()).names
        rows = runner.ledger.rows("copy_table", Direction.UP)
        place = f'"public"."{NAME}_p0"'
        pg.execute(raise_if_gone(names, rows, place).text.encode())
        found = pg.execute(f"SELECT {standing_on(names, rows, place, place)}".encode()).fetchone()
        assert found is not None and TO_COPY in str(found[0]) and "_p1" not in str(found[0])
        there = pg.execute(f"SELECT {known(names, rows)}".encode()).fetchone()
        assert there is not None and any(name.endswith("_p1") for name in there[0])
        read = pg.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            " FROM pg_stat_xact_sys_tables WHERE relname = 'pg_trigger'"
        ).fetchone()
    assert read is not None
    return int(read[0])


def test_the_lock_of_one_partition_asks_for_no_more_where_there_are_more(chain_at: ChainAt) -> None:
    few, many = (read_under_lock(chain_of(chain_at, "0003", n)) for n in (FEW, MANY))
    # One trigger of each partition would be more. The caches of a session read some, too.
    assert 0 < many < few + MANY - FEW


@pytest.mark.parametrize(("before", "revision"), [("0002", "0003"), ("0004", "0005")])
def test_what_is_known_within_a_step_is_what_stands_after_each_of_its_actions(
    before: str, revision: str, chain_at: ChainAt
) -> None:
    """Most actions record only what they changed; all together are still all."""
    chain = chain_of(chain_at, before)
    step = step_of(revision)
    compared: set[int] = set()

    def compare(text: str) -> None:
        if "SET LOCAL synchronous_commit = off" not in text:  # before each lock
            return
        runner = chain.runner()
        with psycopg.connect(libpq_url(chain.url)) as pg:
            names = replace(runner.situation(pg), now=runner.read()).names
            rows = runner.ledger.rows(step, way)
            query = f"SELECT {known(names, rows)}, {standing(names)}"
            there = pg.execute(query.encode()).fetchone()
        # Before the first trigger was made nothing is known.
        assert there is not None and (there[0] is None or {*there[0]} == {*(there[1] or ())})
        compared.add(len(there[0] or ()))

    way = Direction.UP
    chain.runner(engine=watched(chain.url, compare)).upgrade(step)
    way = Direction.DOWN
    chain.runner(engine=watched(chain.url, compare)).downgrade(step)
    assert len(compared) > FEW


def test_an_action_of_one_partition_records_no_trigger_of_another(chain_at: ChainAt) -> None:
    chain = chain_of(chain_at, "0005")
    recorded = chain.query(
        "SELECT key, triggers::text FROM public_refactor.action"
        f" WHERE key ~ '^(hang|take_down|rename_partition):.*{NAME}.*_p0$'"
    )
    assert recorded
    for key, triggers in recorded:
        assert "_p0" in triggers and "_p1" not in triggers, key


def test_the_lock_for_the_foreign_key_of_the_whole_table_asks_for_no_trigger(
    chain_at: ChainAt,
) -> None:
    """One that goes meanwhile is missed right after it all the same."""
    chain = chain_of(chain_at, "0002")
    copy = renamed(partitioned("HASH (id)", *hashed(FEW))).plan.copy
    dropped: list[str] = []
    asked: list[bool] = []

    def drop(text: str) -> None:
        # A key is added to the table when its partitions have it.
        added = f'ALTER TABLE "public"."{copy}" ADD CONSTRAINT' in text
        if added and "FOREIGN KEY" in text and not dropped:
            asked.append("writes may have slipped past" in text)
            dropped.append(drop_one(chain, f"{NAME}_p1"))

    with pytest.raises((CheckFailed, StepInterrupted), match=f"{NAME}_p1.* is gone"):
        chain.runner(engine=watched(chain.url, drop)).upgrade("copy_table")
    assert asked == [False]
