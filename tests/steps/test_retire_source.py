"""retire_source: the copy takes the source's place, and the source becomes an archive."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.portrait import Rule
from membership_refactor.steps.retire_source import STEP
from membership_refactor.steps.step import Direction
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper
from tests.steps.situations import keys, situation, with_table
from tests.steps.test_copy_table import COPY, LINK, SOURCE

ARCHIVE = "public.programme_membership_retired"


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("retire_source", Direction.UP) == ["hand_over", "drop_functions"]
    down = [key.partition(":")[0] for key in keys("retire_source", Direction.DOWN)]
    assert list(dict.fromkeys(down)) == [
        "create_functions",
        "record_changes",
        "reconcile",
        "hand_back",
        "drop_log",
        "validate_foreign_key",
    ]


def test_the_archive_keeps_the_columns_and_loses_its_outgoing_keys() -> None:
    s = situation("retire_source")
    after = STEP.becomes(s)
    assert after.find("programme_membership") is None
    archive = after.table("programme_membership_retired")
    assert archive.column_names == s.source().column_names
    assert archive.foreign_keys == ()
    assert after.table("curriculum_membership").column("id").identity


def test_a_rule_of_the_source_that_rewrites_writes_is_refused() -> None:
    rule = Rule(name="away", definition="CREATE RULE away AS ON DELETE TO x DO INSTEAD NOTHING;")
    s = with_table("retire_source", "programme_membership", lambda t: replace(t, rules=(rule,)))
    assert any("away" in text for text in STEP.refusals(s))


def test_a_column_that_only_one_of_the_tables_has_is_refused() -> None:
    s = with_table(
        "retire_source",
        "programme_membership",
        lambda t: replace(t, columns=(*t.columns, replace(t.columns[-1], name="added"))),
    )
    assert any("added" in text for text in STEP.refusals(s))


def test_the_copy_gives_out_the_next_id_and_the_archive_refuses_writes(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0004")
    rows = chain.source()
    chain.up("0005")
    assert chain.retired() == rows
    chain.run(f"INSERT INTO {COPY} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)")
    assert max(map(int, chain.child())) > max(map(int, rows))
    for write in (f"DELETE FROM {ARCHIVE}", f"UPDATE {ARCHIVE} SET rotation = 'x'"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            chain.run(write)
    assert chain.retired() == rows


def test_it_refuses_to_let_go_of_a_source_that_the_copy_does_not_equal(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0004")
    tamper(chain, f"UPDATE {COPY} SET rotation = 'other' WHERE id = 0")
    with pytest.raises(CheckFailed) as refused:
        chain.up("0005")
    assert refused.value.keys == ("0",)


def test_its_downgrade_brings_what_was_written_since_into_the_old_table(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0005")
    chain.run(
        f"INSERT INTO {COPY} (person_id, programme_id, curriculum_id, rotation)"
        " VALUES (1, 1, 1, 'new')",
        f"UPDATE {COPY} SET rotation = 'moved' WHERE id < 5",
        f"DELETE FROM {COPY} WHERE id = 8",
    )
    written = {k: {c: v for c, v in r.items() if c != LINK} for k, r in chain.child().items()}
    chain.down("0005")
    assert chain.source() == written
    assert chain.value(f"SELECT count(*) FROM {SOURCE} WHERE rotation = 'new'") == 1
