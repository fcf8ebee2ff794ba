"""Database URLs: one spelling for SQLAlchemy, one for libpq's programs, one for messages."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from membership_refactor.errors import NoDatabase

_SECRETS = ("password", "sslpassword")
_EXAMPLE = "postgresql://user@host:5432/database"


def normalise_url(url: str) -> str:
    """The URL names PostgreSQL and psycopg 3, whatever spelling it came in."""
    return parse_url(url).render_as_string(hide_password=False)


def parse_url(url: str) -> URL:
    """Like SQLAlchemy's ``make_url``; what it refuses is not repeated: it may hold a password."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        # Without `from`: the text of the cause contains the URL.
        raise NoDatabase(
            "The database URL cannot be read.",
            hint=f"Write it as {_EXAMPLE}; special characters in a password are percent-encoded.",
        ) from None
    dialect = parsed.get_backend_name()
    if dialect not in ("postgres", "postgresql"):
        raise NoDatabase(
            f"The database URL begins with {dialect}://, and this tool works on PostgreSQL only.",
            hint=f"Write it as {_EXAMPLE}.",
        )
    return parsed.set(drivername="postgresql+psycopg")


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
