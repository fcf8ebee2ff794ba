"""What the database refuses arrives as an exception that names constraint and row in the way."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from membership_refactor.enrollment.refusals import refusals
from membership_refactor.models.enrollment import ProgramCourseEnrollment, ProgramEnrollment
from membership_refactor.models.refused_writes import (
    ExternalKeyAlreadyEnrolled,
    IdentityMissing,
    KeyBlank,
    StatusUnknown,
    UserAlreadyEnrolled,
)
from tests.enrollment.tables import CURRICULA, PROGRAMS, enrol, run

SCOPE: dict[str, object] = {
    "program_uuid": PROGRAMS[0],
    "curriculum_uuid": CURRICULA[0],
    "status": "enrolled",
}


def test_a_duplicate_in_a_bulk_insert_names_the_row_in_the_way(constrained_engine: Engine) -> None:
    with Session(constrained_engine) as session:
        there = enrol(session.connection(), 1, "a, b) c")
        with pytest.raises(ExternalKeyAlreadyEnrolled) as refused, refusals(session):
            session.execute(
                insert(ProgramEnrollment),
                [
                    {"user_id": 8, "external_user_key": "free", **SCOPE},
                    {"user_id": 9, "external_user_key": "a, b) c", **SCOPE},
                ],
            )
        assert refused.value.existing is not None
        assert refused.value.existing["id"] == there
        assert refused.value.existing["user_id"] == 1
        assert str(there) in str(refused.value)
        # The block is undone and the transaction goes on.
        assert session.query(ProgramEnrollment).count() == 1


def test_a_duplicate_in_a_bulk_update_names_the_row_in_the_way(constrained_engine: Engine) -> None:
    with Session(constrained_engine) as session:
        there = enrol(session.connection(), 1, None)
        enrol(session.connection(), None, "k")
        with pytest.raises(UserAlreadyEnrolled) as refused, refusals(session):
            session.execute(
                update(ProgramEnrollment)
                .where(ProgramEnrollment.external_user_key == "k")
                .values(user_id=1)
            )
        assert refused.value.existing is not None
        assert refused.value.existing["id"] == there


def test_statements_that_bypass_the_unit_of_work_meet_the_same_exceptions(
    constrained_engine: Engine,
) -> None:
    cases: list[tuple[type[Exception], dict[str, object]]] = [
        (IdentityMissing, {"user_id": None, "external_user_key": None}),
        (KeyBlank, {"external_user_key": ""}),
        (KeyBlank, {"external_user_key": "k\t"}),
        (StatusUnknown, {"external_user_key": "k", "status": "withdrawn"}),
    ]
    for expected, values in cases:
        with constrained_engine.begin() as connection:
            with pytest.raises(expected), refusals(connection):
                connection.execute(insert(ProgramEnrollment).values({**SCOPE, **values}))
            enrol(connection, 1, "still usable")
            connection.rollback()


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (IdentityMissing, {}),
        (KeyBlank, {"external_user_key": " k"}),
        (KeyBlank, {"external_user_key": "k\x0b"}),
        (StatusUnknown, {"user_id": 1, "status": "withdrawn"}),
    ],
)
def test_the_unit_of_work_refuses_before_the_database_is_asked(
    unconstrained_engine: Engine, expected: type[Exception], values: dict[str, object]
) -> None:
    with Session(unconstrained_engine) as session:
        session.add(ProgramEnrollment(**(SCOPE | values)))
        with pytest.raises(expected):
            session.flush()


def test_a_row_that_had_an_unknown_status_all_along_can_be_changed(
    unconstrained_engine: Engine,
) -> None:
    with Session(unconstrained_engine) as session:
        row = enrol(session.connection(), None, " padded", status="withdrawn")
        found = session.get_one(ProgramEnrollment, row)
        found.user_id = 5
        session.flush()
        assert run(session.connection(), "SELECT user_id FROM program_enrollment") == [(5,)]


def test_another_constraint_is_left_as_it_is(constrained_engine: Engine) -> None:
    with Session(constrained_engine) as session:
        row = enrol(session.connection(), 1, None, courses=("c",))
        with pytest.raises(IntegrityError), refusals(session):
            session.add(
                ProgramCourseEnrollment(program_enrollment_id=row, course_key="c", status="active")
            )


def test_at_repeatable_read_a_row_that_the_snapshot_does_not_see_is_said_to_be_unseen(
    constrained_engine: Engine,
) -> None:
    isolated = constrained_engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(isolated) as session:
        session.query(ProgramEnrollment).count()
        with constrained_engine.begin() as other:
            enrol(other, 1, None)
        with pytest.raises(UserAlreadyEnrolled) as refused, refusals(session):
            session.add(ProgramEnrollment(user_id=1, **SCOPE))
        assert refused.value.existing is None
        assert "Run the transaction again" in str(refused.value)
