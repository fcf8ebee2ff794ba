"""Short table locks: each try waits 50 ms and holds 20 ms at most; the tries end in an error."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import tenacity

from membership_refactor.errors import LockNotObtained
from membership_refactor.execution.sessions import Pg, as_oneself, run
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.pacing.blockers import Locks, blockers, referred
from membership_refactor.sql.pacing.member_locks import lock_members
from membership_refactor.sql.pacing.pace import SECOND_WAIT_MS, WAIT_MS
from membership_refactor.sql.statements import Lock

SAID_AFTER, SAID_EVERY = 1.0, 10.0
"""Seconds of trying after which the blocking sessions are shown, and how often."""


@dataclass(frozen=True, slots=True)
class Held:
    """How long the successful try waited for the lock and held it, and the number of tries."""

    waited_ms: float
    held_ms: float
    tries: int


class NotYet(Exception):
    """Raised under the lock: release it and retry."""


def briefly(
    connection: Pg,
    locks: Locks,
    work: Callable[[Pg], None] | str,
    *,
    seconds: float = 120,
    before_retry: Callable[[int], None] | None = None,
    say: Callable[[str], None] | None = None,
    wanted: Locks | None = None,
    members: bool = False,
) -> Held:
    """Run ``work`` in a transaction that holds ``locks``. Messages speak of ``wanted``, where
    ``work`` takes locks itself.

    Work that is text is sent in one message with the locks and the COMMIT. So nobody waits behind
    the locks while client and server exchange messages.

    The commit is asynchronous. That is safe: everything here is recorded in the same WAL, and a
    later record never survives a crash without an earlier one.

    With ``members`` tables may be partitioned, and their partitions are locked too.

    During a long wait ``say`` is told which sessions are in the way. Raises LockNotObtained, which
    names them, when ``seconds`` are over.
    """
    wanted = locks if wanted is None else wanted
    tries = 0
    began = said = time.monotonic()
    said -= SAID_EVERY - SAID_AFTER
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(
            (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, NotYet)
        ),
        wait=tenacity.wait_random_exponential(multiplier=0.02, max=1.0),
        stop=tenacity.stop_after_delay(seconds),
        reraise=True,
    ):
        with attempt:
            tries += 1
            if tries > 1 and before_retry is not None:
                before_retry(tries)
            try:
                return _once(connection, _lock_texts(locks, members=members), work, tries)
            except psycopg.errors.LockNotAvailable as error:
                if time.monotonic() - began >= seconds * 0.9:
                    named, advice = in_the_way(connection, wanted)
                    raise LockNotObtained(
                        f"no lock on {', '.join(t for t, _ in wanted)} in {tries} tries "
                        f"over {time.monotonic() - began:.0f} s. {named}",
                        hint=f"{advice} Then run the same command again.",
                    ) from error
                if say is not None and time.monotonic() - said >= SAID_EVERY:
                    said = time.monotonic()
                    say(f"  waiting for a lock. {in_the_way(connection, wanted)[0]}")
                raise
            except NotYet as error:
                if time.monotonic() - began >= seconds * 0.9:
                    raise LockNotObtained(
                        f"changes of {', '.join(t for t, _ in locks)} arrive faster than they can "
                        f"be replayed; {tries} tries over {time.monotonic() - began:.0f} s.",
                        hint="Run the same command again when the application writes less.",
                    ) from error
                raise
    raise AssertionError("unreachable: Retrying either returns or raises")


def rehearse(connection: Pg, text: str) -> None:
    """Run ``text`` and roll it back, so that the session's caches hold what it needs.

    If it is refused (not every role may create temporary tables), nothing is lost but time: the
    lock is held a little longer.
    """
    with suppress(psycopg.Error), connection.transaction(force_rollback=True):
        run(connection, f"SET LOCAL lock_timeout = {WAIT_MS}")
        run(connection, text)


_SETTINGS = f"SET LOCAL lock_timeout = {WAIT_MS}; SET LOCAL synchronous_commit = off"
_CLOCK = (
    "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000"
    " AS membership_refactor_clock"
)


def _lock_texts(locks: Locks, *, members: bool) -> list[str]:
    waits = (WAIT_MS, *(SECOND_WAIT_MS for _ in locks[1:]))
    return [
        lock_members(table, mode, wait) if members else f"LOCK TABLE {table} IN {mode} MODE"
        for (table, mode), wait in zip(locks, waits, strict=False)
    ]


def _in_one_message(connection: Pg, locks: Sequence[str], text: str, tries: int) -> Held:
    first, *others = locks
    second = [f"SET LOCAL lock_timeout = {SECOND_WAIT_MS}", *others] if others else []
    # BEGIN is a message of its own. If one message began and ended the transaction, the client
    # would not know after an error that a ROLLBACK is needed.
    run(connection, f"BEGIN; {_SETTINGS}")
    try:
        parts = [_CLOCK, first, _CLOCK, *second, text, _CLOCK, "COMMIT"]
        cursor = run(connection, in_one_message(parts))
    except BaseException:
        with suppress(psycopg.Error):
            connection.rollback()
        raise
    times: list[float] = []
    while True:
        if cursor.description and cursor.description[0].name == "membership_refactor_clock":
            times += [float(row[0]) for row in cursor.fetchall()]
        if not cursor.nextset():
            break
    asked, got, done = times
    return Held(got - asked, done - got, tries)


def _once(
    connection: Pg, locks: Sequence[str], work: Callable[[Pg], None] | str, tries: int
) -> Held:
    if isinstance(work, str):
        return _in_one_message(connection, locks, work, tries)
    with connection.transaction():
        run(connection, _SETTINGS)
        asked = time.perf_counter()
        got = asked
        for n, lock in enumerate(locks):
            if n == 1:
                run(connection, f"SET LOCAL lock_timeout = {SECOND_WAIT_MS}")
            run(connection, lock)
            if n == 0:
                got = time.perf_counter()
        work(connection)
        # COMMIT is not counted. It is asynchronous: it writes its record and releases the locks.
        # What may take long, removing dropped files, comes after that (xact.c).
        done = time.perf_counter()
    return Held((got - asked) * 1000, (done - got) * 1000, tries)


def in_the_way(connection: Pg, locks: Locks) -> tuple[str, str]:
    """Return the sessions that hold the tables, as a sentence, and what the DBA can do. A foreign
    key is made and dropped under a lock on the table, too, that it refers to."""
    with as_oneself(connection):
        found = run(connection, blockers(locks)).fetchone()
        if found is not None and found[0] is None:
            others = [(name, Lock.ACCESS_EXCLUSIVE) for (name,) in run(connection, referred(locks))]
            found = run(connection, blockers(others)).fetchone()
    assert found is not None
    named, advice = found
    return (f"In the way: {named}." if named else "Nothing is in the way any more."), advice
