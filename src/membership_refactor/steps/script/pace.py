"""Pace: how patient and how fast a script is; the fields are named like the runner's options."""

from __future__ import annotations

from dataclasses import dataclass

WAIT_MS = 50
"""Others queue behind a waiting lock, so this is what a long reader can cost them at a time."""
SECOND_WAIT_MS = 10
"""While the first table is held, the wait for the next one counts as holding."""
TARGET_SECONDS = 0.1
SMALLEST, FIRST, LARGEST = 500, 2_000, 20_000
"""Rows of a batch, when no number is given: adapted to the target duration."""
LOCKING_TARGET_SECONDS, LOCKING_SMALLEST, LOCKING_FIRST = 0.02, 50, 100
"""For batches that lock rows of writers: what a batch takes is what one of them may wait."""
BATCH_SECONDS = 300
"""How long a batch is tried again before the script gives up."""
REPLAY_ENTRIES = 200
UNDER_LOCK_SECONDS = 0.005
"""What the replay under the lock may take, by the best rate of the replays before it."""
AT_MOST_SECONDS = 0.012
"""What it may take in the end where busy writers refill the log during each round."""
PATIENT_ROUNDS = 20
SPANS = 2
"""Spans of replaying, one after the other, that leave the log no shorter: then it is given up."""
FEWEST, MOST = 20, 2_000
"""Keys that may be left for the lock, whatever the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What ``-x`` options mean for a script. It has one session, so no number of workers."""

    batch_rows: int | None = None
    lock_timeout: int = 120
    """Seconds for which a short lock is tried again before the script gives up."""
    max_lag_bytes: int | None = None
    max_wal_rate: int | None = None
    max_active: int | None = None
    accept_usage: str | None = None
    """The reason for which a gate is passed without evidence; it is recorded."""
