"""Connects once to see whether a database can be used; if not, says why and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from membership_refactor.database.binaries import OLDEST
from membership_refactor.database.pooler import require_direct, require_own_session
from membership_refactor.database.url import libpq_url, secrets_in, without_password
from membership_refactor.errors import NoDatabase


@dataclass(frozen=True, slots=True)
class Examined:
    """What a usable database said about itself."""

    database: str
    user: str
    encoding: str
    # As in server_version_num: 150014, 180006.
    version: int


def examine(
    url: str, *, source: str = "the URL", seconds: int = 5, pooled: bool = False
) -> Examined:
    """Connect once. Raises NoDatabase unless it answers, is PostgreSQL 15 or newer, and UTF8, or
    if a pooler answers that ``pooled`` does not allow.

    ``source`` says where the URL was given, for the hints. ``seconds`` is the time to wait, where
    the URL has no connect_timeout of its own.
    """
    try:
        # A connect_timeout in the URL is kept.
        address = make_conninfo(libpq_url(url))
        if "connect_timeout" not in conninfo_to_dict(address):
            address = make_conninfo(address, connect_timeout=seconds)
        with psycopg.connect(address, autocommit=True) as connection:
            return require_usable(connection, url, pooled=pooled)
    except (psycopg.Error, UnicodeError) as error:
        # Without the cause: libpq may repeat the connection string.
        raise explain(error, url, source=source) from None


def require_usable(
    connection: psycopg.Connection[Any], url: str, *, pooled: bool = False
) -> Examined:
    """Return what the server says about itself. Raises NoDatabase unless it is PostgreSQL 15 or
    newer, UTF8, and not behind a pooler. ``pooled`` allows one that keeps a session for each
    client.

    The connection is in autocommit: a pooler may change the session with each transaction.
    """
    if pooled:
        require_own_session(connection)
    require_direct(connection, pooled=pooled)
    place, info = without_password(url), connection.info
    examined = Examined(
        database=info.dbname,
        user=info.user,
        encoding=info.parameter_status("server_encoding") or "",
        version=info.server_version,
    )
    if examined.version < OLDEST * 10000:
        raise NoDatabase(
            f"The server of {place} is PostgreSQL {_readable(examined.version)}, and this tool "
            f"needs PostgreSQL {OLDEST} or newer.",
            hint="Upgrade the server first (pg_upgrade), or name another one.",
        )
    if examined.encoding != "UTF8":
        raise NoDatabase(
            f"The database {examined.database} of {place} is encoded in {examined.encoding}, and "
            "this tool needs UTF8.",
            hint="Dump it, create a new database with CREATE DATABASE ... ENCODING 'UTF8' "
            "TEMPLATE template0, and load the dump there.",
        )
    return examined


def explain(error: BaseException, url: str, *, source: str = "the URL") -> NoDatabase:
    """Describe a failed connection in one message without a password.

    ``source`` says where the URL was given; the hint names it.
    """
    text = _one_line(str(error))
    for secret in secrets_in(url):
        text = text.replace(secret, "***")
    place = without_password(url)
    for pattern, message, hint in _KNOWN:
        if match := re.search(pattern, text, re.IGNORECASE):
            return NoDatabase(message(match, place), hint=hint.format(source=source))
    return NoDatabase(
        f"Cannot connect to {place}: {text}",
        hint=f"Check host, port, user and database in {source}.",
    )


_Sentence = Callable[[re.Match[str], str], str]
_KNOWN: tuple[tuple[str, _Sentence, str], ...] = (
    (
        r"password authentication failed for user \"([^\"]*)\"",
        lambda found, place: f"{place} refuses the password of user {found[1]}.",
        "Correct the password in {source}, PGPASSWORD or ~/.pgpass.",
    ),
    (
        r"no password supplied",
        lambda _, place: f"{place} asks for a password, and none was given.",
        "Put it into ~/.pgpass, PGPASSWORD or {source}.",
    ),
    (
        r"(?:database|role) \"([^\"]*)\" does not exist",
        lambda found, place: (
            f"The {'role' if found[0].lower().startswith('role') else 'database'} {found[1]} "
            f"does not exist on the server of {place}."
        ),
        "Create it (createdb, createuser), or correct the name in {source}.",
    ),
    (
        r"permission denied for database \"?([^\"\s]*)",
        lambda found, place: f"The user of {place} lacks the privilege CONNECT on {found[1]}.",
        "Ask the database's owner to GRANT CONNECT, or use another user.",
    ),
    (
        r"no pg_hba\.conf entry",
        lambda _, place: f"The server of {place} refuses this user from this machine.",
        "Ask its administrator for a line in pg_hba.conf, or try sslmode=require.",
    ),
    (
        r"too many clients|remaining connection slots",
        lambda _, place: f"The server of {place} has no connection left.",
        "Close sessions, or raise max_connections.",
    ),
    (
        r"database system is (starting up|shutting down|in recovery mode)|"
        r"not yet accepting connections",
        lambda _, place: f"The server of {place} is starting up or shutting down.",
        "Try again when it accepts connections.",
    ),
    (
        r"could not translate host name|Name or service not known|failed to resolve host|"
        r"nodename nor servname",
        lambda _, place: f"The host of {place} has no address.",
        "Correct the host's name in {source}.",
    ),
    (
        r"definition of service \"([^\"]*)\" not found",
        lambda found, _: f"No service file has the service {found[1]}.",
        "Add it to ~/.pg_service.conf, or correct PGSERVICE.",
    ),
    (
        r"timeout expired|connection timeout",
        lambda _, place: f"The server of {place} does not answer in time.",
        "Check host and port, and whether a firewall is in the way.",
    ),
    (
        r"Connection refused|No such file or directory|server closed the connection|"
        r"No route to host|Network is unreachable",
        lambda _, place: f"No server answers at {place}.",
        "Start it, or correct host and port in {source}.",
    ),
)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _readable(version: int) -> str:
    major, rest = divmod(version, 10000)
    return f"{major}.{rest}" if major >= 10 else f"{major}.{rest // 100}"
