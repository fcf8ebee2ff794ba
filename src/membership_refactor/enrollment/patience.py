"""Bounded retries with jitter, and which errors another try does not help against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from membership_refactor.errors import LockNotObtained, RefactorError

T = TypeVar("T")

NOBODYS_OWN = ("08", "40", "53", "55P03", "57", "58")
"""SQLSTATE classes of errors that come from the connection, from locks or from the server. Every
other error comes from the rows themselves, and would come again."""

RETRYABLE = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


class NotMerged(RefactorError):
    """Raised when rows were not written as a merge asked; the merge is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a transaction is retried, and how long an index build may wait."""

    tries: int = 60
    longest_pause: float = 1.0
    build_wait_ms: int = 3_600_000
    """A concurrent build waits for every transaction that is older than the build."""
    build_tries: int = 5


def original(error: BaseException) -> BaseException:
    """Return psycopg's error, whether or not SQLAlchemy wrapped it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def refusal(error: BaseException) -> str | None:
    """Return what the database says against these rows; None if the error is not about them."""
    cause = original(error)
    if isinstance(cause, NotMerged):
        return str(cause)
    if not isinstance(cause, psycopg.Error) or cause.sqlstate is None:
        return None
    if cause.sqlstate.startswith(NOBODYS_OWN):
        return None
    return f"the database refused it: {cause.diag.message_primary} ({cause.sqlstate})"


def retried(what: str, work: Callable[[], T], patience: Patience) -> T:
    """Run ``work``, a whole transaction, again whenever it loses a lock; return its result."""
    try:
        return Retrying(
            retry=retry_if_exception(lambda error: isinstance(original(error), RETRYABLE)),
            stop=stop_after_attempt(patience.tries),
            wait=wait_random_exponential(multiplier=0.02, max=patience.longest_pause),
            reraise=True,
        )(work)
    except (*RETRYABLE, DBAPIError) as error:
        if not isinstance(original(error), RETRYABLE):
            raise
        raise LockNotObtained(
            f"{what}: no lock in {patience.tries} tries; the transaction was rolled back.",
            hint="End the long transaction on the table (see pg_stat_activity), then run the same "
            "command again.",
        ) from error
