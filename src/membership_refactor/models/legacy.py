"""Models of the legacy stage (0001, 0002): one row per curriculum of a membership."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models import membership, reference
from membership_refactor.models.naming import CONVENTION
from membership_refactor.models.reference import BigId


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


class ProgrammeMembership(membership.ProgrammeColumns, membership.CurriculumColumns, Base):
    """One curriculum of a membership. The values about the programme repeat in each of its rows."""

    __tablename__ = "programme_membership"

    id: Mapped[BigId]
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("programme.id"), index=True)
    curriculum_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("curriculum.id"), index=True)

    person: Mapped[Person] = relationship(back_populates="programme_memberships")
    programme: Mapped[Programme] = relationship(back_populates="programme_memberships")
    curriculum: Mapped[Curriculum] = relationship()
    assigned_rotation: Mapped[Rotation | None] = relationship()
    training_number: Mapped[TrainingNumber | None] = relationship()
