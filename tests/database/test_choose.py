"""Which database is chosen, in which order, and what is said about it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from membership_refactor.database import (
    choose_for_application,
    examine,
    kept,
    of_the_wheel,
    on_this_machine,
    server_for_tests,
    source_for_tests,
    stop_kept,
)
from membership_refactor.database.container import contained, why_no_engine
from membership_refactor.database.embedded import DATABASE
from membership_refactor.database.remains import postmaster_of
from membership_refactor.errors import NoDatabase

EVERYTHING = {"DATABASE_URL": "postgres://env:secret@env/env", "PGHOST": "libpq"}


@pytest.fixture
def private_state() -> Iterator[dict[str, str]]:
    """An environment in which nobody else's embedded server is found."""
    if of_the_wheel() is None:
        pytest.skip("the embedded wheel is not installed")
    with tempfile.TemporaryDirectory(prefix="mr-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        environ = {"XDG_STATE_HOME": folder}
        yield environ
        stop_kept(environ=environ)


def test_the_command_line_comes_first() -> None:
    choice = choose_for_application(
        x_url="postgresql://x/x", configured="postgresql://ini/ini", environ=EVERYTHING
    )
    assert (choice.url, choice.source) == ("postgresql+psycopg://x/x", "-x url")


def test_the_environments_url_comes_second() -> None:
    choice = choose_for_application(configured="postgresql://ini/ini", environ=EVERYTHING)
    assert (choice.url, choice.source) == (
        "postgresql+psycopg://env:secret@env/env",
        "DATABASE_URL",
    )
    assert "secret" not in str(choice)


def test_the_configuration_comes_third() -> None:
    choice = choose_for_application(
        configured="postgresql://ini/ini", environ={"PGHOST": "libpq", "DATABASE_URL": ""}
    )
    assert (choice.url, choice.source) == ("postgresql+psycopg://ini/ini", "sqlalchemy.url")


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"])
def test_libpqs_variables_come_fourth(name: str) -> None:
    choice = choose_for_application(configured="", environ={name: "1"})
    assert choice.url == "postgresql+psycopg://"
    assert name in choice.source


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DATABASE_URL": " "}, "DATABASE_URL"),
        ({"PGHOST": "", "PGUSER": "me"}, "PGHOST"),
        ({"PGSERVICE": ""}, "PGSERVICE"),
        ({}, "sqlalchemy.url"),
    ],
)
def test_an_empty_name_is_not_the_embedded_server(given: dict[str, str], named: str) -> None:
    with pytest.raises(NoDatabase, match=f"{named} is empty, and nothing else names a database"):
        choose_for_application(configured="" if not given else None, environ=given)


def test_an_untouched_configuration_names_no_database(private_state: dict[str, str]) -> None:
    choice = choose_for_application(
        configured="driver://user:pass@localhost/dbname",
        environ=private_state,
        announce=lambda line: None,
    )
    assert choice.source.startswith("embedded")


def test_without_any_the_embedded_server_is_used_kept_and_announced(
    private_state: dict[str, str],
) -> None:
    lines: list[str] = []
    first = choose_for_application(environ=private_state, announce=lines.append)
    second = choose_for_application(environ=private_state, announce=lines.append)
    assert first == second
    assert examine(first.url).database == DATABASE
    assert len(lines) == 2
    assert "No database is given. The embedded PostgreSQL" in lines[0]
    assert stop_kept(environ=private_state)
    assert not stop_kept(environ=private_state)
    third = choose_for_application(environ=private_state, announce=lines.append)
    assert examine(third.url).database == DATABASE


def test_two_commands_that_start_at_once_get_the_same_embedded_server(
    private_state: dict[str, str],
) -> None:
    code = "from membership_refactor.database import kept; print(kept().url)"
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **private_state},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    urls = {command.communicate(timeout=120)[0] for command in commands}
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert len(urls) == 1
    assert examine(urls.pop().strip()).user == "postgres"


def test_an_embedded_server_that_was_killed_starts_again(private_state: dict[str, str]) -> None:
    data = kept(environ=private_state).data
    assert data is not None
    pid = postmaster_of(data)
    assert pid is not None
    os.kill(pid, 3)
    while postmaster_of(data) == pid:
        os.sched_yield()
    assert examine(kept(environ=private_state).url).user == "postgres"
    assert postmaster_of(data) not in (None, pid)


def test_an_initdb_that_was_killed_is_done_again(private_state: dict[str, str]) -> None:
    data = kept(environ=private_state).data
    assert data is not None
    stop_kept(environ=private_state)
    (data / "PG_VERSION").unlink()
    assert examine(kept(environ=private_state).url).user == "postgres"


def test_data_of_another_version_are_refused_with_the_way_out(
    private_state: dict[str, str],
) -> None:
    data = kept(environ=private_state).data
    assert data is not None
    stop_kept(environ=private_state)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(NoDatabase, match="PostgreSQL 17 made the data"):
        kept(environ=private_state)
    (data / "PG_VERSION").write_text("18\n")


def test_tests_take_the_given_url_first() -> None:
    environ = {"DATABASE_URL": "postgresql://user:secret@127.0.0.1:1/name"}
    assert source_for_tests(environ) == "DATABASE_URL postgresql://user@127.0.0.1:1/name"
    with pytest.raises(NoDatabase, match="No server answers"), server_for_tests(environ=environ):
        pass


@pytest.mark.skipif(why_no_engine() is None, reason="a Docker engine answers and comes before")
def test_tests_take_this_machines_programs_before_the_wheel() -> None:
    expected = next(iter(on_this_machine()), None) or of_the_wheel()
    assert expected is not None
    assert source_for_tests({"PATH": os.environ["PATH"]}) == expected.source


def test_a_container_serves_where_a_docker_engine_answers() -> None:
    if reason := why_no_engine():
        pytest.skip(f"the container path was not tried: {reason}")
    with contained(settings={"max_connections": "33"}) as server:
        assert examine(server.url).version == server.version
        assert "container" in server.source


@pytest.mark.skipif(why_no_engine() is None, reason="a Docker engine answers")
def test_without_an_engine_the_container_is_refused_with_the_way_out() -> None:
    with pytest.raises(NoDatabase, match="Start Docker, or set DATABASE_URL"), contained():
        pass
