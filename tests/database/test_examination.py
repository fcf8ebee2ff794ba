"""A database that cannot be used is refused with one message, and without a password."""

from __future__ import annotations

import socket
import threading

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from membership_refactor.database import (
    LaunchedServer,
    Server,
    examine,
    explain,
    libpq_url,
    with_database,
)
from membership_refactor.errors import NoDatabase
from tests.fixtures.databases import NewDatabase
from tests.fixtures.server import LaunchServer

PASSWORD = "open sesame"


@pytest.fixture
def guarded(launch_server: LaunchServer) -> LaunchedServer:
    return launch_server(tcp=True, password=PASSWORD)


def refusal(url: str) -> str:
    with pytest.raises(NoDatabase) as refused:
        examine(url, seconds=2)
    assert refused.value.__cause__ is None
    text = str(refused.value)
    assert "\n" not in text
    assert refused.value.hint
    return text


def test_a_usable_database_says_what_it_is(new_database: NewDatabase, server: Server) -> None:
    url = new_database()
    examined = examine(url)
    assert examined.database == make_url(url).database
    assert examined.encoding == "UTF8"
    assert examined.version == server.version


def test_passwords_are_checked_and_never_shown(guarded: LaunchedServer) -> None:
    right = guarded.server.url
    assert examine(right).user == "postgres"

    wrong = make_url(right).set(password="hunter2").render_as_string(hide_password=False)
    text = refusal(wrong)
    assert "refuses the password of user postgres" in text
    assert "hunter2" not in text

    text = refusal(make_url(right)._replace(password=None).render_as_string(hide_password=False))
    assert "asks for a password" in text

    text = refusal(with_database(right, "nowhere"))
    assert "The database nowhere does not exist" in text
    assert "sesame" not in text

    guarded.stop()
    text = refusal(right)
    assert "No server answers" in text
    assert "sesame" not in text


def test_a_role_that_does_not_exist_is_named(server: Server) -> None:
    if server.data is None:
        pytest.skip("a server that is not ours may ask for a password first")
    url = make_url(server.url).set(username="ghost").render_as_string(hide_password=False)
    assert "The role ghost does not exist" in refusal(url)


def test_a_host_without_an_address_is_named() -> None:
    text = refusal("postgresql://user:hidden@no-such-host.invalid/name")
    assert "no-such-host.invalid" in text
    assert "hidden" not in text


def test_a_server_that_is_silent_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "does not answer in time" in refusal(f"postgresql://user@127.0.0.1:{port}/name")


def test_a_server_that_breaks_off_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        port = rude.getsockname()[1]

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = rude.accept()
                except OSError:
                    return
                connection.recv(8)
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        assert f"127.0.0.1:{port}" in refusal(f"postgresql://user@127.0.0.1:{port}/name")


def test_another_encoding_than_utf8_is_refused(server: Server, new_database: NewDatabase) -> None:
    name = f"{make_url(new_database()).database}_latin"
    with psycopg.connect(libpq_url(server.url), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").format(
                sql.Identifier(name)
            )
        )
        try:
            text = refusal(server.database_url(name))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    assert "LATIN1" in text
    assert "ENCODING 'UTF8'" in text


def test_an_unknown_failure_shows_no_password_either() -> None:
    failure = psycopg.OperationalError('something new with "hidden" in it')
    text = str(explain(failure, "postgresql://user:hidden@host/name"))
    assert "something new" in text
    assert "hidden" not in text
