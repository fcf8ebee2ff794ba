"""What the driver of somebody's engine is told to connect with, and the same for psycopg.

The arguments are the final ones: after the URL, ``connect_args`` and every listener of the project.
So a password that is made for each connection, such as an IAM token, is made for ours as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from psycopg import pq
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import MissingGreenlet

from membership_refactor.errors import WrongUse

DRIVERS = ("psycopg", "psycopg2", "asyncpg")
_OF_THE_DRIVER = frozenset(
    (
        # These say how a driver works, not where and as whom it connects.
        "async_fallback",
        "autocommit",
        "cursor_factory",
        "connection_class",
        "connection_factory",
        "command_timeout",
        "context",
        "direct_tls",
        "loop",
        "max_cacheable_statement_size",
        "max_cached_statement_lifetime",
        "prepare_threshold",
        "prepared_statement_cache_size",
        "prepared_statement_name_func",
        "record_class",
        "row_factory",
        "statement_cache_size",
    )
)
_AT_A_TIME = threading.Lock()
"""The listener that looks at the arguments belongs to the engine, so only one may look."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What psycopg is told to connect with, and the names of what it cannot be told."""

    given: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    dsn: str = ""


class _Captured(Exception):
    """Stops the driver before it connects."""


@dataclass(slots=True)
class _Captive:
    named: dict[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()
    thread: int = field(default_factory=threading.get_ident)

    def take(self, _dialect: Any, _record: Any, positional: Any, named: dict[str, Any]) -> None:
        if threading.get_ident() != self.thread:
            # Another thread of the program connects at this moment, and really wants to.
            return
        self.named, self.positional = dict(named), tuple(positional)
        raise _Captured


def arguments_of(connection: Connection) -> Callable[[], Arguments]:
    """Return a function that gives the arguments for one more connection like this one.

    Where the project makes its connections itself, it makes one more, which is asked and closed.
    Where only its event loop can make one, the connection at hand is asked. Raises WrongUse for
    a driver that is not known.
    """
    engine, driver = connection.engine, connection.dialect.driver.removesuffix("_async")
    if connection.dialect.name != "postgresql" or driver not in DRIVERS:
        raise WrongUse(
            f"Alembic's connection is of {connection.dialect.name}+{connection.dialect.driver}, "
            "and the steps need PostgreSQL.",
            hint=f"Known drivers: {', '.join(DRIVERS)}.",
        )
    at_hand = connection.connection.driver_connection

    def arguments() -> Arguments:
        found = _capture(engine)
        if isinstance(found, _Captive):
            return as_psycopg(driver, found.named, found.positional)
        if found is None:
            return Arguments(_of_open_connection(driver, at_hand))
        proxied, opened = found
        with closing(proxied):
            return Arguments(_of_open_connection(driver, opened))

    return arguments


def _capture(engine: Engine) -> _Captive | tuple[PoolProxiedConnection, Any] | None:
    """What the driver would be told; or a connection and the driver's own, where the project made
    it itself; None where only its event loop can make one."""
    captive = _Captive()
    with _AT_A_TIME:
        event.listen(engine, "do_connect", captive.take)
        try:
            # A pool of its own: the engine's may have one connection only, which Alembic uses.
            proxied = engine.pool.recreate().connect()
        except _Captured:
            return None if "async_creator_fn" in captive.named else captive
        except MissingGreenlet:
            return None
        finally:
            event.remove(engine, "do_connect", captive.take)
    opened = proxied.driver_connection
    # Without this its end would give it back to the pool.
    proxied.detach()
    return proxied, opened


@cache
def libpq_names() -> frozenset[str]:
    """The names of libpq's own connection parameters."""
    return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())


def as_psycopg(
    driver: str, named: Mapping[str, Any], positional: tuple[Any, ...] = ()
) -> Arguments:
    """Translate the arguments of a driver. What only that driver understands is left out, and what
    would have said where, as whom or how safely to connect is named as missing."""
    given: dict[str, Any] = {}
    missing: list[str] = []
    for name, value in named.items():
        if value is None or name in _OF_THE_DRIVER:
            continue
        if driver == "asyncpg":
            _of_asyncpg(name, value, given, missing)
        else:
            _take({"database": "dbname"}.get(name, name), value, given, missing)
    return Arguments(given, tuple(missing), str(positional[0]) if positional else "")


def _of_asyncpg(name: str, value: Any, given: dict[str, Any], missing: list[str]) -> None:
    if name == "ssl":
        modes = {True: "require", False: "disable"}
        if isinstance(value, (str, bool)):
            given["sslmode"] = modes.get(value, value) if isinstance(value, bool) else value
        else:
            missing.append("ssl (an SSLContext)")
    elif name == "server_settings":
        given["options"] = " ".join(
            f"-c {key}={_escaped(str(text))}" for key, text in value.items()
        )
    elif name == "password" and callable(value):
        made = value()
        if isinstance(made, str):
            given["password"] = made
        else:
            made.close()
            missing.append("password (an asynchronous function)")
    elif name == "timeout":
        given["connect_timeout"] = max(2, round(float(value)))
    elif name == "dsn":
        missing.append("dsn")
    else:
        _take({"database": "dbname"}.get(name, name), value, given, missing)


def _take(name: str, value: Any, given: dict[str, Any], missing: list[str]) -> None:
    if name not in libpq_names():
        missing.append(name)
    elif isinstance(value, (list, tuple)):
        given[name] = ",".join(map(str, value))
    else:
        given[name] = value


def _escaped(text: str) -> str:
    """A value inside libpq's ``options``, where blanks separate."""
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


def _of_open_connection(driver: str, opened: Any) -> dict[str, Any]:
    """Where and as whom an open connection of that driver is connected."""
    if driver == "psycopg":
        return {**opened.info.get_parameters(), "password": opened.info.password}
    if driver == "psycopg2":
        return {**opened.info.dsn_parameters, "password": opened.info.password}
    # asyncpg has no public names for these; a test holds them.
    address, settings = opened._addr, opened._params
    if isinstance(address, tuple):
        host, port = address
    else:
        folder, _, name = str(address).rpartition("/")
        host, port = folder, name.rpartition(".")[2]
    known = {
        "host": host,
        "port": port,
        "user": settings.user,
        "dbname": settings.database,
        "password": settings.password if isinstance(settings.password, str) else None,
    }
    return {name: value for name, value in known.items() if value is not None}
