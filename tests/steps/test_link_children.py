"""link_children: every child refers to its parent, and both tables are saved in parallel."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.portrait import Policy, Table
from membership_refactor.steps.keys_to_parent import link_key
from membership_refactor.steps.link_children import STEP, opened_parent
from membership_refactor.steps.step import Direction
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation, with_table
from tests.steps.test_copy_table import COPY, LINK
from tests.steps.test_create_parent import PARENT


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("link_children", Direction.UP) == [
        "create_functions",
        "save_in_parallel",
        "validate_link",
        "add_link_check",
        "validate_link_check",
        "set_link_not_null",
        "list_losers",
        "carry_values",
        "drop_list",
        "drop_child_capture",
        "drop_parent_refusal",
        "open_parent",
    ]
    assert keys("link_children", Direction.DOWN) == [
        "close_parent",
        "create_functions",
        "record_uuids",
        "keep_parent_uuids",
        "keep_child_uuids",
        "derive_parents",
        "choose_values",
        "restore_values",
        "settle_parents",
        "create_capture",
        "delete_childless",
        "add_deprecated_columns_check",
        "validate_deprecated_columns_check",
        "set_deprecated_columns_not_null",
        "drop_child_saving",
        "drop_parent_saving",
        "drop_functions",
    ]


def test_the_link_is_a_foreign_key_and_the_deprecated_columns_may_be_null() -> None:
    s = situation("link_children")
    child = STEP.becomes(s).table("curriculum_membership")
    assert child.column(LINK).not_null
    assert link_key(s) in child.constraints
    assert not any(child.column(c).not_null for c in s.plan.deprecated)


def policed(*columns: str) -> Policy:
    return Policy(
        name="own rows",
        permissive=True,
        command="*",
        roles=("public",),
        using="true",
        check=None,
        columns=columns,
    )


def guarded(table: Table, policy: Policy) -> Table:
    return replace(table, row_security=True, policies=(policy,))


def test_a_policy_that_the_parent_cannot_have_is_refused() -> None:
    policy = policed("person_id", "curriculum_id")
    s = with_table("link_children", "curriculum_membership", lambda t: guarded(t, policy))
    (text,) = STEP.refusals(s)
    assert 'policy "own rows" of "curriculum_membership"' in text


def test_a_policy_that_the_parent_can_have_comes_along() -> None:
    policy = policed("person_id")
    s = with_table("link_children", "curriculum_membership", lambda t: guarded(t, policy))
    assert STEP.refusals(s) == ()
    opened = opened_parent(s, s.child("link_children"))
    assert opened.policies == (policy,)
    assert opened.row_security


def test_an_old_style_write_makes_its_parent_and_a_new_style_one_fills_its_children(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0008")
    chain.run(f"INSERT INTO {COPY} (person_id, programme_id, curriculum_id) VALUES (1, 2, 1)")
    (old,) = (r for r in chain.child().values() if r["programme_id"] == "2")
    assert old[LINK] in chain.parents()
    chain.run(f"UPDATE {PARENT} SET rotation = 'new' WHERE uuid = '{old[LINK]}'")
    assert chain.child()[old["id"] or ""]["rotation"] == "new"


def test_a_new_style_child_gets_the_values_of_its_parent(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    parent = "00000000-0000-4000-8000-000000000001"
    chain.run(
        f"INSERT INTO {PARENT} (uuid, person_id, programme_id, rotation)"
        f" VALUES ('{parent}', 2, 2, 'there')",
        f"INSERT INTO {COPY} (curriculum_id, {LINK}) VALUES (2, '{parent}')",
    )
    (child,) = (r for r in chain.child().values() if r[LINK] == parent)
    assert (child["person_id"], child["programme_id"], child["rotation"]) == ("2", "2", "there")


def test_a_link_to_nobody_is_refused(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        chain.run(
            f"INSERT INTO {COPY} (curriculum_id, {LINK})"
            " VALUES (2, '00000000-0000-4000-8000-000000000002')"
        )


def test_it_does_not_go_down_while_a_parent_has_no_children(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    chain.run(
        f"INSERT INTO {PARENT} (uuid, person_id, programme_id)"
        " VALUES ('00000000-0000-4000-8000-000000000003', 2, 2)"
    )
    with pytest.raises(CheckFailed) as refused:
        chain.down("0008")
    assert refused.value.count == 1
    assert chain.runner().abandon() is None


def test_its_downgrade_closes_the_parent_and_keeps_uuids_that_nobody_computed(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0008")
    uuid = "00000000-0000-4000-8000-000000000004"
    chain.run(
        f"INSERT INTO {PARENT} (uuid, person_id, programme_id) VALUES ('{uuid}', 2, 2)",
        f"INSERT INTO {COPY} (curriculum_id, {LINK}) VALUES (2, '{uuid}')",
    )
    chain.down("0008")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        chain.run(f"DELETE FROM {PARENT}")
    chain.up("0008")
    assert uuid in chain.parents()
