"""When batches give way to others, and how they come back."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from membership_refactor.sql.pacing.latency import (
    DEFAULT,
    GROW,
    JUDGED,
    LEAST_SHARE,
    LONGEST_REST,
    Judge,
    MaxLatency,
    next_share,
    read_max_latency,
    rest,
)

SHARES = st.floats(LEAST_SHARE, 1.0)
TIMES = st.lists(st.floats(0.01, 10_000), max_size=200)


@given(SHARES, st.booleans())
def test_a_share_stays_within_its_bounds(share: float, slow: bool) -> None:
    following = next_share(share, slow=slow)
    assert LEAST_SHARE <= following <= 1
    assert following <= share if slow else following >= share


@given(SHARES, SHARES, st.booleans())
def test_a_larger_share_never_becomes_the_smaller_one(one: float, two: float, slow: bool) -> None:
    small, large = sorted((one, two))
    assert next_share(small, slow=slow) <= next_share(large, slow=slow)


@given(SHARES)
def test_a_quick_server_gets_whole_batches_again(share: float) -> None:
    for _ in range(math.ceil((1 - LEAST_SHARE) / GROW)):
        share = next_share(share, slow=False)
    assert share == 1


@given(st.floats(0.001, 0.06), SHARES)
def test_batches_take_their_share_of_the_time(seconds: float, share: float) -> None:
    assert seconds / (seconds + rest(seconds, share)) == pytest.approx(share)


@given(st.floats(0, 1_000), SHARES)
def test_nobody_rests_for_long(seconds: float, share: float) -> None:
    assert 0 <= rest(seconds, share) <= LONGEST_REST


def judge(idle: float = 2.0, factor: float = 3.0) -> Judge:
    made = Judge(MaxLatency(factor=factor))
    made.measured([idle] * 5)
    return made


@given(TIMES)
def test_the_share_is_bounded_whatever_is_measured(times: list[float]) -> None:
    judged = judge()
    for took in times:
        judged.add(took)
        assert LEAST_SHARE <= judged.share <= 1
        assert (judged.reason() is not None) == judged.slow


@given(TIMES)
def test_after_enough_quick_writes_nothing_waits(times: list[float]) -> None:
    judged = judge()
    for took in [*times, *[2.0] * (3 * JUDGED + math.ceil(1 / GROW))]:
        judged.add(took)
    assert not judged.slow and judged.share == 1 and judged.reason() is None


def test_batches_shrink_once_and_wait_until_the_server_is_quick_again() -> None:
    judged = judge()
    for _ in range(JUDGED):
        judged.add(7.0)
    assert judged.slow and judged.share == 0.5
    assert judged.reason() == (
        "latency: a small write takes more than 6.0 ms, 2.0 ms when idle, 6.0 ms allowed"
    )
    for _ in range(50):
        judged.add(9.0)
    assert judged.share == 0.5, "nothing of ours runs now, so shrinking would help nobody"
    assert judged.reason() == (
        "latency: a small write takes 9.0 ms, 2.0 ms when idle, 6.0 ms allowed"
    )
    shares = []
    for _ in range(30):
        judged.add(3.0)
        shares.append(judged.share)
    assert judged.reason() is None and shares[-1] == 1
    assert all(after >= before for before, after in pairwise(shares))


def test_one_slow_write_is_none() -> None:
    judged = judge()
    for took in (2.0, 500.0, 2.0, 2.0, 500.0, 2.0):
        judged.add(took)
    assert not judged.slow and judged.share == 1


def test_a_write_that_does_not_end_stops_batches_at_once() -> None:
    judged = judge()
    assert judged.reason(6.0 * JUDGED) is None
    assert judged.reason(1_000.0) == (
        "latency: a small write takes 1,000.0 ms, 2.0 ms when idle, 6.0 ms allowed"
    )


def test_nothing_is_judged_before_the_idle_time_is_known() -> None:
    judged = Judge(DEFAULT)
    assert judged.reason(10_000) is None


@pytest.mark.parametrize(
    ("text", "idle", "allowed"),
    [("2x", 3.0, 6.0), ("1.5X", 2.0, 3.0), ("50ms", 3.0, 50.0), ("0.5ms", 3.0, 0.5)],
)
def test_a_limit_is_a_factor_or_milliseconds(text: str, idle: float, allowed: float) -> None:
    found = read_max_latency(text)
    assert found is not None and found.allowed(idle) == allowed


@pytest.mark.parametrize("text", ["", "2", "x", "1x", "0.9x", "0ms", "-2x", "2 x", "2s", "nanx"])
def test_what_is_no_limit(text: str) -> None:
    assert read_max_latency(text) is None


def test_the_default_lets_pass_what_nobody_feels() -> None:
    assert DEFAULT.allowed(0.1) > 3
    assert DEFAULT.allowed(10.0) == 30
