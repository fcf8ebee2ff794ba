"""Rewriting: edits of the text, everything else byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from membership_refactor.consumers import Consumer
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.rewrite.edits import new_text
from tests.fixtures.databases import NewDatabase
from tests.scan.corpus_reader import corpus, scanned
from tests.scan.scan_text import CAMEL, scan_text
from tests.scan.tables import create_tables


def _new(text: str, folder: Path, *, stage: Stage = Stage.INTERIM) -> tuple[str, FileOutcome]:
    outcome = scan_text(text, folder, stage=stage, rewrite=True)
    return new_text(text, outcome), outcome


def test_the_join_form_touches_only_the_table_and_its_columns(tmp_path: Path) -> None:
    text = (
        "-- ein Kommentar, \u00fcml\u00e4ut\r\nSELECT cm.id,\t\tperson_id\r\n  FROM "
        "curriculum_membership   cm  -- rows\r\n WHERE rotation='x';\r\n"
    )
    new, _ = _new(text, tmp_path)
    assert new == text.replace("person_id", "cm_pm.person_id").replace(
        "rotation=", "cm_pm.rotation="
    ).replace(
        "curriculum_membership   cm",
        "(curriculum_membership cm JOIN programme_membership cm_pm "
        "ON cm_pm.uuid = cm.programme_membership_uuid)",
    )


LISTED = Consumer(name="listed", tables={"curriculum_membership": SPLIT.source_columns})


def test_stars_get_the_derived_form_with_the_old_columns_in_order(tmp_path: Path) -> None:
    text = "SELECT cm.* FROM curriculum_membership cm"
    outcome = scan_text(text, tmp_path, consumer=LISTED, rewrite=True)
    new = new_text(text, outcome)
    assert outcome.rewrites[0].form == "derived"
    assert new.startswith("SELECT cm.* FROM (SELECT c_.id, p_.person_id, p_.programme_id")
    assert new.endswith(") cm")


def test_declared_columns_keep_their_order_and_those_that_the_plan_does_not_name(
    tmp_path: Path,
) -> None:
    columns = ("notes", "rotation", "id", *SPLIT.source_columns)
    listed = tuple(dict.fromkeys(columns))
    consumer = Consumer(name="own", tables={"curriculum_membership": listed})
    text = "SELECT * FROM curriculum_membership"
    new = new_text(text, scan_text(text, tmp_path, consumer=consumer, rewrite=True))
    assert new.startswith("SELECT * FROM (SELECT c_.notes, p_.rotation, c_.id, p_.person_id")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM curriculum_membership WHERE person_id = 3",
        "SELECT cm.* FROM curriculum_membership cm",
        "SELECT row_to_json(cm) FROM curriculum_membership cm",
        "SELECT cm FROM curriculum_membership cm",
        "SELECT i, q FROM curriculum_membership AS w(i, q)",
        "INSERT INTO audit SELECT * FROM curriculum_membership",
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM curriculum_membership",
    ],
)
def test_a_star_whose_columns_nobody_listed_is_left(text: str, tmp_path: Path) -> None:
    new, outcome = _new(text, tmp_path)
    assert new == text
    assert "in their order" in outcome.rewrites[0].reason


def test_a_star_in_exists_reads_no_column(tmp_path: Path) -> None:
    text = (
        "SELECT p.id FROM person p WHERE EXISTS "
        "(SELECT * FROM curriculum_membership cm WHERE cm.person_id = p.id)"
    )
    assert _new(text, tmp_path)[1].rewrites[0].new is not None


@pytest.mark.parametrize(
    "head",
    [
        "CREATE FUNCTION g(p bigint) RETURNS SETOF curriculum_membership LANGUAGE sql AS $$ {}; $$",
        "CREATE FUNCTION g() RETURNS curriculum_membership LANGUAGE sql AS $$ {}; $$",
        "CREATE FUNCTION g(w public.curriculum_membership) RETURNS int LANGUAGE sql AS $$ {}; $$",
        "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS "
        "$$ DECLARE r curriculum_membership; BEGIN {}; END $$",
        "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS "
        "$$ DECLARE r curriculum_membership%ROWTYPE; BEGIN {}; END $$",
        'DO $$ DECLARE r public."curriculum_membership" := NULL; BEGIN {}; END $$',
    ],
)
def test_a_routine_with_the_tables_row_type_is_left(head: str, tmp_path: Path) -> None:
    statement = "SELECT * FROM curriculum_membership WHERE rotation = 'x'"
    for text in (head.format(statement), head.format("PERFORM 1; " + statement)):
        outcome = scan_text(text, tmp_path, consumer=LISTED, rewrite=True)
        assert new_text(text, outcome) == text
        assert any("row type" in rewritten.reason for rewritten in outcome.rewrites)


def test_a_routine_without_a_row_type_is_rewritten(tmp_path: Path) -> None:
    text = (
        "CREATE FUNCTION g(p bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE n int; "
        "BEGIN RETURN QUERY SELECT rotation FROM curriculum_membership; END $$"
    )
    assert "JOIN programme_membership" in _new(text, tmp_path)[0]


@pytest.mark.parametrize(
    "text",
    [
        "WITH gone AS (DELETE FROM curriculum_membership WHERE person_id = 3 RETURNING id, "
        "rotation) INSERT INTO audit (note) SELECT rotation FROM gone",
        "WITH changed AS (UPDATE curriculum_membership SET period_of_grace = 1 WHERE person_id = 3 "
        "RETURNING id) DELETE FROM audit USING changed WHERE audit.id = changed.id",
        "WITH changed AS (UPDATE curriculum_membership SET rotation = 'x' RETURNING id) "
        "SELECT id FROM changed",
    ],
)
def test_a_write_inside_another_statement_is_left_with_its_reason(
    text: str, tmp_path: Path
) -> None:
    new, outcome = _new(text, tmp_path)
    assert new == text
    assert "inside another statement" in outcome.rewrites[0].reason


def test_joins_in_brackets_of_brackets_are_rewritten(tmp_path: Path) -> None:
    text = (
        "SELECT p.id FROM person p LEFT JOIN (curriculum_membership cm "
        "JOIN programme g ON g.id = cm.programme_id) ON cm.person_id = p.id"
    )
    new, outcome = _new(text, tmp_path)
    assert outcome.rewrites[0].new is not None, outcome.rewrites[0].reason
    assert "ON g.id = cm_pm.programme_id) ON cm_pm.person_id = p.id" in new


def test_a_formula_of_hibernate_is_left(tmp_path: Path) -> None:
    text = (
        '@Formula("(select cm.rotation from curriculum_membership cm where cm.id = id)")\n'
        "String rotation;\n"
    )
    outcome = scan_text(f"class A {{ {text} }}", tmp_path, name="A.java", rewrite=True)
    assert [rewritten.new for rewritten in outcome.rewrites] == [None]
    assert "formula" in outcome.rewrites[0].reason


def test_a_statement_of_staying_columns_is_left_alone_at_interim(tmp_path: Path) -> None:
    text = "SELECT id, curriculum_id FROM curriculum_membership"
    assert _new(text, tmp_path)[0] == text


def test_a_statement_of_staying_columns_only_takes_the_new_name_at_legacy(tmp_path: Path) -> None:
    new, _ = _new("SELECT pm.id FROM programme_membership pm", tmp_path, stage=Stage.LEGACY)
    assert new == "SELECT pm.id FROM curriculum_membership pm"


def test_an_update_of_the_parent_leaves_childless_ones_alone_whatever_the_table_was_called(
    tmp_path: Path,
) -> None:
    update = "UPDATE {0} SET rotation = 'x' WHERE {0}.person_id = 2"
    for table, stage in ((SPLIT.source, Stage.LEGACY), (SPLIT.child, Stage.INTERIM)):
        new, outcome = _new(update.format(table), tmp_path, stage=stage)
        assert new == (
            "UPDATE programme_membership SET rotation = 'x' WHERE EXISTS (SELECT 1 FROM "
            "curriculum_membership child_ WHERE child_.programme_membership_uuid = "
            "programme_membership.uuid) AND ( programme_membership.person_id = 2)"
        ), outcome.rewrites


def test_a_function_of_a_schema_keeps_it_and_its_columns_move(tmp_path: Path) -> None:
    new, _ = _new("SELECT app.f(cm.rotation, 1) FROM curriculum_membership cm", tmp_path)
    assert new.startswith("SELECT app.f(cm_pm.rotation, 1) FROM (curriculum_membership cm JOIN")


def test_grouping_by_the_childs_key_takes_the_parents_key_in(tmp_path: Path) -> None:
    text = "SELECT cm.id, cm.rotation, count(*) FROM curriculum_membership cm GROUP BY cm.id"
    assert _new(text, tmp_path)[0].endswith("GROUP BY cm.id, cm_pm.uuid")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("UPDATE curriculum_membership SET person_id = 1", "identifies the parent"),
        ("UPDATE curriculum_membership SET rotation = 'x' WHERE id = 1", "siblings"),
        (
            "UPDATE curriculum_membership SET rotation = 'x' WHERE person_id = 1 RETURNING id",
            "one row for each parent",
        ),
        (
            "UPDATE curriculum_membership SET rotation = 'x' RETURNING rotation",
            "one row for each parent",
        ),
        ("INSERT INTO curriculum_membership VALUES (1)", "names no columns"),
        (
            "INSERT INTO curriculum_membership (person_id) VALUES (1), (2)",
            "several rows",
        ),
        (
            "MERGE INTO curriculum_membership w USING i ON i.id = w.person_id "
            "WHEN MATCHED THEN DELETE",
            "MERGE",
        ),
        ("CREATE POLICY p ON curriculum_membership USING (rotation = 'x')", "policy"),
        (
            "DO $$ DECLARE d curriculum_membership.rotation%TYPE; BEGIN NULL; END $$",
            "takes its type",
        ),
    ],
)
def test_what_is_not_mechanical_is_left_and_says_why(
    text: str, reason: str, tmp_path: Path
) -> None:
    new, outcome = _new(text, tmp_path)
    assert new == text
    assert reason in outcome.rewrites[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO curriculum_membership (person_id, programme_id, programme_start_date, "
        "curriculum_id) VALUES (5001, 5002, '2030-01-01', 3)",
        "UPDATE curriculum_membership SET leaving_reason = 'gone' WHERE person_id = 8",
        "UPDATE curriculum_membership w SET rotation = 'South', intrepid_id = 'x1' "
        "WHERE w.programme_id = 9",
        "UPDATE curriculum_membership SET period_of_grace = 4 WHERE training_pathway IS NULL",
        "DELETE FROM curriculum_membership WHERE programme_end_date < '2020-01-01'",
    ],
)
def test_split_writes_leave_the_rows_that_the_old_statement_left(
    text: str, tmp_path: Path, new_database: NewDatabase
) -> None:
    rewritten = _new(text, tmp_path)[1].rewrites[0]
    assert rewritten.new is not None, rewritten.reason
    engine = create_engine(new_database())
    with engine.connect() as connection:
        create_tables(connection)
        compared = Comparer(connection, SPLIT).compare(text, rewritten.new)
    engine.dispose()
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"


def test_strings_of_a_program_are_edited_in_place_with_their_escapes(tmp_path: Path) -> None:
    text = 'String q = "SELECT cm.personId " +\n   "FROM CurriculumMembership cm\\n WHERE 1=1";\n'
    outcome = scan_text(text, tmp_path, name="A.java", consumer=CAMEL, rewrite=True)
    new = new_text(text, outcome)
    assert 'SELECT cm_pm.personId " +\n   "FROM (CurriculumMembership cm JOIN' in new
    assert new.endswith('\\n WHERE 1=1";\n')


def test_at_least_95_percent_of_the_mechanical_queries_are_rewritten(tmp_path: Path) -> None:
    done = left = 0
    for statement in corpus():
        if statement.query and statement.mechanical and statement.group != "jpql":
            for rewritten in scanned(statement, tmp_path, rewrite=True).rewrites:
                done += rewritten.new is not None
                left += rewritten.new is None
    assert done >= 60
    assert done >= 0.95 * (done + left)


def test_jpql_goes_through_the_association(tmp_path: Path) -> None:
    text = "SELECT cm.id FROM CurriculumMembership cm WHERE cm.person.id = :p AND cm.rotation = 'x'"
    outcome = scan_text(text, tmp_path, name="a.jpql", consumer=CAMEL, rewrite=True)
    assert new_text(text, outcome) == text.replace(
        "cm.person.id", "cm.programmeMembership.person.id"
    ).replace("cm.rotation", "cm.programmeMembership.rotation")


@pytest.mark.parametrize(
    ("text", "wheres"),
    [
        ("UPDATE curriculum_membership SET rotation = 'x' -- all of them", 2),
        ("UPDATE curriculum_membership SET rotation = 'x' -- all\n;", 2),
        (
            "UPDATE curriculum_membership SET rotation = 'x', -- why, so\n intrepid_id = '7' "
            "WHERE person_id = 8",
            3,
        ),
        (
            "UPDATE curriculum_membership SET intrepid_id = '7', rotation = 'x', -- why,\n "
            "period_of_grace = 2 WHERE person_id = 8",
            3,
        ),
        ("DELETE FROM curriculum_membership WHERE rotation = 'x' -- gone, all", 1),
    ],
)
def test_a_comment_in_a_write_hides_nothing_that_is_added(
    text: str, wheres: int, tmp_path: Path
) -> None:
    (rewritten,) = _new(text, tmp_path)[1].rewrites
    assert rewritten.new is not None, rewritten.reason
    shown = re.sub("--.*", "", rewritten.new)
    assert shown.count("WHERE") == wheres
    assert not re.search(r",\s*(WHERE|FROM|$)", shown)
    assert shown.count("(") == shown.count(")")
