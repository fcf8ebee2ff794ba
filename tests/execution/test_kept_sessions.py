"""A session that a run uses again is as a new one, and none is left behind."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, pool

from membership_refactor.database import libpq_url
from membership_refactor.environment import connect_engine
from membership_refactor.execution.kept_sessions import kept_sessions
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from tests.cli.processes import query, until
from tests.fixtures.databases import NewDatabase

SETTINGS = "SELECT name, setting FROM pg_settings ORDER BY name"
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


@pytest.fixture
def sessions(new_database: NewDatabase) -> Sessions:
    return Sessions(connect_engine(new_database(), "public"), role=None, label="test")


@pytest.fixture
def kept(sessions: Sessions) -> Iterator[None]:
    with kept_sessions(sessions.engine).kept():
        yield


def pid(pg: Pg) -> int:
    return int(value(pg, "SELECT pg_backend_pid()"))


def at_work(sessions: Sessions) -> list[int]:
    url = sessions.engine.url.render_as_string(hide_password=False)
    rows = query(
        url,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'membership_refactor%'",
    )
    return [row[0] for row in rows]


@pytest.mark.usefixtures("kept")
def test_a_session_that_is_used_again_begins_as_a_new_one(sessions: Sessions) -> None:
    role = f"owner_{id(sessions)}"
    with sessions.open() as pg:
        first, new = pid(pg), run(pg, SETTINGS).fetchall()
        run(pg, f"CREATE ROLE {role}")
    try:
        with sessions.open() as pg:
            assert pid(pg) == first
            for text in (
                f"SET ROLE {role}",
                "SET default_transaction_read_only = on",
                "SET synchronous_commit = off",
                "SET lock_timeout = 17",
                "SET search_path = public",
                "SET transform_null_equals = on",
                "SELECT pg_advisory_lock(4711)",
            ):
                run(pg, text)
        with sessions.open() as pg:
            assert pid(pg) == first
            assert run(pg, SETTINGS).fetchall() == new
            assert value(pg, "SELECT current_user = session_user")
            assert value(pg, LOCKS) == 0
    finally:
        with sessions.open() as pg:
            run(pg, f"DROP ROLE {role}")


def test_a_role_that_the_login_begins_with_is_its_role_again(new_database: NewDatabase) -> None:
    url = new_database()
    login, owner = f"login_{id(url)}", f"owner_{id(url)}"
    query(url, f"CREATE ROLE {owner}")
    query(url, f"CREATE ROLE {login} LOGIN SUPERUSER PASSWORD 'secret' IN ROLE {owner}")
    query(url, f"ALTER ROLE {login} SET role = {owner}")
    try:
        by_login = make_url(url).set(username=login, password="secret")
        engine = connect_engine(by_login.render_as_string(hide_password=False), "public")
        own = Sessions(engine, role=None, label="test")
        with kept_sessions(own.engine).kept():
            for _ in range(2):
                with own.open() as pg:
                    assert value(pg, "SELECT current_user") == owner
                    run(pg, "SET ROLE NONE")
    finally:
        query(url, f"DROP ROLE {login}")
        query(url, f"DROP ROLE {owner}")


@pytest.mark.usefixtures("kept")
def test_a_session_that_the_server_ended_meanwhile_is_replaced(sessions: Sessions) -> None:
    with sessions.open() as pg:
        first = pid(pg)
    with sessions.open() as one, sessions.open() as other:
        assert pid(one) == first
        run(other, f"SELECT pg_terminate_backend({first}, 5000)")
    with sessions.open() as pg:
        assert pid(pg) != first


@pytest.mark.usefixtures("kept")
def test_a_session_in_which_something_failed_or_is_open_is_not_kept(sessions: Sessions) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), sessions.open() as pg:
        failed = pid(pg)
        run(pg, "SELECT 1 / 0")
    with sessions.open() as pg:
        left_open = pid(pg)
        run(pg, "BEGIN")
    with sessions.open() as pg:
        assert pid(pg) not in (failed, left_open)


def test_none_is_left_behind(sessions: Sessions) -> None:
    with pytest.raises(RuntimeError), kept_sessions(sessions.engine).kept():
        with sessions.open(), sessions.open():
            pass
        assert len(at_work(sessions)) == 2
        raise RuntimeError
    until(lambda: at_work(sessions) == [])
    with sessions.open():
        assert len(at_work(sessions)) == 1
    until(lambda: at_work(sessions) == [])


def test_an_engine_of_somebody_else_keeps_none(new_database: NewDatabase) -> None:
    url = new_database()
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(libpq_url(url)),
        poolclass=pool.NullPool,
    )
    own = Sessions(engine, role=None, label="test")
    with kept_sessions(engine).kept():
        with own.open() as pg:
            first = pid(pg)
        with own.open() as pg:
            assert pid(pg) != first
