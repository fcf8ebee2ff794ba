"""All ordered pairs over {user 1, user 2, NULL} x {key 1, key 2, NULL}, in database and models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import psycopg
import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from membership_refactor.enrollment.add_constraints import add_constraints
from membership_refactor.enrollment.refusals import refusals
from membership_refactor.models.enrollment import ProgramEnrollment
from membership_refactor.models.refused_writes import (
    EnrollmentRefused,
    ExternalKeyAlreadyEnrolled,
    IdentityMissing,
    UserAlreadyEnrolled,
)
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.enrollment.tables import CURRICULA, PROGRAMS, enrol, opened, unconstrained
from tests.fixtures.databases import TemplateDatabase

State = tuple[int | None, str | None]
STATES: tuple[State, ...] = tuple(product((1, 2, None), ("k1", "k2", None)))
PAIRS = tuple(product(STATES, STATES))

USER = "uq_program_enrollment_user"
KEY = "uq_program_enrollment_key"
MISSING = "ck_program_enrollment_identity"


NOTHING: State = (None, None)


def refusing(first: State, second: State) -> frozenset[str]:
    """The constraints that the second row breaks; a first row without identity is not there."""
    broken = set()
    if second == (None, None):
        return frozenset({MISSING})
    if second[0] is not None and first[0] == second[0]:
        broken.add(USER)
    if second[1] is not None and first[1] == second[1]:
        broken.add(KEY)
    return frozenset(broken)


@pytest.fixture
def installed_engine(template_database: TemplateDatabase) -> Iterator[Engine]:
    """The constraints as revision 0002 brings them to an adopted table."""

    def build(url: str) -> None:
        unconstrained(url)
        with opened(url) as engine:
            add_constraints(engine, IDENTITY, "public")

    with opened(template_database("enrollment installed", build)) as engine:
        yield engine


def test_the_table_has_81_pairs_and_32_of_them_stand_together() -> None:
    # With user and key: 3 partners each, 4 such states; with one of them: 5 each, 4 such states.
    assert len(PAIRS) == 81
    assert len([p for p in PAIRS if not refusing(NOTHING, p[0]) and not refusing(*p)]) == 32


def test_every_pair_is_allowed_or_refused_by_the_constraint_of_that_name_in_the_database(
    installed_engine: Engine,
) -> None:
    wrong = []
    with installed_engine.connect() as connection:
        for first, second in PAIRS:
            with connection.begin() as transaction:
                before = refused_by(connection, first)
                met = refused_by(connection, second)
                if not fits(before, refusing(NOTHING, first)) or not fits(
                    met, refusing(first, second)
                ):
                    wrong.append((first, second, before, met))
                transaction.rollback()
    assert wrong == []


def fits(met: str | None, expected: frozenset[str]) -> bool:
    return met in expected if met else not expected


def refused_by(connection: Connection, state: State) -> str | None:
    try:
        with connection.begin_nested():
            enrol(connection, *state)
    except IntegrityError as error:
        assert isinstance(error.orig, psycopg.Error)
        return error.orig.diag.constraint_name
    return None


def test_every_pair_raises_its_own_exception_from_the_models(constrained_engine: Engine) -> None:
    raised = {USER: UserAlreadyEnrolled, KEY: ExternalKeyAlreadyEnrolled, MISSING: IdentityMissing}
    wrong = []
    for first, second in PAIRS:
        with Session(constrained_engine) as session:
            before, met = added(session, first), added(session, second)
            for error, expected in (
                (before, refusing(NOTHING, first)),
                (met, refusing(first, second)),
            ):
                constraint = error.constraint if error else None
                if not fits(constraint, expected) or (
                    error and type(error) is not raised[error.constraint]
                ):
                    wrong.append((first, second, error))
            session.rollback()
    assert wrong == []


def added(session: Session, state: State) -> EnrollmentRefused | None:
    try:
        with refusals(session):
            session.add(enrollment(state))
    except EnrollmentRefused as error:
        return error
    return None


def enrollment(state: State) -> ProgramEnrollment:
    return ProgramEnrollment(
        user_id=state[0],
        external_user_key=state[1],
        program_uuid=PROGRAMS[0],
        curriculum_uuid=CURRICULA[0],
        status="enrolled",
    )


def test_another_program_or_curriculum_takes_the_same_learner(constrained_engine: Engine) -> None:
    with constrained_engine.begin() as connection:
        enrol(connection, 1, "k1")
        enrol(connection, 1, "k1", program=PROGRAMS[1])
        enrol(connection, 1, "k1", curriculum=CURRICULA[1])
