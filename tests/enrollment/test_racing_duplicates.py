"""Left-overs of failed builds in each form, and writers that bring duplicates meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.enrollment.add_constraints import add_constraints
from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.patience import Patience
from membership_refactor.enrollment.unique_index import Built, build
from membership_refactor.errors import CheckFailed, RefactorError
from membership_refactor.execution.sessions import Sessions
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.unique_identity.names import IdentityNames
from tests.enrollment.tables import CONSTRAINTS, CURRICULA, PROGRAMS, enrol, opened, run
from tests.enrollment.tables import unconstrained as build_unconstrained
from tests.enrollment.test_add_constraints import INDEXES, standing
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED, Session, Stage

CREATE = (
    "CREATE UNIQUE INDEX CONCURRENTLY uq_program_enrollment_key"
    " ON program_enrollment (external_user_key, program_uuid, curriculum_uuid)"
)
INSERT = (
    "INSERT INTO program_enrollment (user_id, external_user_key, program_uuid, curriculum_uuid,"
    f" status) VALUES (%s, %s, '{PROGRAMS[0]}', '{CURRICULA[0]}', 'enrolled')"
)
WAITING = (
    "SELECT count(*)::int FROM pg_stat_activity AS a WHERE a.datname = current_database()"
    " AND a.query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%' AND a.wait_event_type = 'Lock'"
)
READY = (
    "SELECT i.indisready FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
    " WHERE c.relname = 'uq_program_enrollment_key'"
)


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("enrollment unconstrained", build_unconstrained)


def invalid(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [row for row in run(connection, INDEXES) if not row[1]]


def leave_idle(stage: Stage) -> None:
    """A build that failed in its first scan: the duplicate was there before it."""
    session = stage.session("builder")
    session.run(INSERT, (None, "k"))
    session.run(INSERT, (None, "k"))
    assert session.outcome(CREATE) == "23505"
    assert stage.query(READY) == [(False,)]


def leave_fence(stage: Stage) -> None:
    """A build that failed in its second scan: the duplicate came between the two."""
    early, late, builder = (stage.session(name) for name in ("early", "late", "builder"))
    early.run(INSERT, (None, "k"))
    early.begin()
    early.run(INSERT, (None, "other"))
    build = builder.start(CREATE)
    assert build.settled() == BLOCKED
    race_a_duplicate_in(late, early, (None, "k"), wait_until_ready=lambda: ready(stage))
    assert build.outcome() == "23505"
    assert stage.query(READY) == [(True,)]


def race_a_duplicate_in(
    late: Session,
    early: Session,
    duplicate: tuple[int | None, str | None],
    *,
    wait_until_ready: Callable[[], None],
) -> None:
    """While the build waits for ``early``, ``late`` opens the index, which is not ready, and
    writes behind its back after the first scan."""
    late.begin()
    late.run(INSERT, duplicate)
    early.commit()
    wait_until_ready()
    late.commit()


def ready(stage: Stage) -> None:
    until(stage, READY, [(True,)])


def until(stage: Stage, query: str, answer: list[tuple[object, ...]]) -> None:
    end = time.monotonic() + 20
    while stage.query(query) != answer:
        assert time.monotonic() < end, f"never {answer}: {query}"


@pytest.mark.parametrize("leave", [leave_idle, leave_fence])
def test_an_invalid_left_over_is_named_where_duplicates_stop_the_step(
    url: str, on_stage: Callable[[str], Stage], leave: Callable[[Stage], None]
) -> None:
    leave(on_stage(url))
    with opened(url) as engine:
        says = "refuses nothing" if leave is leave_idle else "still refuses new duplicates"
        with pytest.raises(CheckFailed, match=f"uq_program_enrollment_key is invalid and {says}"):
            add_constraints(engine, IDENTITY, "public")


@pytest.mark.parametrize("leave", [leave_idle, leave_fence])
def test_an_invalid_left_over_is_rebuilt_once_the_duplicates_are_merged(
    url: str, on_stage: Callable[[str], Stage], leave: Callable[[Stage], None]
) -> None:
    leave(on_stage(url))
    with opened(url) as engine:
        merge(engine, IDENTITY, "public")
        report = add_constraints(engine, IDENTITY, "public")
        assert report.built["uq_program_enrollment_key"].left_overs != []
        assert standing(engine) == set(CONSTRAINTS)
        assert invalid(engine) == []


def test_what_a_failed_reindex_leaves_beside_the_index_is_taken_away(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    stage = on_stage(url)
    leave_idle(stage)
    assert (
        stage.session("again").outcome("REINDEX INDEX CONCURRENTLY uq_program_enrollment_key")
        == "23505"
    )
    with opened(url) as engine:
        assert len(invalid(engine)) == 2
        merge(engine, IDENTITY, "public")
        add_constraints(engine, IDENTITY, "public")
        assert standing(engine) == set(CONSTRAINTS)
        assert invalid(engine) == []


def race(engine: Engine, stage: Stage, duplicate: tuple[int | None, str | None]) -> Future[Built]:
    """The build of the key's index, with a duplicate that comes between its two scans."""
    early, late = stage.session("early"), stage.session("late")
    early.run(INSERT, (1, "k"))
    early.begin()
    early.run(INSERT, (7, "seven"))
    sessions = Sessions(engine, role=None, label="test")
    with ThreadPoolExecutor(1) as pool:
        names = IdentityNames(IDENTITY, "public")
        step = pool.submit(build, engine, sessions, names, IDENTITY.alternatives[1], Patience())
        try:
            until(stage, READY, [(False,)])
            until(stage, WAITING, [(1,)])
            race_a_duplicate_in(late, early, duplicate, wait_until_ready=lambda: ready(stage))
        finally:
            # Else the build would wait for these for ever, and the pool for the build.
            early.connection.cancel_safe(timeout=1)
            early.close()
            late.close()
        step.exception(60)
    return step


