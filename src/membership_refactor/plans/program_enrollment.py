"""Program enrollments: one learner, known by a user or a key, once in a program and curriculum."""

from __future__ import annotations

from membership_refactor.planning import Alternative, Dependent, Keep, Ranking, UniqueIdentity

SCOPE_INDEX = "ux_program_enrollment_scope"
"""The unique index on ``program_enrollment`` that the optional chain of several keys adds, for the
foreign key of ``enrollment_key``."""

STATUSES = ("enrolled", "pending", "suspended", "ended", "canceled")
"""Best first. A merge keeps the row of a learner whose status comes earlier."""

COURSE_STATUSES = ("active", "inactive")

IDENTITY = UniqueIdentity(
    name="program_enrollment",
    table="program_enrollment",
    alternatives=(
        Alternative(column="user_id", constraint="uq_program_enrollment_user"),
        Alternative(column="external_user_key", constraint="uq_program_enrollment_key", text=True),
    ),
    scope=("program_uuid", "curriculum_uuid"),
    no_identity=("N/A", "NULL", "None"),
    status=Ranking(column="status", order=STATUSES),
    dependents=(
        Dependent(
            table="program_course_enrollment",
            parent="program_enrollment_id",
            unique=("course_key",),
            unite=("course_enrollment_id",),
            ranking=Ranking(column="status", order=COURSE_STATUSES, keep=Keep.BEST),
        ),
    ),
)
