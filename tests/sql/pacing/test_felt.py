"""A series of what was felt stays short, and forgets nothing that can be added up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from membership_refactor.sql.pacing.felt import SPANS, Series, Span

BEGAN = datetime(2026, 11, 27, 17, tzinfo=UTC)
WRITES = st.lists(
    st.tuples(st.floats(0.05, 3.0), st.floats(0.1, 900.0), st.integers(0, 5_000)),
    min_size=1,
    max_size=800,
)
"""Seconds since the write before, milliseconds that it took, rows that were written meanwhile."""


def filled(writes: list[tuple[float, float, int]], series: Series | None = None) -> Series:
    series, at = series or Series(), BEGAN
    for seconds, took, rows in writes:
        at += timedelta(seconds=seconds)
        series.add(took, at, idle_ms=1, allowed_ms=3, rows=rows, waited_seconds=0.5, lag_bytes=rows)
    return series


@given(WRITES)
def test_it_is_bounded_and_adds_up(writes: list[tuple[float, float, int]]) -> None:
    spans = filled(writes).spans
    assert 1 <= len(spans) <= SPANS
    assert sum(span.writes for span in spans) == len(writes)
    assert sum(span.rows for span in spans) == sum(rows for _, _, rows in writes)
    assert sum(span.waited_seconds for span in spans) == pytest.approx(0.5 * len(writes))
    assert max(span.longest_ms for span in spans) == max(took for _, took, _ in writes)
    assert max(span.lag_bytes or 0 for span in spans) == max(rows for _, _, rows in writes)


@given(WRITES)
def test_its_spans_follow_each_other(writes: list[tuple[float, float, int]]) -> None:
    spans = filled(writes).spans
    for before, after in pairwise(spans):
        assert before.ended == after.began
    for span in spans:
        assert span.began <= span.ended and span.median_ms <= span.longest_ms + 1e-6


def test_a_day_is_no_longer_than_a_minute() -> None:
    day = filled([(0.25, 2.0, 10)] * (4 * 3600))
    assert SPANS / 2 <= len(day.spans) <= SPANS
    assert all(span.rows_per_second == pytest.approx(40, rel=0.1) for span in day.spans[:-1])


def test_older_spans_are_stored_again_only_when_they_have_changed() -> None:
    series, changed = Series(), []
    for n in range(2 * SPANS):
        at = BEGAN + timedelta(seconds=2 * n)
        before = list(series.spans)
        if series.add(2.0, at, idle_ms=1, allowed_ms=3):
            changed.append(n)
        else:
            assert series.spans[: len(before) - 1] == before[:-1]
    assert changed == [SPANS, SPANS + SPANS // 2]


def test_a_resumed_series_goes_on_behind_what_is_there() -> None:
    first = filled([(0.25, 2.0, 10)] * 40)
    again = filled([(0.25, 4.0, 10)] * 40, Series.going_on(first.spans))
    assert again.spans[: len(first.spans)] == first.spans
    assert sum(span.writes for span in again.spans) == 80


def test_a_span_in_which_nothing_was_measured_yet_can_be_joined() -> None:
    empty = Span.of_nothing(BEGAN)
    assert filled([(0.25, 2.0, 1)], Series.going_on([empty])).spans[-1].writes == 1
