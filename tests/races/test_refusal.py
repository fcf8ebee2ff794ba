"""The copy at 0003 refuses what would make it differ; cascades that reach both tables pass."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.stages import tables_at
from tests.races.tables import COPY, assert_equal, execute, query


def refused(url: str, text: str) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as raised:
        execute(url, text)
    assert "cannot be written yet" in str(raised.value)
    assert "0004" in (raised.value.diag.message_hint or "")
    assert_equal(url)


DIRECT = {
    "insert": "INSERT INTO s.narrow (person_id, programme, curriculum) VALUES (1, 1, 1)",
    "update": "UPDATE s.narrow SET rotation = 'x' WHERE id = 11",
    "scale": "UPDATE s.narrow SET score = trim_scale(score) WHERE id = 11",
    "id": "UPDATE s.narrow SET id = 15 WHERE id = 11",
    "delete": "DELETE FROM s.narrow WHERE id = 11",
    "truncate": "TRUNCATE s.narrow",
    "merge": "MERGE INTO s.narrow AS t USING (VALUES (11)) AS v (id) ON t.id = v.id"
             " WHEN MATCHED THEN DELETE",
    "replica": "SET session_replication_role = replica; DELETE FROM s.narrow WHERE id = 11",
    "mark": "SET membership_refactor.sync = 'on'; DELETE FROM s.narrow WHERE id = 11",
}  # fmt: skip


@pytest.mark.parametrize("write", DIRECT)
def test_a_direct_write_to_the_copy_is_refused_at_once(
    write: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0003"))
    refused(url, DIRECT[write])


def test_a_direct_write_is_refused_before_the_transaction_ends(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0003"))
    refused(url, f"BEGIN; {DIRECT['update']}; SELECT 1 / 0")


@pytest.mark.parametrize("write", [w for w in DIRECT if w not in ("replica", "mark", "truncate")])
def test_a_write_from_a_nested_trigger_is_refused_when_it_commits(
    write: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0003"))
    execute(
        url,
        "CREATE FUNCTION s.nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{DIRECT[write]}; RETURN NULL; END $$",
        "CREATE TRIGGER nested AFTER INSERT ON s.other"
        " FOR EACH STATEMENT EXECUTE FUNCTION s.nested()",
    )
    refused(url, "INSERT INTO s.other VALUES (1, 1)")
    assert query(url, "SELECT 1 FROM s.other") == []


def test_a_nested_write_that_leaves_both_tables_equal_is_allowed(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0003"))
    execute(
        url,
        "CREATE FUNCTION s.nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "DELETE FROM s.narrow WHERE id = 11; DELETE FROM s.wide WHERE id = 11; RETURN NULL; END $$",
        "CREATE TRIGGER nested AFTER INSERT ON s.other"
        " FOR EACH STATEMENT EXECUTE FUNCTION s.nested()",
        "INSERT INTO s.other VALUES (1, 1)",
        "UPDATE s.narrow SET rotation = rotation WHERE id = 12",
        "DELETE FROM s.narrow WHERE id = -1",
    )
    assert_equal(url)
    assert query(url, f"SELECT 1 FROM {COPY} WHERE id = 11") == []


@pytest.mark.parametrize("revision", ["0003", "0004"])
def test_cascades_that_reach_both_tables_are_allowed(
    revision: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at(revision))
    for text in (
        "DELETE FROM s.person WHERE id = 6",
        "DELETE FROM s.person WHERE id BETWEEN 11 AND 40",
        "UPDATE s.person SET id = id + 90000 WHERE id = 51",
        "UPDATE s.person SET id = id + 90000 WHERE id IN (56, 61)",
        "DELETE FROM s.person",
    ):
        execute(url, text)
        assert_equal(url)
    assert query(url, f"SELECT 1 FROM {COPY}") == []
