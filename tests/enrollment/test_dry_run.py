"""A dry run tries what it promises, and what cannot be merged stops its own learner only."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event

from membership_refactor.cli import merge_duplicates
from membership_refactor.cli.verb import FINDINGS
from membership_refactor.enrollment.merge import merge, planned
from membership_refactor.enrollment.undo import undo
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.cli.test_duplicates_and_merge import call
from tests.enrollment.tables import contents, enrol, run

TRIGGER = """
CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
CREATE {constraint} TRIGGER odd {when} ON {table} {timing} FOR EACH ROW EXECUTE FUNCTION odd()
"""


def trigger(
    body: str,
    when: str = "BEFORE UPDATE",
    table: str = "program_course_enrollment",
    *,
    deferred: bool = False,
) -> str:
    return TRIGGER.format(
        body=body,
        when=when,
        table=table,
        constraint="CONSTRAINT" if deferred else "",
        timing="DEFERRABLE INITIALLY DEFERRED" if deferred else "",
    )


COURSE = "program_course_enrollment"
OBSTACLES = {
    "partial unique index": (
        f"CREATE UNIQUE INDEX one_bad ON {COURSE} (program_enrollment_id)"
        " WHERE course_key LIKE 'bad%'",
        "one_bad",
    ),
    "raising trigger": (
        trigger("IF OLD.course_key LIKE 'bad%' THEN RAISE 'it is final'; END IF; RETURN NEW;"),
        "it is final",
    ),
    "trigger that skips": (
        trigger("IF OLD.course_key LIKE 'bad%' THEN RETURN NULL; END IF; RETURN NEW;"),
        "was not updated",
    ),
    "trigger that puts back": (
        trigger(
            "IF OLD.course_key LIKE 'bad%' THEN"
            " NEW.program_enrollment_id := OLD.program_enrollment_id; END IF; RETURN NEW;"
        ),
        "did not take program_enrollment_id",
    ),
    "deferred trigger": (
        trigger(
            "IF OLD.course_key LIKE 'bad%' THEN RAISE 'too late'; END IF; RETURN NULL;",
            "AFTER UPDATE",
            deferred=True,
        ),
        "too late",
    ),
    "delete that is skipped": (
        trigger(
            "IF OLD.user_id = 2 THEN RETURN NULL; END IF; RETURN OLD;",
            "BEFORE DELETE",
            "program_enrollment",
        ),
        "was not deleted",
    ),
    "identity that is put back": (
        trigger(
            "IF OLD.user_id = 2 THEN NEW.external_user_key := OLD.external_user_key; END IF;"
            " RETURN NEW;",
            "BEFORE UPDATE",
            "program_enrollment",
        ),
        "did not take external_user_key",
    ),
    "check": (
        f"ALTER TABLE {COURSE} ADD CHECK (course_key NOT LIKE 'bad%' OR"
        " program_enrollment_id <> {survivor}) NOT VALID",
        "violates check constraint",
    ),
    "assert": (
        trigger("ASSERT OLD.course_key NOT LIKE 'bad%', 'kept'; RETURN NEW;"),
        "kept",
    ),
    "division by zero": (
        trigger(
            "IF OLD.course_key LIKE 'bad%' THEN PERFORM 1 / 0; END IF; RETURN NEW;",
        ),
        "division by zero",
    ),
    "missing table": (
        trigger(
            "IF OLD.course_key LIKE 'bad%' THEN DELETE FROM nowhere; END IF; RETURN NEW;",
        ),
        "nowhere",
    ),
}


def fill(engine: Engine) -> list[tuple[int, int]]:
    """Three learners with two rows each; the second has the courses that something refuses."""
    pairs = []
    with engine.begin() as connection:
        for user in (1, 2, 3):
            bad = "bad" if user == 2 else "good"
            first = enrol(connection, user, None, courses=(f"{bad} 1",))
            second = enrol(
                connection, user, f"k{user}", status="canceled", courses=(f"{bad} 2", f"{bad} 3")
            )
            pairs.append((first, second))
    return pairs


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_dry_run_finds_it_and_a_merge_leaves_only_its_learner(
    unconstrained_engine: Engine, obstacle: str
) -> None:
    create, says = OBSTACLES[obstacle]
    pairs = fill(unconstrained_engine)
    if obstacle == "partial unique index":
        # Each row has at most one such course now; two would come together.
        with unconstrained_engine.begin() as connection:
            run(connection, f"DELETE FROM {COURSE} WHERE course_key = 'bad 3'")
    with unconstrained_engine.begin() as connection:
        run(connection, create.replace("{survivor}", str(pairs[1][0])))
    before = contents(unconstrained_engine)
    tried = planned(unconstrained_engine, IDENTITY, "public")
    assert contents(unconstrained_engine) == before
    assert [d.survivor.id for d in tried.decisions] == [pairs[0][0], pairs[2][0]]
    assert list(tried.left) == [pairs[1]]
    assert says in tried.left[pairs[1]]
    report = merge(unconstrained_engine, IDENTITY, "public")
    assert (report.merged, report.left) == (2, tried.left)
    left = [row for row in before["program_enrollment"] if row[0] in pairs[1]]
    after = contents(unconstrained_engine)["program_enrollment"]
    assert [row for row in after if row[0] in pairs[1]] == left
    assert len(after) == 4


UNREADABLE = """
CREATE TYPE essay AS ENUM ('odd', 'even');
CREATE FUNCTION to_json_or_not(essay) RETURNS json LANGUAGE plpgsql AS
  $$ BEGIN IF $1 = 'odd' THEN RAISE 'no JSON'; END IF; RETURN '1'; END $$;
