"""retire_source on a partitioned table: nets go and come back, and partitions get other names.

Triggers are hung and dropped one partition after the other, before and after the exchange. Under
its lock their functions get other bodies: that takes as long for many partitions as for a few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import twins
from membership_refactor.sql.capture.synchronous import Sync
from membership_refactor.sql.handover.retired import retired_table
from membership_refactor.sql.members.exchanged_roles import (
    create_nets,
    drop_nets,
    names_of_archive,
    names_of_source,
    nets_of,
    rename_partition,
    require_followed,
)
from membership_refactor.sql.members.known_members import know_all_members
from membership_refactor.sql.members.new_twins import new_twins
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.refuse_writes import retired_function, retired_triggers
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import bodies, idle_functions, remove_triggers
from membership_refactor.sql.triggers import OwnTrigger
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.foreign_keys import drop_keys
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.step import Situation


def keys_of_source_gone(s: Situation, source: Table) -> tuple[Action, ...]:
    """The foreign keys of the source go one at a time before the exchange: each takes longer with
    each partition. Until then the copy has the same keys, and every write reaches it."""
    return drop_keys(s.names.source, source.foreign_keys) if s.names.partitioned else ()


def has_not_handed_over(s: Situation) -> bool:
    """Whether retire_source is taken back before the exchange: only keys of the source are gone."""
    if not s.names.partitioned or s.now is None:
        return False
    return s.now.find(s.plan.retired) is None and s.now.find(s.plan.source) is not None


def before_hand_over(s: Situation, source: Table) -> Iterator[Statement]:
    """Under the lock of the exchange, before everything else: the copy loses its nets."""
    if s.names.partitioned:
        yield require_followed(s.names)
        yield from drop_nets(s.names, _nets(s, source))


def _nets(s: Situation, source: Table) -> list[Member]:
    """Those that the copy had before retire_source."""
    return nets_of(source, s.before("retire_source").table(s.plan.child))


def without_nets(source: Table, copy: Table) -> Table:
    """The copy as it is when it has taken over."""
    nets = nets_of(source, copy)
    if copy.partitioning is None or not nets:
        return copy
    members = tuple(m for m in copy.partitioning.members if m not in nets)
    return replace(copy, partitioning=replace(copy.partitioning, members=members))


def captures_end(s: Situation, syncs: tuple[Sync, Sync]) -> tuple[Statement, ...]:
    """Under the lock: nothing is carried any more. The triggers that carried the writes of the
    source refuse them until those of the archive hang on each of its partitions."""
    to_copy, to_source = (sync.triggers() for sync in syncs)
    if not s.names.partitioned:
        return remove_triggers((*to_copy, *to_source))
    refusing = [t for t in to_copy if not t.cloned]
    others = [t for t in to_copy if t.cloned]
    return (*retired_function(s.names, *refusing), *idle_functions((*others, *to_source)))


def closed_by_itself(s: Situation, source: Table, syncs: tuple[Sync, Sync]) -> tuple[Action, ...]:
    """The archive gets triggers of its own, and those of both captures go."""
    archive = retired_table(s.plan, source)
    child = without_nets(source, s.before("retire_source").table(s.plan.child))
    to_copy, to_source = (sync.triggers() for sync in syncs)
    return (
        *_closed(s, archive),
        *take_down("to_copy", archive, to_copy),
        *take_down("to_source", child, to_source),
    )


def before_recording(
    s: Situation,
    syncs: tuple[Sync, Sync],
    closing: tuple[OwnTrigger, ...],
    logged: tuple[OwnTrigger, ...],
) -> tuple[Action, ...]:
    """On the way down: other triggers close the archive, and those of the log hang already. A way
    up that was stopped may have left partitions of the archive without its triggers, and with
    those of a capture."""
    if not s.names.partitioned:
        return ()
    archive = s.current(s.plan.retired)
    return (
        *_closed(s, archive),
        Run(
            key="idle:captures",
            title="Create the functions of both captures, which do nothing yet",
            statements=idle_functions([t for sync in syncs for t in sync.triggers()]),
        ),
        *hang("closing", archive, closing, at_once=True),
        *take_down("archive", archive, retired_triggers(s.names)),
        *hang("log", s.current(s.plan.child), logged, at_once=True),
    )


def before_switch(s: Situation, syncs: tuple[Sync, Sync]) -> tuple[Action, ...]:
    """The triggers of both captures hang before the exchange, and do nothing yet."""
    to_copy, to_source = (sync.triggers() for sync in syncs)
    return (
        *hang("to_copy", s.current(s.plan.retired), to_copy),
        *hang("to_source", s.current(s.plan.child), to_source),
    )


def captures_begin(
    s: Situation, syncs: tuple[Sync, Sync], closing: tuple[OwnTrigger, ...]
) -> tuple[Statement, ...]:
    """Under the lock, before the tables are renamed back: both captures get their functions, and
    the archive is closed no more."""
    if not s.names.partitioned:
        return remove_triggers(closing)
    begin = [t for sync in syncs for t in bodies(sync.triggers(), sync.function_statements())]
    return (*begin, *idle_functions(closing))


def after_switch(
    s: Situation, closing: tuple[OwnTrigger, ...], logged: tuple[OwnTrigger, ...]
) -> tuple[Action, ...]:
    """The archive has its old name, and its partitions have not yet."""
    source = replace(s.current(s.plan.retired), name=s.plan.source)
    return (
        *take_down("closing", source, closing),
        *take_down("log", s.current(s.plan.child), logged),
    )


def functions_of_archive_gone(names: Names) -> tuple[Statement, ...]:
    """Drop the function that closed the archive."""
    function = names.own("refuse_retired")
    return (Statement(f"DROP FUNCTION IF EXISTS {function}()"),) if names.partitioned else ()


def _closed(s: Situation, archive: Table) -> tuple[Action, ...]:
    return hang("archive", archive, retired_triggers(s.names), at_once=True)


def from_here_known(s: Situation) -> tuple[Statement, ...]:
    """When triggers are hung: what comes or leaves after it is not known."""
    return (know_all_members(s.names),) if s.names.partitioned else ()


def before_hand_back(s: Situation, source: Table) -> Iterator[Statement]:
    """The copy gets its nets again, before the triggers are hung on all of its partitions."""
    if s.names.partitioned:
        yield require_followed(s.names)
        yield from create_nets(_nets(s, source), s.current(s.plan.child))
        yield know_all_members(s.names, of=s.plan.child)


def renamed_to_archive(s: Situation, source: Table) -> tuple[Action, ...]:
    """Rename each partition of the archive, which nobody writes, by itself."""
    return _renamed(s, names_of_archive(s.plan, source))


def renamed_to_source(s: Situation, source: Table) -> tuple[Action, ...]:
    """The reverse. Each lock is one of a partition, and short."""
    if not s.names.partitioned:
        return ()
    return _renamed(s, names_of_source(s.plan, source, s.current(s.plan.retired)))


def source_again(s: Situation, source: Table) -> Table:
    """The source with the partitions that come back with it."""
    if not s.names.partitioned:
        return source
    archive = s.current(s.plan.retired)
    if archive.partitioning is None:
        return source
    back = names_of_source(s.plan, source, archive)
    before, now = (qualified(source.schema, n) for n in (archive.name, source.name))
    parents = {qualified(source.schema, n): qualified(source.schema, b) for n, b in back.items()}
    members = tuple(
        replace(
            m,
            name=back.get(m.name, m.name),
            parent=now if m.parent == before else parents.get(m.parent, m.parent),
        )
        for m in archive.partitioning.members
    )
    return replace(source, partitioning=replace(archive.partitioning, members=members))


def archive_again(s: Situation, source: Table) -> Table:
    """The source with the partitions that the child has now, for an archive that is made anew.
    Those that were there before retire_source have their names."""
    child = s.current(s.plan.child)
    if child.partitioning is None or source.partitioning is None:
        return source
    found = twins(child.partitioning, source.partitioning)
    taken = {m.name for m in (*child.partitioning.members, *source.partitioning.members)}
    twin = dict([*found.pairs, *new_twins(child, source, found, taken)])
    members = tuple(twin[m] for m in child.partitioning.members)
    return replace(source, partitioning=replace(source.partitioning, members=members))


def _renamed(s: Situation, names: dict[str, str]) -> tuple[Action, ...]:
    return tuple(
        Brief(
            key=f"rename_partition:{now}",
            title=f"Rename partition {now} to {new}",
            locks=((qualified(s.names.schema, now), Lock.ACCESS_EXCLUSIVE),),
            statements=(rename_partition(s.names.schema, now, new),),
            of_partition=qualified(s.names.schema, now),
            then_called=qualified(s.names.schema, new),
        )
        for now, new in names.items()
        if now != new
    )
