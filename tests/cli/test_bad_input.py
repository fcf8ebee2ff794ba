"""Bad input: one clear line, no traceback, the right exit status, no password, nothing changed."""

from __future__ import annotations

import json
import signal

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from membership_refactor.database import libpq_url
from tests.cli.processes import (
    FINDINGS,
    REFUSED,
    WRONG_USE,
    alembic,
    failure,
    filled,
    query,
    ran,
    refactor,
    running,
    until,
    value,
    version,
)
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.fixtures.server import LaunchServer

NOWHERE = "postgresql://somebody:hunter2@127.0.0.1:1/nothing"
BOTH = [("alembic", ("upgrade", "head")), ("membership-refactor", ("status",))]


@pytest.mark.parametrize(("program", "verb"), BOTH)
def test_a_server_that_does_not_answer_is_named_without_its_password(
    program: str, verb: tuple[str, ...]
) -> None:
    done = ran(program, *verb, DATABASE_URL=NOWHERE)
    assert done.status == REFUSED
    assert "No server answers at" in done.said and "DATABASE_URL" in done.said
    assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize(("program", "verb"), BOTH)
def test_a_wrong_password_is_said_and_not_shown(
    launch_server: LaunchServer, program: str, verb: tuple[str, ...]
) -> None:
    server = launch_server(tcp=True, password="the-right-one").server
    url = make_url(server.url).set(password="the-wrong-one")
    done = ran(program, *verb, url=url.render_as_string(hide_password=False))
    assert done.status == REFUSED
    assert "refuses the password of user" in done.said
    assert "the-wrong-one" not in done.out + done.err


def test_a_database_that_is_not_there_is_named(new_database: NewDatabase) -> None:
    url = make_url(new_database()).set(database="not_there").render_as_string(hide_password=False)
    done = refactor("plan", url=url)
    assert done.status == REFUSED
    assert "The database not_there does not exist" in done.said


def test_another_encoding_is_refused(new_database: NewDatabase) -> None:
    url = make_url(new_database())
    name = f"{url.database}_latin"
    with psycopg.connect(libpq_url(url.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'").format(
                sql.Identifier(name)
            )
        )
    done = alembic("upgrade", "head", url=url.set(database=name).render_as_string(False))
    assert done.status == REFUSED
    assert "is encoded in LATIN1" in done.said and "UTF8" in done.said


def test_an_unknown_x_name_is_wrong_use_and_the_names_are_listed() -> None:
    tool = refactor("-x", "batchrows=5", "status")
    assert (tool.status, "batch-rows" in tool.said) == (WRONG_USE, True)
    chain = alembic("-x", "batchrows=5", "upgrade", "head", DATABASE_URL=NOWHERE)
    assert (chain.status, "-x batchrows: unknown name" in chain.said) == (REFUSED, True)


@pytest.mark.parametrize("given", ["batch-rows=many", "workers=0", "accept-usage=", "schema="])
def test_an_impossible_x_value_is_wrong_use(given: str) -> None:
    done = refactor("-x", given, "status", DATABASE_URL=NOWHERE)
    assert done.status == WRONG_USE
    assert f"-x {given.partition('=')[0]}" in done.said


def test_an_x_argument_without_a_value_is_wrong_use() -> None:
    done = refactor("-x", "schema", "status")
    assert (done.status, "NAME=VALUE" in done.said) == (WRONG_USE, True)


@pytest.mark.parametrize("verb", [("plan",), ("status",), ("checks",), ("plan", "--compare-keys")])
def test_a_missing_schema_is_named_by_every_verb(
    new_database: NewDatabase, verb: tuple[str, ...]
) -> None:
    done = refactor("-x", "schema=Tenant 7", *verb, url=new_database())
    assert done.status == REFUSED
    assert 'schema "Tenant 7" does not exist' in done.said and "-x schema=NAME" in done.said


def test_alembic_names_a_missing_schema_and_creates_none(new_database: NewDatabase) -> None:
    url = new_database()
    done = alembic("-x", "schema=Tenant 7", "upgrade", "head", url=url)
    assert done.status == REFUSED
    assert 'schema "Tenant 7" does not exist' in done.said
    assert value(url, "SELECT to_regnamespace('\"Tenant 7\"') IS NULL")


def test_an_unknown_revision_keeps_alembics_answer(new_database: NewDatabase) -> None:
    done = alembic("upgrade", "0042", url=new_database())
    assert (done.status, "0042" in done.said) == (REFUSED, True)


