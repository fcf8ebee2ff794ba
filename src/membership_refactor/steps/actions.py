"""Actions: what a step consists of, as values. The runner does them, the printer prints them.

The ledger records an action as done in the transaction that does it. A step that is resumed goes
on with the first action that is not done.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.checks.check import Check
from membership_refactor.portrait import Table
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.names import Names
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import OwnTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that a step does."""

    key: str
    """Unique within step and direction. Ledger and resume hold on to it, so it never changes."""
    title: str
    """What people read; it may change."""
    until: str = ""
    """The key of a later action. A step that is resumed before that one is done does this again."""
    of_partition: str = ""
    """The partition that it is about, quoted and qualified. Where that has left meanwhile, there is
    nothing to do: partitions may be dropped at any moment."""
    then_called: str = ""
    """What that partition is called afterwards, where the action renames it."""
    of_root: str = ""
    """The partitioned table, quoted and qualified, where the action changes its triggers and those
    of none of its partitions."""

    @property
    def asked(self) -> str:
        """The key of the action whose record says that this one need not be done."""
        return self.until or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Action):
    """Statements in one transaction that hold no lock behind which others queue for long."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief(Action):
    """Statements under table locks that others queue behind.

    Each lock is waited for at most 50 ms and held at most 20 ms. The action is tried again with
    jitter, and gives up with a list of the sessions that were in the way.
    """

    locks: tuple[tuple[str, Lock], ...]
    """(quoted table, mode), in the order in which writers take them."""
    statements: tuple[Statement, ...]
    by_statements: tuple[tuple[str, Lock], ...] = ()
    """What the statements lock by themselves, where LOCK TABLE would lock too much. Messages name
    it too."""
    rehearsal: Statement | None = None
    """The same on something of no importance, rolled back before the locks are asked for, so that
    the session knows its catalogs; then locks, statements and COMMIT are sent in one message. Not
    in scripts."""
    leaves_triggers: bool = False
    """Whether it makes, drops and renames no trigger of the tool, nor a table that has one. Then it
    hides nothing of what somebody did to those of a partitioned table, and does not ask for them
    under its lock: that would take longer with each partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone(Action):
    """A statement that PostgreSQL refuses inside a transaction: an index built concurrently."""

    statement: Statement
    index: str
    """The quoted, qualified index. One that an earlier try left invalid is dropped first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build(Action):
    """The ranges of a table build, shared by workers; each range and its checkpoint one commit."""

    build: TableBuild
    popular: bool = False
    """Whether it does the values that have too many rows for one range of the build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Action):
    """Replays the log until little is left. Then, under short locks, it replays the rest and runs
    ``statements``, with which synchronous capture takes over."""

    build: TableBuild
    locks: tuple[tuple[str, Lock], ...]
    disabled: tuple[OwnTrigger, ...]
    """The log's triggers, disabled under the lock and dropped afterwards."""
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges(Action):
    """A function ``(first, last) returns bigint`` called range by range along a table's key."""

    function: str
    table: str
    """The table whose keys the ranges run along."""
    along: RowId
    key_type: str
    vacuum: bool = False
    """Whether the function writes a new version of every row of the table. Then the table is
    vacuumed in between, or it would become twice as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Action):
    """Checks that have to hold at this point."""

    checks: tuple[Check, ...]


def create_functions(*statements: Statement) -> Run:
    """Functions that triggers and batches of the step call, made before they are needed."""
    return Run(key="create_functions", title="Create functions", statements=statements)


def drop_functions(*statements: Statement) -> Run:
    """What nothing calls any more, at the end of the step."""
    title = "Drop functions that are no longer used"
    return Run(key="drop_functions", title=title, statements=statements)


def over_children(names: Names, child: Table, function: str, key: str, title: str) -> Ranges:
    """Call the plan's function of that purpose along the child's ids."""
    along, key_type = names.id, names.id.type_in(child.columns)
    own = names.own(function)
    return Ranges(
        key=key, title=title, function=own, table=names.child, along=along, key_type=key_type
    )


def over_parents(names: Names, function: str, key: str, title: str) -> Ranges:
    """Call the plan's function of that purpose along the parents' uuids."""
    own, along, uuid = names.own(function), names.parent_id, "pg_catalog.uuid"
    return Ranges(
        key=key, title=title, function=own, table=names.parent, along=along, key_type=uuid
    )


LONG = (Alone, Build, Ranges, Verify)
"""The kinds that may take hours. They create and drop no trigger."""
