"""Attach further keys to an enrollment, detach them, and find an enrollment by any key."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from membership_refactor.enrollment.apply import carry_out
from membership_refactor.enrollment.collide import families
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.decide import Decision, decide
from membership_refactor.enrollment.duplicate_findings import Member
from membership_refactor.enrollment.enrolling import in_the_way
from membership_refactor.enrollment.linking import schema_of
from membership_refactor.enrollment.lock_rows import read_locked
from membership_refactor.enrollment.merge import start_run
from membership_refactor.enrollment.outcomes import Outcome, Result, Scope
from membership_refactor.enrollment.plan_in_use import WITH_KEYS
from membership_refactor.enrollment.refusals import refusals
from membership_refactor.enrollment.undeclared import refuse_unknown_dependents
from membership_refactor.models.enrollment import ProgramEnrollment
from membership_refactor.models.refused_writes import NO_KEY, IdentityTaken, RunAgain
from membership_refactor.models.several_keys import EnrollmentKey, ExternalIdentity, KeyAuthority
from membership_refactor.sql.unique_identity import merge_record
from membership_refactor.sql.unique_identity.names import IdentityNames


def find_by_key(
    session: Session, scope: Scope, authority: str, key: str
) -> ProgramEnrollment | None:
    """Return the enrollment that has the key, as its own or as a further one."""
    return session.scalars(
        select(ProgramEnrollment)
        .join(EnrollmentKey, EnrollmentKey.enrollment_id == ProgramEnrollment.id)
        .join(ExternalIdentity, ExternalIdentity.id == EnrollmentKey.identity_id)
        .join(KeyAuthority, KeyAuthority.id == ExternalIdentity.authority_id)
        .where(
            KeyAuthority.name == authority,
            ExternalIdentity.external_key == key,
            EnrollmentKey.program_uuid == scope.program,
            EnrollmentKey.curriculum_uuid == scope.curriculum,
        )
    ).one_or_none()


def attach_key(
    session: Session, enrollment: int, authority: str, key: str, *, unite: bool = False
) -> Outcome:
    """Attach a further key to the enrollment.

    A waiting enrollment of that key is a conflict. With ``unite`` it is merged into this one, the
    merge is recorded, its courses move, and its key becomes a further key. A key of another
    learner is never taken over.
    """
    if not WITH_KEYS.accepts(key):
        return Outcome(Result.INVALID_KEY, enrollment, f"{key!r} {NO_KEY}")
    row = session.get(ProgramEnrollment, enrollment, with_for_update=True, populate_existing=True)
    if row is None:
        return Outcome(Result.NOT_FOUND)
    identity = _identity(session, authority, key)
    held = session.scalars(
        select(EnrollmentKey).where(
            EnrollmentKey.identity_id == identity,
            EnrollmentKey.program_uuid == row.program_uuid,
            EnrollmentKey.curriculum_uuid == row.curriculum_uuid,
        )
    ).one_or_none()
    if held is not None and held.enrollment_id == enrollment:
        return Outcome(Result.ALREADY_LINKED, enrollment)
    if held is not None and unite:
        return _unite(session, row, held)
    try:
        with refusals(session):
            session.add(
                EnrollmentKey(
                    enrollment_id=enrollment,
                    identity_id=identity,
                    program_uuid=row.program_uuid,
                    curriculum_uuid=row.curriculum_uuid,
                )
            )
    except IdentityTaken as error:
        return in_the_way(error)
    return Outcome(Result.LINKED, enrollment)


def detach_key(session: Session, enrollment: int, authority: str, key: str) -> Outcome:
    """Remove a further key from the enrollment. Its own key stays."""
    gone = session.scalars(
        delete(EnrollmentKey)
        .where(
            EnrollmentKey.enrollment_id == enrollment,
            EnrollmentKey.own.is_(False),
            EnrollmentKey.identity_id.in_(
                select(ExternalIdentity.id)
                .join(KeyAuthority)
                .where(KeyAuthority.name == authority, ExternalIdentity.external_key == key)
            ),
        )
        .returning(EnrollmentKey.id)
    ).all()
    return Outcome(Result.UNLINKED if gone else Result.NOT_FOUND, enrollment)


def _identity(session: Session, authority: str, key: str) -> int:
    """Return the id of the key's identity; create it if it is new."""
    session.execute(insert(KeyAuthority).values(name=authority).on_conflict_do_nothing())
    of = select(KeyAuthority.id).where(KeyAuthority.name == authority).scalar_subquery()
    session.execute(
        insert(ExternalIdentity).values(authority_id=of, external_key=key).on_conflict_do_nothing()
    )
    found = session.scalar(
        select(ExternalIdentity.id)
        .where(ExternalIdentity.authority_id == of, ExternalIdentity.external_key == key)
        .with_for_update(read=True, key_share=True)
    )
    if found is None:
        raise RunAgain("The key was removed meanwhile. Run the transaction again.")
    return found


def _unite(session: Session, row: ProgramEnrollment, held: EnrollmentKey) -> Outcome:
    """Merge the waiting enrollment of the key into ``row``."""
    connection = session.connection()
    names = IdentityNames(WITH_KEYS, schema_of(session))
    kept, waiting = row.id, held.enrollment_id
    refuse_unknown_dependents(connection, names)
    members, images, _ = read_locked(connection, names, [kept, waiting])
    by_id = {member.id: member for member in members}
    if len(by_id) < 2 or by_id[waiting].identities[0] is not None or not held.own:
        return Outcome(Result.CONFLICT, waiting, "the key belongs to another enrollment")
    # The caller says that both keys are one learner, so two keys are no contradiction here.
    pair = [
        Member(m.id, m.identities, (kept, kept), m.status) for m in (by_id[kept], by_id[waiting])
    ]
    session.execute(update(EnrollmentKey).where(EnrollmentKey.id == held.id).values(own=False))
    decision = decide(
        WITH_KEYS,
        pair,
        families(connection, names, [kept, waiting], lock=True),
        chosen=kept,
    )
    if not isinstance(decision, Decision):
        return Outcome(Result.CONFLICT, waiting, decision.reason)
    run = start_run(connection, names, "a further key")
    carry_out(connection, names, decision, images, run)
    rows(connection, merge_record.end_run(names), run)
    session.expire_all()
    return Outcome(Result.UNITED, kept, f"row {waiting} was merged into it")
