"""Delete waiting enrollments that nobody claimed, and replace the keys of learners who left."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from membership_refactor.models.enrollment import ProgramCourseEnrollment, ProgramEnrollment

RETIRED = "retired_external_key_"


def expire(session: Session, *, before: datetime, limit: int = 1000) -> list[int]:
    """Delete at most ``limit`` enrollments that have waited since ``before``, with their courses.

    Return their ids. An enrollment that another session is linking at the moment is skipped.
    """
    waiting = list(
        session.scalars(
            select(ProgramEnrollment.id)
            .where(ProgramEnrollment.user_id.is_(None), ProgramEnrollment.modified < before)
            .order_by(ProgramEnrollment.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if waiting:
        session.execute(
            delete(ProgramCourseEnrollment).where(
                ProgramCourseEnrollment.program_enrollment_id.in_(waiting)
            )
        )
        session.execute(delete(ProgramEnrollment).where(ProgramEnrollment.id.in_(waiting)))
    return waiting


def retire(session: Session, user: int, *, secret: bytes) -> list[int]:
    """Replace the user's keys by ones that only the holder of ``secret`` can recognise.

    A key is never set to NULL, because partners tell their retired learners apart by it. A second
    run changes nothing.
    """
    found = session.scalars(
        select(ProgramEnrollment)
        .where(ProgramEnrollment.user_id == user, ProgramEnrollment.external_user_key.is_not(None))
        .order_by(ProgramEnrollment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    retired = []
    for row in found:
        key = row.external_user_key
        if key is not None and not key.startswith(RETIRED):
            row.external_user_key = retired_key(key, secret=secret)
            retired.append(row.id)
    session.flush()
    return retired


def retired_key(key: str, *, secret: bytes) -> str:
    """Return the replacement for the key; the same key and secret always give the same text."""
    return RETIRED + hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()
