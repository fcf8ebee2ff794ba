"""Actions: what a step consists of, as values. The runner does them, the printer prints them.

An action is done or not done: the ledger records it in the transaction that does it, so that a
step taken up again goes on behind the last one. ``undo`` takes it back when the step is abandoned.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.checks.check import Check
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import OwnTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a step does; ``name`` is unique within step and direction."""

    name: str
    undo: tuple[Action, ...] = ()
    """What takes it back; each may be repeated, and finds its object missing without an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Action):
    """Statements in one transaction that hold no lock behind which others queue for long."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief(Action):
    """Statements under table locks that others queue behind: waited for 50 ms and held 20 ms at
    most, tried again with jitter, and given up with a list of who was in the way."""

    locks: tuple[tuple[str, Lock], ...]
    """(quoted table, mode), in the order in which writers take them."""
    statements: tuple[Statement, ...]
    rehearsal: Statement | None = None
    """The same on something of no importance, rolled back before the locks are asked for, so that
    the session knows its catalogs; then locks, statements and COMMIT are sent in one message. Not
    in scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone(Action):
    """A statement that PostgreSQL refuses inside a transaction: an index built concurrently."""

    statement: Statement
    index: str
    """The quoted, qualified index: an invalid left-over is dropped and built again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build(Action):
    """A move's ranges, shared by several workers, each range and its checkpoint one commit."""

    build: TableBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Action):
    """Replays the log until little is left; then, under short locks, the rest of it, and
    ``statements`` with which synchronous capture takes over."""

    build: TableBuild
    locks: tuple[tuple[str, Lock], ...]
    resting: tuple[OwnTrigger, ...]
    """The log's triggers, disabled under the lock and dropped afterwards."""
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges(Action):
    """A function ``(first, last) returns bigint`` called range by range along a table's key."""

    function: str
    table: str
    """The table whose keys the ranges run along."""
    key: str
    key_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Action):
    """Checks that have to hold at this point."""

    checks: tuple[Check, ...]
