"""Fresh databases and copies of templates, as the other tests get them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from membership_refactor.database import Server, libpq_url
from membership_refactor.testing.scratch_databases import Databases
from tests.fixtures.databases import NewDatabase, TemplateDatabase


def test_a_new_database_is_empty_and_its_own(new_database: NewDatabase) -> None:
    first, second = new_database(), new_database()
    assert first != second
    with psycopg.connect(libpq_url(first)) as connection:
        connection.execute("CREATE TABLE mine (id integer)")
    with psycopg.connect(libpq_url(second)) as connection:
        found = connection.execute("SELECT to_regclass('mine')").fetchone()
    assert found == (None,)


def test_a_template_is_built_once_and_its_copies_are_apart(
    template_database: TemplateDatabase,
) -> None:
    built = []

    def build(url: str) -> None:
        built.append(url)
        with psycopg.connect(libpq_url(url)) as connection:
            connection.execute("CREATE TABLE number AS SELECT 1 AS n")

    first = template_database("numbers", build)
    second = template_database("numbers", build)
    with psycopg.connect(libpq_url(first)) as connection:
        connection.execute("UPDATE number SET n = 2")
    with psycopg.connect(libpq_url(second)) as connection:
        assert connection.execute("SELECT n FROM number").fetchall() == [(1,)]
    assert len(built) == 1


def test_a_template_may_be_built_with_a_connection_left_open(
    template_database: TemplateDatabase,
) -> None:
    left_open = []

    def build(url: str) -> None:
        left_open.append(psycopg.connect(libpq_url(url), autocommit=True))

    assert template_database("left open", build)
    left_open[0].close()


def test_a_database_with_a_prepared_transaction_is_dropped(
    databases: Databases, server: Server
) -> None:
    if server.data is None:
        pytest.skip("only a server of our own is sure to allow prepared transactions")
    with databases.temporary() as url:
        connection = psycopg.connect(libpq_url(url))
        connection.tpc_begin(connection.xid(1, "left", "behind"))
        connection.execute("CREATE TABLE mine (id integer)")
        connection.tpc_prepare()
        connection.close()
    with psycopg.connect(libpq_url(server.url)) as connection:
        assert connection.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)


_KILLED = """
import sys
from membership_refactor.database import Server
from membership_refactor.testing.scratch_databases import Databases
url = sys.argv[1]
made = Databases(Server(url=url, source="", host="", port=0, version=150000))
with made.claimed():
    print(made.new(), flush=True)
    sys.stdin.read()
"""


def test_databases_of_a_killed_process_are_dropped_by_the_next(server: Server) -> None:
    line = [sys.executable, "-c", _KILLED, server.url]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with Databases(server).claimed():
            psycopg.connect(libpq_url(url)).close()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with psycopg.connect(libpq_url(server.url), autocommit=True) as connection:
        # The server notices the broken connection by itself, a moment later.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name LIKE %s",
            (f"mr_test_{process.pid}_%",),
        )
    with Databases(server).claimed(), pytest.raises(psycopg.OperationalError, match="not exist"):
        psycopg.connect(libpq_url(url))
