"""dual_write: either table may be written, and the other follows."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.portrait import Rule
from membership_refactor.steps.dual_write import STEP
from membership_refactor.steps.step import Direction
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation, with_table
from tests.steps.test_copy_table import COPY, SOURCE, is_copy

NEW = "(person_id, programme_id, curriculum_id, rotation) VALUES (1, 1, 1, 'new')"


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("dual_write", Direction.UP) == ["create_functions", "open_copy", "drop_refusal"]
    assert keys("dual_write", Direction.DOWN) == [
        "create_functions",
        "close_copy",
        "drop_reverse_capture",
        "drop_functions",
    ]


def test_the_tables_keep_their_shape() -> None:
    s = situation("dual_write")
    assert STEP.becomes(s) == s.before("dual_write")


@pytest.mark.parametrize("table", ["programme_membership", "curriculum_membership"])
def test_a_rule_that_was_added_since_the_copy_is_refused(table: str) -> None:
    rule = Rule(name="away", definition="CREATE RULE away AS ON DELETE TO x DO INSTEAD NOTHING;")
    s = with_table("dual_write", table, lambda t: replace(t, rules=(rule,)))
    assert len(STEP.refusals(s)) == 1
    assert "away" in STEP.refusals(s)[0]


@pytest.mark.parametrize("table", [SOURCE, COPY])
def test_a_write_to_one_table_reaches_the_other(table: str, chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    chain.run(
        f"INSERT INTO {table} {NEW}",
        f"UPDATE {table} SET rotation = 'moved' WHERE id < 5",
        f"DELETE FROM {table} WHERE id = 8",
    )
    assert is_copy(chain)
    found = {row["rotation"] for row in chain.source().values()}
    assert {"new", "moved"} <= found
    assert "8" not in chain.source()


@pytest.mark.parametrize("table", [SOURCE, COPY])
def test_emptying_one_table_empties_the_other(table: str, chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    chain.run(f"TRUNCATE {table}")
    assert chain.source() == chain.child() == {}


def test_its_downgrade_closes_the_copy_again(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    chain.run(f"INSERT INTO {COPY} {NEW}")
    chain.down("0004")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        chain.run(f"INSERT INTO {COPY} {NEW}")
    chain.run(f"INSERT INTO {SOURCE} {NEW}")
    assert is_copy(chain)
