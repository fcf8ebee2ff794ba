"""Short table locks: waited for 50 ms, held 20 ms, tried again with jitter, honestly given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import tenacity

from membership_refactor.errors import LockNotObtained
from membership_refactor.execution.sessions import Pg, as_oneself, run
from membership_refactor.sql.pacing.blockers import Locks, blockers
from membership_refactor.sql.pacing.pace import SECOND_WAIT_MS, WAIT_MS

SAID_AFTER, SAID_EVERY = 1.0, 10.0
"""Seconds of trying after which it is said who is in the way, and how often."""


@dataclass(frozen=True, slots=True)
class Held:
    """How long a short lock took: the successful try, and how many there were."""

    waited_ms: float
    held_ms: float
    tries: int


class NotYet(Exception):
    """Raised under the lock: give it back and come again."""


def briefly(
    connection: Pg,
    locks: Locks,
    work: Callable[[Pg], None] | str,
    *,
    seconds: float = 120,
    before_retry: Callable[[int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Held:
    """Runs ``work`` in a transaction that holds ``locks``; commits without waiting for the disk.
    While it has to wait for long, ``say`` is told for whom.

    Work that is text is sent with the locks and the COMMIT in one message: nobody queues while a
    busy machine gets round to answering, or to asking on.

    The commit is asynchronous: what follows it in the log of the server cannot survive a crash
    without it, and everything here is recorded in the same log.

    LockNotObtained when ``seconds`` are over: it names who was in the way.
    """
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
                return _once(connection, locks, work, tries)
            except psycopg.errors.LockNotAvailable as error:
                if time.monotonic() - began >= seconds * 0.9:
                    raise LockNotObtained(
                        f"no lock on {', '.join(t for t, _ in locks)} in {tries} tries "
                        f"over {time.monotonic() - began:.0f} s.{in_the_way(connection, locks)}",
                        hint="End or wait for those transactions, then run the same command again.",
                    ) from error
                if say is not None and time.monotonic() - said >= SAID_EVERY:
                    said = time.monotonic()
                    say(f"  waiting for a lock.{in_the_way(connection, locks)}")
                raise
            except NotYet as error:
                if time.monotonic() - began >= seconds * 0.9:
                    raise LockNotObtained(
                        f"changes of {', '.join(t for t, _ in locks)} arrive faster than they can "
                        f"be replayed; {tries} tries over {time.monotonic() - began:.0f} s.",
                        hint="Run the same command again when less is written.",
                    ) from error
                raise
    raise AssertionError("unreachable: Retrying either returns or raises")


def rehearse(connection: Pg, text: str) -> None:
    """What ``text`` needs of the catalogs is in the session's caches; nothing of it happened.

    Where it is refused (not every role may make temporary tables) the lock is held a little longer.
    """
    with suppress(psycopg.Error), connection.transaction(force_rollback=True):
        run(connection, f"SET LOCAL lock_timeout = {WAIT_MS}")
        run(connection, text)


_SETTINGS = f"SET LOCAL lock_timeout = {WAIT_MS}; SET LOCAL synchronous_commit = off"
_CLOCK = (
    "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000"
    " AS membership_refactor_clock"
)


def _in_one_message(connection: Pg, locks: Locks, text: str, tries: int) -> Held:
    first, *others = (f"LOCK TABLE {table} IN {mode} MODE" for table, mode in locks)
    second = [f"SET LOCAL lock_timeout = {SECOND_WAIT_MS}", *others] if others else []
    # A BEGIN of its own: within a message that begins and ends a transaction, ROLLBACK would not
    # be known to be needed.
    run(connection, f"BEGIN; {_SETTINGS}")
    try:
        parts = [_CLOCK, first, _CLOCK, *second, text, _CLOCK, "COMMIT"]
        cursor = run(connection, ";\n".join(parts))
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


def _once(connection: Pg, locks: Locks, work: Callable[[Pg], None] | str, tries: int) -> Held:
    if isinstance(work, str):
        return _in_one_message(connection, locks, work, tries)
    with connection.transaction():
        run(connection, _SETTINGS)
        asked = time.perf_counter()
        got = asked
        for n, (table, mode) in enumerate(locks):
            if n == 1:
                run(connection, f"SET LOCAL lock_timeout = {SECOND_WAIT_MS}")
            run(connection, f"LOCK TABLE {table} IN {mode} MODE")
            if n == 0:
                got = time.perf_counter()
        work(connection)
        # COMMIT is not counted: asynchronous, it only writes its record before it lets go of the
        # locks; what may take long, the unlinking of dropped files, comes after (xact.c).
        done = time.perf_counter()
    return Held((got - asked) * 1000, (done - got) * 1000, tries)


def in_the_way(connection: Pg, locks: Locks) -> str:
    """Who holds the tables against us, with role, application, state and age."""
    with as_oneself(connection):
        rows = run(connection, blockers(locks)).fetchall()
    if not rows:
        return " Whoever was in the way has gone meanwhile."
    named = "; ".join(
        f"{who} ({', '.join(filter(None, (role, app, state)))}, for {_age(age)})"
        for who, role, app, state, age in rows
    )
    return f" In the way: {named}."


def _age(age: timedelta | None) -> str:
    return "an unknown time" if age is None else f"{age.total_seconds():.0f} s"
