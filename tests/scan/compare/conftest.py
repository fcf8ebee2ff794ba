"""The connection that statements are compared on, to a database with their tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine

from tests.fixtures.databases import NewDatabase
from tests.scan.tables import create_tables


@pytest.fixture
def connection(new_database: NewDatabase) -> Iterator[Connection]:
    engine = create_engine(new_database())
    with engine.connect() as opened:
        create_tables(opened)
        yield opened
    engine.dispose()
