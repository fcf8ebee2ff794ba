"""Which of a plan's partitioned tables leads, and which has to have its partitions too."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.guard import partitions_are_followed
from membership_refactor.portrait import Table
from membership_refactor.portrait.partition_twins import twins
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.step import Situation


def partition_sides(s: Situation) -> tuple[Table, Table | None] | None:
    """The leader and its follower, as they are now. None where no partitioned table is followed.

    Until retire_source the source leads and the copy follows. Then the child leads, and the archive
    has to be able to take its rows back.
    """
    plan = s.plan
    child, source, archive = (_found(s, n) for n in (plan.child, plan.source, plan.retired))
    if child is None:
        return None
    if archive is not None:
        return child, archive
    if plan.copy is not None and source is not None:
        return source, child
    return child, None


def _found(s: Situation, name: str) -> Table | None:
    found = s.now.find(name) if s.now is not None else None
    return found if found is not None and found.partitioning is not None else None


def partitions_followed(s: Situation) -> tuple[Check, ...]:
    """The check that partitions which came or left were followed; none where no table needs it."""
    sides = partition_sides(s)
    if sides is None:
        return ()
    leader, follower = sides
    if follower is None:
        return (partitions_are_followed(s.names),)
    assert leader.partitioning is not None and follower.partitioning is not None
    found = twins(leader.partitioning, follower.partitioning)
    lonely = (
        *(f'partition "{m.name}" of "{leader.name}" has no twin' for m in found.missing),
        *(f'partition "{m.name}" of "{follower.name}" has no twin' for m in found.surplus),
    )
    nets = (qualified(net.schema, net.name) for net in found.nets)
    return (partitions_are_followed(s.names, lonely, nets),)