def test_a_duplicate_that_races_in_between_the_scans_is_merged(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    with opened(url) as engine:
        report = race(engine, on_stage(url), (None, "k")).result()
        assert (report.merged, report.attempts) == (1, 2)
        # Between the two builds the first index went on refusing.
        assert report.left_overs == ["uq_program_enrollment_key (invalid, refuses new duplicates)"]
        assert invalid(engine) == []
        add_constraints(engine, IDENTITY, "public")
        assert standing(engine) == set(CONSTRAINTS)
        with engine.connect() as connection:
            assert run(
                connection,
                "SELECT user_id FROM program_enrollment WHERE external_user_key = 'k'",
            ) == [(1,)]


def test_a_contradiction_that_races_in_ends_in_a_report_and_no_invalid_index(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    with opened(url) as engine:
        step = race(engine, on_stage(url), (2, "k"))
        with pytest.raises(CheckFailed, match="duplicates came during build 1"):
            step.result()
        assert invalid(engine) == []


@pytest.mark.slow
def test_writers_that_insert_duplicates_all_through_it_end_with_constraints_or_a_report(
    url: str,
) -> None:
    """Both ends are allowed; an invalid index that nobody speaks of is not."""
    stop = threading.Event()
    accepted = [0, 0]

    def write(number: int) -> None:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            at = 0
            while not stop.is_set():
                at += 1
                try:
                    connection.execute(INSERT, (at % 50, None))
                    accepted[number] += 1
                except psycopg.errors.UniqueViolation:
                    pass

    with opened(url) as engine:
        with engine.begin() as connection:
            for number in range(50, 500):
                enrol(connection, number, f"k{number}")
        writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
        for writer in writers:
            writer.start()
        try:
            end = attempt(engine)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        assert all(accepted)
        assert invalid(engine) == [] or "still exists" in (end or "")
        assert end is None or "duplicates" in end or "stands twice" in end
        # Once the writers rest, it goes through.
        merge(engine, IDENTITY, "public")
        add_constraints(engine, IDENTITY, "public")
        assert standing(engine) == set(CONSTRAINTS)


def attempt(engine: Engine) -> str | None:
    try:
        merge(engine, IDENTITY, "public", patience=Patience(tries=200))
        add_constraints(engine, IDENTITY, "public", patience=Patience(tries=200))
    except RefactorError as error:
        return str(error)
    return None
