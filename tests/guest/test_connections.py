"""Sessions of our own go where the project's engine goes, as the role that it connects as."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, StaticPool

from membership_refactor.database import libpq_url
from membership_refactor.environment.connect_arguments import arguments_of, as_psycopg
from tests.cli.processes import REFUSED, query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import COPY, FIRST, Project, Revision, new_project

GENERIC = """connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )"""
ASYNC = GENERIC.replace("engine_from_config", "async_engine_from_config")
LISTENER = """
    from sqlalchemy import event
    made = connectable.sync_engine if hasattr(connectable, "sync_engine") else connectable
    @event.listens_for(made, "do_connect")
    def token(dialect, record, args, named):
        {body}
"""
ROLE = 'named["user"] = ROLE; named["password"] = "made for each connection"'
KINDS = {
    "a password that is made for each connection": (
        "psycopg",
        GENERIC + LISTENER.format(body=ROLE),
    ),
    "the same of psycopg2": ("psycopg2", GENERIC + LISTENER.format(body=ROLE)),
    "the same of asyncpg": ("asyncpg", ASYNC + LISTENER.format(body=ROLE)),
    "a listener that connects itself": (
        "psycopg",
        "import psycopg\n    "
        + GENERIC
        + LISTENER.format(body="return psycopg.connect(host=HOST, dbname=NAME, user=ROLE)"),
    ),
    "a creator": (
        "psycopg",
        "import psycopg, sqlalchemy\n    connectable = sqlalchemy.create_engine("
        '"postgresql+psycopg://", poolclass=pool.NullPool, '
        "creator=lambda: psycopg.connect(host=HOST, dbname=NAME, user=ROLE))",
    ),
    "a creator of psycopg2": (
        "psycopg2",
        "import psycopg2, sqlalchemy\n    connectable = sqlalchemy.create_engine("
        '"postgresql+psycopg2://", poolclass=pool.NullPool, '
        "creator=lambda: psycopg2.connect(host=HOST, dbname=NAME, user=ROLE))",
    ),
    "an asynchronous creator": (
        "asyncpg",
        "import asyncpg\n"
        "    from sqlalchemy.ext.asyncio import create_async_engine\n"
        "    async def connect():\n"
        "        return await asyncpg.connect(host=HOST, database=NAME, user=ROLE)\n"
        '    connectable = create_async_engine("postgresql+asyncpg://", '
        "poolclass=pool.NullPool, async_creator=connect)",
    ),
    "arguments of the driver": (
        "psycopg",
        "import sqlalchemy\n    connectable = sqlalchemy.create_engine("
        'config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool, connect_args='
        '{"user": ROLE, "prepare_threshold": None, "options": "-c search_path=public"})',
    ),
    "settings of asyncpg": (
        "asyncpg",
        "from sqlalchemy.ext.asyncio import create_async_engine\n    connectable = "
        'create_async_engine(config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool, '
        'connect_args={"user": ROLE, "ssl": False, "timeout": 9, "statement_cache_size": 0, '
        '"server_settings": {"application_name": "a shop"}})',
    ),
    "one connection": (
        "psycopg",
        "import sqlalchemy\n    connectable = sqlalchemy.create_engine("
        'config.get_main_option("sqlalchemy.url"), poolclass=sqlalchemy.pool.StaticPool, '
        'connect_args={"user": ROLE})',
    ),
    "a full pool": (
        "psycopg",
        "import sqlalchemy\n    connectable = sqlalchemy.create_engine("
        'config.get_main_option("sqlalchemy.url"), pool_size=1, max_overflow=0, pool_timeout=1, '
        'connect_args={"user": ROLE})',
    ),
}
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT")
KINDS |= {
    f"the isolation {level}": (
        "psycopg",
        "import sqlalchemy\n    connectable = sqlalchemy.create_engine("
        f'config.get_main_option("sqlalchemy.url"), isolation_level="{level}", '
        'poolclass=pool.NullPool, connect_args={"user": ROLE})',
    )
    for level in LEVELS
}


@pytest.fixture
def role(new_database: NewDatabase) -> Iterator[tuple[str, str]]:
    """A database, and a login that may make tables in it."""
    url, name = new_database(), f"shop_{time.time_ns()}"
    database = make_url(url).database
    query(
        url,
        f'CREATE ROLE {name} LOGIN; GRANT CREATE ON DATABASE "{database}" TO {name};'
        f"GRANT CREATE, USAGE ON SCHEMA public TO {name}",
    )
    yield url, name
    query(url, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def place(url: str) -> tuple[str, str]:
    """The folder or name of the server, and the database."""
    made = make_url(url)
    return str(made.query.get("host") or made.host), str(made.database)


@pytest.mark.parametrize("kind", KINDS)
def test_own_sessions_are_of_the_role_of_the_project(
    tmp_path: Path, role: tuple[str, str], kind: str
) -> None:
    url, name = role
    driver, engine = KINDS[kind]
    template = "async" if driver == "asyncpg" else "generic"
    project = new_project(tmp_path, url, template=template, driver=driver, revisions=(FIRST, COPY))
    host, database = place(url)
    project.edit(ASYNC if template == "async" else GENERIC, engine.strip())
    project.edit(
        "target_metadata = None",
        f"target_metadata = None\nROLE, HOST, NAME = {name!r}, {host!r}, {database!r}",
    )
    with project.in_process() as config:
        command.upgrade(config, "head")
        assert project.versions() == ["b2_copy"]
        assert project.steps() == {"copy_table": "up done"}
        logins = query(url, "SELECT DISTINCT by_role FROM public_refactor.event")
        assert set(logins) <= {(name,)}
        owner = "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = '{}'"
        assert value(url, owner.format("public_refactor")) == name
        command.downgrade(config, "a1_lines")
        assert project.steps() in ({}, {"copy_table": "down done"})


HANDED = "connectable = config.attributes['connection']"


def handing(project: Project) -> None:
    """An env.py that uses the connection that a program hands over."""
    project.edit(GENERIC, HANDED)
    project.edit("with connectable.connect() as connection:", "for connection in (connectable,):")


def test_a_connection_that_a_program_hands_over(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY))
    handing(project)
    engine = create_engine(project.url, poolclass=StaticPool)
    with project.in_process() as config, engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert project.versions() == ["b2_copy"] and project.steps() == {"copy_table": "up done"}


def test_a_connection_that_was_handed_over_keeps_its_settings_where_a_step_is_refused(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    in_the_way = Revision.sql("a2_view", "CREATE VIEW item AS SELECT 1", down="DROP VIEW item")
    project = new_project(tmp_path, new_database(), revisions=(FIRST, in_the_way, COPY))
    handing(project)
    engine = create_engine(project.url, poolclass=StaticPool)
    with project.in_process() as config, engine.connect() as connection:
        connection.exec_driver_sql("SET idle_session_timeout = '77s'")
        connection.commit()
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match="item"):
            command.upgrade(config, "head")
        assert connection.exec_driver_sql("SHOW idle_session_timeout").scalar() == "77s"
    assert project.versions() == ["a2_view"]


@pytest.mark.parametrize("lines", (False, True), ids=("untouched", "two lines"))
def test_a_connection_in_a_transaction_is_refused_in_one_line(
    tmp_path: Path, new_database: NewDatabase, lines: bool
) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY))
    handing(project)
    if lines:
        project.edit("target_metadata = None\n", TWO_LINES)
    engine: Engine = create_engine(project.url, poolclass=NullPool)
    with project.in_process() as config, engine.connect() as connection:
        refused = in_transaction(config, connection)
    assert "in a transaction of the caller" in refused and "\n" not in refused
    assert value(project.url, "SELECT to_regclass('order_line')") is None


TWO_LINES = (
    "target_metadata = None\nfrom membership_refactor import refactoring\n\nrefactoring(context)\n"
)


def in_transaction(config: Any, connection: Connection) -> str:
    with connection.begin() as transaction:
        config.attributes["connection"] = connection
        with pytest.raises(CommandError) as error:
            command.upgrade(config, "head")
        transaction.rollback()
    return str(error.value)


def test_another_database_than_alembics_is_refused(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """The proof is of the two sessions, whatever their addresses say."""
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY))
    other = new_database()
    project.edit(
        "target_metadata = None\n", TWO_LINES.replace("(context)", f"(context, url={other!r})")
    )
    with project.in_process() as config, pytest.raises(CommandError) as error:
        command.upgrade(config, "head")
    assert "in another" in str(error.value) and place(other)[1] in str(error.value)
    assert value(project.url, "SELECT to_regclass('order_line')") is None
    assert query(other, "SELECT 1 FROM pg_tables WHERE schemaname ~ '^public'") == []


def test_a_verb_that_only_looks_says_so_too(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY))
    project.upgraded()
    found = project.refactor("status")
    assert found.status == 0 and "b2_copy" in found.out, found
    other = new_database()
    project.edit(
        "target_metadata = None\n", TWO_LINES.replace("(context)", f"(context, url={other!r})")
    )
    for verb in ("status", "checks"):
        done = project.refactor(verb)
        assert done.status == REFUSED and "in another" in done.said, verb


def test_what_psycopg_cannot_be_told_is_named(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(
        tmp_path, new_database(), template="async", driver="asyncpg", revisions=(FIRST, COPY)
    )
    listener = LISTENER.format(body="import ssl; named['ssl'] = ssl.create_default_context()")
    # The listener comes after Alembic's own connection, which has no TLS here.
    project.edit(
        "await connection.run_sync(do_run_migrations)",
        listener.strip().replace("\n    ", "\n        ")
        + "\n        await connection.run_sync(do_run_migrations)",
    )
    with project.in_process() as config, pytest.raises(CommandError) as error:
        command.upgrade(config, "head")
    assert "ssl (an SSLContext)" in str(error.value) and "refactoring(context" in str(error.value)
    assert project.versions() == ["a1_lines"] and project.steps() == {}


async def _token() -> str:
    return "secret"


@pytest.mark.parametrize(
    ("named", "given", "missing"),
    (
        ({"database": "d", "host": ["a", "b"], "port": [1, 2]}, "a,b 1,2", ()),
        ({"ssl": True}, "require", ()),
        ({"ssl": "verify-full"}, "verify-full", ()),
        ({"ssl": ssl.create_default_context()}, "", ("ssl (an SSLContext)",)),
        ({"server_settings": {"a.b": "c d\\e"}}, r"-c a.b=c\ d\\e", ()),
        ({"timeout": 0.5}, "2", ()),
        ({"password": lambda: "made"}, "made", ()),
        ({"password": _token}, "", ("password (an asynchronous function)",)),
        ({"statement_cache_size": 0, "command_timeout": 3, "user": None}, "", ()),
        ({"passfile": "f", "krbsrvname": "k", "something": 1}, "f k", ("something",)),
    ),
)
def test_arguments_of_asyncpg_as_psycopgs(
    named: dict[str, Any], given: str, missing: tuple[str, ...]
) -> None:
    found = as_psycopg("asyncpg", named)
    values = [str(v) for name, v in found.given.items() if name != "dbname"]
    assert (" ".join(values), found.missing) == (given, missing)


def test_another_thread_of_the_program_may_connect_meanwhile(new_database: NewDatabase) -> None:
    engine = create_engine(new_database(), poolclass=NullPool)
    seen: list[object] = []

    def connect() -> None:
        with engine.connect() as connection:
            seen.append(connection.exec_driver_sql("SELECT 1").scalar())

    @event.listens_for(engine, "do_connect")
    def meanwhile(*_: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            other = threading.Thread(target=connect)
            other.start()
            other.join()

    with engine.connect() as connection:
        arguments = arguments_of(connection)
        assert seen == [1]
        assert "dbname" in arguments().given
    assert seen == [1, 1]


def test_a_database_that_is_not_utf8_is_refused_as_one_that_a_url_names(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    url = new_database()
    latin = make_url(url).set(database=f"{make_url(url).database}_latin")
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        pg.execute(
            f"CREATE DATABASE {latin.database} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
        )
    try:
        named = latin.render_as_string(hide_password=False)
        project = new_project(tmp_path, named, revisions=(FIRST, COPY))
        for done in (project.refactor("status"), project.alembic("upgrade", "head")):
            assert done.status != 0
            assert "is encoded in LATIN1, and this tool needs UTF8" in done.out + done.err
    finally:
        with psycopg.connect(libpq_url(url), autocommit=True) as pg:
            pg.execute(f"DROP DATABASE {latin.database} WITH (FORCE)")
