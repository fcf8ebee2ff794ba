"""create_parent: the empty, closed parent exists, and changes of the child are recorded."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.steps.create_parent import STEP, parent
from membership_refactor.steps.step import Direction
from tests.chain.subjects import with_plan
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation
from tests.steps.test_copy_table import COPY
from tests.steps.test_copy_table_refusals import agreeing

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


def test_rows_that_begin_to_disagree_after_the_copy_are_refused_by_0006(chain_at: ChainAt) -> None:
    chain = with_plan(chain_at("0002"), parent_columns=agreeing("leaving_reason"))
    chain.up_to("0005")
    chain.run("UPDATE public.curriculum_membership SET leaving_reason = 'other' WHERE id = 18")
    with pytest.raises(CheckFailed) as refused:
        chain.up("0006")
    assert refused.value.keys == ("2, 0, MILITARY, 2020-01-01, 2020-01-01",)
    assert chain.runner().abandon() is None
    chain.run(
        "UPDATE public.curriculum_membership SET leaving_reason = 'other' WHERE person_id = 2"
    )
    chain.up_to("0011", after="0005")
