"""Enrolling, linking, expiring and retiring: an answer for each row, and no twin slips through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from membership_refactor.enrollment.enrolling import Request, write_enrollments
from membership_refactor.enrollment.linking import CourseRefused, link, unlink
from membership_refactor.enrollment.outcomes import Outcome, Result, Scope
from membership_refactor.enrollment.retiring import RETIRED, expire, retire, retired_key
from membership_refactor.enrollment.undo import undo, where_is
from membership_refactor.models.enrollment import ProgramEnrollment
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.enrollment.tables import CURRICULA, PROGRAMS, enrol, run

SCOPE = Scope(PROGRAMS[0], CURRICULA[0])
Rows = list[tuple[object, ...]]


def stored(session: Session) -> Rows:
    return run(
        session.connection(),
        "SELECT user_id, external_user_key, status FROM program_enrollment ORDER BY id",
    )


def courses(session: Session) -> Rows:
    return run(
        session.connection(),
        "SELECT program_enrollment_id, course_key, course_enrollment_id"
        " FROM program_course_enrollment ORDER BY id",
    )


def results(outcomes: list[Outcome]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


def test_each_request_of_a_batch_has_its_own_answer(constrained_engine: Engine) -> None:
    with Session(constrained_engine) as session:
        there = enrol(session.connection(), 1, "k1")
        outcomes = write_enrollments(
            session,
            SCOPE,
            [
                Request(external_user_key="new"),
                Request(external_user_key="k1"),
                Request(external_user_key="twice"),
                Request(external_user_key="twice", user_id=9),
                Request(),
                Request(external_user_key=" padded"),
                Request(external_user_key="odd", status="withdrawn"),
                Request(user_id=2),
            ],
        )
        assert results(outcomes) == [
            Result.CREATED,
            Result.CONFLICT,
            Result.DUPLICATED,
            Result.DUPLICATED,
            Result.IDENTITY_MISSING,
            Result.INVALID_KEY,
            Result.INVALID_STATUS,
            Result.CREATED,
        ]
        assert outcomes[1].enrollment == there
        assert [o.done for o in outcomes].count(True) == 2
        assert len(stored(session)) == 3


def test_an_update_changes_the_status_and_adds_the_identity_that_was_missing(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        row = enrol(session.connection(), None, "k1")
        known = session.get_one(ProgramEnrollment, row)
        request = Request(external_user_key="k1", user_id=5, status="suspended")
        (outcome,) = write_enrollments(session, SCOPE, [request], create=False, update=True)
        assert outcome == Outcome(Result.UPDATED, row)
        assert (known.user_id, known.status) == (5, "suspended")
        assert stored(session) == [(5, "k1", "suspended")]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(user_id=1, external_user_key="k2"), "a row each"),
        (Request(user_id=3, external_user_key="k2"), "belongs to user 2"),
        (Request(user_id=1, external_user_key="k9"), "another key"),
    ],
)
def test_an_update_never_takes_an_identity_from_somebody_else(
    constrained_engine: Engine, request_: Request, says: str
) -> None:
    with Session(constrained_engine) as session:
        enrol(session.connection(), 1, "k1")
        enrol(session.connection(), 2, "k2")
        before = stored(session)
        (outcome,) = write_enrollments(session, SCOPE, [request_], update=True)
        assert outcome.result is Result.CONFLICT and says in outcome.detail
        assert stored(session) == before


def test_what_is_not_there_is_not_found_where_nothing_may_be_created(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        asked = [Request(external_user_key="nobody")]
        outcomes = write_enrollments(session, SCOPE, asked, create=False, update=True)
        assert results(outcomes) == [Result.NOT_FOUND]


def test_linking_realises_the_enrollment_and_its_active_waiting_courses(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        row = enrol(session.connection(), None, "k", courses=("c1", "c2"))
        run(
            session.connection(),
            "UPDATE program_course_enrollment SET status = 'inactive' WHERE course_key = 'c2'",
        )
        outcomes = link(session, SCOPE, {"k": 7}, enrol_in_course=lambda user, course: 100 + user)
        assert outcomes == {"k": Outcome(Result.LINKED, row)}
        assert courses(session) == [(row, "c1", 107), (row, "c2", None)]
        assert link(session, SCOPE, {"k": 7})["k"].result is Result.ALREADY_LINKED
        assert link(session, SCOPE, {"no": 7})["no"].result is Result.NOT_FOUND
        other = Scope(PROGRAMS[1], CURRICULA[0])
        assert link(session, other, {"k": 8})["k"].result is Result.NOT_FOUND


def test_a_user_who_has_another_key_stays_with_it_and_the_rest_of_the_batch_is_linked(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        first = enrol(session.connection(), 1, "learner-0")
        enrol(session.connection(), None, "0001")
        enrol(session.connection(), None, "0002")
        outcomes = link(session, SCOPE, {"0001": 1, "0002": 2}, unite=True)
        assert outcomes["0001"].result is Result.CONFLICT
        assert outcomes["0001"].enrollment == first
        assert outcomes["0002"].result is Result.LINKED
        assert stored(session)[1:] == [(None, "0001", "enrolled"), (2, "0002", "enrolled")]


def test_a_course_that_refuses_the_learner_undoes_this_link_only(
    constrained_engine: Engine,
) -> None:
    def refuse(user: int, course: str) -> int:
        if course == "full":
            raise CourseRefused("the course is full")
        return 1

    with Session(constrained_engine) as session:
        enrol(session.connection(), None, "a", courses=("open", "full"))
        enrol(session.connection(), None, "b", courses=("open",))
        outcomes = link(session, SCOPE, {"a": 1, "b": 2}, enrol_in_course=refuse)
        assert outcomes["a"].result is Result.COURSE_REFUSED
        assert outcomes["b"].result is Result.LINKED
        assert [row[0] for row in stored(session)] == [None, 2]
        assert [row[2] for row in courses(session)] == [None, None, 1]


def test_relinking_moves_the_enrollment_to_another_user_only_when_asked(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        row = enrol(session.connection(), None, "k", courses=("c",))
        link(session, SCOPE, {"k": 1}, enrol_in_course=lambda user, course: user)
        assert link(session, SCOPE, {"k": 2})["k"].result is Result.CONFLICT
        outcomes = link(
            session, SCOPE, {"k": 2}, relink=True, enrol_in_course=lambda user, course: user
        )
        assert outcomes["k"] == Outcome(Result.RELINKED, row)
        assert courses(session) == [(row, "c", 2)]


def test_two_enrollments_swap_their_users_in_one_transaction(constrained_engine: Engine) -> None:
    # In one flush the updates would go in the order of ids, and the first would meet the second.
    with Session(constrained_engine) as session:
        enrol(session.connection(), 1, "a")
        enrol(session.connection(), 2, "b")
        unlink(session, SCOPE, ["a", "b"])
        outcomes = link(session, SCOPE, {"a": 2, "b": 1})
        assert {o.result for o in outcomes.values()} == {Result.LINKED}
        assert stored(session) == [(2, "a", "enrolled"), (1, "b", "enrolled")]


def test_a_user_without_key_takes_the_waiting_enrollment_over_and_it_can_be_undone(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session, session.begin():
        mine = enrol(session.connection(), 1, None, courses=("c1",))
        waiting = enrol(session.connection(), None, "k", courses=("c1", "c2"))
    with Session(constrained_engine) as session, session.begin():
        assert link(session, SCOPE, {"k": 1})["k"].result is Result.CONFLICT
        outcome = link(
            session, SCOPE, {"k": 1}, unite=True, enrol_in_course=lambda user, course: 40
        )["k"]
        assert (outcome.result, outcome.enrollment) == (Result.UNITED, mine)
        assert stored(session) == [(1, "k", "enrolled")]
        assert {(row[1], row[2]) for row in courses(session)} == {("c1", 40), ("c2", 40)}
    with constrained_engine.connect() as connection:
        found = where_is(connection, IDENTITY, "public", waiting)
    assert found is not None and found.survivor == str(mine)
    assert undo(constrained_engine, IDENTITY, "public", found.run).undone == 1
    with Session(constrained_engine) as session:
        assert stored(session) == [(1, None, "enrolled"), (None, "k", "enrolled")]
        assert {row[:2] for row in courses(session)} == {
            (mine, "c1"),
            (waiting, "c1"),
            (waiting, "c2"),
        }


def test_unlinking_lets_enrollment_and_courses_wait_again(constrained_engine: Engine) -> None:
    with Session(constrained_engine) as session:
        row = enrol(session.connection(), None, "k", courses=("c",))
        link(session, SCOPE, {"k": 1}, enrol_in_course=lambda user, course: 9)
        outcomes = unlink(session, SCOPE, ["k", "nobody"])
        assert outcomes["k"] == Outcome(Result.UNLINKED, row)
        assert outcomes["nobody"].result is Result.NOT_FOUND
        assert stored(session) == [(None, "k", "enrolled")]
        assert courses(session) == [(row, "c", None)]
        assert unlink(session, SCOPE, ["k"])["k"].result is Result.CONFLICT


def test_expiring_takes_waiting_enrollments_with_their_courses_and_no_others(
    constrained_engine: Engine,
) -> None:
    now = datetime.now(UTC)
    with Session(constrained_engine) as session:
        old = enrol(session.connection(), None, "old", courses=("c",))
        enrol(session.connection(), 1, "realised", courses=("c",))
        run(
            session.connection(),
            "UPDATE program_enrollment SET modified = %s",
            now - timedelta(days=60),
        )
        young = enrol(session.connection(), None, "young")
        assert expire(session, before=now - timedelta(days=59)) == [old]
        assert [row[1] for row in stored(session)] == ["realised", "young"]
        assert len(courses(session)) == 1
        assert expire(session, before=now - timedelta(days=59)) == []
        assert young


def test_retiring_replaces_keys_once_and_leaves_a_keyless_learner_alone(
    constrained_engine: Engine,
) -> None:
    with Session(constrained_engine) as session:
        first = enrol(session.connection(), 1, "k")
        second = enrol(session.connection(), 1, "K", program=PROGRAMS[1])
        enrol(session.connection(), 1, None, curriculum=CURRICULA[1])
        enrol(session.connection(), 2, "other")
        assert retire(session, 1, secret=b"pepper") == [first, second]
        after = stored(session)
        assert [row[1] for row in after] == [
            retired_key("k", secret=b"pepper"),
            retired_key("K", secret=b"pepper"),
            None,
            "other",
        ]
        assert str(after[0][1]).startswith(RETIRED) and after[0][1] != "k"
        assert retire(session, 1, secret=b"pepper") == []
        assert stored(session) == after
