"""What a program hands over in config.attributes["connection"] is used, or nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool, StaticPool

from membership_refactor.database import create_database, libpq_url
from tests.cli.processes import query, version
from tests.fixtures.databases import NewDatabase

ROOT = Path(__file__).parents[2]
SECTIONS = ("alembic", "several_keys")
Verb = Callable[[Config], Any]
VERBS: dict[str, Verb] = {
    "upgrade": lambda config: command.upgrade(config, "head"),
    "downgrade": lambda config: command.downgrade(config, "base"),
    "stamp": lambda config: command.stamp(config, "head"),
    "current": command.current,
}


@dataclass
class Two:
    """A database to hand over, and one that DATABASE_URL names meanwhile."""

    url: str
    other: str

    def run(self, given: object, verb: Verb, *x: str, section: str = "alembic") -> None:
        config = Config(ROOT / "alembic.ini", ini_section=section)
        config.attributes["connection"] = given
        config.cmd_opts = type("Options", (), {"x": list(x)})()
        verb(config)

    def refused(self, given: object, verb: str, *x: str, section: str = "alembic") -> str:
        """The one line in which it is refused; neither database was touched."""
        with pytest.raises(CommandError) as error:
            self.run(given, VERBS[verb], *x, section=section)
        for url in (self.url, self.other):
            assert query(url, "SELECT relname FROM pg_class WHERE relnamespace IN (SELECT oid "
                              "FROM pg_namespace WHERE nspname ~ '^public')") == []  # fmt: skip
        said = str(error.value)
        assert "\n" not in said and "secret" not in said
        return said


@pytest.fixture
def two(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Two:
    made = Two(new_database(), new_database())
    monkeypatch.setenv("DATABASE_URL", made.other)
    return made


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Wrapper:
    """A connection in the clothes of another class."""

    def __init__(self, connection: object) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def engine(url: str, **more: Any) -> Engine:
    return create_engine(url, poolclass=NullPool, **more)


def things(url: str, opened: ExitStack) -> dict[str, object]:
    """What somebody might hand over, by the type that the refusal has to name."""
    made = make_url(url)
    connected = opened.enter_context(engine(url).connect())
    asynchronous = create_async_engine(made.set(drivername="postgresql+psycopg_async"))
    return {
        "sqlalchemy.ext.asyncio.engine.AsyncEngine": asynchronous,
        "sqlalchemy.ext.asyncio.engine.AsyncConnection": AsyncConnection(asynchronous, connected),
        "for asynchronous postgresql+psycopg,": asynchronous.sync_engine,
        "psycopg.Connection": opened.enter_context(psycopg.connect(libpq_url(url))),
        "Wrapper": Wrapper(connected),
        "str": f"{url}?password=secret",
        "sqlalchemy.engine.url.URL": made,
        "sqlalchemy.orm.session.Session": Session(),
        "scoped_session": scoped_session(sessionmaker(connected)),
        "sqlite+pysqlite": create_engine("sqlite://"),
        "dict": {"url": url},
        "bool": False,
    }


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_understood_is_named_and_no_other_database_is_used(
    two: Two, opened: ExitStack, verb: str, section: str
) -> None:
    for kind, given in things(two.url, opened).items():
        said = two.refused(given, verb, section=section)
        assert kind in said, said
        assert "Hand over a SQLAlchemy Engine or Connection of postgresql+psycopg" in said


@pytest.mark.parametrize("section", SECTIONS)
def test_a_connection_that_cannot_commit_or_is_closed_is_refused(
    two: Two, opened: ExitStack, section: str
) -> None:
    connected = opened.enter_context(engine(two.url).connect())
    with connected.begin():
        assert "Connection that was handed to Alembic is in a transaction" in two.refused(
            connected, "upgrade", section=section
        )
    session = opened.enter_context(Session(engine(two.url)))
    session.connection()
    assert "Session that was handed to Alembic is in a transaction" in two.refused(
        session, "upgrade", section=section
    )
    connected.close()
    assert "is closed" in two.refused(connected, "upgrade", section=section)


def test_two_names_of_a_database_are_one_too_many(two: Two) -> None:
    said = two.refused(engine(two.url), "upgrade", f"url={two.other}")
    assert '-x url and config.attributes["connection"] both name a database' in said
    said = two.refused(None, "upgrade", f"url={two.other}", f"url={two.url}")
    assert "-x url is given twice" in said


def test_the_server_behind_it_is_asked_as_that_of_a_url_is(two: Two) -> None:
    latin = create_database(two.url, f"{make_url(two.url).database}_gone")
    query_latin = make_url(latin)
    with psycopg.connect(libpq_url(two.url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{query_latin.database}"'.encode())
        connection.execute(
            f"CREATE DATABASE \"{query_latin.database}\" TEMPLATE template0 ENCODING 'LATIN1' "
            "LOCALE 'C'".encode()
        )
    for given in (engine(latin), engine(latin).connect()):
        said = two.refused(given, "upgrade")
        assert "is encoded in LATIN1" in said
    nowhere = "postgresql+psycopg://somebody:secret@127.0.0.1:1/nothing"
    assert "No server answers at" in two.refused(engine(nowhere), "upgrade")


def test_what_is_understood_is_used(two: Two, opened: ExitStack) -> None:
    for given in (
        engine(two.url),
        opened.enter_context(engine(two.url).connect()),
        opened.enter_context(Session(engine(two.url))),
    ):
        two.run(given, lambda config: command.upgrade(config, "0001"))
        assert version(two.url) == "0001"
        two.run(given, lambda config: command.downgrade(config, "base"))
        assert version(two.url) is None
    assert query(two.other, "SELECT 1 FROM pg_class WHERE relname = 'alembic_version'") == []


def test_a_pool_of_one_connection_and_a_static_one_are_no_hindrance(two: Two) -> None:
    """The steps take sessions of pools of their own."""
    one = create_engine(two.url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    two.run(one, lambda config: command.upgrade(config, "0004"))
    assert version(two.url) == "0004"
    static = create_engine(two.url, poolclass=StaticPool)
    two.run(static, lambda config: command.downgrade(config, "0001"))
    assert version(two.url) == "0001"
    static.dispose()
    one.dispose()
