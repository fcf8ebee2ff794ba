"""The enrollment tables as tests need them: before the constraints, and with all of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine

from membership_refactor.models.enrollment import EnrollmentBase
from membership_refactor.plans.program_enrollment import IDENTITY

PROGRAMS = (uuid.UUID(int=1), uuid.UUID(int=2))
CURRICULA = (uuid.UUID(int=11), uuid.UUID(int=12))

CONSTRAINTS = (
    "ck_program_enrollment_identity",
    "uq_program_enrollment_user",
    "uq_program_enrollment_key",
)


def constrained(url: str) -> None:
    """The tables as the models describe them."""
    with opened(url) as engine:
        EnrollmentBase.metadata.create_all(engine)


def unconstrained(url: str) -> None:
    """An adopted table: nothing guards identities, keys or statuses."""
    constrained(url)
    with opened(url) as engine, engine.begin() as connection:
        for name in (
            *CONSTRAINTS,
            IDENTITY.status_check,
            IDENTITY.blank_check(IDENTITY.alternatives[1]),
        ):
            run(connection, f"ALTER TABLE program_enrollment DROP CONSTRAINT {name}")


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def run(connection: Connection, text: str, *values: object) -> list[tuple[object, ...]]:
    """Driver SQL; percent signs mean placeholders only where values are given."""
    if values:
        result = connection.exec_driver_sql(text, values)
    else:
        result = connection.execution_options(no_parameters=True).exec_driver_sql(text)
    return [tuple(row) for row in result] if result.returns_rows else []


def enrol(
    connection: Connection,
    user: int | None,
    key: str | None,
    *,
    program: uuid.UUID = PROGRAMS[0],
    curriculum: uuid.UUID = CURRICULA[0],
    status: str = "enrolled",
    courses: tuple[str, ...] = (),
) -> int:
    """One row, with waiting course enrollments."""
    (row,) = run(
        connection,
        "INSERT INTO program_enrollment"
        " (user_id, external_user_key, program_uuid, curriculum_uuid, status)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        user,
        key,
        program,
        curriculum,
        status,
    )
    for course in courses:
        run(
            connection,
            "INSERT INTO program_course_enrollment"
            " (program_enrollment_id, course_key, status) VALUES (%s, %s, 'active')",
            row[0],
            course,
        )
    return int(str(row[0]))


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of both tables as text, in the order of ids."""
    with engine.connect() as connection:
        return {
            table: run(connection, f"SELECT id, t::text FROM {table} AS t ORDER BY id")
            for table in ("program_enrollment", "program_course_enrollment")
        }
