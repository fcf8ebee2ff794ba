"""Several keys for one enrollment: a key belongs to an authority, a membership has one row.

Optional (``alembic -n several_keys upgrade head``). Course enrollments hang from the enrollment
and never from a key; the enrollment's own key is here as well, put by a trigger, so that one
unique constraint keeps a key from being one learner's own and another one's further key.
"""

from __future__ import annotations

import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from membership_refactor.models.enrollment import ProgramEnrollment
from membership_refactor.models.naming import CONVENTION
from membership_refactor.models.reference import BigId, Free


class SeveralKeysBase(DeclarativeBase):
    """Apart from the enrollments' own: where the chain was not run, these tables are not there."""

    metadata = MetaData(naming_convention=CONVENTION)


class KeyAuthority(SeveralKeysBase):
    """Who gives keys: an organisation or an identity provider."""

    __tablename__ = "key_authority"

    id: Mapped[BigId]
    name: Mapped[Free] = mapped_column(unique=True)


class ProgramAuthority(SeveralKeysBase):
    """Whose keys the enrollments of a program carry; changing it moves their identities over."""

    __tablename__ = "program_authority"

    program_uuid: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("key_authority.id"))

    authority: Mapped[KeyAuthority] = relationship()


class ExternalIdentity(SeveralKeysBase):
    """A key, within the authority that gave it; elsewhere the same text is somebody else."""

    __tablename__ = "external_identity"
    __table_args__ = (
        UniqueConstraint("authority_id", "external_key", name="uq_external_identity_key"),
        CheckConstraint("external_key <> ''", name="blank"),
    )

    id: Mapped[BigId]
    authority_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("key_authority.id"))
    external_key: Mapped[Free]

    authority: Mapped[KeyAuthority] = relationship()


class EnrollmentKey(SeveralKeysBase):
    """One of the keys by which an enrollment is known."""

    __tablename__ = "enrollment_key"
    __table_args__ = (
        UniqueConstraint(
            "identity_id", "program_uuid", "curriculum_uuid", name="uq_enrollment_key_identity"
        ),
        ForeignKeyConstraint(
            ["enrollment_id", "program_uuid", "curriculum_uuid"],
            [
                ProgramEnrollment.__table__.c.id,
                ProgramEnrollment.__table__.c.program_uuid,
                ProgramEnrollment.__table__.c.curriculum_uuid,
            ],
            name="fk_enrollment_key_enrollment",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index(
            "ux_enrollment_key_own",
            "enrollment_id",
            unique=True,
            postgresql_where=text("own"),
        ),
        Index("ix_enrollment_key_enrollment_id", "enrollment_id"),
    )

    id: Mapped[BigId]
    enrollment_id: Mapped[int] = mapped_column(BigInteger)
    identity_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("external_identity.id"))
    program_uuid: Mapped[uuid.UUID]
    curriculum_uuid: Mapped[uuid.UUID]
    own: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it is the enrollment's ``external_user_key``, the one echoed to the partner."""

    identity: Mapped[ExternalIdentity] = relationship()
