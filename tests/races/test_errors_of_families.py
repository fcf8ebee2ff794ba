"""Errors that an application may see of parent and child, and of TRUNCATE, in their stages."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

ANY = "(SELECT uuid FROM s.wide ORDER BY uuid LIMIT 1)"
REFERRING = "CREATE TABLE s.detail (id bigint PRIMARY KEY, wide_id bigint REFERENCES s.wide)"


@pytest.mark.parametrize("text", ["TRUNCATE s.narrow", "TRUNCATE s.narrow CASCADE"])
def test_0a000_the_copy_cannot_be_truncated_while_others_refer_to_the_source(
    text: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, REFERRING, "INSERT INTO s.detail VALUES (1, 11)")
    writer = on_stage(url).session("writer")
    assert writer.outcome(text) == "0A000"
    assert query(url, "SELECT 1 FROM s.narrow LIMIT 1")
    assert_equal(url)
    assert writer.outcome(f"TRUNCATE {SOURCE} CASCADE") == ""
    assert not query(url, "SELECT 1 FROM s.narrow UNION ALL SELECT 1 FROM s.detail")


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_0a000_children_cannot_be_truncated_from_a_snapshot_that_may_be_old(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0008"))
    stage = on_stage(url)
    writer = stage.session("writer", isolation)
    writer.begin()
    step = writer.start("TRUNCATE s.narrow")
    assert step.outcome() == "0A000"
    assert step.error is not None
    assert step.error.diag.message_hint == "Run TRUNCATE at READ COMMITTED, or use DELETE."
    writer.rollback()
    writer.begin()
    assert writer.outcome("DELETE FROM s.narrow") == ""
    assert writer.commit() == ""
    assert not query(url, "SELECT 1 FROM s.wide")
    assert stage.session("plain").outcome("TRUNCATE s.narrow") == ""
    assert_families(url)


CONTRADICTIONS = {
    "a new child": "INSERT INTO s.narrow (curriculum, parent_uuid, rotation)"
    f" SELECT 1, {ANY}, 'another'",
    "a new child of another key": "INSERT INTO s.narrow (curriculum, parent_uuid, person_id)"
    f" SELECT 1, {ANY}, 424242",
    "a child that is given away": "UPDATE s.narrow SET parent_uuid = p.uuid, rotation = 'another'"
    f" FROM s.wide AS p WHERE id = 11 AND p.uuid <> parent_uuid AND p.uuid = {ANY}",
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_23514_a_child_that_contradicts_the_parent_it_names_is_refused(
    contradiction: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0008"))
    writer = on_stage(url).session("writer")
    step = writer.start(CONTRADICTIONS[contradiction])
    assert step.outcome() == "23514"
    assert step.error is not None
    column = "person_id" if "key" in contradiction else "rotation"
    assert column in str(step.error.diag.message_primary)
    assert "only parent_uuid" in str(step.error.diag.message_hint)
    assert writer.outcome(f"INSERT INTO s.narrow (curriculum, parent_uuid) SELECT 1, {ANY}") == ""
    assert_families(url)


FROZEN = {
    "an old-style row": (
        "INSERT INTO s.narrow (person_id, programme, curriculum) VALUES (1, 1, 1)",
        "person_id",
    ),
    "a value beside the link": (
        f"INSERT INTO s.narrow (curriculum, parent_uuid, rotation) SELECT 1, {ANY}, 'r'",
        "rotation",
    ),
    "a value": ("UPDATE s.narrow SET rotation = 'frozen' WHERE id = 11", "rotation"),
    "a key": ("UPDATE s.narrow SET kind = 'frozen' WHERE id = 11", "kind"),
}


@pytest.mark.parametrize("write", FROZEN)
def test_55000_a_deprecated_column_is_frozen_from_0009(
    write: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0009"))
    before = query(url, "SELECT * FROM s.narrow ORDER BY id")
    writer = on_stage(url).session("writer")
    text, column = FROZEN[write]
    step = writer.start(text)
    assert step.outcome() == "55000"
    assert step.error is not None
    assert step.error.diag.column_name == column
    assert f'Write "{column}" of wide' in str(step.error.diag.message_hint)
    assert query(url, "SELECT * FROM s.narrow ORDER BY id") == before
    assert writer.outcome("UPDATE s.wide SET rotation = 'new' WHERE uuid = " + ANY) == ""
    with Pilot(url) as pilot:
        pilot.downgrade("0009")
    assert writer.outcome(text.replace(", rotation) SELECT 1", ") SELECT 1").replace(", 'r'", "")
                          ) == ""  # fmt: skip
    assert_families(url)


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_40001_siblings_written_by_two_transactions_of_one_snapshot_collide(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0008"))
    execute(
        url,
        f"INSERT INTO {COPY} (id, person_id, programme, kind, curriculum)"
        " VALUES (9001, 88, 88, 'k', 1), (9002, 88, 88, 'k', 2)",
    )
    one, two = on_stage(url).race(
        f"UPDATE {COPY} SET rotation = 'one' WHERE id = 9001",
        f"UPDATE {COPY} SET rotation = 'two' WHERE id = 9002",
        isolation,
    )
    assert (one, two) == ("", "40001")
    assert_families(url)
    assert query(url, f"SELECT DISTINCT rotation FROM {COPY} WHERE id > 9000") == [("one",)]
