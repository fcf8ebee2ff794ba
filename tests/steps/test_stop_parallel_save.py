"""stop_parallel_save: the deprecated columns are frozen."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.steps.deprecated_keys import deprecated_keys
from membership_refactor.steps.step import Direction
from membership_refactor.steps.stop_parallel_save import STEP
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper
from tests.steps.situations import keys, situation
from tests.steps.test_copy_table import COPY, LINK
from tests.steps.test_create_parent import PARENT


def test_its_keys_are_those_that_ledgers_hold() -> None:
    up = [key.partition(":")[0] for key in keys("stop_parallel_save", Direction.UP)]
    assert list(dict.fromkeys(up)) == [
        "create_functions",
        "freeze",
        "keep_replaced",
        "drop_child_triggers",
        "drop_parent_triggers",
        "drop_foreign_key",
    ]
    down = [key.partition(":")[0] for key in keys("stop_parallel_save", Direction.DOWN)]
    assert list(dict.fromkeys(down)) == [
        "create_functions",
        "capture_parent",
        "forget_replaced",
        "list_childless",
        "list_newer",
        "refresh",
        "save_in_parallel",
        "drop_child_triggers",
        "drop_parent_triggers",
        "add_foreign_key",
        "validate_foreign_key",
        "drop_functions",
    ]


def test_capture_of_the_parent_starts_before_the_children_are_refreshed() -> None:
    found = keys("stop_parallel_save", Direction.DOWN)
    assert found.index("capture_parent") < found.index("refresh") < found.index("save_in_parallel")


def test_only_foreign_keys_of_deprecated_columns_are_taken_off() -> None:
    s = situation("stop_parallel_save")
    before = s.child("stop_parallel_save")
    after = STEP.becomes(s).table("curriculum_membership")
    gone = set(before.foreign_keys) - set(after.foreign_keys)
    assert gone == set(deprecated_keys(s, before))
    assert {c for key in after.foreign_keys for c in key.columns} == {"curriculum_id", LINK}


@pytest.mark.parametrize(
    "write",
    [
        f"UPDATE {COPY} SET rotation = 'other' WHERE id = 0",
        f"UPDATE {COPY} SET person_id = 2 WHERE id = 0",
        f"INSERT INTO {COPY} (curriculum_id, person_id, {LINK})"
        f" SELECT 1, 1, {LINK} FROM {COPY} WHERE id = 0",
    ],
)
def test_a_write_that_would_change_a_deprecated_column_is_refused(
    write: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0009")
    before = chain.child()
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        chain.run(write)
    assert chain.child() == before


def test_the_parent_and_the_other_columns_are_written_as_ever(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    child = chain.child()["0"]
    chain.run(
        f"UPDATE {PARENT} SET rotation = 'new' WHERE uuid = '{child[LINK]}'",
        f"UPDATE {COPY} SET period_of_grace = 7 WHERE id = 0",
        f"INSERT INTO {COPY} (curriculum_id, {LINK}) VALUES (2, '{child[LINK]}')",
    )
    assert chain.parents()[child[LINK] or ""]["rotation"] == "new"
    assert chain.child()["0"] == {**child, "period_of_grace": "7"}


def test_its_downgrade_brings_the_parents_values_to_the_children(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    link = chain.child()["0"][LINK]
    chain.run(f"UPDATE {PARENT} SET rotation = 'new' WHERE uuid = '{link}'")
    chain.down("0009")
    found = {row["rotation"] for row in chain.child().values() if row[LINK] == link}
    assert found == {"new"}
    chain.run(f"UPDATE {COPY} SET rotation = 'old style' WHERE id = 0")
    assert chain.parents()[link or ""]["rotation"] == "old style"


def test_it_refuses_to_freeze_values_that_differ_from_the_parents(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    tamper(chain, f"UPDATE {COPY} SET rotation = 'other' WHERE id = 0")
    with pytest.raises(CheckFailed) as refused:
        chain.up("0009")
    assert refused.value.count == 1
