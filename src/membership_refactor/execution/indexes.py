"""Build indexes concurrently; an invalid index of an earlier try is dropped first."""

from __future__ import annotations

import psycopg
import tenacity

from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Statement


def build_alone(pg: Pg, statement: Statement, index: str, *, tries: int = 5) -> None:
    """Build the index with ``statement``, unless a valid one of that qualified name exists.

    It locks the table in SHARE UPDATE EXCLUSIVE mode and waits for every older transaction, so it
    has no timeout: a timeout would leave the index invalid.
    """
    state = (
        "SELECT i.indisvalid FROM pg_catalog.pg_index AS i "
        f"WHERE i.indexrelid = pg_catalog.to_regclass({literal(index)})"
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
                run(pg, f"DROP INDEX CONCURRENTLY {index}")
            run(pg, "SET lock_timeout = 0")
            try:
                run(pg, statement.text)
            finally:
                run(pg, "SET lock_timeout = '2s'")
