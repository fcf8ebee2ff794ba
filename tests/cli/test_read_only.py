"""A login that only reads: what looks works, what writes is refused before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from tests.cli.in_process import in_process
from tests.cli.processes import REFUSED, ROOT
from tests.cli.test_histories import everything, stood_at
from tests.fixtures.databases import TemplateDatabase

LOOKING: list[tuple[str, ...]] = [
    ("plan",), ("status",), ("checks",), ("current",), ("report",),
]  # fmt: skip
WRITING: list[tuple[str, ...]] = [
    ("verify",), ("repair",), ("repair", "--apply"), ("abandon",), ("stamp", "0001"),
    ("upgrade", "0003"), ("downgrade", "0001"),
]  # fmt: skip


@pytest.fixture
def url(template_database: TemplateDatabase) -> Iterator[str]:
    """A database at 0002, for a superuser of its own; settings of the role go with it."""
    made = template_database("history 0002", stood_at("0002"))
    role = f"reader_{os.getpid()}"
    with psycopg.connect(libpq_url(made), autocommit=True) as pg:
        pg.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'x'".encode())
        yield make_url(made).set(username=role, password="x").render_as_string(False)
        pg.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def assert_only_reads(url: str, said: str, *, fresh: str) -> None:
    before = everything(fresh)
    for verb in LOOKING:
        done = in_process(url, *verb)
        assert done.status == 0, (verb, done)
    for verb in WRITING:
        done = in_process(url, *verb)
        assert done.status == REFUSED, (verb, done)
        assert "may only read in database" in done.said and said in done.said
        assert "Nothing was changed." in done.said and done.said.strip().count("\n") == 0
        assert everything(fresh) == before, verb


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("ALTER ROLE {role} SET", "set by ALTER ROLE)"),
        ("ALTER DATABASE {database} SET", "set by ALTER DATABASE)"),
        ("ALTER ROLE {role} IN DATABASE {database} SET", "set by ALTER ROLE IN DATABASE)"),
    ],
)
def test_a_read_only_role_or_database_is_not_overridden(url: str, setting: str, said: str) -> None:
    named = make_url(url)
    text = setting.format(role=named.username, database=named.database)
    fresh = named.update_query_dict({"options": "-c default_transaction_read_only=off"})
    writes = fresh.render_as_string(False)
    with psycopg.connect(libpq_url(writes), autocommit=True) as pg:
        pg.execute(f"{text} default_transaction_read_only = on".encode())
    assert_only_reads(url, said, fresh=writes)


def test_options_that_ask_for_reading_are_not_overridden(url: str) -> None:
    asked = make_url(url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    assert_only_reads(
        asked.render_as_string(False), "set in the URL, PGOPTIONS or the service file", fresh=url
    )


def test_a_connection_that_only_reads_is_refused(url: str) -> None:
    config = Config(Path(ROOT) / "alembic.ini")
    before = everything(url)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        reading = connection.execution_options(postgresql_readonly=True)
        config.attributes["connection"] = reading
        for verb in (command.upgrade, command.downgrade):
            with pytest.raises(CommandError, match="was handed to Alembic only reads"):
                verb(config, "head" if verb is command.upgrade else "base")
    assert everything(url) == before