def test_an_unknown_check_is_wrong_use(template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    done = refactor("checks", "no such check", url=url)
    assert done.status == WRONG_USE
    assert 'no check "no such check" at 0002' in done.said


def test_a_missing_privilege_is_named_and_nothing_is_made(new_database: NewDatabase) -> None:
    url = make_url(new_database())
    owner = url.render_as_string(hide_password=False)
    role = f"{url.database}_guest"
    query(owner, f'CREATE ROLE "{role}" LOGIN')
    try:
        guest = url.set(username=role).render_as_string(hide_password=False)
        done = alembic("upgrade", "head", url=guest)
        assert done.status == REFUSED
        assert "CREATE" in done.said or "permission denied" in done.said
        assert value(owner, "SELECT to_regclass('programme_membership') IS NULL")
    finally:
        query(owner, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def test_a_role_that_may_not_read_the_ledger_is_told_whose_it_is(
    template_database: TemplateDatabase,
) -> None:
    url = make_url(template_database("cli filled", filled))
    owner = url.render_as_string(hide_password=False)
    role = f"{url.database}_guest"
    query(owner, f'CREATE ROLE "{role}" LOGIN')
    try:
        done = refactor("status", url=url.set(username=role).render_as_string(False))
        assert done.status == REFUSED
        assert f'role "{role}" may not act as' in done.said and "GRANT" in done.said
    finally:
        query(owner, f'DROP ROLE "{role}"')


def test_a_missing_column_is_named_before_anything_is_changed(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("cli filled", filled)
    query(url, "ALTER TABLE programme_membership DROP COLUMN leaving_reason")
    done = alembic("upgrade", "0003", url=url)
    assert done.status == REFUSED
    assert 'column "leaving_reason" of the plan is not in the table' in done.said
    assert version(url) == "0002"
    plan = refactor("plan", url=url)
    assert plan.status in (FINDINGS, REFUSED)
    assert "leaving_reason" in plan.out + plan.err and "Traceback" not in plan.err


def test_a_missing_table_is_named_before_anything_is_changed(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("cli filled", filled)
    query(url, "DROP TABLE programme_membership")
    done = alembic("upgrade", "0003", url=url)
    assert done.status == REFUSED
    assert 'table "programme_membership" is missing. Nothing was changed.' in done.said
    assert version(url) == "0002"


def test_a_closed_gate_says_what_to_do(template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    done = alembic("upgrade", "head", url=url)
    assert done.status == REFUSED
    assert "0005 asks for evidence" in done.said and "accept-usage" in done.said
    assert version(url) == "0004"
    assert refactor("status", url=url).status == 0


def test_ctrl_c_leaves_an_open_step_and_says_the_two_commands_that_end_it(
    template_database: TemplateDatabase,
) -> None:
    """One upgrade waits, because the ledger says so; a second is refused; the first is ended."""
    url = template_database("cli filled", filled)
    query(url, "INSERT INTO public_refactor.control (plan, paused, note) "
               "VALUES ('programme_membership', true, 'a test')")  # fmt: skip
    with running("alembic", "upgrade", "0003", url=url) as first:
        until(lambda: bool(value(url, "SELECT count(*) FROM public_refactor.job")))
        second = alembic("upgrade", "0003", url=url)
        assert second.status == REFUSED
        assert 'another migration of schema "public" is running' in second.said

        status = refactor("status", "--format", "json", url=url)
        assert status.status == FINDINGS
        shown = json.loads(status.out)
        assert shown["open_step"]["revision"] == "0003"
        assert shown["control"] == {
            "paused": True, "batch_rows": None, "max_lag_bytes": None,
            "max_wal_bytes_per_second": None, "max_active_sessions": None, "note": "a test",
        }  # fmt: skip

        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=60)
    assert first.returncode == REFUSED
    said = failure(out + err)
    assert "alembic upgrade 0003" in said and "membership-refactor abandon" in said
    assert "Traceback" not in out + err and version(url) == "0002"

    other_way = alembic("downgrade", "0001", url=url)
    assert other_way.status == REFUSED
    assert "it went up and has not finished" in other_way.said and "abandon" in other_way.said
    refused = refactor("checks", url=url)
    assert (refused.status, "is open up" in refused.said) == (REFUSED, True)
    assert refactor("checks", "sequence is ahead", url=url).status == 0

    query(url, "UPDATE public_refactor.control SET paused = false")
    assert alembic("upgrade", "0003", url=url).status == 0
    assert version(url) == "0003"
    assert refactor("status", url=url).status == 0
