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
) -> str:
    """Create the database in UTF8 and return its SQLAlchemy URL."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
        sql.Identifier(name), sql.Identifier(template), sql.Identifier(strategy)
    )
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        connection.execute(statement)
    return with_database(server_url, name)


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
