"""Legacy tables on a real server: empty ones, and some with 20,000 generated rows."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from sqlalchemy import create_engine

from membership_refactor.database import libpq_url
from membership_refactor.demo.data import load
from membership_refactor.models import legacy
from membership_refactor.testing.scratch_databases import Databases
from tests.fixtures.databases import NewDatabase

ROWS = 20_000


def legacy_database(url: str) -> str:
    """The legacy tables, empty; returns libpq's form of the URL."""
    engine = create_engine(url)
    legacy.Base.metadata.create_all(engine)
    engine.dispose()
    return libpq_url(url)


def loaded_database(url: str) -> None:
    with psycopg.connect(legacy_database(url)) as connection:
        load(connection, rows=ROWS)


@pytest.fixture
def empty_legacy(new_database: NewDatabase) -> Iterator[Connection]:
    with psycopg.connect(legacy_database(new_database())) as connection:
        yield connection


@pytest.fixture(scope="session")
def generated(databases: Databases) -> Iterator[Connection]:
    """Read only: every test sees the same rows."""
    with (
        databases.temporary_copy_of("generated memberships", loaded_database) as url,
        psycopg.connect(libpq_url(url), autocommit=True) as connection,
    ):
        connection.read_only = True
        yield connection
