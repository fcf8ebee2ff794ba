"""Pace: how short locks are and how large batches are, in the runner and in a psql script."""

from __future__ import annotations

from typing import NamedTuple

WAIT_MS = 50
"""Others queue behind a waiting lock, so a long reader costs them this much at a time."""
SECOND_WAIT_MS = 10
"""While the first table is locked, the wait for the next one counts as holding."""


class Sizes(NamedTuple):
    """How large batches are if no number of rows is given: they adapt to a duration."""

    seconds: float
    """The duration that a batch aims at."""
    smallest: int
    first: int

    def next(self, size: float, seconds: float) -> float:
        """The size after a batch that took ``seconds``: at most half as large again, at least
        half as large."""
        factor = min(max(self.seconds / max(seconds, 1e-4), 0.5), 1.5)
        return min(max(size * factor, self.smallest), LARGEST)


PRIVATE_SIZES = Sizes(0.1, 500, 2_000)
LOCKING_SIZES = Sizes(0.02, 50, 100)
"""For batches that lock rows of writers: a writer may wait for as long as a batch takes."""
LARGEST = 20_000
BATCH_SECONDS = 300
"""How long a batch is tried again before it is given up."""
REPLAY_ENTRIES = 200
"""Log entries of one replay. An entry may hold the keys of a whole mass statement."""
UNDER_LOCK_SECONDS = 0.005
"""What the replay under the lock may take, by the best rate of the replays before it."""
AT_MOST_SECONDS = 0.012
"""What it may take in the end, if busy writers refill the log during each round."""
PATIENT_ROUNDS = 20
"""Rounds of replaying before that much is allowed under the lock."""
SPANS = 2
"""The replay fails after this many spans in a row that leave the log no shorter."""
FEWEST, MOST = 20, 2_000
"""Keys that may be left for the lock, whatever the rate."""
