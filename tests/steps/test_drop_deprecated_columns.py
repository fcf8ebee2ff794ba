"""drop_deprecated_columns: the child has its own columns and the link, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.errors import CannotCarry, CheckFailed
from membership_refactor.portrait import ColumnUse
from membership_refactor.steps.drop_deprecated_columns import STEP
from membership_refactor.steps.step import Direction
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper
from tests.steps.situations import keys, situation, with_table
from tests.steps.test_copy_table import COPY, LINK
from tests.steps.test_create_parent import PARENT

CHILD = "curriculum_membership"


def use(kind: str, name: str, *columns: str) -> ColumnUse:
    return ColumnUse(kind=kind, name=name, columns=columns, stops=True)


def test_its_keys_are_those_that_ledgers_hold() -> None:
    up = [key.partition(":")[0] for key in keys("drop_deprecated_columns", Direction.UP)]
    assert list(dict.fromkeys(up)) == ["drop_index", "drop_columns"]
    down = [key.partition(":")[0] for key in keys("drop_deprecated_columns", Direction.DOWN)]
    assert list(dict.fromkeys(down)) == [
        "create_functions",
        "add_columns",
        "create_index",
        "describe",
    ]


def test_the_child_keeps_its_own_columns_and_the_link() -> None:
    s = situation("drop_deprecated_columns")
    table = STEP.becomes(s).table(CHILD)
    assert set(table.column_names) == {"id", *s.plan.child_columns, LINK, "amended_date"}
    assert not set(s.plan.deprecated) & {c for i in table.indexes for c in i.columns}


def test_a_view_that_uses_a_deprecated_column_is_refused_by_name() -> None:
    view = use("view", "view public.report", "rotation", "id")
    s = with_table("drop_deprecated_columns", CHILD, lambda t: replace(t, uses=(view,)))
    (text,) = STEP.refusals(s)
    assert "view public.report uses rotation;" in text


def test_a_view_of_the_childs_own_columns_stays() -> None:
    view = use("view", "view public.report", "curriculum_id", "id")
    s = with_table("drop_deprecated_columns", CHILD, lambda t: replace(t, uses=(view,)))
    assert STEP.refusals(s) == ()


def test_a_policy_and_a_trigger_that_use_a_deprecated_column_are_refused_by_name() -> None:
    policy = use("policy", "policy own on table public.x", "person_id")
    trigger = use("trigger", "trigger watch on table public.x", "rotation")
    s = with_table("drop_deprecated_columns", CHILD, lambda t: replace(t, uses=(policy, trigger)))
    texts = STEP.refusals(s)
    assert [text.split(" on ")[0] for text in texts] == ["policy own", "trigger watch"]
    assert "uses person_id;" in texts[0]
    assert "uses rotation;" in texts[1]


def test_the_columns_are_gone_and_no_value_is_lost(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    parents, children = chain.parents(), chain.child()
    chain.up("0010")
    assert chain.parents() == parents
    kept = {"id", LINK, "amended_date", *chain.plan.child_columns}
    assert chain.child() == {
        key: {c: v for c, v in row.items() if c in kept} for key, row in children.items()
    }
    with pytest.raises(psycopg.errors.UndefinedColumn):
        chain.run(f"SELECT rotation FROM {COPY}")


def test_a_view_in_the_database_stops_it_before_anything_is_changed(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    chain.run(f"CREATE VIEW public.report AS SELECT id, rotation FROM {COPY}")
    before = chain.portrait()
    with pytest.raises(CannotCarry, match="report"):
        chain.up("0010")
    assert chain.portrait() == before
    chain.run("DROP VIEW public.report")
    chain.up("0010")


def test_a_child_without_a_parent_stops_it(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    tamper(chain, f"DELETE FROM {PARENT} WHERE uuid = (SELECT {LINK} FROM {COPY} WHERE id = 0)")
    with pytest.raises(CheckFailed):
        chain.up("0010")


def test_its_downgrade_brings_the_columns_back_empty_and_frozen(chain_at: ChainAt) -> None:
    chain = chain_at("0010")
    chain.down("0010")
    assert {row["rotation"] for row in chain.child().values()} == {None}
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        chain.run(f"UPDATE {COPY} SET rotation = 'x' WHERE id = 0")
    chain.down("0009")
    parents = chain.parents()
    for row in chain.child().values():
        assert row["rotation"] == parents[row[LINK] or ""]["rotation"]
