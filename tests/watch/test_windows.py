"""Windows as pure functions: what is covered, since when, and when a gate opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from membership_refactor.watch.samples import Count, Earlier, Sample, state_of
from membership_refactor.watch.windows import (
    CHANGES,
    Interval,
    holes_between,
    opens_at,
    rises,
    silent_since,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
MARKS = {
    **dict.fromkeys(CHANGES, "0"),
    "evictions": "0",
    "wal position": "1/20",
    "started": "monday",
    "pg_stat_statements.save": "on",
    "compute_query_id": "auto",
}


def count(calls: int) -> Count:
    return Count(role="a", text="SELECT 1", calls=calls)


FIRST = Sample(source="s", server="primary", at=START, marks=MARKS, counts={"x": count(3)})


def then(**changes: object) -> Sample:
    later = {"at": START + timedelta(minutes=5), **changes}
    return replace(FIRST, **later)  # type: ignore[arg-type]


def kept(sample: Sample) -> Earlier:
    births = dict.fromkeys(sample.counts, ("copy",))
    return Earlier.from_state(sample.at, state_of(sample, births, ("t",)))


def test_two_like_samples_have_no_hole() -> None:
    assert holes_between(kept(FIRST), then()) == ()


@pytest.mark.parametrize("mark", [m for m in MARKS if m not in ("evictions", "wal position",
                                                               "started")])  # fmt: skip
def test_each_changed_mark_is_a_hole_that_says_so(mark: str) -> None:
    (hole,) = holes_between(kept(FIRST), then(marks={**MARKS, mark: "other"}))
    assert hole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"marks": {**MARKS, "evictions": "1"}}, "evicted once"),
        ({"marks": {**MARKS, "wal position": "1/1F"}}, "an older copy of the server was restored"),
        ({"marks": {**MARKS, "wal position": "0/FFFFFFFF"}}, "an older copy"),
        ({"counts": {}}, "1 watched statement disappeared"),
        ({"counts": {"x": count(2)}}, "counted fewer calls than before"),
        ({"at": START + timedelta(hours=26)}, "no sample was taken from 2026-01-01 00:00 UTC"),
        ({"at": START}, "the clock went back"),
        ({"holes": ("blind",)}, "blind"),
    ],
)
def test_what_happened_in_between_is_named(change: dict[str, object], said: str) -> None:
    (hole,) = holes_between(kept(FIRST), replace(then(), **change))  # type: ignore[arg-type]
    assert said in hole


def test_a_hole_of_the_sample_before_counts_too() -> None:
    assert holes_between(kept(replace(FIRST, holes=("blind",))), then()) == ("blind",)


def test_a_sample_that_is_due_every_five_minutes_is_missed_sooner() -> None:
    due = kept(replace(FIRST, every=300))
    assert holes_between(due, then(at=START + timedelta(minutes=14))) == ()
    assert holes_between(due, then(at=START + timedelta(minutes=16))) != ()


def test_a_larger_wal_position_and_a_clean_restart_are_no_hole() -> None:
    marks = {**MARKS, "wal position": "2/0", "started": "tuesday"}
    assert holes_between(kept(FIRST), then(marks=marks)) == ()


def test_a_statement_that_was_reset_and_run_again_counts_its_new_calls() -> None:
    assert [r.calls for r in rises(kept(FIRST), then(counts={"x": count(2)}))] == [2]
    assert [r.calls for r in rises(kept(FIRST), then(counts={"x": count(5)}))] == [2]
    assert [r.calls for r in rises(kept(FIRST), then())] == []


def day(began: float, ended: float, uses: int = 0, covered: bool = True) -> Interval:
    return Interval(START + timedelta(days=began), START + timedelta(days=ended), uses, covered)


@pytest.mark.parametrize(
    ("intervals", "since"),
    [
        ([], None),
        ([day(0, 5)], 0),
        ([day(0, 5), day(5, 9)], 0),
        ([day(0, 5), day(6, 9)], 6),
        ([day(0, 5), day(5, 6, covered=False), day(6, 9)], 6),
        ([day(0, 5), day(5, 6, uses=1), day(6, 9)], 6),
        ([day(0, 5), day(5, 6, uses=1)], 6),
        ([day(0, 5), day(5, 6, covered=False)], None),
        ([day(0, 9), day(3, 4, uses=2)], 4),
        ([day(0, 6), day(4, 9)], 0),
        ([day(0, 9), day(0, 9, covered=False)], 0),
    ],
)
def test_since_when_all_is_covered_and_silent(intervals: list[Interval], since: int | None) -> None:
    expected = None if since is None else START + timedelta(days=since)
    assert silent_since(intervals) == expected
    opens = opens_at(intervals, 14)
    assert opens == (None if expected is None else expected + timedelta(days=14))


def test_a_gate_counts_from_the_end_of_the_step_before_it() -> None:
    later = START + timedelta(days=7)
    assert opens_at([day(0, 9)], 14, not_before=later) == later + timedelta(days=14)
