"""What sessions see that stay open while a step runs: their statements were prepared before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import query

ANY = "(SELECT uuid FROM s.wide ORDER BY uuid LIMIT 1)"
STARS = (
    "SELECT * FROM s.{} LIMIT 1",
    "SELECT t FROM s.{} AS t LIMIT 1",
    "UPDATE s.{} SET person_id = person_id WHERE person_id = 12 RETURNING *",
)


class OpenSession:
    """An application's session in autocommit that prepares every statement, as drivers do."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def outcome(self, statement: str) -> str:
        """An empty string, or the SQLSTATE. The statement is prepared when it first succeeds."""
        try:
            self.connection.execute(statement.encode(), prepare=True)
        except psycopg.Error as error:
            return error.sqlstate or "error"
        return ""

    def prepare(self, *statements: str) -> None:
        """Runs each; after that the server has its plan."""
        for statement in statements:
            assert self.outcome(statement) == ""
        names = self.connection.execute(
            "SELECT statement FROM pg_prepared_statements", prepare=False
        ).fetchall()
        assert {(s,) for s in statements} <= set(names)


@contextmanager
def open_session(url: str) -> Iterator[OpenSession]:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        yield OpenSession(connection)


def fresh(url: str, statement: str) -> str:
    """What a session that begins now gets."""
    with open_session(url) as session:
        return session.outcome(statement)


