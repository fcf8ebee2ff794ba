"""The chain as pytest-alembic sees any chain: one head, up, down, and models that match."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_alembic.config import Config
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import Engine

from membership_refactor.environment import connect_engine
from tests.fixtures.databases import NewDatabase

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]

INI = Path(__file__).parents[2] / "alembic.ini"


@pytest.fixture
def alembic_config() -> Config:
    return Config(config_options={"file": str(INI), "script_location": str(INI.parent / "alembic")})


@pytest.fixture
def alembic_engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = connect_engine(new_database(), "public")
    yield engine
    engine.dispose()
