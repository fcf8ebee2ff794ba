"""Database URLs: one spelling for SQLAlchemy, one for libpq's programs, one for messages."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from membership_refactor.errors import NoDatabase

_SECRETS = ("password", "sslpassword")
_EXAMPLE = "postgresql://user@host:5432/database"


def normalise_url(url: str, *, source: str = "The database URL") -> str:
    """Spell the URL for SQLAlchemy with psycopg 3, whatever form it came in."""
    return parse_url(url, source=source).render_as_string(hide_password=False)


def parse_url(url: str, *, source: str = "The database URL") -> URL:
    """Read a URL as SQLAlchemy does. Raises NoDatabase, which never repeats the URL.

    ``source`` says where the URL was given, for the message.
    """
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        # Without `from`: the text of the cause contains the URL.
        raise _unreadable(source) from None
    # An @ in the password that is not escaped moves the rest of it into host or database.
    if "@" in (parsed.host or "") or re.search("@.*/", parsed.database or ""):
        raise _unreadable(source)
    dialect = parsed.get_backend_name()
    if dialect not in ("postgres", "postgresql"):
        raise NoDatabase(
            f"{source} begins with {dialect}://, and this tool works on PostgreSQL only.",
            hint=f"Write it as {_EXAMPLE}.",
        )
    if "%" in (parsed.host or ""):
        # libpq's way to write the folder of a socket.
        folder = unquote(parsed.host or "")
        parsed = parsed._replace(host=None).update_query_dict({"host": folder})
    return parsed.set(drivername="postgresql+psycopg")


def _unreadable(source: str) -> NoDatabase:
    return NoDatabase(
        f"{source} cannot be read as a URL.",
        hint=f"Write it as {_EXAMPLE}. In a password write @ as %40, / as %2F, : as %3A, % as %25.",
    )


def libpq_url(url: str) -> str:
    """The same database for psql, pg_dump and ``psycopg.connect``."""
    shown = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    # libpq wants every space as %20; SQLAlchemy leaves it before the query and writes + in it.
    place, mark, query = shown.partition("?")
    return place.replace(" ", "%20") + mark + query.replace("+", "%20")


def without_password(url: str) -> str:
    """The URL as it may stand in a message, a log or a report."""
    # Not .set(): there None means that the password stays.
    parsed = parse_url(url)._replace(drivername="postgresql", password=None)
    return parsed.difference_update_query(_SECRETS).render_as_string(hide_password=False)


def with_database(url: str, database: str) -> str:
    """The same server and user, another database."""
    return parse_url(url).set(database=database).render_as_string(hide_password=False)


def secrets_in(url: str) -> tuple[str, ...]:
    """Every text of the URL that must not appear in a message."""
    parsed = parse_url(url)
    found = [parsed.password, *(parsed.query.get(name) for name in _SECRETS)]
    return tuple(text for text in found if isinstance(text, str) and text)