@pytest.mark.parametrize("statement", [s.format("wide") for s in STARS])
def test_0a000_a_star_that_was_prepared_before_the_name_got_its_new_meaning(
    statement: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(statement)
        pilot.upgrade("0005")
        assert session.outcome(statement) == "42P01"
        pilot.upgrade("0006")
        assert [session.outcome(statement) for _ in range(2)] == ["0A000", "0A000"]
        session.connection.execute("DEALLOCATE ALL")
        assert session.outcome(statement) == fresh(url, statement) != "0A000"


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("star", [STARS[0], "DELETE FROM s.{} WHERE id = 13 RETURNING *"])
def test_0a000_a_star_of_the_child_that_was_prepared_before_its_columns_went_or_came_back(
    way: str, star: str, template_database: TemplateDatabase
) -> None:
    at = "0009" if way == "up" else "0010"
    url = template_database(tables_at(at))
    statement = star.format("narrow")
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(statement)
        (pilot.upgrade if way == "up" else pilot.downgrade)("0010")
        assert [session.outcome(statement) for _ in range(2)] == ["0A000", "0A000"]
        session.connection.execute("DISCARD ALL")
        assert session.outcome(statement) == ""


def test_0a000_a_pool_that_rolls_back_fails_once_and_passes_on_retry(
    template_database: TemplateDatabase,
) -> None:
    """psycopg forgets what it prepared when it rolls back, and pools do so for their sessions."""
    url = template_database(tables_at("0009"))
    pool = create_engine(url, pool_size=1, max_overflow=0, connect_args={"prepare_threshold": 0})
    star = text("SELECT * FROM s.narrow LIMIT 1")

    def pids_and_columns() -> tuple[int, int]:
        with pool.begin() as connection:
            columns = len(connection.execute(star).keys())
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        return pid, columns

    try:
        pid, wide = pids_and_columns()
        with Pilot(url) as pilot:
            pilot.upgrade("0010")
        with pytest.raises(DBAPIError) as raised:
            pids_and_columns()
        assert isinstance(raised.value.orig, psycopg.errors.FeatureNotSupported)
        again, narrow = pids_and_columns()
        assert again == pid and narrow < wide
    finally:
        pool.dispose()


NAMED = {
    "a read": "SELECT id, rotation FROM s.narrow WHERE id = 11",
    "a write": "UPDATE s.narrow SET curriculum = 5 WHERE rotation = 'r11'",
    "a join": "SELECT n.id FROM s.narrow AS n JOIN s.wide AS w ON w.person_id = n.person_id",
}


@pytest.mark.parametrize("statement", NAMED.values(), ids=list(NAMED))
def test_42703_a_column_that_an_open_session_names_has_gone_from_the_child(
    statement: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0009"))
    stays = "SELECT id, curriculum, parent_uuid FROM s.narrow WHERE id = 11"
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(statement, stays)
        pilot.upgrade("0010")
        assert session.outcome(statement) == fresh(url, statement) == "42703"
        assert session.outcome(stays) == ""
        pilot.downgrade("0010")
        assert session.outcome(statement) == ""


@pytest.mark.parametrize(
    "statement",
    ["SELECT curriculum FROM s.wide WHERE id = 11", "UPDATE s.wide SET note = NULL WHERE id = 11",
     "INSERT INTO s.wide (person_id, programme, curriculum) VALUES (1, 1, 1)"],
)  # fmt: skip
def test_42703_the_parent_has_not_the_columns_that_an_open_session_names_by_its_name(
    statement: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    both = "SELECT person_id, rotation FROM s.wide WHERE person_id = 6"
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(statement, both)
        before = session.connection.execute(both.encode()).fetchall()
        pilot.upgrade("0005", "0006")
        assert session.outcome(statement) == fresh(url, statement) == "42703"
        # Columns of both: no error, and other rows; none until the parents are built.
        assert session.connection.execute(both.encode()).fetchall() == []
        pilot.upgrade("0007")
        after = session.connection.execute(both.encode()).fetchall()
        assert 0 < len(after) <= len(before)


def test_42p01_an_open_session_loses_the_name_at_0005_and_on_the_way_down(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0004"))
    old, new = "SELECT person_id FROM s.wide LIMIT 1", "SELECT id FROM s.narrow WHERE id = 11"
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(old, new)
        pilot.upgrade("0005")
        assert (session.outcome(old), session.outcome(new)) == ("42P01", "")
        pilot.upgrade("0006")
        assert (session.outcome(old), session.outcome(new)) == ("", "")
        pilot.downgrade("0006")
        assert (session.outcome(old), session.outcome(new)) == ("42P01", "")
        pilot.downgrade("0005")
        assert (session.outcome(old), session.outcome(new)) == ("", "")
        pilot.downgrade("0004", "0003")
        assert (session.outcome(old), session.outcome(new)) == ("", "42P01")


NEW_STYLE = {
    "a parent": "INSERT INTO s.wide (uuid, person_id, programme) VALUES (gen_random_uuid(), 3, 1)",
    "a child": f"INSERT INTO s.narrow (curriculum, parent_uuid) SELECT 1, {ANY}",
    "a value": f"UPDATE s.wide SET rotation = 'new' WHERE uuid = {ANY}",
}


@pytest.mark.parametrize("write", NEW_STYLE)
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_55000_new_style_writes_are_refused_once_0008_is_taken_back(
    isolation: str, write: str, template_database: TemplateDatabase
) -> None:
    """Open sessions too: before the NOT NULL checks of the deprecated columns could refuse them."""
    url = template_database(tables_at("0008"))
    with open_session(url) as session, Pilot(url) as pilot:
        session.prepare(NEW_STYLE[write])
        # A parent without a child would stop the downgrade before it begins.
        session.outcome("DELETE FROM s.wide WHERE person_id = 3 AND kind IS NULL AND began IS NULL")
        session.connection.execute(f"SET default_transaction_isolation = '{isolation}'".encode())
        pilot.start(
            lambda runner: runner.downgrade("link_children"),
            until=r"VALIDATE CONSTRAINT",
            before=True,
        )
        assert session.outcome(NEW_STYLE[write]) == "55000"
        pilot.finish()
        assert session.outcome(NEW_STYLE[write]) == "55000"
        pilot.upgrade("0008")
        assert session.outcome(NEW_STYLE[write]) == ""


def test_23503_a_cascade_is_refused_from_0009_on_and_passes_again_on_the_way_down(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0008"))
    deleted, renumbered = (
        "DELETE FROM s.person WHERE id = 8",
        "UPDATE s.person SET id = 70000 WHERE id = 51",
    )
    children = (
        "SELECT count(*) FROM s.narrow AS n JOIN s.wide AS w ON w.uuid = n.parent_uuid "
        "WHERE w.person_id IN ({})"
    )
    with open_session(url) as session, Pilot(url) as pilot:
        # PostgreSQL 18 has a code of its own for a key that is ON DELETE RESTRICT.
        refused = "23001" if session.connection.info.server_version >= 180000 else "23503"
        pilot.upgrade("0009")
        assert session.outcome(deleted) == refused
        assert session.outcome(renumbered) == ""
        pilot.upgrade("0010")
        assert session.outcome(deleted) == refused
        assert query(url, children.format(8)) != [(0,)]
        assert query(url, children.format(70000)) != [(0,)]
        pilot.downgrade("0010", "0009")
        assert session.outcome(deleted) == ""
        assert query(url, children.format(8)) == [(0,)]
