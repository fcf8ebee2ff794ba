"""Models of the interim stage (0008, 0009): membership and curricula, deprecated columns kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models import membership, reference
from membership_refactor.models.naming import CONVENTION


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


class ProgrammeMembership(membership.ParentColumns, Base):
    """A person's membership of a programme."""

    __tablename__ = "programme_membership"

    person: Mapped[Person] = relationship(back_populates="programme_memberships")
    programme: Mapped[Programme] = relationship(back_populates="programme_memberships")
    assigned_rotation: Mapped[Rotation | None] = relationship()
    training_number: Mapped[TrainingNumber | None] = relationship()
    # Without delete-orphan, because a payload that leaves curricula out must not delete them. The
    # database refuses to delete a membership that still has some.
    curriculum_memberships: Mapped[list[CurriculumMembership]] = relationship(
        back_populates="programme_membership",
        passive_deletes="all",
        order_by="CurriculumMembership.id",
    )


class CurriculumMembership(membership.ChildColumns, membership.ProgrammeColumns, Base):
    """One curriculum of a membership. It still has the deprecated columns, which 0010 drops.

    At 0008 the database keeps them equal to the membership's, whichever side is written. From 0009
    on it refuses writes to them.
    """

    __tablename__ = "curriculum_membership"

    person_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("person.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("programme.id"), index=True
    )

    programme_membership: Mapped[ProgrammeMembership] = relationship(
        back_populates="curriculum_memberships"
    )
    curriculum: Mapped[Curriculum] = relationship(back_populates="curriculum_memberships")
