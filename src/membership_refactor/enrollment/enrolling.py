"""Create and update enrollments, with an outcome for each request instead of one error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from membership_refactor.enrollment.outcomes import Outcome, Result, Scope
from membership_refactor.enrollment.refusals import refusals
from membership_refactor.models.enrollment import ProgramEnrollment
from membership_refactor.models.refused_writes import NO_KEY, IdentityTaken, RunAgain
from membership_refactor.plans.program_enrollment import IDENTITY, STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A learner to enrol, named by user, by key, or by both."""

    user_id: int | None = None
    external_user_key: str | None = None
    status: str = "enrolled"


def write_enrollments(
    session: Session,
    scope: Scope,
    requests: Sequence[Request],
    *,
    create: bool = True,
    update: bool = False,
) -> list[Outcome]:
    """Carry out each request, or say why not; return the outcomes in the order of the requests.

    If two sessions enrol the same learner at the same time, one creates the row and the other
    waits and then finds it. Under REPEATABLE READ and SERIALIZABLE the second one gets 40001;
    ``in_transaction`` runs it again.
    """
    if not (create or update):
        raise ValueError("create and update are both False: there is nothing to do")
    users: Counter[int | None] = Counter(r.user_id for r in requests)
    keys: Counter[str | None] = Counter(r.external_user_key for r in requests)
    users[None] = keys[None] = 0
    outcomes: dict[int, Outcome] = {}
    for at, request in enumerate(requests):
        if users[request.user_id] > 1 or keys[request.external_user_key] > 1:
            outcomes[at] = Outcome(Result.DUPLICATED, detail="named more than once in the batch")
        elif refused := _refused(request):
            outcomes[at] = refused
    # Every batch goes in the same order, so that two batches cannot deadlock.
    for at in sorted(
        set(range(len(requests))) - set(outcomes), key=lambda at: _order(requests[at])
    ):
        outcomes[at] = _write(session, scope, requests[at], create, update)
    return [outcomes[at] for at in range(len(requests))]


def _order(request: Request) -> tuple[str, int]:
    return (request.external_user_key or "", request.user_id or 0)


def _refused(request: Request) -> Outcome | None:
    key = request.external_user_key
    if request.user_id is None and key is None:
        return Outcome(Result.IDENTITY_MISSING, detail="neither a user nor a key is given")
    if key is not None and not IDENTITY.accepts(key):
        return Outcome(Result.INVALID_KEY, detail=f"{key!r} {NO_KEY}")
    if request.status not in STATUSES:
        return Outcome(Result.INVALID_STATUS, detail=f"{request.status!r} is none of {STATUSES}")
    return None


def _write(session: Session, scope: Scope, request: Request, create: bool, update: bool) -> Outcome:
    for _ in range(3):
        found = _find(session, scope, request)
        if found:
            return _existing(session, request, found, update)
        if not create:
            # A row that was merged while we waited for its lock is found only by a new statement.
            found = _find(session, scope, request)
            return (
                _existing(session, request, found, update) if found else Outcome(Result.NOT_FOUND)
            )
        try:
            made = _insert(session, scope, request)
        except IdentityTaken as error:
            return in_the_way(error)
        if made is not None:
            return Outcome(Result.CREATED, made)
        # Another session was first. The next look finds its row, unless that was deleted again.
    raise RunAgain("The enrollment was created and deleted meanwhile. Run the transaction again.")


def _insert(session: Session, scope: Scope, request: Request) -> int | None:
    # ON CONFLICT without a target covers both constraints. The savepoint is for the case that the
    # key is a further key of another enrollment.
    with refusals(session):
        return session.execute(
            insert(ProgramEnrollment)
            .values(
                user_id=request.user_id,
                external_user_key=request.external_user_key,
                program_uuid=scope.program,
                curriculum_uuid=scope.curriculum,
                status=request.status,
            )
            .on_conflict_do_nothing()
            .returning(ProgramEnrollment.id)
        ).scalar_one_or_none()


def _find(session: Session, scope: Scope, request: Request) -> list[ProgramEnrollment]:
    given = []
    if request.user_id is not None:
        given.append(ProgramEnrollment.user_id == request.user_id)
    if request.external_user_key is not None:
        given.append(ProgramEnrollment.external_user_key == request.external_user_key)
    return list(
        session.scalars(
            select(ProgramEnrollment)
            .where(
                ProgramEnrollment.program_uuid == scope.program,
                ProgramEnrollment.curriculum_uuid == scope.curriculum,
                or_(*given),
            )
            .order_by(ProgramEnrollment.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _existing(
    session: Session, request: Request, found: list[ProgramEnrollment], update: bool
) -> Outcome:
    row = found[0]
    if len(found) > 1:
        both = ", ".join(str(one.id) for one in found)
        return Outcome(Result.CONFLICT, row.id, f"user and key have a row each: {both}")
    if not update:
        return Outcome(Result.CONFLICT, row.id, "there is an enrollment already")
    user, key = request.user_id, request.external_user_key
    if user is not None and row.user_id not in (None, user):
        return Outcome(Result.CONFLICT, row.id, f"the key belongs to user {row.user_id}")
    if key is not None and row.external_user_key not in (None, key):
        return Outcome(Result.CONFLICT, row.id, "the user has another key")
    try:
        with refusals(session):
            row.status = request.status
            row.user_id = user if user is not None else row.user_id
            row.external_user_key = key if key is not None else row.external_user_key
    except IdentityTaken as error:
        return in_the_way(error)
    return Outcome(Result.UPDATED, row.id)


def in_the_way(error: IdentityTaken) -> Outcome:
    """Return the outcome that names the other row; RunAgain if the snapshot does not show it."""
    if error.existing is None:
        raise RunAgain(str(error)) from error
    return Outcome(Result.CONFLICT, error.existing["id"], error.message)
