"""Models of the interim stage (0008, 0009): membership and curricula, deprecated columns kept."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import BigInteger, ForeignKey, MetaData, UniqueConstraint, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models import reference
from membership_refactor.models.naming import CONVENTION
from membership_refactor.models.reference import AmendedDate, BigId, Free


class Base(DeclarativeBase):
    """The interim stage's tables; the search_path decides in which schema they are."""

    metadata = MetaData(naming_convention=CONVENTION)


class Person(reference.PersonColumns, Base):
    __tablename__ = "person"

    programme_memberships: Mapped[list[ProgrammeMembership]] = relationship(
        back_populates="person", passive_deletes="all"
    )


class Programme(reference.ProgrammeColumns, Base):
    __tablename__ = "programme"

    programme_memberships: Mapped[list[ProgrammeMembership]] = relationship(
        back_populates="programme", passive_deletes="all"
    )
    rotations: Mapped[list[Rotation]] = relationship(
        back_populates="programme", passive_deletes="all"
    )


class Curriculum(reference.CurriculumColumns, Base):
    __tablename__ = "curriculum"

    curriculum_memberships: Mapped[list[CurriculumMembership]] = relationship(
        back_populates="curriculum", passive_deletes="all"
    )


class Rotation(reference.RotationColumns, Base):
    __tablename__ = "rotation"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)

    programme: Mapped[Programme] = relationship(back_populates="rotations")


class TrainingNumber(reference.TrainingNumberColumns, Base):
    __tablename__ = "training_number"

    programme: Mapped[Programme | None] = relationship()


class ProgrammeMembership(Base):
    """A person's membership of a programme."""

    __tablename__ = "programme_membership"
    __table_args__ = (
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

    uuid: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, default=uuid.uuid4, server_default=func.gen_random_uuid()
    )
    """Opaque. The refactoring mints version 8 only, so an application's 4 or 7 tells them apart."""
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("programme.id"), index=True)
    programme_membership_type: Mapped[Free | None]
    programme_start_date: Mapped[date | None]
    programme_end_date: Mapped[date | None]
    rotation: Mapped[Free | None]
    """Free text; it need not be the name of ``assigned_rotation``."""
    rotation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("rotation.id"), index=True
    )
    training_number_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("training_number.id"), index=True
    )
    training_pathway: Mapped[Free | None]
    leaving_reason: Mapped[Free | None]
    leaving_destination: Mapped[Free | None]
    amended_date: Mapped[AmendedDate]

    person: Mapped[Person] = relationship(back_populates="programme_memberships")
    programme: Mapped[Programme] = relationship(back_populates="programme_memberships")
    assigned_rotation: Mapped[Rotation | None] = relationship()
    training_number: Mapped[TrainingNumber | None] = relationship()
    # No delete-orphan: a payload that leaves curricula out would delete them. The database
    # refuses to delete a membership that still has some.
    curriculum_memberships: Mapped[list[CurriculumMembership]] = relationship(
        back_populates="programme_membership",
        passive_deletes="all",
        order_by="CurriculumMembership.id",
    )


class CurriculumMembership(Base):
    """One curriculum of a membership, with what belongs to the membership once more.

    Until 0009 the database keeps the deprecated columns equal to the membership's, whichever
    side is written; from 0009 on it refuses writes to them.
    """

    __tablename__ = "curriculum_membership"

    id: Mapped[BigId]
    programme_membership_uuid: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("programme_membership.uuid", ondelete="RESTRICT"), index=True
    )
    curriculum_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("curriculum.id"), index=True)
    curriculum_start_date: Mapped[date | None]
    curriculum_end_date: Mapped[date | None]
    curriculum_completion_date: Mapped[date | None]
    period_of_grace: Mapped[int | None]
    intrepid_id: Mapped[Free | None]
    amended_date: Mapped[AmendedDate]

    # Deprecated, gone with 0010.
    person_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("programme.id"), index=True
    )
    programme_membership_type: Mapped[Free | None]
    programme_start_date: Mapped[date | None]
    programme_end_date: Mapped[date | None]
    rotation: Mapped[Free | None]
    rotation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("rotation.id"), index=True
    )
    training_number_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("training_number.id"), index=True
    )
    training_pathway: Mapped[Free | None]
    leaving_reason: Mapped[Free | None]
    leaving_destination: Mapped[Free | None]

    programme_membership: Mapped[ProgrammeMembership] = relationship(
        back_populates="curriculum_memberships"
    )
    curriculum: Mapped[Curriculum] = relationship(back_populates="curriculum_memberships")
