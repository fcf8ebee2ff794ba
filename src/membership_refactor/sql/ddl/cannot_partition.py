"""What stands against a partitioned source: each obstacle is named before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Member, Partitioning, Table
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.quoting import qualified

MOST = 500
"""Members. The short locks are taken on each of them."""
HELD_MS = 0.5
"""How long PostgreSQL takes, by partition, for what it does to all of them under one short lock."""
SHORT = int(20 / HELD_MS)
"""Up to how many partitions that stays within the 20 ms of a short lock."""
_SHOWN = 5
_OTHERS = 50
"""Locks on catalogs and on tables that foreign keys refer to."""


def partition_obstacles(
    plan: TableSplit, table: Table, partitioning: Partitioning
) -> Iterator[str]:
    """Why the partitioned table cannot be split or renamed, a phrase each."""
    if plan.parent:
        yield from _of_split(plan, table, partitioning)
    if partitioning.has_expression:
        yield (
            f"is partitioned by an expression ({partitioning.by}), and the plan cannot tell which "
            "rows belong together. Partition it by columns"
        )
    if going := [c for c in partitioning.key_columns if c in plan.leaving]:
        yield (
            f"is partitioned by {', '.join(going)}, which leave the child at step "
            "drop_deprecated_columns, and PostgreSQL drops no column of a partition key. "
            "Name them in keep"
        )
    members = partitioning.members
    if len(members) > MOST:
        yield (
            f"has {len(members):,} partitions; this tool takes {MOST:,} at most, because each "
            f"short lock is taken on all of them: about {HELD_MS * len(members):,.0f} ms, in which "
            "every writer waits. Merge partitions, or detach the old ones and split them by "
            "themselves"
        )
        return
    yield from _of_members(table, members)


def locks_needed(table: Table, partitioning: Partitioning) -> int:
    """How many locks one transaction of a step takes at most: each partition of both tables, what
    it stores out of line, and its indexes, of which the copy has one more."""
    return 2 * (len(partitioning.members) + 1) * (4 + len(table.indexes)) + _OTHERS


def lock_obstacles(table: Table, partitioning: Partitioning, server: Server) -> Iterator[str]:
    """Without room for these locks some statement would fail in the middle of a step, or one of
    the application beside it (53200)."""
    room = server.locks_each * server.locking_sessions
    needed = locks_needed(table, partitioning)
    if 4 * needed > 3 * room:
        wanted = -(-4 * needed // (3 * server.locking_sessions))
        yield (
            f"has {len(partitioning.members):,} partitions, and a step takes up to {needed:,} "
            f"locks in one transaction; the server has room for {room:,} of all sessions. Set "
            f"max_locks_per_transaction to {wanted:,} (it is {server.locks_each:,}) and restart "
            "the server, its replicas first"
        )


def _of_split(plan: TableSplit, table: Table, partitioning: Partitioning) -> Iterator[str]:
    """A row that gets another key would move to another partition at the same time, which
    PostgreSQL carries out as DELETE and INSERT. A unique constraint cannot be made from an index
    that was built while the table is written."""
    if shared := [c for c in partitioning.key_columns if c in plan.key]:
        yield (
            f"is partitioned by {', '.join(shared)} of the plan's key, and this version splits "
            "such a table only where no column of the key decides about the partition"
        )
    own = table.identity_index(plan.ids)
    gone = [
        i.name
        for i in table.indexes
        if i.unique and i != own and {*i.columns} & {*plan.leaving} and i.constraint
    ]
    if gone:
        yield (
            f"is partitioned and has the unique constraints {', '.join(gone)} on columns that "
            "leave the child, and this version cannot bring them back. Drop them before"
        )


def _of_members(table: Table, members: Iterable[Member]) -> Iterator[str]:
    root = qualified(table.schema, table.name)
    foreign, others, unlike = [], [], []
    for member in members:
        name = qualified(member.schema, member.name)
        if member.kind == "f":
            foreign.append(name)
        if member.owner != table.owner:
            others.append(f'{name} ("{member.owner}")')
        if member.persistence != table.persistence:
            unlike.append(f"{name} (another persistence)")
        if member.schema != table.schema:
            unlike.append(f"{name} (another schema)")
        unlike += [f"{name} ({what})" for what in member.own]
        if member.detaching:
            yield (
                f"has a partition whose DETACH CONCURRENTLY was not finished. Run "
                f"ALTER TABLE {member.parent} DETACH PARTITION {name} FINALIZE"
            )
    if foreign:
        yield (
            f"has foreign tables as partitions: {_first(foreign)}. Their rows change without a "
            f"trigger. Run ALTER TABLE {root} DETACH PARTITION for each"
        )
    if others:
        yield (
            f'belongs to "{table.owner}", and partitions of it to other roles: {_first(others)}. '
            f"Run ALTER TABLE ... OWNER TO for each"
        )
    if unlike:
        yield (
            "has partitions with something of their own, which the copy would not have: "
            f"{_first(unlike)}. Give it to the whole table, or drop it"
        )


def _first(names: list[str]) -> str:
    rest = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{rest}"
