"""The locks of a step's actions, computed from the actions themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from membership_refactor.portrait import Portrait
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Alone, Brief, Build, Ranges, Run, Switch
from membership_refactor.steps.enrollment_identity import UniqueIndex

SHORT = "waited for 50 ms, held 20 ms at most, tried again"
LONG = "while the statement runs; reads and writes go on"
ROWS = "the rows of one batch at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockUse:
    """A lock that a step takes on a table in use."""

    table: str
    """Quoted and qualified."""
    mode: str
    times: int
    how_long: str


def locks_of(actions: Iterable[Action], *, private: Collection[str] = ()) -> tuple[LockUse, ...]:
    """Return every lock, in the order in which it is first taken.

    ``private`` are the tables that the step itself makes. Nobody else can wait for them.
    """
    counted: dict[tuple[str, str, str], int] = {}
    for action in actions:
        for use in _taken(action):
            if use[0] not in private:
                counted[use] = counted.get(use, 0) + 1
    return tuple(
        LockUse(table=table, mode=mode, times=times, how_long=how_long)
        for (table, mode, how_long), times in counted.items()
    )


def locks_of_keys(
    actions: Iterable[Action], before: Portrait, after: Portrait
) -> tuple[LockUse, ...]:
    """The locks that PostgreSQL takes by itself: on the tables that added or dropped foreign keys
    refer to."""
    named = {table for action in actions for table, _ in getattr(action, "locks", ())}
    tables = (t for t in before.tables if after.find(t.name) is not None)
    there = {qualified(t.schema, t.name) for t in tables} - named
    old, new = Counter(_referred(before)), Counter(_referred(after))
    gone, come = set(old - new) & there, set(new - old) & there
    return tuple(
        LockUse(table=table, mode=mode.value, times=1, how_long=SHORT)
        for found, mode in (
            (gone, Lock.ACCESS_EXCLUSIVE),
            (come - gone, Lock.SHARE_ROW_EXCLUSIVE),
        )
        for table in sorted(found)
    )


def _referred(portrait: Portrait) -> Iterator[str]:
    for table in portrait.tables:
        for key in table.foreign_keys:
            if key.references:
                yield qualified(*key.references)


def _taken(action: Action) -> Iterator[tuple[str, str, str]]:
    match action:
        case Brief() | Switch():
            strongest = dict(action.locks)
            for table, lock in _of_statements(action.statements):
                if _weight(lock) > _weight(strongest.get(table, Lock.NONE)):
                    strongest[table] = lock
            yield from ((table, lock.value, SHORT) for table, lock in strongest.items())
        case Run():
            single = dict(_of_statements(action.statements))
            yield from ((table, lock.value, LONG) for table, lock in single.items())
        case Alone():
            yield from (
                (table, lock.value, LONG) for table, lock in _of_statements((action.statement,))
            )
        case UniqueIndex():
            table = f'"{action.schema}"."{action.identity.table}"'
            yield table, Lock.SHARE_UPDATE_EXCLUSIVE.value, LONG
        case Ranges():
            yield action.table, Lock.ROW_EXCLUSIVE.value, ROWS
            if action.vacuum:
                yield action.table, Lock.SHARE_UPDATE_EXCLUSIVE.value, LONG
        case Build():
            yield action.build.log.table, Lock.ACCESS_SHARE.value, LONG


def _of_statements(statements: Iterable[Statement]) -> Iterator[tuple[str, Lock]]:
    return ((s.on, s.lock) for s in statements if s.on and s.lock is not Lock.NONE)


def _weight(lock: Lock) -> int:
    return list(Lock).index(lock)
