"""Findings of ``duplicates``: what is wrong with the identities of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from membership_refactor.planning import Alternative


class Kind(StrEnum):
    """The kind of a finding; it decides what has to be done."""

    MERGEABLE = "mergeable"
    """Rows of one learner: each identity has at most one value. A merge makes them one row."""
    CONTRADICTORY = "contradictory"
    """Rows that share identities and have two values of one identity. A person decides."""
    UNIDENTIFIED = "unidentified"
    """A row without an identity."""
    SPELLINGS = "spellings"
    """Keys that differ only in case or in surrounding blanks."""
    PADDED = "padded"
    """A key that has surrounding blanks."""
    BLANK = "blank"
    """A value that identifies nobody: empty, blank, or a word that the plan lists."""
    STATUS = "status"
    """A status that is not in the plan's list."""


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a finding."""

    id: Any
    identities: tuple[Any, ...]
    same: tuple[Any, ...]
    """For each identity, the first id with the same value, as the database compares values. None
    where the row lacks the identity; a blank is none."""
    status: str | None = None
    children: int = 0

    def has(self, at: int) -> bool:
        """Whether the row has the identity of this place; a blank is none."""
        return self.identities[at] is not None and self.same[at] is not None


@dataclass(frozen=True, slots=True)
class Collision:
    """Dependent rows that would have the same unique key after a merge."""

    table: str
    key: tuple[Any, ...]
    ids: tuple[Any, ...]
    agree: bool
    """False if a column has two values and only one could stay; then nothing is merged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the rows, and the scope that they share."""

    kind: Kind
    scope: tuple[Any, ...]
    members: tuple[Member, ...]
    detail: str = ""
    collisions: tuple[Collision, ...] = ()
    identity: Alternative | None = None
    """The identity whose value is blank."""

    @property
    def ids(self) -> tuple[Any, ...]:
        return tuple(member.id for member in self.members)


def classify(members: Sequence[Member]) -> Kind:
    """Return MERGEABLE if no identity has two values among the rows, else CONTRADICTORY."""
    for at in range(len(members[0].same)):
        values = {member.same[at] for member in members} - {None}
        if len(values) > 1:
            return Kind.CONTRADICTORY
    return Kind.MERGEABLE
