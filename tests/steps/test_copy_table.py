"""copy_table: the copy is exact, follows the source, and nobody else writes it."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.portrait import Rule
from membership_refactor.steps.copy_table import STEP, copied
from membership_refactor.steps.step import Direction
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation, with_table

SOURCE, COPY = "public.programme_membership", "public.curriculum_membership"
LINK = "programme_membership_uuid"


def is_copy(chain: Chain) -> bool:
    """Whether the copy has the source's rows and no others."""
    child = [{c: v for c, v in row.items() if c != LINK} for row in chain.child().values()]
    return child == list(chain.source().values())


def test_its_keys_are_those_that_ledgers_hold() -> None:
    up = [key.partition(":")[0] for key in keys("copy_table", Direction.UP)]
    assert list(dict.fromkeys(up)) == [
        "prepare",
        "record_changes",
        "copy",
        "create_index",
        "create_constraints",
        "switch",
        "drop_log_triggers",
        "drop_log",
        "add_foreign_key",
        "validate_foreign_key",
        "open_copy",
    ]
    down = [key.partition(":")[0] for key in keys("copy_table", Direction.DOWN)]
    assert list(dict.fromkeys(down)) == ["stop_capture", "drop_foreign_key", "drop_copy"]


def test_changes_are_recorded_before_the_first_row_is_copied() -> None:
    found = keys("copy_table", Direction.UP)
    assert found.index("record_changes") < found.index("copy") < found.index("switch")


def test_the_copy_has_the_sources_columns_and_the_link_last() -> None:
    s = situation("copy_table")
    table = copied(s)
    assert table.column_names == (*s.source().column_names, LINK)
    assert not table.columns[-1].not_null
    assert STEP.becomes(s).table(s.plan.child) == table


def test_a_table_that_is_not_there_is_refused_by_name() -> None:
    s = with_table("copy_table", "programme_membership", lambda t: replace(t, name="other"))
    assert STEP.refusals(s) == ('table "public"."programme_membership" does not exist',)


def test_a_rule_that_rewrites_writes_is_refused() -> None:
    rule = Rule(name="away", definition="CREATE RULE away AS ON DELETE TO x DO INSTEAD NOTHING;")
    s = with_table("copy_table", "programme_membership", lambda t: replace(t, rules=(rule,)))
    assert len(STEP.refusals(s)) == 1
    assert "away" in STEP.refusals(s)[0]


def test_the_copy_equals_the_source_and_follows_it(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    assert is_copy(chain)
    chain.run(
        f"INSERT INTO {SOURCE} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
        f"UPDATE {SOURCE} SET rotation = 'moved' WHERE id < 5",
        f"DELETE FROM {SOURCE} WHERE id = 8",
    )
    assert is_copy(chain)
    assert "moved" in {row["rotation"] for row in chain.child().values()}


def test_a_write_and_what_follows_it_are_one_transaction(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    before = chain.child()
    with pytest.raises(psycopg.errors.DivisionByZero):
        chain.run(f"UPDATE {SOURCE} SET rotation = 'moved'", "SELECT 1 / 0")
    assert chain.child() == before


@pytest.mark.parametrize(
    "write",
    [
        f"INSERT INTO {COPY} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
        f"UPDATE {COPY} SET rotation = 'mine' WHERE id = 0",
        f"DELETE FROM {COPY} WHERE id = 0",
        f"TRUNCATE {COPY}",
    ],
)
def test_a_write_that_would_make_the_copy_differ_is_refused(write: str, chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        chain.run(write)
    assert is_copy(chain)


def test_its_downgrade_leaves_the_source_as_it_is_and_nothing_else(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    rows = chain.source()
    chain.down("0003")
    assert chain.source() == rows
    assert [t.name for t in chain.portrait().tables] == ["programme_membership"]
    assert [o for o in chain.own_objects() if o.startswith("trigger")] == []
