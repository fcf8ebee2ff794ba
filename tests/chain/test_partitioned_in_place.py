"""A partitioned table that is split in place: nothing is copied, and it stays partitioned.

Each write is also made in a table that is not partitioned, and has to leave the same there.
"""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.portrait import differences
from tests.chain.driver import Chain, snapshot
from tests.chain.partitioned import IN_PLACE, NAME, bounds, each, member, partitioned
from tests.chain.subjects import in_place
from tests.chain.test_changed_partitions import CHANGES, repaired, seen, subject_at
from tests.chain.test_partitioned import SOURCE, with_rows
from tests.chain.test_partitioned_split import MOVES, PLAIN, assert_verified, at
from tests.chain.test_partitions_of_splits import changed
from tests.chain.test_several_ids import WRITES, content
from tests.fixtures.chains import ChainAt

RANGED = in_place(
    partitioned(
        "RANGE (id)",
        member("first", "FOR VALUES FROM (MINVALUE) TO ('20')"),
        member("second", "FOR VALUES FROM ('20') TO ('60')"),
    ),
    "membership",
)
BROKEN = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"


def pair(chain_at: ChainAt, revision: str, shape: str) -> tuple[Chain, Chain]:
    """Partitioned, and not, at the same revision with the same rows."""
    plain = in_place(PLAIN[shape], "membership")
    return (
        at(chain_at, revision, IN_PLACE[shape], f"in place {shape}"),
        at(chain_at, revision, plain, f"in place, ids {', '.join(plain.plan.ids)}"),
    )


@pytest.mark.parametrize("shape", each(PLAIN, ("levels",)))
def test_up_down_and_up_give_the_same_rows_and_the_same_structure(
    shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, "0005", shape)
    before, stages = snapshot(chain), {}
    for revision in chain.subject.revisions:
        chain.up(revision)
        plain.up(revision)
        stages[revision] = snapshot(chain)
        assert content(chain) == content(plain), revision
        assert bounds(stages[revision].portrait, NAME) == bounds(before.portrait, NAME), revision
        assert chain.query(BROKEN) == [], revision
        assert_verified(chain, revision)
    for revision in reversed(chain.subject.revisions):
        chain.down(revision)
        plain.down(revision)
        assert content(chain) == content(plain), revision
        assert chain.query(BROKEN) == [], revision
        assert_verified(chain, revision)
    after = snapshot(chain)
    assert after.tables == before.tables
    assert differences(before.portrait, after.portrait) == ()
    assert bounds(before.portrait, NAME) == bounds(after.portrait, NAME)
    for revision in chain.subject.revisions:
        chain.up(revision)
        again, earlier = snapshot(chain), stages[revision]
        assert again.tables == earlier.tables, revision
        assert differences(earlier.portrait, again.portrait) == (), revision


@pytest.mark.parametrize("shape", each(PLAIN, ()))
@pytest.mark.parametrize("revision", ["0006", "0007", "0008"])
def test_each_write_leaves_what_it_leaves_where_the_table_is_not_partitioned(
    revision: str, shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, revision, shape)
    assert content(chain) == content(plain)
    refused = 0
    for write in WRITES:
        try:
            chain.run(write.format(t=SOURCE))
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            assert MOVES in str(error), write
            refused += 1
            continue
        plain.run(write.format(t=SOURCE))
        assert content(chain) == content(plain), write
    assert (refused > 0) is (revision == "0008")
    assert_verified(chain, revision)


@pytest.mark.parametrize("shape", each(PLAIN, ()))
@pytest.mark.parametrize("revision", ["0006", "0007", "0008"])
def test_writes_into_a_partition_leave_what_they_leave_where_there_is_none(
    revision: str, shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, revision, shape)
    for leaf in with_rows(chain, SOURCE):
        one = chain.value(f"SELECT min(id) FROM {leaf}")
        for write in (
            f"UPDATE {{t}} SET rotation = 'leaf' WHERE id = {one}",
            f"UPDATE {{t}} SET person_id = 2, leaving_reason = 'key' WHERE id = {one}",
            f"DELETE FROM {{t}} WHERE id = {one}",
        ):
            chain.run(write.format(t=leaf))
            plain.run(write.format(t=SOURCE))
            assert content(chain) == content(plain), write
    assert_verified(chain, revision)


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["0006", "0007"])
@pytest.mark.parametrize(
    "change",
    [
        "made and written by itself",
        "attached with rows",
        "dropped",
        "detached, written and attached again",
    ],
)
def test_partitions_that_come_and_go_are_followed(
    change: str, revision: str, chain_at: ChainAt
) -> None:
    chain = subject_at(chain_at, revision, RANGED, "in place, range without a default")
    assert seen(chain) == []
    changed(chain, *CHANGES[change])
    assert seen(chain)
    following = chain.subject.revisions[chain.subject.revisions.index(revision) + 1]
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.up(following)
    repaired(chain)
    assert seen(chain) == []
    assert_verified(chain, revision)
    ids = chain.query(f"SELECT id FROM {SOURCE} ORDER BY id")
    for later in (r for r in chain.subject.revisions if r > revision):
        chain.up(later)
        assert_verified(chain, later)
    assert chain.query(BROKEN) == []
    chain.down_to("0005", before="0010")
    assert chain.query(f"SELECT id FROM {SOURCE} ORDER BY id") == ids
    assert chain.query(BROKEN) == []
