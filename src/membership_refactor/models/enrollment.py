"""Models of program enrollments: one learner, known by a user or by a key, once in each scope."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    MetaData,
    UniqueConstraint,
    event,
    func,
    inspect,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models.naming import CONVENTION
from membership_refactor.models.reference import BigId, Free
from membership_refactor.models.refused_writes import IdentityMissing, KeyBlank, StatusUnknown
from membership_refactor.plans.program_enrollment import IDENTITY, STATUSES

_BLANKS = "E' \\t\\n\\r\\f\\x0B'"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class EnrollmentBase(DeclarativeBase):
    """The enrollment tables; the search_path decides in which schema they are."""

    metadata = MetaData(naming_convention=CONVENTION)


class ProgramEnrollment(EnrollmentBase):
    """A learner's enrollment in a curriculum of a program.

    Waiting while ``user_id`` is NULL, realised from then on. The last two CHECKs stand where the
    first revision made the table; an adopted one keeps the rows it has.
    """

    __tablename__ = "program_enrollment"
    __table_args__ = (
        UniqueConstraint(
            "user_id", "program_uuid", "curriculum_uuid", name="uq_program_enrollment_user"
        ),
        UniqueConstraint(
            "external_user_key",
            "program_uuid",
            "curriculum_uuid",
            name="uq_program_enrollment_key",
        ),
        CheckConstraint("num_nonnulls(user_id, external_user_key) >= 1", name="identity"),
        CheckConstraint(
            f"external_user_key = btrim(external_user_key, {_BLANKS}) AND external_user_key <> ''",
            name="key_blank",
        ),
        CheckConstraint(f"status IN ({_listed(STATUSES)})", name="status"),
    )

    id: Mapped[BigId]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    external_user_key: Mapped[Free | None]
    program_uuid: Mapped[uuid.UUID]
    curriculum_uuid: Mapped[uuid.UUID]
    status: Mapped[Free]
    created: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    modified: Mapped[datetime] = mapped_column(
        TIMESTAMP(timezone=True), server_default=func.now(), onupdate=func.now()
    )

    courses: Mapped[list[ProgramCourseEnrollment]] = relationship(
        back_populates="enrollment", passive_deletes="all", order_by="ProgramCourseEnrollment.id"
    )

    @property
    def realised(self) -> bool:
        """Whether the learner's user is known."""
        return self.user_id is not None


class ProgramCourseEnrollment(EnrollmentBase):
    """A course that a learner takes within a program; waiting while it has no course enrollment."""

    __tablename__ = "program_course_enrollment"
    __table_args__ = (UniqueConstraint("program_enrollment_id", "course_key"),)

    id: Mapped[BigId]
    program_enrollment_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("program_enrollment.id")
    )
    course_enrollment_id: Mapped[int | None] = mapped_column(BigInteger)
    course_key: Mapped[Free]
    status: Mapped[Free]

    enrollment: Mapped[ProgramEnrollment] = relationship(back_populates="courses")


# One event for all columns: a validator of a single attribute would depend on the order in which
# they are set. Statements that bypass the unit of work meet the constraints in the database.
@event.listens_for(ProgramEnrollment, "before_insert")
@event.listens_for(ProgramEnrollment, "before_update")
def _refuse_early(_mapper: Any, _connection: Any, enrollment: ProgramEnrollment) -> None:
    key, status = enrollment.external_user_key, enrollment.status
    if enrollment.user_id is None and key is None:
        raise IdentityMissing(IDENTITY.table, IDENTITY.required)
    # An adopted row may have had such a value all along, and has to stay changeable.
    changing = inspect(enrollment).attrs
    blank = key is not None and not IDENTITY.accepts(key)
    if blank and changing.external_user_key.history.has_changes():
        raise KeyBlank(IDENTITY.table, IDENTITY.blank_check(IDENTITY.alternatives[1]), key)
    if status not in STATUSES and changing.status.history.has_changes():
        raise StatusUnknown(IDENTITY.table, IDENTITY.status_check, status)
