"""rebuild_parent: every distinct key has one parent, and writes to the child keep it so."""

from __future__ import annotations

from membership_refactor.steps.rebuild_parent import STEP
from membership_refactor.steps.step import Direction
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation
from tests.steps.test_copy_table import COPY, LINK

Key = tuple[str | None, ...]


def keys_of_children(chain: Chain) -> set[Key]:
    return {tuple(row[c] for c in chain.plan.key) for row in chain.child().values()}


def keys_of_parents(chain: Chain) -> list[Key]:
    return [tuple(row[c] for c in chain.plan.key) for row in chain.parents().values()]


def one_parent_for_each_key(chain: Chain) -> bool:
    found = keys_of_parents(chain)
    return len(found) == len(set(found)) and set(found) == keys_of_children(chain)


def test_its_keys_are_those_that_ledgers_hold() -> None:
    up = [key.partition(":")[0] for key in keys("rebuild_parent", Direction.UP)]
    assert list(dict.fromkeys(up)) == [
        "create_functions",
        "rebuild",
        "rebuild_popular",
        "create_index",
        "create_primary_key",
        "replay",
        "create_constraints",
        "switch",
        "drop_log_triggers",
        "drop_log",
        "add_foreign_key",
        "validate_foreign_key",
    ]
    down = [key.partition(":")[0] for key in keys("rebuild_parent", Direction.DOWN)]
    assert list(dict.fromkeys(down)) == [
        "create_log",
        "record_changes",
        "drop_foreign_key",
        "empty_parent",
    ]


def test_two_gaps_in_a_key_are_one_key() -> None:
    table = STEP.becomes(situation("rebuild_parent")).table("programme_membership")
    (unique,) = (c for c in table.constraints if c.kind == "u")
    assert unique.definition.startswith("UNIQUE NULLS NOT DISTINCT (")
    assert unique.columns == situation("rebuild_parent").plan.key


def test_every_key_has_one_parent_and_every_child_its_link(chain_at: ChainAt) -> None:
    chain = chain_at("0007")
    assert one_parent_for_each_key(chain)
    parents = chain.parents()
    for row in chain.child().values():
        uuid = row[LINK]
        assert uuid is not None
        assert [parents[uuid][c] for c in chain.plan.key] == [row[c] for c in chain.plan.key]


def test_writes_to_the_child_create_and_delete_parents(chain_at: ChainAt) -> None:
    chain = chain_at("0007")
    before = len(chain.parents())
    chain.run(f"INSERT INTO {COPY} (person_id, programme_id, curriculum_id) VALUES (1, 2, 1)")
    assert len(chain.parents()) == before + 1
    assert one_parent_for_each_key(chain)
    chain.run(f"UPDATE {COPY} SET programme_id = 0 WHERE programme_id = 2")
    assert len(chain.parents()) == before + 1
    assert one_parent_for_each_key(chain)
    chain.run(f"DELETE FROM {COPY} WHERE person_id = 1 AND programme_id = 0")
    assert len(chain.parents()) == before
    assert one_parent_for_each_key(chain)


def test_its_downgrade_leaves_an_empty_parent_that_can_be_rebuilt(chain_at: ChainAt) -> None:
    chain = chain_at("0007")
    parents = chain.parents()
    chain.down("0007")
    assert chain.parents() == {}
    chain.up("0007")
    assert chain.parents() == parents
