"""A partitioned table that is split: the child stays partitioned, the parent is a plain table.

Each write is also made in a table that is not partitioned, and has to leave the same there.
"""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CannotCarry
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.portrait import differences
from tests.chain.driver import Chain, Subject, build, snapshot
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, SHAPES, bounds, each
from tests.chain.subjects import MEMBERSHIP, composite
from tests.chain.test_partitioned import with_rows
from tests.chain.test_several_ids import PLACES, WRITES, content
from tests.fixtures.chains import ChainAt

TWO = composite(MEMBERSHIP, "curriculum_id", "id")
PLAIN = {
    "hash": MEMBERSHIP,
    "hash by another": TWO,
    "list": TWO,
    "range": MEMBERSHIP,
    "levels": TWO,
}
"""The same tables without partitions. Where the partition key is one of the plan's key, as in "hash
by kept", it is refused."""
CHILD = "public.curriculum_membership"
MOVES = "cannot move to another partition while the same statement changes a column of"


def at(chain_at: ChainAt, revision: str, subject: Subject, name: str) -> Chain:
    return chain_at(revision, subject=subject, name=name, first=build(subject, fill))


def pair(chain_at: ChainAt, revision: str, shape: str) -> tuple[Chain, Chain]:
    """Partitioned, and not, at the same revision with the same rows."""
    return (
        at(chain_at, revision, SHAPES[shape], f"split {shape}"),
        at(chain_at, revision, PLAIN[shape], f"ids {', '.join(PLAIN[shape].plan.ids)}, keeps "),
    )


def assert_verified(chain: Chain, place: str) -> None:
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts), place


@pytest.mark.parametrize("shape", each(PLAIN))
def test_up_down_and_up_give_the_same_rows_and_the_same_structure(
    shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, "0002", shape)
    before, stages = snapshot(chain), {}
    for revision in chain.subject.revisions:
        chain.up(revision)
        plain.up(revision)
        stages[revision] = snapshot(chain)
        assert content(chain) == content(plain), revision
        assert_verified(chain, revision)
    for revision in reversed(chain.subject.revisions):
        chain.down(revision)
        plain.down(revision)
        assert content(chain) == content(plain), revision
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
        triggers = [{o for o in s.own if o.startswith("trigger")} for s in (again, earlier)]
        assert triggers[0] == triggers[1], revision


@pytest.mark.parametrize("shape", each(PLAIN))
@pytest.mark.parametrize(("revision", "table"), PLACES)
def test_each_write_leaves_what_it_leaves_where_the_table_is_not_partitioned(
    revision: str, table: str, shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, revision, shape)
    assert content(chain) == content(plain)
    refused = 0
    for write in WRITES:
        try:
            chain.run(write.format(t=table))
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            assert MOVES in str(error), write
            refused += 1
            continue
        plain.run(write.format(t=table))
        assert content(chain) == content(plain), write
    assert (refused > 0) is (revision == "0008")
    assert_verified(chain, revision)


@pytest.mark.parametrize("shape", each(PLAIN))
@pytest.mark.parametrize("revision", ["0005", "0006", "0007", "0008"])
def test_truncate_of_a_partition_leaves_what_a_delete_of_its_rows_leaves(
    revision: str, shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, revision, shape)
    first, *_ = with_rows(chain, CHILD)
    ids = [key for (key,) in chain.query(f"SELECT (curriculum_id, id)::text FROM {first}")]
    gone = ", ".join(f"{key}" for key in ids)
    chain.run(f"TRUNCATE {first}")
    plain.run(f"DELETE FROM {CHILD} WHERE (curriculum_id, id) IN ({gone})")
    for later in ("0006", "0007", "0008"):
        if later > revision:
            chain.up(later)
            plain.up(later)
        if later >= revision and later != "0006":
            assert content(chain) == content(plain), later
            assert_verified(chain, later)


@pytest.mark.parametrize("shape", each(PLAIN))
@pytest.mark.parametrize("revision", ["0005", "0007", "0008"])
def test_writes_into_a_partition_leave_what_they_leave_where_there_is_none(
    revision: str, shape: str, chain_at: ChainAt
) -> None:
    chain, plain = pair(chain_at, revision, shape)
    for leaf in with_rows(chain, CHILD):
        one = chain.value(f"SELECT min(id) FROM {leaf}")
        where = chain.query(f"SELECT id FROM {leaf}")
        others = ", ".join(str(n) for (n,) in where)
        for write in (
            f"UPDATE {{t}} SET rotation = 'leaf' WHERE id = {one}",
            f"UPDATE {{t}} SET person_id = 2, leaving_reason = 'key' WHERE id = {one}",
            f"UPDATE {{t}} SET period_of_grace = 7 WHERE id IN ({others})",
            f"DELETE FROM {{t}} WHERE id = {one}",
        ):
            chain.run(write.format(t=leaf))
            plain.run(write.format(t=CHILD))
            assert content(chain) == content(plain), write
    assert_verified(chain, revision)


def test_a_partition_key_of_the_plans_key_is_refused_before_anything_is_changed(
    chain_at: ChainAt,
) -> None:
    chain = at(chain_at, "0002", SHAPES["hash by kept"], "split hash by kept")
    before = snapshot(chain)
    with pytest.raises(CannotCarry, match="is partitioned by person_id of the plan's key"):
        chain.up("0003")
    after = snapshot(chain)
    assert (after.tables, after.portrait) == (before.tables, before.portrait)
