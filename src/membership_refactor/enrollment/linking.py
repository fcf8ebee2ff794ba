"""Link users to waiting enrollments, unlink them, and move a link to another user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from membership_refactor.enrollment.apply import carry_out
from membership_refactor.enrollment.collide import families
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.decide import Decision, decide
from membership_refactor.enrollment.duplicate_findings import Member
from membership_refactor.enrollment.enrolling import in_the_way
from membership_refactor.enrollment.lock_rows import read_locked
from membership_refactor.enrollment.merge import start_run
from membership_refactor.enrollment.outcomes import Outcome, Result, Scope
from membership_refactor.enrollment.plan_in_use import plan_in_use
from membership_refactor.enrollment.refusals import refusals
from membership_refactor.enrollment.undeclared import refuse_unknown_dependents
from membership_refactor.models.enrollment import ProgramCourseEnrollment, ProgramEnrollment
from membership_refactor.models.refused_writes import IdentityTaken
from membership_refactor.sql.unique_identity import merge_record
from membership_refactor.sql.unique_identity.names import IdentityNames

EnrolInCourse = Callable[[int, str], int]
"""Takes user and course key, returns the id of the course enrollment; may raise CourseRefused."""


class CourseRefused(Exception):
    """Raised by the application if it cannot enrol a learner in a waiting course."""


def link(
    session: Session,
    scope: Scope,
    users: Mapping[str, int],
    *,
    relink: bool = False,
    unite: bool = False,
    enrol_in_course: EnrolInCourse | None = None,
) -> dict[str, Outcome]:
    """Link each key's enrollment to the user given for it, or say in its outcome why not.

    ``relink`` first removes the link of another user. ``unite`` merges the waiting enrollment
    with one that the user has without a key; the merge is recorded. Each key has its own savepoint.
    PortraitMismatch if a foreign key to the rows is not in the plan.
    """
    how = _How(relink, unite, enrol_in_course)
    # Every batch goes in the same order, so that two batches cannot deadlock.
    return {key: _link(session, scope, key, users[key], how) for key in sorted(users)}


def unlink(session: Session, scope: Scope, keys: Iterable[str]) -> dict[str, Outcome]:
    """Remove the link of each key's enrollment; it and its courses wait for a user again."""
    outcomes: dict[str, Outcome] = {}
    for key in sorted(set(keys)):
        row = _locked(session, scope, key)
        if row is None:
            outcomes[key] = Outcome(Result.NOT_FOUND)
        elif row.user_id is None:
            outcomes[key] = Outcome(Result.CONFLICT, row.id, "it is not linked")
        else:
            _wait_again(session, row)
            outcomes[key] = Outcome(Result.UNLINKED, row.id)
    return outcomes


@dataclass(frozen=True, slots=True)
class _How:
    relink: bool
    unite: bool
    enrol_in_course: EnrolInCourse | None


def _link(session: Session, scope: Scope, key: str, user: int, how: _How) -> Outcome:
    row = _locked(session, scope, key)
    if row is None:
        return Outcome(Result.NOT_FOUND)
    if row.user_id == user:
        return Outcome(Result.ALREADY_LINKED, row.id)
    result = Result.LINKED if row.user_id is None else Result.RELINKED
    if result is Result.RELINKED and not how.relink:
        return Outcome(Result.CONFLICT, row.id, f"it is linked to user {row.user_id}")
    try:
        with refusals(session):
            if result is Result.RELINKED:
                _wait_again(session, row)
            row.user_id = user
            session.flush()
            _enrol_in_courses(session, row, how.enrol_in_course)
    except CourseRefused as error:
        return Outcome(Result.COURSE_REFUSED, row.id, str(error))
    except IdentityTaken as error:
        outcome = in_the_way(error)
        if not how.unite or outcome.enrollment is None:
            return outcome
        return _unite(session, row.id, outcome, user, how.enrol_in_course)
    return Outcome(result, row.id)


def _unite(
    session: Session,
    waiting: int,
    conflict: Outcome,
    user: int,
    enrol_in_course: EnrolInCourse | None,
) -> Outcome:
    """Merge the user's enrollment and the waiting one into one row."""
    connection = session.connection()
    schema = schema_of(session)
    plan = plan_in_use(connection, schema)
    names = IdentityNames(plan, schema)
    taken = conflict.enrollment
    assert taken is not None
    refuse_unknown_dependents(connection, names)
    members, images, _ = read_locked(connection, names, [waiting, taken])
    by_id = {member.id: member for member in members}
    if len(by_id) < 2 or by_id[taken].identities != (user, None) or by_id[waiting].identities[0]:
        return conflict
    # The caller says that both rows are one learner, so the second identity counts as shared.
    pair = [
        Member(m.id, m.identities, (taken, waiting), m.status)
        for m in (by_id[taken], by_id[waiting])
    ]
    decision = decide(plan, pair, families(connection, names, [taken, waiting], lock=True))
    if not isinstance(decision, Decision):
        return Outcome(Result.CONFLICT, taken, decision.reason)
    try:
        with session.begin_nested():
            run = start_run(connection, names, "linked to a user who had an enrollment")
            carry_out(connection, names, decision, images, run)
            rows(connection, merge_record.end_run(names), run)
            # The session does not know that these rows were written.
            session.expire_all()
            survivor = session.get_one(ProgramEnrollment, decision.survivor.id)
            _enrol_in_courses(session, survivor, enrol_in_course)
    except CourseRefused as error:
        return Outcome(Result.COURSE_REFUSED, taken, str(error))
    return Outcome(Result.UNITED, decision.survivor.id, f"row {waiting} was merged into it")


def _locked(session: Session, scope: Scope, key: str) -> ProgramEnrollment | None:
    # While this statement waits for the lock, another session may merge the row into one that the
    # statement does not see. A second statement sees it.
    return _find_locked(session, scope, key) or _find_locked(session, scope, key)


def _find_locked(session: Session, scope: Scope, key: str) -> ProgramEnrollment | None:
    return session.scalars(
        select(ProgramEnrollment)
        .where(
            ProgramEnrollment.external_user_key == key,
            ProgramEnrollment.program_uuid == scope.program,
            ProgramEnrollment.curriculum_uuid == scope.curriculum,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _wait_again(session: Session, row: ProgramEnrollment) -> None:
    for course in _courses(session, row):
        course.course_enrollment_id = None
    row.user_id = None
    # Flush now: within one flush rows are written in the order of their ids, and a row that gets
    # this user could be written before this one has released it.
    session.flush()


def _enrol_in_courses(
    session: Session, row: ProgramEnrollment, enrol_in_course: EnrolInCourse | None
) -> None:
    if enrol_in_course is None or row.user_id is None:
        return
    for course in _courses(session, row):
        if course.course_enrollment_id is None and course.status == "active":
            course.course_enrollment_id = enrol_in_course(row.user_id, course.course_key)
    session.flush()


def _courses(session: Session, row: ProgramEnrollment) -> Iterable[ProgramCourseEnrollment]:
    return session.scalars(
        select(ProgramCourseEnrollment)
        .where(ProgramCourseEnrollment.program_enrollment_id == row.id)
        .order_by(ProgramCourseEnrollment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def schema_of(session: Session) -> str:
    """Return the schema in which the session's search_path finds the enrollments."""
    table = ProgramEnrollment.__tablename__
    found = rows(
        session.connection(),
        "SELECT n.nspname FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1))",
        table,
    )
    return str(found[0][0])
