"""Databases for tests: fresh ones, and copies of a template that is built once a process."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from membership_refactor.database import (
    Server,
    create_database,
    drop_database,
    libpq_url,
    with_database,
)
from membership_refactor.database.databases import Strategy

PREFIX = "mr_test_"
Build = Callable[[str], None]


class Databases:
    """The databases of one test process on one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._token = f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        # Measured on PostgreSQL 15 without fsync: 16 ms for a file copy, 60 ms through the WAL.
        # On a server that is not ours the file copy's two checkpoints may take seconds.
        self._strategy: Strategy = "wal_log" if server.data is None else "file_copy"

    def new(self) -> str:
        """An empty database."""
        return self._create("template0")

    def copy_of(self, name: str, build: Build) -> str:
        """A copy of the template; ``build`` gets the template's URL when it is asked for first."""
        self.have_template(name, build)
        return self.copy(name)

    def copy(self, name: str) -> str:
        """A copy of a template that is there."""
        return self._create(self._templates[name])

    def have_template(self, name: str, build: Build, *, above: str | None = None) -> None:
        """Build the template, unless it is there.

        It begins empty, or as a copy of the template ``above`` which it is built.
        """
        if name not in self._templates:
            url = self._create(self._templates[above] if above else "template0")
            try:
                build(url)
            except BaseException:
                self.drop(url)
                raise
            self._templates[name] = _close(url)

    def drop(self, url: str) -> None:
        drop_database(self.server.url, make_url(url).database or "")

    @contextlib.contextmanager
    def temporary(self) -> Iterator[str]:
        """An empty database until the block ends; for the inside of a property test."""
        url = self.new()
        try:
            yield url
        finally:
            self.drop(url)

    @contextlib.contextmanager
    def temporary_copy_of(self, name: str, build: Build) -> Iterator[str]:
        """A copy of the template until the block ends; for the inside of a property test."""
        url = self.copy_of(name, build)
        try:
            yield url
        finally:
            self.drop(url)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Others see that this process lives; what killed processes left is dropped."""
        with psycopg.connect(
            libpq_url(self.server.url), autocommit=True, application_name=self._token
        ) as sign_of_life:
            try:
                self._drop_all_but_the_living(sign_of_life)
                yield
            finally:
                for name in _names(sign_of_life):
                    if name.startswith(self._token):
                        drop_database(self.server.url, name)

    def _create(self, template: str) -> str:
        name = f"{self._token}_{next(self._numbers)}"
        return create_database(self.server.url, name, template=template, strategy=self._strategy)

    def _drop_all_but_the_living(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "SELECT application_name FROM pg_catalog.pg_stat_activity"
            " WHERE application_name LIKE %s",
            (f"{PREFIX}%",),
        )
        living = tuple(token for (token,) in rows)
        for name in _names(connection):
            if not name.startswith(living):
                drop_database(self.server.url, name)


def _names(connection: psycopg.Connection) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT datname FROM pg_catalog.pg_database WHERE starts_with(datname, %s)", (PREFIX,)
    )
    return tuple(name for (name,) in rows)


def _close(url: str) -> str:
    """Nobody is connected to the database, and nobody can be: copying it would be refused."""
    name = make_url(url).database or ""
    with psycopg.connect(libpq_url(with_database(url, "postgres")), autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        connection.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid, 5000)"
            " FROM pg_catalog.pg_stat_activity WHERE datname = %s",
            (name,),
        )
    return name
