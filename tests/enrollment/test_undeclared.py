"""References without a foreign key are named before a merge, and nothing is merged until then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from membership_refactor.cli import merge_duplicates
from membership_refactor.cli.verb import FINDINGS, FINE
from membership_refactor.enrollment.linking import link
from membership_refactor.enrollment.merge import merge, planned
from membership_refactor.enrollment.outcomes import Scope
from membership_refactor.enrollment.plan_from_catalog import plan_from_catalog
from membership_refactor.errors import PortraitMismatch, RefactorError, WrongUse
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.cli.test_duplicates_and_merge import call
from tests.enrollment.tables import CURRICULA, PROGRAMS, contents, enrol, opened, run
from tests.enrollment.tables import unconstrained as build_unconstrained
from tests.enrollment.test_racing_duplicates import invalid, race
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage

REFERENCES = {
    "bare column": (
        "CREATE TABLE note (program_enrollment_id bigint)",
        "note.program_enrollment_id",
    ),
    "end of the name": ("CREATE TABLE note (enrollment_id integer)", "note.enrollment_id"),
    "camel case": (
        'CREATE TABLE note ("ProgramEnrollmentId" bigint)',
        "note.ProgramEnrollmentId",
    ),
    "with a prefix": (
        "CREATE TABLE note (former_program_enrollment_id bigint)",
        "note.former_program_enrollment_id",
    ),
    "array": ("CREATE TABLE note (enrollments bigint[])", "note.enrollments"),
    "array of ids": (
        "CREATE TABLE note (program_enrollment_ids int[])",
        "note.program_enrollment_ids",
    ),
    "as text": ("CREATE TABLE note (program_enrollment_id text)", "note.program_enrollment_id"),
    "domain": (
        "CREATE DOMAIN numbered AS bigint; CREATE TABLE note (enrollment_id numbered)",
        "note.enrollment_id",
    ),
    "history": (
        "CREATE TABLE history (history_id bigint PRIMARY KEY, LIKE program_enrollment)",
        "history.id",
    ),
    "django generic": (
        "CREATE TABLE django_admin_log (content_type_id int, object_id text)",
        "django_admin_log.object_id",
    ),
    "rails polymorphic": (
        "CREATE TABLE comment (commentable_type text, commentable_id bigint)",
        "comment.commentable_id",
    ),
    "audit by table name": (
        "CREATE TABLE audit (table_name text, row_id bigint)",
        "audit.row_id",
    ),
    "document": (
        "CREATE TABLE event (body jsonb); "
        """INSERT INTO event VALUES ('{"a": {"programEnrollmentId": 1}}')""",
        "event.body",
    ),
    "of a dependent": (
        "CREATE TABLE grade (program_course_enrollment_id bigint)",
        "grade.program_course_enrollment_id",
    ),
    "partitioned": (
        "CREATE TABLE note (enrollment_id bigint, at date) PARTITION BY RANGE (at);"
        " CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
        "note.enrollment_id",
    ),
}


@pytest.fixture
def twice(unconstrained_engine: Engine) -> Engine:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, None)
        enrol(connection, 1, "k")
    return unconstrained_engine


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_without_a_foreign_key_is_named_and_stops_the_merge(
    twice: Engine, kind: str
) -> None:
    create, column = REFERENCES[kind]
    with twice.begin() as connection:
        run(connection, create)
    before = contents(twice)
    (named,) = planned(twice, IDENTITY, "public").references
    assert named.startswith(f"public.{column}: ")
    with pytest.raises(PortraitMismatch, match=column) as refused:
        merge(twice, IDENTITY, "public")
    assert "--dependent" in (refused.value.hint or "")
    assert contents(twice) == before
    left = replace(IDENTITY, leave=(column,))
    assert merge(twice, left, "public").merged == 1


@pytest.mark.parametrize(
    "create",
    [
        "CREATE TABLE note (course_enrollment_id bigint, enrollment_mode text, user_id bigint)",
        "CREATE TABLE enrollment (id bigint PRIMARY KEY);"
        " CREATE TABLE note (enrollment_id bigint REFERENCES enrollment)",
        "CREATE TABLE enrollment (id bigint PRIMARY KEY); CREATE TABLE note (enrollment_id bigint)",
        "CREATE TABLE note (object_id bigint, enrollment_id date)",
        "CREATE TABLE event (body jsonb); INSERT INTO event VALUES ('{\"id\": 1}')",
        "CREATE VIEW note AS SELECT id AS enrollment_id FROM program_enrollment",
    ],
)
def test_what_belongs_to_another_table_is_not_named(twice: Engine, create: str) -> None:
    with twice.begin() as connection:
        run(connection, create)
    assert planned(twice, IDENTITY, "public").references == []
    assert merge(twice, IDENTITY, "public").merged == 1


def test_values_tell_where_ids_are_uuids(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        run(connection, "CREATE TABLE guest (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int)")
        run(connection, "INSERT INTO guest (n) VALUES (1), (1)")
        run(connection, "CREATE TABLE seat (taken_by uuid, several uuid[], other uuid)")
        run(connection, "INSERT INTO seat SELECT id, ARRAY[id], gen_random_uuid() FROM guest")
        plan = plan_from_catalog(connection, "public", "guest", identities=["n"], scope=[])
    named = planned(unconstrained_engine, plan, "public").references
    assert [one.split(":")[0] for one in named] == ["public.seat.several", "public.seat.taken_by"]


def test_a_declared_column_moves_and_another_stays_with_a_reason(
    twice: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with twice.begin() as connection:
        run(connection, "CREATE SCHEMA other")
        run(connection, "CREATE TABLE note (id int PRIMARY KEY, enrollment_id bigint)")
        run(connection, "CREATE TABLE other.log (enrollment_id bigint)")
        run(connection, "INSERT INTO note SELECT id, id FROM program_enrollment")
        run(connection, "INSERT INTO other.log SELECT id FROM program_enrollment")
    assert call(twice, merge_duplicates) == FINDINGS
    out = capsys.readouterr().out
    assert "not declared: public.note.enrollment_id: it is named after program_enrollment" in out
    assert "2 columns without a foreign key may refer to these rows" in out
    declared = ["--dependent", "note.enrollment_id", "--leave", "other.log.enrollment_id"]
    with pytest.raises(WrongUse, match="--leave needs --reason"):
        call(twice, merge_duplicates, "--apply", *declared)
    assert call(twice, merge_duplicates, "--apply", "--reason", "old", *declared) == FINE
    with twice.connect() as connection:
        ids = run(connection, "SELECT id FROM program_enrollment")
        assert run(connection, "SELECT DISTINCT enrollment_id FROM note") == ids
        assert len(run(connection, "SELECT DISTINCT enrollment_id FROM other.log")) == 2
        assert run(
            connection, "SELECT reason FROM public_refactor.program_enrollment_merge_run"
        ) == [("old (left as they are: other.log.enrollment_id)",)]
    capsys.readouterr()
    assert call(twice, merge_duplicates, "--undo", "1") == FINDINGS
    assert "name it with --dependent" in capsys.readouterr().out
    assert call(twice, merge_duplicates, "--undo", "1", *declared[:2]) == FINE
    with twice.connect() as connection:
        assert all(row[0] == row[1] for row in run(connection, "SELECT * FROM note"))


def test_a_foreign_key_to_another_column_than_the_id_is_refused(
    unconstrained_engine: Engine,
) -> None:
    """ON DELETE CASCADE would delete its rows, and no column holds an id that could be moved."""
    with unconstrained_engine.begin() as connection:
        run(connection, "CREATE TABLE guest (id bigint PRIMARY KEY, badge bigint UNIQUE, n int)")
        run(
            connection,
            "CREATE TABLE seat (badge bigint REFERENCES guest (badge) ON DELETE CASCADE)",
        )
        with pytest.raises(PortraitMismatch, match="other columns than its primary key"):
            plan_from_catalog(connection, "public", "guest", identities=["n"], scope=[])
        run(connection, "ALTER TABLE program_enrollment ADD badge bigint UNIQUE")
        run(
            connection,
            "CREATE TABLE badge (n bigint REFERENCES program_enrollment (badge) ON DELETE CASCADE)",
        )
    with pytest.raises(PortraitMismatch, match="not by id"):
        merge(unconstrained_engine, IDENTITY, "public")


def test_an_application_that_unites_two_rows_deletes_nothing_behind_the_plan(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        connection = session.connection()
        enrol(connection, 1, None)
        enrol(connection, None, "k")
        run(
            connection,
            "CREATE TABLE note (n bigint REFERENCES program_enrollment ON DELETE CASCADE)",
        )
        run(connection, "INSERT INTO note SELECT id FROM program_enrollment")
        with pytest.raises(PortraitMismatch, match="note_n_fkey"):
            link(session, Scope(PROGRAMS[0], CURRICULA[0]), {"k": 1}, unite=True)
        assert len(run(connection, "SELECT FROM note")) == 2


def test_the_step_that_would_merge_newcomers_names_references_and_leaves_no_index(
    template_database: TemplateDatabase, on_stage: Callable[[str], Stage]
) -> None:
    url = template_database("enrollment unconstrained", build_unconstrained)
    with opened(url) as engine:
        with engine.begin() as connection:
            run(connection, "CREATE TABLE note (enrollment_id bigint)")
        step = race(engine, on_stage(url), (None, "k"))
        with pytest.raises(RefactorError, match=r"public\.note\.enrollment_id") as refused:
            step.result()
        assert "--leave TABLE.COLUMN" in str(refused.value)
        assert invalid(engine) == []
