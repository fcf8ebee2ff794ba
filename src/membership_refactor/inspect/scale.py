"""Scale: how the time of work grows with the rows, and shrinks with the workers.

``plan`` and the page of large tables compute with it.
"""

from __future__ import annotations

import math

GROWTH = 1.115
"""The power of the rows with which time grows where none is measured: five times the rows took 6.0
times the CPU. Sorts have more levels, and less of each index is in memory."""


def grown(rows: float, *, measured: float, power: float = GROWTH) -> float:
    """How many times as long as with ``measured`` rows it takes. With fewer rows it is in
    proportion to them."""
    times = rows / measured
    return times**power if times > 1 else times


def power_of(rows: float, times: float) -> float:
    """The power with which something grew that took ``times`` as much for ``rows`` times the
    rows."""
    return math.log(times) / math.log(rows)


def with_workers(alone: float, shared: float, workers: int) -> float:
    """The time of work of which one part is done by one session, and one is shared by workers."""
    return alone + shared / workers
