"""A database with a few hundred rows that is about to be copied."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.chain.driver import Chain, build
from tests.chain.subjects import MEMBERSHIP

ROWS = 3_000
FILL = (
    "INSERT INTO programme_membership (person_id, programme_id, curriculum_id, rotation) "
    f"SELECT n % 3 + 1, n % 2 + 1, n % 3, 'r' || n FROM generate_series(1, {ROWS}) AS n"
)


def fill(connection: Any) -> None:
    connection.execute("SET search_path = public")
    connection.execute(FILL)


@pytest.fixture
def chain(template_database: Any) -> Chain:
    """The legacy tables with rows; its ledger stands, so that a control row can be written."""
    return Chain(template_database("kindness", prepared), MEMBERSHIP)


def prepared(url: str) -> None:
    build(MEMBERSHIP, fill)(url)
    chain = Chain(url, MEMBERSHIP)
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        chain.runner().ledger.create(pg)
