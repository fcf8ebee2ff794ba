"""The marker of mutants, so that a run can choose them or leave them out."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mutants: a protection removed on purpose, to be noticed")
