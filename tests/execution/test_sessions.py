"""Timeouts that a DBA set on the role end no session of a migration, and not its lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.database import create_database, libpq_url, of_the_wheel
from tests.cli.processes import REFUSED, alembic, filled, query, running, until, value, version
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.server import LaunchServer
from tests.offline.scripts import HOLD

ON_EVERY_SERVER = (
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
    "statement_timeout",
    "lock_timeout",
)
LATER = "transaction_timeout"
"""From PostgreSQL 17 on."""
TIMEOUT = "300ms"


@contextmanager
def hurried(url: str, *settings: str) -> Iterator[str]:
    """The database's URL for a superuser whose sessions have those timeouts."""
    role = f"hurried_{time.time_ns()}"
    query(url, f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'secret'")
    for setting in settings:
        query(url, f"ALTER ROLE {role} SET {setting} = '{TIMEOUT}'")
    made = make_url(url).set(username=role, password="secret")
    yield made.render_as_string(hide_password=False)
    query(url, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
    query(url, f"DROP OWNED BY {role}")
    query(url, f"DROP ROLE {role}")


@contextmanager
def held_for_long(url: str) -> Iterator[Callable[[], None]]:
    """Whoever finishes a batch waits. The function given returns when that has lasted longer than
    any of the timeouts."""
    query(
        url,
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM pg_catalog.pg_advisory_xact_lock({HOLD}); RETURN NEW; END $$",
    )
    query(
        url,
        "CREATE TRIGGER hold BEFORE UPDATE ON public_refactor.batch FOR EACH ROW "
        "WHEN (NEW.done) EXECUTE FUNCTION public.hold()",
    )
    waiting = f"SELECT count(*) FROM pg_locks WHERE objid = {HOLD} AND NOT granted"
    with psycopg.connect(libpq_url(url), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (HOLD,))

        def lasted() -> None:
            until(lambda: bool(value(url, waiting)))
            since = value(url, "SELECT clock_timestamp()::text")
            over = f"SELECT clock_timestamp() > '{since}'::timestamptz + 4 * interval '{TIMEOUT}'"
            until(lambda: bool(value(url, over)))

        yield lasted
    query(url, "DROP TRIGGER hold ON public_refactor.batch")
    query(url, "DROP FUNCTION public.hold()")


def assert_upgraded_under_its_lock(url: str, setting: str) -> None:
    with (
        hurried(url, setting) as by_role,
        held_for_long(url) as lasted,
        running("alembic", "upgrade", "0003", url=by_role) as first,
    ):
        lasted()
        second = alembic("upgrade", "0003", url=by_role)
        assert second.status == REFUSED, second.out + second.err
        assert 'another migration of schema "public" is running' in second.said
        query(url, f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = {HOLD} "
                   "AND locktype = 'advisory' AND granted")  # fmt: skip
        out, err = first.communicate(timeout=60)
        assert first.returncode == 0, out + err
    assert version(url) == "0003"


@pytest.mark.parametrize("setting", ON_EVERY_SERVER)
def test_a_timeout_of_the_role_ends_neither_step_nor_lock(
    template_database: TemplateDatabase, setting: str
) -> None:
    assert_upgraded_under_its_lock(template_database("cli filled", filled), setting)


def test_a_timeout_for_transactions_ends_neither_step_nor_lock(
    launch_server: LaunchServer,
) -> None:
    binaries = of_the_wheel()
    if binaries is None or binaries.version[0] < 17:
        pytest.skip("no PostgreSQL 17 or newer here")
    server = launch_server(binaries).server
    url = create_database(server.url, "hurried", template="template0")
    filled(url)
    assert_upgraded_under_its_lock(url, LATER)