CREATE CAST (essay AS json) WITH FUNCTION to_json_or_not(essay);
ALTER TABLE program_course_enrollment ADD essay essay;
UPDATE program_course_enrollment SET essay = 'odd' WHERE course_key = 'bad 2'
"""
OVERSIZED = """
ALTER TABLE program_course_enrollment ADD essay text;
UPDATE program_course_enrollment SET essay = repeat('x', 270000000) WHERE course_key = 'bad 2'
"""


@pytest.mark.parametrize("odd", [UNREADABLE, pytest.param(OVERSIZED, marks=pytest.mark.slow)])
def test_a_row_that_cannot_be_recorded_leaves_its_learner(
    unconstrained_engine: Engine, odd: str
) -> None:
    """JSON cannot hold it, so even to read it beside the rows of others fails."""
    pairs = fill(unconstrained_engine)
    with unconstrained_engine.begin() as connection:
        run(connection, odd)
    tried = planned(unconstrained_engine, IDENTITY, "public")
    report = merge(unconstrained_engine, IDENTITY, "public")
    assert (report.merged, list(report.left)) == (2, [pairs[1]])
    assert report.left == tried.left
    assert "the database refused it" in report.left[pairs[1]]


def test_learners_that_are_left_are_counted_by_reason(
    unconstrained_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with unconstrained_engine.begin() as connection:
        for user in range(1, 9):
            enrol(connection, user, None, courses=("a",))
            enrol(connection, user, "k" + str(user), courses=("b",))
        run(connection, trigger("RAISE 'it is final';"))
    assert call(unconstrained_engine, merge_duplicates, "--apply") == FINDINGS
    out = capsys.readouterr().out
    assert "left unchanged: 1, 2; 3, 4; 5, 6; 7, 8; 9, 10 and 3 more groups: the database" in out
    assert "0 learners merged, 0 rows fewer, 8 groups left unchanged" in out


def test_an_undo_that_a_trigger_refuses_stops_its_own_merge_only(
    unconstrained_engine: Engine,
) -> None:
    fill(unconstrained_engine)
    run_number = merge(unconstrained_engine, IDENTITY, "public").run
    assert run_number is not None
    with unconstrained_engine.begin() as connection:
        body = "IF NEW.user_id = 2 THEN RAISE 'no way back'; END IF; RETURN NEW;"
        run(connection, trigger(body, "BEFORE INSERT", "program_enrollment"))
    report = undo(unconstrained_engine, IDENTITY, "public", run_number)
    assert report.undone == 2
    assert ["no way back" in why for why in report.refused.values()] == [True]


@pytest.mark.parametrize("kind", ["read only", "no right"])
def test_a_session_that_may_not_write_only_reads_and_says_so(
    unconstrained_engine: Engine, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(unconstrained_engine)
    with unconstrained_engine.begin() as connection:
        run(connection, "CREATE ROLE dry_run_reader")
        run(connection, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO dry_run_reader")
    begins = {
        "read only": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "no right": "SET SESSION AUTHORIZATION dry_run_reader",
    }
    reader = create_engine(unconstrained_engine.url)

    @event.listens_for(reader, "connect")
    def _begin(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.execute(begins[kind].encode())
        connection.commit()

    try:
        assert call(reader, merge_duplicates, format="json") == FINDINGS
    finally:
        reader.dispose()
        with unconstrained_engine.begin() as connection:
            run(connection, "DROP OWNED BY dry_run_reader")
            run(connection, "DROP ROLE dry_run_reader")
    said = capsys.readouterr()
    assert (json.loads(said.out)["merged"], json.loads(said.out)["tried"]) == (3, False)
