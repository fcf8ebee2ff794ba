"""The connection that statements are compared on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine

from tests.fixtures.databases import NewDatabase


@pytest.fixture
def connection(new_database: NewDatabase) -> Iterator[Connection]:
    engine = create_engine(new_database())
    with engine.connect() as opened:
        yield opened
    engine.dispose()
