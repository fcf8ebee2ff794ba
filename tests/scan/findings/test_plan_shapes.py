"""What is found, and rewritten, for plans that keep columns or only rename their table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.rewrite.edits import new_text
from tests.scan.scan_text import columns, scan_text

CHILD, LINK = "curriculum_membership", "programme_membership_uuid"
KEPT = replace(SPLIT, keep=("person_id", "programme_id"))
RENAME = TableSplit(
    name="rename",
    source="order_line",
    copy="ordered_article",
    child_columns=("article", "pieces"),
)


@pytest.mark.parametrize("stage", [Stage.INTERIM, Stage.CURRENT])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"SELECT cm.person_id FROM {CHILD} cm WHERE cm.programme_id = 1", []),
        (f"SELECT cm.person_id, cm.rotation FROM {CHILD} cm", ["rotation"]),
        (f"UPDATE {CHILD} SET person_id = 1 WHERE id = 2", ["person_id"]),
        (f"UPDATE {CHILD} SET curriculum_id = 1 WHERE person_id = 2", []),
        (f"INSERT INTO {CHILD} ({LINK}, person_id, programme_id) VALUES (1, 2, 3)", []),
        (
            f"INSERT INTO {CHILD} ({LINK}, person_id, rotation) VALUES (1, 2, 3)",
            ["rotation"],
        ),
        (
            f"INSERT INTO {CHILD} (id, person_id) VALUES (1, 2) "
            "ON CONFLICT (id) DO UPDATE SET person_id = 3",
            ["person_id"],
        ),
    ],
)
def test_a_kept_column_may_be_read_and_not_changed_alone(
    stage: Stage, text: str, found: list[str], tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, stage=stage, plan=KEPT)
    assert columns(outcome) == found
    at = "gone" if stage is Stage.CURRENT else "deprecated"
    assert {r.standing for r in outcome.references} <= {at}


def test_a_read_of_a_kept_column_is_not_rewritten(tmp_path: Path) -> None:
    text = f"SELECT cm.person_id FROM {CHILD} cm"
    assert new_text(text, scan_text(text, tmp_path, plan=KEPT, rewrite=True)) == text


def test_a_change_of_a_kept_column_is_left_to_a_person(tmp_path: Path) -> None:
    outcome = scan_text(
        f"UPDATE {CHILD} SET person_id = 1 WHERE id = 2", tmp_path, plan=KEPT, rewrite=True
    )
    assert [r.new for r in outcome.rewrites] == [None]
    assert "person_id identifies the parent" in outcome.rewrites[0].reason


@pytest.mark.parametrize("stage", [Stage.LEGACY, Stage.COPY, Stage.CURRENT])
@pytest.mark.parametrize(
    ("text", "new"),
    [
        (
            "SELECT o.article FROM order_line o LIMIT 1",
            "SELECT o.article FROM ordered_article o LIMIT 1",
        ),
        (
            "SELECT *, order_line.pieces FROM order_line",
            "SELECT *, ordered_article.pieces FROM ordered_article",
        ),
        ("INSERT INTO order_line VALUES (1)", "INSERT INTO ordered_article VALUES (1)"),
        (
            "UPDATE order_line SET pieces = 1 WHERE article = 'ink'",
            "UPDATE ordered_article SET pieces = 1 WHERE article = 'ink'",
        ),
        ("DELETE FROM order_line WHERE id = 1", "DELETE FROM ordered_article WHERE id = 1"),
    ],
)
def test_a_statement_with_the_old_name_gets_the_new_one(
    stage: Stage, text: str, new: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, stage=stage, plan=RENAME, rewrite=True)
    assert [t.table for t in outcome.tables] == ["order_line"]
    assert outcome.references == [] and outcome.dangers == []
    assert new_text(text, outcome) == new


def test_a_statement_with_the_new_name_is_clear(tmp_path: Path) -> None:
    outcome = scan_text("SELECT article FROM ordered_article", tmp_path, plan=RENAME)
    assert (outcome.tables, outcome.references, outcome.dangers) == ([], [], [])
