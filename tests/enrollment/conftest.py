"""Engines on fresh enrollment tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.enrollment.tables import constrained, opened, unconstrained
from tests.fixtures.databases import TemplateDatabase


@pytest.fixture
def unconstrained_engine(template_database: TemplateDatabase) -> Iterator[Engine]:
    with opened(template_database("enrollment unconstrained", unconstrained)) as engine:
        yield engine


@pytest.fixture
def constrained_engine(template_database: TemplateDatabase) -> Iterator[Engine]:
    with opened(template_database("enrollment constrained", constrained)) as engine:
        yield engine
