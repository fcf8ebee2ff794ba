"""An error of the server in one line: what it says, and nothing of the tool's own functions."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.execution.server_errors import in_one_line, of_server
from tests.fixtures.databases import NewDatabase

INSIDE = """
DO $$ BEGIN
  EXECUTE 'INSERT INTO secrets_of_the_tool VALUES (1)';
END $$
"""


def failed(url: str, *texts: str) -> psycopg.Error:
    with psycopg.connect(libpq_url(url)) as pg, pytest.raises(psycopg.Error) as error:
        for text in texts:
            pg.execute(text.encode())
    return error.value


def test_the_context_and_the_statement_are_left_out(new_database: NewDatabase) -> None:
    error = failed(new_database(), INSIDE)
    assert "CONTEXT" in str(error) and "LINE 1" in str(error)
    assert in_one_line(error) == 'relation "secrets_of_the_tool" does not exist'
    assert "INSERT" not in of_server(error) and "\n" not in of_server(error)


def test_detail_and_hint_are_kept(new_database: NewDatabase) -> None:
    error = failed(new_database(), "CREATE TABLE t (a int UNIQUE)", "INSERT INTO t VALUES (7), (7)")
    assert in_one_line(error).endswith("Key (a)=(7) already exists")
    error = failed(new_database(), "DO $$ BEGIN RAISE 'gone' USING HINT = 'Come back.'; END $$")
    assert in_one_line(error) == "gone. Come back"


def test_an_error_without_a_server_is_its_text() -> None:
    assert in_one_line(psycopg.OperationalError("the connection\nis lost")) == (
        "the connection is lost"
    )
