"""The database that a program hands over in ``config.attributes["connection"]``.

What is handed over is used, or refused. If it were ignored, the chain would run on another
database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine

from membership_refactor.database.examination import require_usable
from membership_refactor.errors import WrongUse

ATTRIBUTE = 'config.attributes["connection"]'
_DRIVER = "postgresql+psycopg"
_HINT = (
    f"Hand over a SQLAlchemy Engine or Connection of {_DRIVER}, or nothing and name the database "
    "with -x url or DATABASE_URL."
)


def handed_over(attributes: Mapping[str, Any], *, x_url: str | None) -> Connection | Engine | None:
    """Return the engine or connection to use. None where nothing is handed over.

    A Session stands for what it is bound to. Raises WrongUse for anything else, for another
    driver, for a connection that is closed or in a transaction, and beside ``-x url``.
    """
    given = attributes.get("connection")
    if given is None:
        return None
    if x_url is not None:
        raise WrongUse(f"-x url and {ATTRIBUTE} both name a database.", hint="Leave one out.")
    bound = given if isinstance(given, (Connection, Engine)) else _bind(given)
    if not isinstance(bound, (Connection, Engine)):
        raise WrongUse(f"{ATTRIBUTE} is {_named(given)}, which cannot be used here.", hint=_HINT)
    dialect = bound.dialect
    driver = f"{'asynchronous ' * dialect.is_async}{dialect.name}+{dialect.driver}"
    if driver != _DRIVER:
        raise WrongUse(
            f"{ATTRIBUTE} is {_named(given)} for {driver}, which cannot be used here.",
            hint=_HINT,
        )
    if isinstance(bound, Connection) and bound.closed:
        raise WrongUse("the connection that was handed to Alembic is closed.", hint=_HINT)
    if (not isinstance(given, Engine)) and given.in_transaction():
        raise WrongUse(
            f"the {type(given).__name__} that was handed to Alembic is in a transaction, and the "
            "steps have to commit.",
            hint="Commit first, or hand over an Engine.",
        )
    return bound


def _bind(given: object) -> object:
    """What a Session is bound to; None for anything else."""
    # Only now, because nearly every command is handed an engine or nothing.
    from sqlalchemy.orm import Session

    return given.bind if isinstance(given, Session) else None


def require_usable_connection(connection: Connection, *, pooled: bool) -> None:
    """Raise NoDatabase unless the server behind it can be used, as ``examine`` says of a URL."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise WrongUse(f"{ATTRIBUTE} leads to {_named(driver)}.", hint=_HINT)
    before = driver.autocommit
    driver.autocommit = True
    try:
        require_usable(driver, str(connection.engine.url), pooled=pooled)
    finally:
        driver.autocommit = before


def _named(value: object) -> str:
    kind = type(value)
    return f"of type {kind.__module__}.{kind.__qualname__}".replace("of type builtins.", "of type ")
