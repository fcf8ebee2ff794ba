"""Indexes built concurrently: an invalid left-over is recognised, dropped and built again."""

from __future__ import annotations

import psycopg
import tenacity

from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.actions import Alone


def build_alone(pg: Pg, action: Alone, *, tries: int = 5) -> None:
    """Afterwards the index stands and is valid. SHARE UPDATE EXCLUSIVE on its table; it waits
    for every transaction that is older, so without a timeout: a timeout leaves it invalid."""
    state = (
        "SELECT i.indisvalid FROM pg_catalog.pg_index AS i "
        f"WHERE i.indexrelid = pg_catalog.to_regclass({literal(action.index)})"
    )
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(
            (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
        ),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        stop=tenacity.stop_after_attempt(tries),
        reraise=True,
    ):
        with attempt:
            valid = value(pg, state)
            if valid:
                return
            if valid is False:
                run(pg, f"DROP INDEX CONCURRENTLY {action.index}")
            run(pg, "SET lock_timeout = 0")
            try:
                run(pg, action.statement.text)
            finally:
                run(pg, "SET lock_timeout = '2s'")
