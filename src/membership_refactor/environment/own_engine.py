"""An engine of psycopg that connects to where the engine of somebody's project connects.

The steps work on sessions of their own, whatever driver and pool the project has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, Connection, Engine, event

from membership_refactor.environment.connect_arguments import Arguments, arguments_of
from membership_refactor.environment.find_database import connect_engine
from membership_refactor.errors import NoDatabase, WrongUse
from membership_refactor.execution.sessions import Pg, value
from membership_refactor.sql.quoting import literal

_DRIVER = "postgresql+psycopg"
_NAME_THE_ADDRESS = (
    "Add to env.py, before context.configure: "
    'refactoring(context, url="postgresql+psycopg://…"), with the address for psycopg.'
)


def own_engine(connection: Connection, schema: str, *, pooled: bool = False) -> Engine:
    """Return an engine whose connections go where ``connection`` goes, as the same role, and have
    this schema alone in their search_path.

    The project is asked again for each connection. Raises WrongUse where psycopg cannot be told
    what the project's driver is told.
    """
    arguments = arguments_of(connection)
    first = _parameters(arguments())
    engine = connect_engine(
        _url(first).render_as_string(hide_password=False), schema, pooled=pooled
    )
    event.listen(engine, "do_connect", _telling(arguments))
    return engine


def _telling(arguments: Callable[[], Arguments]) -> Callable[..., None]:
    """A listener that replaces what psycopg is told by what the project tells its own driver."""

    def tell(_dialect: Any, _record: Any, positional: list[Any], named: dict[str, Any]) -> None:
        adapters = named.get("context")
        positional.clear()
        named.clear()
        named.update(_parameters(arguments()), context=adapters)

    return tell


def _parameters(found: Arguments) -> dict[str, Any]:
    if found.missing:
        raise WrongUse(
            "the sessions of the steps are psycopg's, which cannot be given what the project "
            f"gives its own driver: {', '.join(found.missing)}. Nothing was changed.",
            hint=_NAME_THE_ADDRESS,
        )
    return {**conninfo_to_dict(found.dsn), **found.given}


def _url(parameters: dict[str, Any]) -> URL:
    """The parameters as a URL, for programs such as pg_dump."""
    texts = {name: str(text) for name, text in parameters.items() if text not in (None, "")}
    user, password = texts.pop("user", None), texts.pop("password", None)
    return URL.create(
        _DRIVER,
        username=user,
        password=password,
        database=texts.pop("dbname", None),
        query=texts,
    )


def require_same_database(connection: Connection, own: Pg) -> None:
    """Raise NoDatabase unless Alembic's connection is in the database of ``own``, a session that
    holds an advisory lock.

    A server shows the locks of its own sessions only. So this is a proof also behind proxies,
    and between a primary and its copy.
    """
    pid = value(own, "SELECT pg_catalog.pg_backend_pid()")
    seen = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_catalog.pg_locks AS l "
        "JOIN pg_catalog.pg_database AS d ON d.oid = l.database "
        "WHERE l.locktype = 'advisory' AND l.granted "
        f"AND d.datname = pg_catalog.current_database() AND l.pid = {literal(str(pid))}::integer",
        execution_options={"no_parameters": True},
    ).scalar()
    if not seen:
        theirs = connection.exec_driver_sql("SELECT current_database()::text").scalar()
        ours = value(own, "SELECT current_database()::text")
        place = f"{own.info.host}:{own.info.port}"
        raise NoDatabase(
            f'Alembic\'s connection is in database "{theirs}", and the sessions of the steps are '
            f'in another: "{ours}" at {place}. Nothing was changed.',
            hint=_NAME_THE_ADDRESS,
        )
