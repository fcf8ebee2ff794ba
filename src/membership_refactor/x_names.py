"""The names of ``-x NAME=VALUE``. They stand alone, because ``--help`` needs nothing else."""

from __future__ import annotations

X_NAMES = {
    "url": "the database, before DATABASE_URL and sqlalchemy.url",
    "schema": "the schema that holds the tables (default public)",
    "portrait": "with --sql: the file that `plan --format json` wrote; the script is made for it",
    "batch-rows": "rows in a batch (default: as many as take 0.1 s, 0.02 s where rows are locked)",
    "workers": "batches at a time (default: half of the server's cores, at most 4; unknown: 1)",
    "lock-timeout": "seconds for which a short lock is tried again (default 120)",
    "max-latency": "wait while small writes take longer: 2x the idle time, 50ms; off (default 3x)",
    "max-lag-bytes": "wait while the slowest replica is this many bytes behind (default: never)",
    "max-wal-rate": "wait while the server writes more bytes of WAL a second (default: never)",
    "max-active": "wait while more sessions of others are active (default: never)",
    "pooler": "`session` if a connection pooler answers that keeps a session for each client",
    "accept-usage": "the reason for which a step may go on without evidence; it is recorded",
    "accept-whole-rows": "the reason to go on although triggers use columns of a row by position",
    "accept-event-triggers": "the reason to begin although event triggers see the steps",
    "accept-published-copy": "the reason to begin although the copy will be published too",
}
"""Every name of ``-x NAME=VALUE``, and what its value means."""
