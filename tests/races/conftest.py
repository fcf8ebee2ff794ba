"""Races replay their logs even where few entries wait."""

from __future__ import annotations

import pytest

from membership_refactor.execution import switching


@pytest.fixture(autouse=True)
def _replays_of_few_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables hardly fill a log; two keys are already too many to be left to the switch."""
    monkeypatch.setattr(switching, "FEWEST", 1)
    monkeypatch.setattr(switching, "MOST", 2)
