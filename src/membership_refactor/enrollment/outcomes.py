"""The outcome of each request of a batch, and the transaction that runs the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from membership_refactor.enrollment.patience import original
from membership_refactor.models.refused_writes import RunAgain

T = TypeVar("T")


class Result(StrEnum):
    """The result of one request."""

    CREATED = "created"
    UPDATED = "updated"
    LINKED = "linked"
    RELINKED = "relinked"
    UNITED = "united"
    UNLINKED = "unlinked"
    DUPLICATED = "duplicated"
    """The batch names the identity more than once. None of these requests was carried out."""
    CONFLICT = "conflict"
    NOT_FOUND = "not-found"
    ALREADY_LINKED = "already-linked"
    IDENTITY_MISSING = "identity-missing"
    INVALID_KEY = "invalid-key"
    INVALID_STATUS = "invalid-status"
    COURSE_REFUSED = "course-refused"
    """Enrolling in a waiting course failed. The learner is unchanged; others are not affected."""


DONE = frozenset(
    {
        Result.CREATED,
        Result.UPDATED,
        Result.LINKED,
        Result.RELINKED,
        Result.UNITED,
        Result.UNLINKED,
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one request; ``enrollment`` is the row that was written or is in the way."""

    result: Result
    enrollment: int | None = None
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether the request was carried out."""
        return self.result in DONE


@dataclass(frozen=True, slots=True)
class Scope:
    """A program and a curriculum: a learner has one enrollment in them."""

    program: UUID
    curriculum: UUID


def in_transaction(
    engine: Engine,
    work: Callable[[Session], T],
    *,
    isolation_level: str | None = None,
    tries: int = 20,
) -> T:
    """Run ``work`` in a transaction, commit it and return the result; retry after a lost race.

    Under REPEATABLE READ and SERIALIZABLE a concurrent request for the same learner fails with
    40001. A deadlock (40P01) can happen at every level. Both are retried, ``tries`` times at most.
    """
    bound = engine.execution_options(isolation_level=isolation_level) if isolation_level else engine

    def once() -> T:
        with Session(bound) as session, session.begin():
            return work(session)

    return Retrying(
        retry=retry_if_exception(_lost_a_race),
        stop=stop_after_attempt(tries),
        wait=wait_random_exponential(multiplier=0.01, max=0.5),
        reraise=True,
    )(once)


def _lost_a_race(error: BaseException) -> bool:
    if isinstance(error, RunAgain):
        return True
    return isinstance(
        original(error), psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected
    )
