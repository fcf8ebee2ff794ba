"""The marker of mutants, so that a run can choose them or leave them out, and what the tests
that have to notice them ask for."""

import pytest

from tests.chain.conftest import chain_at
from tests.enrollment.conftest import constrained_engine, unconstrained_engine

__all__ = ["chain_at", "constrained_engine", "unconstrained_engine"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mutants: a protection removed on purpose, to be noticed")
