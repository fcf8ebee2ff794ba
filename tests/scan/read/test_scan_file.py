"""Hosts: SQL found in Python, Java, templates, bodies and the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from membership_refactor.consumers import DEFAULT, Consumer, Fragment, Look
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.read.catalog import catalog_outcomes
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser
from tests.fixtures.databases import NewDatabase
from tests.scan.scan_text import CAMEL, columns, scan_text

PYTHON = """
SQL = "SELECT person_id FROM curriculum_membership cm "
def run(connection, number, table):
    connection.execute(SQL + "WHERE cm.rotation = %s", (number,))
    connection.execute(f"SELECT id FROM curriculum_membership WHERE programme_id = {number}")
    text = "SELECT id FROM curriculum_membership "
    if number:
        text += "WHERE leaving_reason IS NULL"
    connection.execute("SELECT training_pathway FROM {} ".format(table))
"""

JAVA = """
class Repository {
  static final String TABLE = "CurriculumMembership";
  @Query("SELECT cm.id FROM CurriculumMembership cm WHERE cm.person.id = :id")
  List<Long> first();
  @Query(nativeQuery = true, value = \"\"\"
      SELECT cm.rotation
      FROM CurriculumMembership cm
      \"\"\")
  List<String> second();
  void third(StringBuilder unused) {
    StringBuilder sb = new StringBuilder("SELECT programmeId ");
    if (unused == null) { log(); }
    sb.append("FROM ").append(TABLE);
    sb.append(" WHERE leavingReason = ?");
    String q = "SELECT COUNT(*) FROM " + TABLE + " WHERE rotationId = " + id;
  }
}
"""


def test_python_strings_are_folded_over_plus_format_and_growth(tmp_path: Path) -> None:
    outcome = scan_text(PYTHON, tmp_path, name="service.py")
    assert columns(outcome) == [
        "person_id", "rotation", "programme_id", "leaving_reason", "training_pathway",
    ]  # fmt: skip
    pathway = outcome.references[-1]
    assert not pathway.certain and "run time" in pathway.why


def test_java_strings_are_folded_over_plus_append_constants_and_queries(tmp_path: Path) -> None:
    outcome = scan_text(JAVA, tmp_path, name="Repository.java", consumer=CAMEL)
    assert columns(outcome) == [
        "person_id", "rotation", "programme_id", "leaving_reason", "rotation_id",
    ]  # fmt: skip
    lines = JAVA.splitlines()
    for reference in outcome.references:
        rest = lines[reference.place.line - 1][reference.place.column - 1 :]
        assert rest.startswith(reference.written)


def test_every_hole_of_a_template_is_listed(tmp_path: Path) -> None:
    text = (
        "SELECT cm.personId FROM {{ ref('CurriculumMembership') }} cm\n"
        "WHERE cm.programmeId IN ({{ ids }}) ${more};\n"
    )
    outcome = scan_text(text, tmp_path, name="query.sql.j2", consumer=CAMEL)
    assert columns(outcome) == ["person_id", "programme_id"]
    holes = [note for note in outcome.notes if note.look is Look.HOLE]
    assert [(note.place.line, note.place.column) for note in holes] == [(2, 26), (2, 37)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT cm.id FROM CurriculumMembership cm FILTERED(cm, rotationId)",
        "SELECT cm.id FROM CurriculumMembership cm WHERE INRANGE(cm, rotationId)",
        "SELECT cm.id FROM CurriculumMembership cm onlyThose(cm.rotationId, 3) LIMITED",
        "SELECT id FROM CurriculumMembership @@WHERE(rotationId)@@",
        "SELECT cm.id FROM CurriculumMembership cm KEPT(cm, rotationId) AND cm.id ==== 2",
    ],
)
def test_a_column_in_an_undeclared_macro_or_broken_text_is_never_missed_in_silence(
    text: str, tmp_path: Path
) -> None:
    outcome = scan_text(text, tmp_path, consumer=CAMEL)
    assert "rotation_id" in columns(outcome)
    assert any(note.look in (Look.MACRO, Look.UNPARSED) for note in outcome.notes)


def test_a_declared_fragment_is_resolved_inside_its_host(tmp_path: Path) -> None:
    host, part = tmp_path / "host.sql", tmp_path / "part.sql"
    host.write_text("SELECT p.id FROM Person p JOIN CurriculumMembership cm ON 1 = 1 WHEREPART;")
    consumer = Consumer(
        name="x", dialect="mysql", names=CAMEL.names, fragments=(Fragment(part, (host,)),)
    )
    outcome = scan_text("WHERE rotationId = :r", tmp_path, name="part.sql", consumer=consumer)
    assert [(r.column, r.certain) for r in outcome.references] == [("rotation_id", True)]
    assert [danger.code for danger in outcome.dangers] == ["ambiguous"]


def test_a_fragment_without_a_host_is_unsure_and_listed(tmp_path: Path) -> None:
    outcome = scan_text("AND cm.rotation_id = :r", tmp_path)
    assert [(r.column, r.certain) for r in outcome.references] == [("rotation_id", False)]
    assert any(note.look is Look.FRAGMENT for note in outcome.notes)


def test_words_that_the_parser_does_not_report_are_listed_with_the_reason(tmp_path: Path) -> None:
    text = "-- once rotation_id\nSELECT id, 'person_id' FROM curriculum_membership;\n"
    notes = [n.message for n in scan_text(text, tmp_path).notes if n.look is Look.TEXT]
    assert any("rotation_id" in note and "comment" in note for note in notes)
    assert any("person_id" in note and "string" in note for note in notes)


def test_views_and_bodies_of_the_database_are_found_by_column(new_database: NewDatabase) -> None:
    engine = create_engine(new_database())
    definitions = (
        "CREATE TABLE curriculum_membership (id bigint, person_id bigint, programme_id bigint, "
        "programme_membership_type text, programme_start_date date, programme_end_date date, "
        "rotation text, rotation_id bigint, training_number_id bigint, training_pathway text, "
        "leaving_reason text, leaving_destination text, curriculum_id bigint)",
        "CREATE VIEW people AS SELECT person_id FROM curriculum_membership",
        "CREATE VIEW curricula AS SELECT curriculum_id FROM curriculum_membership",
        "CREATE FUNCTION places() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN "
        "RETURN QUERY SELECT rotation FROM curriculum_membership; END $$",
    )
    with engine.begin() as connection:
        for definition in definitions:
            connection.exec_driver_sql(definition)
        scanner = FileScanner(Analyser(SPLIT, Stage.INTERIM, DEFAULT))
        found = {
            outcome.path: columns(outcome)
            for outcome in catalog_outcomes(connection, "public", scanner)
        }
    engine.dispose()
    assert found["view public.people"] == ["person_id"]
    assert found["function public.places()"] == ["rotation"]
    assert "view public.curricula" not in found


def test_bodies_that_do_not_name_the_table_plainly_are_found_or_open(
    new_database: NewDatabase,
) -> None:
    engine = create_engine(new_database())
    rows = (
        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('x', to_jsonb(NEW)::text); "
    )
    definitions = (
        "CREATE TABLE curriculum_membership (id bigint, person_id bigint, rotation text)",
        "CREATE TABLE another (id bigint)",
        "CREATE FUNCTION joined() RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
        "EXECUTE 'TABLE curriculum' || '_membership'; END $$",
        "CREATE FUNCTION by_name() RETURNS xml LANGUAGE sql AS "
        "$$ SELECT table_to_xml('curriculum_membership', true, true, '') $$",
        f"CREATE FUNCTION shared() {rows} RETURN NEW; END $$",
        f"CREATE FUNCTION only_another() {rows} RETURN NEW; END $$",
        "CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO another SELECT n.id FROM n; RETURN NULL; END $$",
        "CREATE TRIGGER c AFTER INSERT ON curriculum_membership REFERENCING NEW TABLE AS n "
        "FOR EACH STATEMENT EXECUTE FUNCTION changed()",
        *(
            f"CREATE TRIGGER t{number} AFTER INSERT ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION {function}()"
            for number, (table, function) in enumerate(
                (("another", "shared"), ("curriculum_membership", "shared"),
                 ("another", "only_another"))
            )
        ),
    )  # fmt: skip
    with engine.begin() as connection:
        for definition in definitions:
            connection.exec_driver_sql(definition)
        scanner = FileScanner(Analyser(SPLIT, Stage.INTERIM, DEFAULT))
        found = {
            outcome.path.split(".")[-1]
            for outcome in catalog_outcomes(connection, "public", scanner)
            if outcome.references or any(note.open for note in outcome.notes)
        }
    engine.dispose()
    assert found == {"joined()", "by_name()", "shared()", "changed()"}
