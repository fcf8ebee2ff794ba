"""When a replay is outpaced: judged by the log before and after a span, and not by one span."""

from __future__ import annotations

import pytest

from membership_refactor.errors import ReplayOutpaced
from membership_refactor.execution.switching import Convergence


def judged(*left: int) -> int:
    """How many spans pass before it is over, when so many keys wait at the end of each."""
    waiting = iter(left)
    convergence = Convergence("t", lambda: next(waiting), 0.0)
    for n, _ in enumerate(left):
        try:
            convergence.judge()
        except ReplayOutpaced:
            return n
    return len(left)


@pytest.mark.parametrize(
    "left",
    [
        (10_000_000, 9_999_000, 9_998_000, 9_997_000),
        (100, 200, 150, 120, 60),
        (100, 100, 90, 90, 80, 80),
        (0, 0),
    ],
    ids=["slow", "a burst", "one span in vain at a time", "nothing to replay"],
)
def test_a_replay_that_comes_nearer_is_never_over(left: tuple[int, ...]) -> None:
    assert judged(*left) == len(left)


@pytest.mark.parametrize("left", [(100, 100, 100, 50), (100, 150, 200, 250)])
def test_two_spans_that_leave_the_log_no_shorter_are_the_end(left: tuple[int, ...]) -> None:
    assert judged(*left) == 2
