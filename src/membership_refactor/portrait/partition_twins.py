"""Two partitioned tables side by side: which members have the same bounds, and which stand alone.

One table leads, the other follows: each partition of the leader has a twin with the same bounds in
the follower. A default partition that only the follower has is a net: it takes rows whose partition
the leader got since, and it is emptied when the twin is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from membership_refactor.portrait.partitions import Member, Partitioning
from membership_refactor.portrait.tokens import tokens

_Name: TypeAlias = tuple[str, str] | None
"""Schema and name; None for the table itself."""


@dataclass(slots=True)
class Twins:
    """What stands on both sides, and what only on one."""

    pairs: list[tuple[Member, Member]] = field(default_factory=list)
    """Each member of the leader with its twin."""
    missing: list[Member] = field(default_factory=list)
    """Members of the leader without a twin, each before its own partitions."""
    surplus: list[Member] = field(default_factory=list)
    """Members of the follower whose rows have left the leader. Of a partition that is partitioned
    itself only the top."""
    nets: list[Member] = field(default_factory=list)
    """Default partitions that only the follower has."""

    @property
    def defaults(self) -> list[Member]:
        """The default partitions of the follower that stay. Each may hold rows for a twin that is
        missing."""
        return [*self.nets, *(twin for _, twin in self.pairs if twin.is_default)]

    @property
    def apart(self) -> bool:
        """Whether a twin has to be made or to go."""
        return bool(self.missing or self.surplus)


def twins(leader: Partitioning, follower: Partitioning) -> Twins:
    """Compare the members of two tables that are partitioned by the same key."""
    found, ours, theirs = Twins(), _by_parent(leader), _by_parent(follower)

    def below(member: Member) -> None:
        found.missing.append(member)
        for part in ours[_name(member)]:
            below(part)

    def compare(of_leader: _Name, of_follower: _Name) -> None:
        alone = {member.bound: member for member in theirs[of_follower]}
        for member in ours[of_leader]:
            twin = alone.get(member.bound)
            if twin is not None and twin.by == member.by:
                del alone[member.bound]
                found.pairs.append((member, twin))
                compare(_name(member), _name(twin))
            else:
                below(member)
        led = {member.bound for member in ours[of_leader]}
        for twin in alone.values():
            net = twin.is_default and twin.bound not in led
            (found.nets if net else found.surplus).append(twin)

    compare(None, None)
    return found


def parent_name(member: Member) -> tuple[str, str]:
    """Schema and name of what it is a partition of."""
    schema, name = [n for t in tokens(member.parent) if (n := t.name) is not None]
    return schema, name


def _name(member: Member) -> _Name:
    return member.schema, member.name


def _by_parent(table: Partitioning) -> Mapping[_Name, Sequence[Member]]:
    members = {_name(member) for member in table.members}
    found: defaultdict[_Name, list[Member]] = defaultdict(list)
    for member in table.members:
        parent = parent_name(member)
        found[parent if parent in members else None].append(member)
    return found
