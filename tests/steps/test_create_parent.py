"""create_parent: the empty, closed parent exists, and changes of the child are recorded."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.steps.create_parent import STEP, parent
from membership_refactor.steps.step import Direction
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation
from tests.steps.test_copy_table import COPY

PARENT = "public.programme_membership"


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("create_parent", Direction.UP) == ["create_parent", "record_changes"]
    assert keys("create_parent", Direction.DOWN) == ["stop_recording", "drop_parent"]


def test_the_parent_has_a_uuid_the_deprecated_columns_and_the_time_of_change() -> None:
    s = situation("create_parent")
    table = parent(s)
    assert table.column_names == ("uuid", *s.plan.deprecated, "amended_date")
    assert table.column("uuid").type == "uuid"
    required = {c.name for c in table.columns if c.not_null}
    assert required == {"uuid", "person_id", "programme_id", "amended_date"}


def test_until_it_is_rebuilt_the_parent_has_columns_only() -> None:
    table = STEP.becomes(situation("create_parent")).table("programme_membership")
    assert (table.constraints, table.indexes, table.grants) == ((), (), None)


def test_the_parent_is_empty_and_refuses_every_write(chain_at: ChainAt) -> None:
    chain = chain_at("0006")
    assert chain.parents() == {}
    for write in (
        f"INSERT INTO {PARENT} (uuid, person_id, programme_id) VALUES (gen_random_uuid(), 1, 1)",
        f"TRUNCATE {PARENT}",
    ):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is being rebuilt"):
            chain.run(write)


def test_changes_of_the_child_are_recorded(chain_at: ChainAt) -> None:
    chain = chain_at("0006")
    chain.run(f"UPDATE {COPY} SET rotation = 'moved' WHERE id = 0")
    chain.up("0007")
    (row,) = (r for r in chain.child().values() if r["id"] == "0")
    assert row["programme_membership_uuid"] in chain.parents()


def test_its_downgrade_drops_the_parent_and_leaves_the_child(chain_at: ChainAt) -> None:
    chain = chain_at("0006")
    rows = chain.child()
    chain.down("0006")
    assert chain.portrait().find("programme_membership") is None
    assert chain.child() == rows
