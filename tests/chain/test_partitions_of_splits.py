"""Partitions that come and go while a partitioned table is split."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry, CheckFailed
from tests.chain.driver import Chain, snapshot
from tests.chain.partitioned import NAME, bounds, member, partitioned
from tests.chain.test_changed_partitions import CHANGES, ROW, repaired, seen, subject_at
from tests.chain.test_partitioned import COPY, SOURCE
from tests.chain.test_partitioned_split import assert_verified
from tests.fixtures.chains import ChainAt

CHILD = "curriculum_membership"
RANGED = partitioned(
    "RANGE (id)",
    member("first", "FOR VALUES FROM (MINVALUE) TO ('20')"),
    member("second", "FOR VALUES FROM ('20') TO ('60')"),
)
"""Without a default: the copy gets a net."""
LISTED = partitioned(
    "LIST (curriculum_id)",
    member("some", "FOR VALUES IN ('0', '1')"),
    member("two", "FOR VALUES IN ('2')"),
    ids=("curriculum_id", "id"),
)


def changed(chain: Chain, *texts: str) -> None:
    """Each statement in a transaction of its own."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for text in texts:
            pg.execute(text.encode())


def without_link(chain: Chain) -> dict[object, dict[str, object]]:
    link = chain.plan.link
    return {id: {c: v for c, v in row.items() if c != link} for id, row in chain.child().items()}


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["0003", "0004"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_becomes_of_a_partition_is_followed_before_the_source_goes(
    change: str, revision: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, RANGED, "split range without a default")
    changed(chain, *CHANGES[change])
    following = chain.subject.revisions[chain.subject.revisions.index(revision) + 1]
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.up(following)

    repaired(chain)

    assert seen(chain) == []
    assert chain.source() == without_link(chain)
    assert_verified(chain, revision)
    rows = chain.source()
    chain.up(*(r for r in chain.subject.revisions if r > revision))
    chain.down_to("0002")
    assert chain.source() == rows


OF_CHILD = (
    "made",
    "made and written by itself",
    "made, written and emptied by itself",
    "attached with rows",
    "detached",
    "dropped",
    "detached, written and attached again",
    "exchanged for a table of the same bounds",
)


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["0005", "0006", "0007"])
@pytest.mark.parametrize("change", OF_CHILD)
def test_what_becomes_of_a_partition_of_the_child_is_followed_up_and_down(
    change: str, revision: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, RANGED, "split range without a default")
    changed(chain, *(text.replace(NAME, CHILD) for text in CHANGES[change]))
    following = chain.subject.revisions[chain.subject.revisions.index(revision) + 1]
    assert seen(chain)
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.up(following)

    repaired(chain)

    assert seen(chain) == []
    assert_verified(chain, revision)
    rows = without_link(chain)
    for later in (r for r in chain.subject.revisions if r > revision):
        chain.up(later)
        assert_verified(chain, later)
    chain.down_to("0002")
    assert chain.source() == rows
    for later in chain.subject.revisions:
        chain.up(later)
        assert_verified(chain, later)


NEW_ROWS = (
    ROW.format(t=f"{COPY}_new", id=101, text="by itself"),
    ROW.format(t=COPY, id=102, text="by the root"),
    f"DELETE FROM {COPY}_new WHERE id = 102",
)


@pytest.mark.slow
def test_a_partition_that_is_made_while_both_are_saved_in_parallel_is_saved_too(
    chain_at: ChainAt,
) -> None:
    chain = subject_at(chain_at, "0008", RANGED, "split range without a default")
    changed(
        chain,
        f"CREATE TABLE {COPY}_new PARTITION OF {COPY} FOR VALUES FROM ('100') TO ('200')",
        *NEW_ROWS,
    )
    repaired(chain)
    assert seen(chain) == []
    assert_verified(chain, "0008")
    changed(chain, f"DELETE FROM {COPY}_new", *NEW_ROWS)
    assert_verified(chain, "0008")
    chain.up("0009", "0010", "0011")
    ids = chain.query(f"SELECT id FROM {COPY} ORDER BY id")
    chain.down_to("0002")
    assert chain.query(f"SELECT id FROM {SOURCE} ORDER BY id") == ids


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["0010", "0011"])
def test_partitions_that_came_in_the_new_structure_come_back_with_the_old_one(
    revision: str, chain_at: ChainAt
) -> None:
    """Nothing is followed there, so nothing has been missed, and nobody has to mend anything."""
    chain = subject_at(chain_at, revision, RANGED, "split range without a default")
    link = chain.value(f"SELECT {chain.plan.link} FROM {COPY} WHERE id < 20 LIMIT 1")
    changed(
        chain,
        f"CREATE TABLE {COPY}_new PARTITION OF {COPY} FOR VALUES FROM ('100') TO ('200')",
        f"INSERT INTO {COPY} (id, curriculum_id, {chain.plan.link}) OVERRIDING SYSTEM VALUE "
        f"VALUES (101, 1, '{link}')",
        f"ALTER TABLE {COPY} DETACH PARTITION {COPY}_second",
        f"DROP TABLE {COPY}_second",
    )
    if revision == "0010":
        repaired(chain)
    ids = chain.query(f"SELECT id FROM {COPY} ORDER BY id")
    chain.down_to("0002", before=revision)
    assert chain.query(f"SELECT id FROM {SOURCE} ORDER BY id") == ids
    assert {name for name, *_ in bounds(chain.portrait(), NAME)} == {f"{NAME}_first", f"{NAME}_new"}
    broken = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"
    assert chain.query(broken) == []
    chain.up_to("0011")
    assert chain.query(f"SELECT id FROM {COPY} ORDER BY id") == ids
    assert chain.query(broken) == []


def test_a_partition_by_a_column_that_no_partition_knew_is_named(chain_at: ChainAt) -> None:
    chain = subject_at(chain_at, "0003", LISTED, "split list without a default")
    new = f"{SOURCE}_new"
    changed(
        chain,
        f"CREATE TABLE {new} PARTITION OF {SOURCE} FOR VALUES IN (5) PARTITION BY RANGE (id)",
    )
    before = snapshot(chain)
    with pytest.raises(CannotCarry, match="by which no partition was when the plan began"):
        repaired(chain)
    assert snapshot(chain) == before
    changed(
        chain,
        f"DROP TABLE {new}",
        f"CREATE TABLE {new} PARTITION OF {SOURCE} FOR VALUES IN (5)",
        "INSERT INTO public.curriculum (id, name) OVERRIDING SYSTEM VALUE VALUES (5, 'five')",
        f"INSERT INTO {new} (id, person_id, programme_id, curriculum_id)"
        " OVERRIDING SYSTEM VALUE VALUES (101, 1, 1, 5)",
    )
    repaired(chain)
    assert seen(chain) == []
    assert chain.source() == without_link(chain)
    chain.up("0004")
    changed(chain, f"UPDATE {new} SET rotation = 'by itself'", f"DELETE FROM {COPY} WHERE id = 0")
    assert chain.source() == without_link(chain)
