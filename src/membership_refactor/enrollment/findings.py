"""What is wrong with the identities of a table, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a person has to do about a finding depends on its kind."""

    MERGEABLE = "mergeable"
    """Rows of one learner: at most one value of each identity. ``merge`` unites them."""
    CONTRADICTORY = "contradictory"
    """Rows that hang together and name two values of one identity. A person decides."""
    UNIDENTIFIED = "unidentified"
    """A row without any identity."""
    SPELLINGS = "spellings"
    """Keys that differ only in case or in blanks around them."""
    PADDED = "padded"
    """A key that is empty or has blanks around it."""
    STATUS = "status"
    """A status outside the plan's list."""


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a finding."""

    id: Any
    identities: tuple[Any, ...]
    same: tuple[Any, ...]
    """For each identity the first id that has the same value, as the database compares values."""
    status: str | None = None
    children: int = 0


@dataclass(frozen=True, slots=True)
class Collision:
    """Dependent rows that would be equal in their unique key after a merge."""

    table: str
    key: tuple[Any, ...]
    ids: tuple[Any, ...]
    agree: bool
    """False where a column of which only one value can stay has two; then nothing is merged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of trouble: the rows, and the scope they share."""

    kind: Kind
    scope: tuple[Any, ...]
    members: tuple[Member, ...]
    detail: str = ""
    collisions: tuple[Collision, ...] = ()

    @property
    def ids(self) -> tuple[Any, ...]:
        return tuple(member.id for member in self.members)


def classify(members: Sequence[Member]) -> Kind:
    """Mergeable where no identity has two values among the rows."""
    for at in range(len(members[0].same)):
        values = {member.same[at] for member in members} - {None}
        if len(values) > 1:
            return Kind.CONTRADICTORY
    return Kind.MERGEABLE
