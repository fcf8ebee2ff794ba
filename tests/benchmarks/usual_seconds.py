"""The seconds that a piece of work takes on a usual machine, measured on any machine.

Plain work of a known price is done just before and after, so that a slow machine passes what a
usual one does. What takes longer for any other reason fails.
"""

from __future__ import annotations

import resource
from collections.abc import Callable

PLAIN = compile("s = 0\nfor i in range(2_000_000): s += i * i", "plain work", "exec")
USUAL = 0.18
"""The seconds of the plain work on the machine on which the limits were set."""


def usual_seconds(work: Callable[[], object], limit: float, *, runs: int = 3) -> float:
    """The least of some runs, in seconds of the processor. One below the limit is the last."""
    least = float("inf")
    after = _seconds(lambda: exec(PLAIN, {}))
    for _ in range(runs):
        before = after
        taken = _seconds(work)
        after = _seconds(lambda: exec(PLAIN, {}))
        least = min(least, taken * USUAL / min(before, after))
        if least < limit:
            break
    return least


def _seconds(work: Callable[[], object]) -> float:
    """The processor's seconds of the work, with those of its processes that have ended."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
