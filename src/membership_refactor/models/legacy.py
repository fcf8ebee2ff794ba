"""Models of the legacy stage (0001, 0002): one row per curriculum of a membership."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models import reference
from membership_refactor.models.naming import CONVENTION
from membership_refactor.models.reference import AmendedDate, BigId, Free


class Base(DeclarativeBase):
    """The legacy stage's tables; the search_path decides in which schema they are."""

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


class Rotation(reference.RotationColumns, Base):
    __tablename__ = "rotation"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)

    programme: Mapped[Programme] = relationship(back_populates="rotations")


class TrainingNumber(reference.TrainingNumberColumns, Base):
    __tablename__ = "training_number"

    programme: Mapped[Programme | None] = relationship()


class ProgrammeMembership(Base):
    """One curriculum of a membership; the programme-level values repeat in each of its rows."""

    __tablename__ = "programme_membership"

    id: Mapped[BigId]
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("programme.id"), index=True)
    curriculum_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("curriculum.id"), index=True)
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
    curriculum_start_date: Mapped[date | None]
    curriculum_end_date: Mapped[date | None]
    curriculum_completion_date: Mapped[date | None]
    period_of_grace: Mapped[int | None]
    intrepid_id: Mapped[Free | None]
    amended_date: Mapped[AmendedDate]

    person: Mapped[Person] = relationship(back_populates="programme_memberships")
    programme: Mapped[Programme] = relationship(back_populates="programme_memberships")
    curriculum: Mapped[Curriculum] = relationship()
    assigned_rotation: Mapped[Rotation | None] = relationship()
    training_number: Mapped[TrainingNumber | None] = relationship()
