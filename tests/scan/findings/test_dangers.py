"""Dangers: what breaks or changes rows although no column is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from membership_refactor.planning import Stage
from tests.scan.scan_text import CAMEL, scan_text

PG = "curriculum_membership"


def _codes(text: str, folder: Path, *, stage: Stage = Stage.INTERIM) -> list[str]:
    return [danger.code for danger in scan_text(text, folder, stage=stage).dangers]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            f"SELECT person_id FROM {PG} cm JOIN programme_membership pm "
            "ON pm.uuid = cm.programme_membership_uuid",
            "ambiguous",
        ),
        (
            f"SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM {PG} WHERE rotation = 'x')",
            "rebinds",
        ),
        (f"SELECT rotation FROM {PG} ORDER BY id LIMIT 1", "limit"),
        (f"SELECT count(*) FROM {PG} WHERE person_id = 1", "aggregate"),
        (f"SELECT sum(period_of_grace) FROM {PG} WHERE person_id = 1", "aggregate"),
        (f"UPDATE {PG} SET rotation = 'x'", "write"),
        (f"INSERT INTO {PG} (person_id) VALUES (1)", "write"),
        ("DELETE FROM programme_membership WHERE uuid = :u", "delete-order"),
        (f"SELECT cm.id AS programme_membership_id FROM {PG} cm", "id"),
    ],
)
def test_a_danger_is_named(text: str, code: str, tmp_path: Path) -> None:
    assert code in _codes(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT cm.id, cm.curriculum_id FROM {PG} cm",
        f"SELECT count(DISTINCT cm.curriculum_id) FROM {PG} cm",
        f"UPDATE {PG} SET period_of_grace = 1 WHERE id = 2",
        "SELECT pm.person_id FROM programme_membership pm LIMIT 1",
        f"DELETE FROM {PG} WHERE id = 1",
    ],
)
def test_a_harmless_statement_has_no_danger(text: str, tmp_path: Path) -> None:
    assert _codes(text, tmp_path) == []


def test_the_same_text_returns_fewer_rows_once_the_name_is_the_parents(tmp_path: Path) -> None:
    text = "SELECT pm.id, pm.person_id FROM programme_membership pm"
    codes = _codes(text, tmp_path, stage=Stage.LEGACY)
    assert "multiplicity" in codes and "id" in codes


def test_a_name_that_would_bind_to_an_outer_table_is_named_at_the_current_stage(
    tmp_path: Path,
) -> None:
    text = f"SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM {PG} WHERE rotation = 'x')"
    outcome = scan_text(text, tmp_path, stage=Stage.CURRENT)
    assert [(r.column, r.standing, r.certain) for r in outcome.references] == [
        ("rotation", "gone", False)
    ]
    assert "rebinds" in [danger.code for danger in outcome.dangers]


def test_columns_are_judged_by_stage_and_table(tmp_path: Path) -> None:
    text = "SELECT pm.person_id, pm.curriculum_id FROM programme_membership pm"
    legacy = scan_text(text, tmp_path, stage=Stage.LEGACY)
    interim = scan_text(text, tmp_path, stage=Stage.INTERIM)
    assert [r.column for r in legacy.references] == ["person_id"]
    assert [use.columns for use in legacy.tables] == [("person_id", "curriculum_id")]
    assert [(r.column, r.standing) for r in interim.references] == [("curriculum_id", "gone")]


def test_letter_case_is_the_dialects(tmp_path: Path) -> None:
    assert scan_text(
        "SELECT ROTATIONID FROM CURRICULUMMEMBERSHIP", tmp_path, consumer=CAMEL
    ).references
    assert scan_text("SELECT ROTATION_ID FROM Curriculum_Membership", tmp_path).references
    quoted = scan_text('SELECT "ROTATION_ID" FROM "Curriculum_Membership"', tmp_path)
    assert not quoted.references
