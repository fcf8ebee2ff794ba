"""A hole is the time that no source covers, whatever the order of the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from membership_refactor.report.holes import holes
from membership_refactor.report.page_values import Stretch

DAY = datetime(2026, 11, 27, tzinfo=UTC)
Span = tuple[int, int]


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def stretch(span: Span, *, covered: bool, why: str = "why") -> Stretch:
    return Stretch(
        target="t", source="s", began=day(span[0]), ended=day(span[1]), uses=0, covered=covered,
        holes=() if covered else (why,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("covered", "left"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(5, 10), (0, 5)], []),
        ([(0, 4), (5, 10)], [(4, 5)]),
        ([(1, 9)], [(0, 1), (9, 10)]),
        ([(-5, 2), (1, 7), (6, 20)], []),
        ([(-5, -1), (12, 20)], [(0, 10)]),
    ],
)
def test_what_another_source_covers_is_no_hole(covered: list[Span], left: list[Span]) -> None:
    missed = stretch((0, 10), covered=False)
    found = holes([missed, *(stretch(span, covered=True) for span in covered)])
    assert [(h.began, h.ended) for h in found] == [(day(a), day(b)) for a, b in left]


def test_two_sources_that_miss_the_same_time_leave_one_hole_with_both_reasons() -> None:
    one, other = (stretch((0, 3), covered=False, why=why) for why in ("reset", "no log"))
    assert [h.why for h in holes([one, other])] == [("reset", "no log")]


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda t: (t[0], sum(t))))


@given(missed=SPANS, covered=SPANS)
def test_day_by_day(missed: list[Span], covered: list[Span]) -> None:
    """The witness looks at each day alone."""
    rows = [stretch(s, covered=False) for s in missed] + [stretch(s, covered=True) for s in covered]
    wanted = {
        n
        for n in range(45)
        if any(a <= n < b for a, b in missed) and not any(a <= n < b for a, b in covered)
    }
    found = {n for h in holes(rows) for n in range(45) if h.began <= day(n) < h.ended}
    assert found == wanted
