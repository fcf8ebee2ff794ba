"""Writes into a partition that the source got since the copy was made reach the copy at once."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.chain.driver import Chain
from tests.chain.test_changed_partitions import (
    COPY,
    MADE,
    NETTED,
    NEW,
    ROW,
    SOURCE,
    repaired,
    seen,
    subject_at,
)
from tests.chain.test_partitioned import apart, leaves
from tests.fixtures.chains import ChainAt

TRIGGER = "AA_refactor_later_to_copy"
LOW = f"{NEW}_low"
LEVELS = (
    f"{MADE} PARTITION BY RANGE (id)",
    f"CREATE TABLE {LOW} PARTITION OF {NEW} FOR VALUES FROM (100) TO (200)",
)
WRITES = (
    ROW.format(t="{p}", id=101, text="by itself"),
    ROW.format(t="{p}", id=102, text="by itself"),
    "UPDATE {p} SET rotation = 'changed' WHERE id = 101",
    "UPDATE {p} SET rotation = rotation",
    "UPDATE {p} SET id = id + 10, rotation = 'moved'",
    "UPDATE {p} SET id = id + 20; UPDATE {p} SET id = id - 20; UPDATE "
    + SOURCE
    + " SET rotation = 'after' WHERE id IN (4, 112)",
    "DELETE FROM {p} WHERE id = 111",
    ROW.format(t="{p}", id=111, text="again") + "; UPDATE {p} SET rotation = 'twice'",
    ROW.format(t="{p}", id=120, text="gone") + "; DELETE FROM {p} WHERE id = 120",
    ROW.format(t=SOURCE, id=121, text="by the root"),
    f"UPDATE {SOURCE} SET id = 130 WHERE id = 2",
    f"UPDATE {SOURCE} SET id = 2, rotation = 'back' WHERE id = 112",
    "WITH d AS (DELETE FROM {p} WHERE id = 130) UPDATE {p} SET rotation = 'both' WHERE id = 121",
    "SAVEPOINT s; DELETE FROM {p}; ROLLBACK TO s; UPDATE {p} SET rotation = 'kept'",
    "SET LOCAL session_replication_role = replica; UPDATE {p} SET rotation = 'replica'",
)


def states(chain: Chain) -> set[str]:
    """The trigger on the leaves of the source: off (D) where the others hang."""
    return {
        state
        for (state,) in chain.query(
            f"SELECT tgenabled::text FROM pg_trigger WHERE tgname = '{TRIGGER}' AND tgrelid IN "
            f"(SELECT relid FROM pg_partition_tree('{SOURCE}') WHERE isleaf)"
        )
    }


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    ("revision", "made", "partition"),
    [
        pytest.param("0003", (MADE,), NEW, id="0003", marks=pytest.mark.slow),
        pytest.param("0004", LEVELS, LOW, id="0004, two levels"),
    ],
)
def test_each_write_reaches_the_copy_before_anybody_has_mended_anything(
    revision: str, made: tuple[str, ...], partition: str, isolation: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, NETTED, "range")
    assert states(chain) == {"D"}
    chain.run(*made)
    for write in WRITES:
        chain.run(
            f"SET TRANSACTION ISOLATION LEVEL {isolation}", *write.format(p=partition).split("; ")
        )
        assert apart(chain) == [], write
    assert seen(chain) and states(chain) == {"A", "D"}
    repaired(chain)
    assert seen(chain) == [] and states(chain) == {"D"} and apart(chain) == []
    for write in (f"DELETE FROM {partition}", *WRITES):
        chain.run(*write.format(p=partition).split("; "))
        assert apart(chain) == [], write


def test_a_new_id_keeps_the_rows_that_refer_to_the_copy(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0004", NETTED, "range")
    chain.run(
        MADE,
        ROW.format(t=NEW, id=101, text="a"),
        "CREATE TABLE public.referring (id int REFERENCES "
        f"{COPY} (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    )
    chain.run("INSERT INTO public.referring VALUES (101)")
    chain.run(f"UPDATE {NEW} SET id = 102")
    assert apart(chain) == []
    assert chain.query("SELECT id FROM public.referring") == [(102,)]


def test_the_trigger_comes_and_goes_with_the_capture(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0004", NETTED, "range")
    function = "SELECT proname FROM pg_proc WHERE proname LIKE '%to_copy_later'"
    assert states(chain) == {"D"} and len(chain.query(function)) == 1
    chain.up("0005")
    assert chain.query(f"SELECT FROM pg_trigger WHERE tgname = '{TRIGGER}'") == []
    assert chain.query(function) == []
    chain.down("0005")
    assert states(chain) == {"D"} and len(leaves(chain, SOURCE)) == 2
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute(MADE.encode())
        pg.execute(ROW.format(t=NEW, id=101, text="by itself").encode())
    assert apart(chain) == []
    repaired(chain)
    chain.down("0004", "0003")
    assert chain.query(f"SELECT FROM pg_trigger WHERE tgname = '{TRIGGER}'") == []
    assert chain.query(function) == []
