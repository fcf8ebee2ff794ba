"""What the partitions to be made in the follower are: names, places, and nets below them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import Twins, parent_name
from membership_refactor.sql.ddl.partition_names import members_under_name
from membership_refactor.sql.ddl.renaming import DerivedNames, free_name
from membership_refactor.sql.quoting import qualified


def new_twins(
    leader: Table, follower: Table, found: Twins, taken: Collection[str]
) -> list[tuple[Member, Member]]:
    """Each member of the leader without a twin, beside the one to be made, in an order in which
    they can be made. ``taken`` are names of the schema that are in use. See ``nets_below`` for the
    nets of those that are partitioned themselves."""
    assert leader.partitioning is not None
    derived = members_under_name(leader, DerivedNames(leader, follower.name))
    assert derived is not None
    renamed = dict(zip(leader.partitioning.members, derived.members, strict=True))
    at = {(m.schema, m.name): qualified(t.schema, t.name) for m, t in found.pairs}
    used, made = set(taken), []
    for member in found.missing:
        name = free_name(renamed[member].name, used)
        parent = at.get(parent_name(member), qualified(follower.schema, follower.name))
        twin = replace(renamed[member], name=name, parent=parent)
        at[member.schema, member.name] = qualified(twin.schema, twin.name)
        used.add(name)
        made.append((member, twin))
    return made
