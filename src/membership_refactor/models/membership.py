"""The columns of memberships that several stages share."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from membership_refactor.models.reference import AmendedDate, BigId, Free


class ProgrammeColumns:
    """What a membership says about the programme, besides person and programme."""

    programme_membership_type: Mapped[Free | None]
    programme_start_date: Mapped[date | None]
    programme_end_date: Mapped[date | None]
    rotation: Mapped[Free | None]
    """Free text; it need not be the name of the rotation that ``rotation_id`` refers to."""
    rotation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("rotation.id"), index=True
    )
    training_number_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("training_number.id"), index=True
    )
    training_pathway: Mapped[Free | None]
    leaving_reason: Mapped[Free | None]
    leaving_destination: Mapped[Free | None]


class CurriculumColumns:
    """What a membership says about one curriculum, besides the curriculum."""

    curriculum_start_date: Mapped[date | None]
    curriculum_end_date: Mapped[date | None]
    curriculum_completion_date: Mapped[date | None]
    period_of_grace: Mapped[int | None]
    intrepid_id: Mapped[Free | None]
    amended_date: Mapped[AmendedDate]


class ParentColumns(ProgrammeColumns):
    """The new ``programme_membership``: one row for each membership."""

    uuid: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=func.gen_random_uuid()
    )
    """Opaque. The refactoring makes version 8 only, so an application's 4 or 7 differs."""
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("programme.id"), index=True)
    amended_date: Mapped[AmendedDate]

    @declared_attr.directive
    def __table_args__(cls) -> tuple[UniqueConstraint]:
        return (
            UniqueConstraint(
                "person_id",
                "programme_id",
                "programme_membership_type",
                "programme_start_date",
                "programme_end_date",
                name="uq_programme_membership_key",
                postgresql_nulls_not_distinct=True,
            ),
        )


class ChildColumns(CurriculumColumns):
    """``curriculum_membership``: one row for each curriculum of a membership."""

    id: Mapped[BigId]
    programme_membership_uuid: Mapped[UUID] = mapped_column(
        ForeignKey("programme_membership.uuid", ondelete="RESTRICT"), index=True
    )
    curriculum_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("curriculum.id"), index=True)
