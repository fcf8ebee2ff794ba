"""A blank value, or a word that the plan lists, identifies nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from membership_refactor.cli import duplicates, merge_duplicates
from membership_refactor.cli.verb import FINDINGS
from membership_refactor.enrollment.add_constraints import add_constraints
from membership_refactor.enrollment.enrolling import Request, write_enrollments
from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.outcomes import Result, Scope
from membership_refactor.errors import CheckFailed
from membership_refactor.planning import Alternative
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.cli.test_duplicates_and_merge import call
from tests.enrollment.tables import CURRICULA, PROGRAMS, contents, enrol, opened, run
from tests.enrollment.tables import unconstrained as build_unconstrained
from tests.enrollment.test_racing_duplicates import invalid, race
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage

PLAN = replace(IDENTITY, no_identity=("N/A", "(none)"))
COUNT = "SELECT count(*)::int FROM program_enrollment"
NOBODY = ("", "  ", "\t\n", "\u00a0", "\u200b", "\ufeff \u3000", "n/a", " N/A\u00a0", "(NONE)")


@pytest.mark.parametrize("key", NOBODY)
def test_rows_that_share_no_identity_stay_apart_and_the_update_makes_them_null(
    unconstrained_engine: Engine, key: str
) -> None:
    with unconstrained_engine.begin() as connection:
        for user in (1, 2, None, None):
            enrol(connection, user, key)
        for _ in range(2):
            enrol(connection, None, "none")
    merge(unconstrained_engine, PLAN, "public")
    with unconstrained_engine.begin() as connection:
        assert run(connection, COUNT) == [(5,)]
    with pytest.raises(CheckFailed, match="blank or a word") as refused:
        add_constraints(unconstrained_engine, PLAN, "public")
    update = (refused.value.hint or "").split("Make it NULL: ")[1]
    with unconstrained_engine.begin() as connection:
        run(connection, update)
        given = "SELECT external_user_key FROM program_enrollment WHERE external_user_key > ''"
        assert run(connection, given) == [("none",)]


def test_a_real_key_replaces_the_blank_of_the_row_that_is_kept(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "")
        enrol(connection, 1, "k", status="canceled")
        enrol(connection, 2, None)
        enrol(connection, 2, " ", status="canceled")
    merge(unconstrained_engine, PLAN, "public")
    with unconstrained_engine.begin() as connection:
        found = run(connection, "SELECT user_id, external_user_key FROM program_enrollment")
    assert sorted(found) == [(1, "k"), (2, None)]


@pytest.mark.parametrize("key", [*NOBODY, "\u115f\u034f", "null"])
def test_duplicates_has_a_kind_for_them_and_says_the_update(
    unconstrained_engine: Engine, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with unconstrained_engine.begin() as connection:
        blank = enrol(connection, 1, key)
        enrol(connection, 2, "a n/a b")
    words = [part for word in PLAN.no_identity for part in ("--no-identity", word)]
    assert call(unconstrained_engine, duplicates, *words) == FINDINGS
    out = capsys.readouterr().out
    assert "1 blank: values that identify nobody" in out
    assert call(unconstrained_engine, duplicates, *words, format="json") == FINDINGS
    made = json.loads(capsys.readouterr().out)
    (finding,) = made["findings"]
    assert (finding["kind"], finding["rows"][0]["id"]) == ("blank", blank)
    assert f"  {finding['update']};\n" in out
    with unconstrained_engine.begin() as connection:
        run(connection, finding["update"])
        given = "SELECT external_user_key FROM program_enrollment ORDER BY id"
        assert run(connection, given) == [(None,), ("a n/a b",)]


def test_unseen_characters_around_a_key_make_it_another_spelling(
    unconstrained_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with unconstrained_engine.begin() as connection:
        for key in ("key", "Key\u00a0", "\u200bkey"):
            enrol(connection, None, key)
    assert call(unconstrained_engine, duplicates, format="json") == FINDINGS
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"spellings": 1, "padded": 2}
    assert len(found["findings"][0]["rows"]) == 3


def test_a_word_of_the_command_line_keeps_rows_apart(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, None, "Unknown")
        enrol(connection, None, "Unknown ")
        enrol(connection, None, "Unknown")
    before = contents(unconstrained_engine)
    assert call(unconstrained_engine, merge_duplicates, "--apply", "--no-identity", "unknown") == 0
    assert contents(unconstrained_engine) == before


@pytest.mark.parametrize("word", ["0", "-1"])
def test_a_number_is_no_identity_where_the_plan_says_so(
    unconstrained_engine: Engine, word: str
) -> None:
    plan = replace(IDENTITY, no_identity=(word, "N/A"))
    with unconstrained_engine.begin() as connection:
        for key in ("a", "b", "10"):
            enrol(connection, int(word), key)
    report = merge(unconstrained_engine, plan, "public")
    assert (report.merged, report.left) == (0, {})
    with pytest.raises(CheckFailed, match="no user_id of program_enrollment is blank"):
        add_constraints(unconstrained_engine, plan, "public")


@pytest.mark.parametrize("kind", ["char(9)", 'varchar COLLATE "C"'])
def test_a_blank_is_none_though_the_plan_calls_its_column_no_text(
    unconstrained_engine: Engine, kind: str
) -> None:
    key = Alternative(column="external_user_key", constraint="uq_program_enrollment_key")
    plan = replace(IDENTITY, alternatives=(IDENTITY.alternatives[0], key), no_identity=())
    with unconstrained_engine.begin() as connection:
        run(connection, f"ALTER TABLE program_enrollment ALTER external_user_key TYPE {kind}")
        for _ in range(2):
            enrol(connection, None, "  ")
    assert merge(unconstrained_engine, plan, "public").merged == 0


@pytest.mark.parametrize("key", ["n/a", "\u00a0", "k\u200b"])
def test_an_application_cannot_enrol_somebody_by_such_a_key(
    unconstrained_engine: Engine, key: str
) -> None:
    with Session(unconstrained_engine) as session:
        scope = Scope(program=PROGRAMS[0], curriculum=CURRICULA[0])
        (outcome,) = write_enrollments(session, scope, [Request(external_user_key=key)])
    assert outcome.result is Result.INVALID_KEY


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("enrollment unconstrained", build_unconstrained)


def test_blanks_that_are_written_during_a_build_stop_it_and_stay(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    with opened(url) as engine:
        with engine.begin() as connection:
            enrol(connection, 5, "")
        step = race(engine, on_stage(url), (None, ""))
        with pytest.raises(CheckFailed, match="blank or a word"):
            step.result()
        assert invalid(engine) == []
        with engine.connect() as connection:
            count = "SELECT count(*)::int FROM program_enrollment WHERE external_user_key = ''"
            assert run(connection, count) == [(2,)]


def test_a_merge_during_a_build_is_said(
    url: str, on_stage: Callable[[str], Stage], capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(url) as engine:
        assert race(engine, on_stage(url), (None, "k")).result().merged == 1
        with engine.connect() as connection:
            kept = "SELECT id FROM program_enrollment WHERE external_user_key = 'k'"
            ((survivor,),) = run(connection, kept)
    said = capfd.readouterr().err
    assert "1 learner merged, 1 row fewer (run 1; first: " in said
    assert f" into {survivor})" in said
