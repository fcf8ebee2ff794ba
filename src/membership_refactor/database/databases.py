"""Create and drop databases of a server. Dropping ends the sessions in them."""

from __future__ import annotations

from typing import Literal

import psycopg
from psycopg import sql

from membership_refactor.database.url import libpq_url, with_database

Strategy = Literal["wal_log", "file_copy"]


def create_database(
    server_url: str,
    name: str,
    *,
    template: str = "template0",
    strategy: Strategy = "wal_log",
    same_locale: bool = False,
) -> str:
    """Create the database in UTF8 and return its SQLAlchemy URL.

    ``same_locale`` gives it the locale of the database of ``server_url``.
    """
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
        sql.Identifier(name), sql.Identifier(template), sql.Identifier(strategy)
    )
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        if same_locale:
            statement += sql.SQL(_locale(connection))
        connection.execute(statement)
    return with_database(server_url, name)


def _locale(connection: psycopg.Connection) -> str:
    """The options of CREATE DATABASE for the locale of the connected database."""
    row = connection.execute(
        "SELECT format(' LC_COLLATE %L LC_CTYPE %L', datcollate, datctype)\n"
        # The column of the locale had another name before PostgreSQL 17.
        "  || CASE datlocprovider WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', l)\n"
        "    WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', l)\n"
        "    ELSE ' LOCALE_PROVIDER libc' END\n"
        "FROM pg_catalog.pg_database AS d, pg_catalog.to_jsonb(d) AS j,\n"
        "  coalesce(j ->> 'datlocale', j ->> 'daticulocale') AS l\n"
        "WHERE datname = pg_catalog.current_database()"
    ).fetchone()
    assert row is not None
    return str(row[0])


def drop_database(server_url: str, name: str) -> None:
    """Drop the database, and end the sessions in it.

    PostgreSQL refuses while a prepared transaction exists, so those are rolled back first, from
    within the database.
    """
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        prepared = connection.execute(
            "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = %s", (name,)
        ).fetchall()
        if prepared:
            inside = libpq_url(with_database(server_url, name))
            with psycopg.connect(inside, autocommit=True) as visitor:
                for (gid,) in prepared:
                    visitor.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def has_database(server_url: str, name: str) -> bool:
    """Whether the server has a database of this name."""
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", (name,)
        ).fetchone()
    return found is not None
