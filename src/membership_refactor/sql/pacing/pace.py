"""Pace: how short locks are, how large batches; the same for the runner and for a script."""

from __future__ import annotations

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
"""How long a batch of a script is tried again before it is given up."""
REPLAY_ENTRIES = 200
"""Log entries of one replay; an entry may hold the keys of a whole mass statement."""
UNDER_LOCK_SECONDS = 0.005
"""What the replay under the lock may take, by the best rate of the replays before it."""
AT_MOST_SECONDS = 0.012
"""What it may take in the end where busy writers refill the log during each round."""
PATIENT_ROUNDS = 20
"""Rounds of replaying before that much is allowed under the lock."""
SPANS = 2
"""Spans of replaying, one after the other, that leave the log no shorter: then it is given up."""
FEWEST, MOST = 20, 2_000
"""Keys that may be left for the lock, whatever the rate."""
