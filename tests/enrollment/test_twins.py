"""Two sessions do the same at the same time, at every isolation level, one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from membership_refactor.enrollment.enrolling import Request, write_enrollments
from membership_refactor.enrollment.linking import link, unlink
from membership_refactor.enrollment.outcomes import Result, Scope, in_transaction
from membership_refactor.enrollment.patience import original
from membership_refactor.enrollment.retiring import expire
from membership_refactor.models.refused_writes import RunAgain
from tests.enrollment.tables import CURRICULA, PROGRAMS, constrained, enrol, opened, run
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS, Stage

SCOPE = Scope(PROGRAMS[0], CURRICULA[0])
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
Work = Callable[[Session], str]


def create(user: int | None = None, key: str | None = None) -> Work:
    request = Request(user_id=user, external_user_key=key)
    return lambda session: write_enrollments(session, SCOPE, [request], update=True)[0].result


def linked(key: str, user: int, *, relink: bool = False, unite: bool = False) -> Work:
    return lambda session: link(session, SCOPE, {key: user}, relink=relink, unite=unite)[key].result


def unlinked(key: str) -> Work:
    return lambda session: unlink(session, SCOPE, [key])[key].result


def expired(session: Session) -> str:
    return f"expired {len(expire(session, before=datetime.now(UTC) - timedelta(days=1)))}"


@dataclass(frozen=True)
class Twins:
    """What each of the two does, how the second ends once the first has committed, and the rows."""

    name: str
    first: Work
    second: Work
    ends: str
    rows: set[tuple[int | None, str | None]]


OLD = (None, "old")
MINE = (9, None)
CASES = (
    Twins("create one key", create(key="k"), create(key="k"), Result.UPDATED, {(None, "k")}),
    Twins("create one user", create(1), create(1), Result.UPDATED, {(1, None)}),
    Twins(
        "create one user with two keys", create(1, "a"), create(1, "b"), Result.CONFLICT, {(1, "a")}
    ),
    Twins(
        "create one key with two users", create(1, "a"), create(2, "a"), Result.CONFLICT, {(1, "a")}
    ),
    Twins("link to two users", linked("old", 1), linked("old", 2), Result.CONFLICT, {(1, "old")}),
    Twins("link twice", linked("old", 1), linked("old", 1), Result.ALREADY_LINKED, {(1, "old")}),
    Twins(
        "relink",
        linked("old", 1),
        linked("old", 2, relink=True),
        Result.RELINKED,
        {(2, "old")},
    ),
    Twins(
        "enrol the user who is being linked",
        linked("old", 1),
        create(1),
        Result.UPDATED,
        {(1, "old")},
    ),
    Twins(
        "link the user who is being enrolled",
        create(1),
        linked("old", 1),
        Result.CONFLICT,
        {(1, None), OLD},
    ),
    Twins(
        "link the user who is being enrolled, and unite",
        create(1),
        linked("old", 1, unite=True),
        Result.UNITED,
        {(1, "old")},
    ),
    Twins(
        "unite twice",
        linked("old", 9, unite=True),
        linked("old", 9, unite=True),
        Result.ALREADY_LINKED,
        {(9, "old")},
    ),
    Twins("expire what is being linked", linked("old", 1), expired, "expired 0", {(1, "old")}),
    Twins("link what is being expired", expired, linked("old", 1), Result.NOT_FOUND, set()),
    Twins("unlink what is being linked", linked("old", 1), unlinked("old"), "unlinked", {OLD}),
)


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("enrollment constrained", constrained)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with opened(url) as engine:
        yield engine


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("twins", CASES, ids=lambda twins: twins.name)
def test_the_second_of_two_meets_what_the_first_did(
    engine: Engine,
    url: str,
    on_stage: Callable[[str], Stage],
    twins: Twins,
    isolation: str,
) -> None:
    with engine.begin() as connection:
        enrol(connection, *OLD)
        if twins.name == "unite twice":
            enrol(connection, *MINE)
        run(connection, "UPDATE program_enrollment SET modified = %s", LONG_AGO)
    bound = engine.execution_options(isolation_level=isolation)
    stage, snapshot = on_stage(url), Event()
    pids: list[int] = []

    def second() -> str:
        with Session(bound) as session, session.begin():
            pids.append(int(str(run(session.connection(), "SELECT pg_backend_pid()")[0][0])))
            run(session.connection(), "SELECT count(*) FROM program_enrollment")
            snapshot.set()
            written.wait(30)
            return twins.second(session)

    written = Event()
    with ThreadPoolExecutor(1) as pool, Session(bound) as session:
        ending = pool.submit(second)
        snapshot.wait(30)
        first = twins.first(session)
        written.set()
        while not ending.done() and not stage.is_blocked(pids[0]):
            pass
        session.commit()
        error = ending.exception(30)
    assert first != Result.CONFLICT
    if error is not None:
        # Loud and retryable, and never at READ COMMITTED.
        assert isolation != "READ COMMITTED", error
        assert isinstance(error, RunAgain) or (
            getattr(original(error), "sqlstate", None) == "40001"
        ), error
        ended = in_transaction(engine, twins.second, isolation_level=isolation)
    else:
        ended = ending.result()
    assert ended == twins.ends
    with engine.connect() as connection:
        stored = run(connection, "SELECT user_id, external_user_key FROM program_enrollment")
    keep_old = {OLD} if twins.name.startswith("create") else set()
    assert set(stored) == twins.rows | keep_old and len(stored) == len(set(stored))


def test_a_lost_race_is_run_again_until_it_is_won(engine: Engine) -> None:
    asked: list[int] = []

    def work(session: Session) -> str:
        run(session.connection(), "SELECT count(*) FROM program_enrollment")
        asked.append(1)
        if len(asked) < 3:
            with engine.begin() as other:
                enrol(other, len(asked), None)
        return create(len(asked) if len(asked) < 3 else 1)(session)

    assert in_transaction(engine, work, isolation_level="SERIALIZABLE") == Result.UPDATED
    assert len(asked) == 3


def test_an_error_that_is_no_lost_race_is_raised_at_once(engine: Engine) -> None:
    asked: list[int] = []

    def work(session: Session) -> None:
        asked.append(1)
        run(session.connection(), "SELECT 1 / 0")

    with pytest.raises(DBAPIError, match="division by zero"):
        in_transaction(engine, work)
    assert len(asked) == 1
