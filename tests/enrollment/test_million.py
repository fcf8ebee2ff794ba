"""A million enrollments with 1 % trouble: what looking costs, and how long writers wait."""

from __future__ import annotations

import pytest

from benchmarks.duplicates import ROWS, measure, prepare
from tests.enrollment.tables import opened
from tests.fixtures.databases import NewDatabase


@pytest.mark.slow
def test_looking_costs_at_most_three_group_bys_and_no_lock_is_held_for_long(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    with opened(url) as engine:
        prepare(engine, ROWS)
        figures = measure(engine, url, ROWS)
    assert figures.found == {"mergeable": 8000, "spellings": 1000, "contradictory": 1000}
    assert figures.merged == 8000
    assert figures.ratio <= 3, figures
    assert figures.longest_lock_held_ms <= 20, figures
    assert figures.writes > 100, figures
