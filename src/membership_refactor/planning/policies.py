"""Conflict policies: which value a parent takes if its rows disagree on a column.

To add a policy, add a member to ``Conflict`` and a case to ``choice``; everything else, the SQL
included, follows from the choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never


class Conflict(StrEnum):
    """Which value a parent takes if its rows disagree on a column outside the key."""

    AGREE = "agree"
    """No value: the step stops and lists the rows that disagree."""
    LATEST = "latest"
    """The value of the row with the greatest (change time, id), also if it is NULL."""
    FIRST = "first"
    """The value of the row with the lowest id, also if it is NULL."""
    MAX = "max"
    """The greatest value that is not NULL."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """All rows have the same value, or the step stops."""


@dataclass(frozen=True, slots=True)
class FromRow:
    """One row gives the values of all columns with this choice, its NULLs included."""

    latest: bool
    """The row with the greatest (change time, id). Otherwise the row with the lowest id."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """The first value in an order, NULLs last. Of equal values the one with the highest id."""

    aggregate: str
    """PostgreSQL's aggregate for it."""
    order: Literal["ASC", "DESC"]
    not_before: Literal["<=", ">="]
    """``a not_before b``: ``a`` does not come before ``b`` in this order."""
    adjective: str
    """Names the value in messages."""


Choice = Agreed | FromRow | Extreme


def choice(conflict: Conflict) -> Choice:
    """How a policy chooses the parent's value among its rows."""
    match conflict:
        case Conflict.AGREE:
            return Agreed()
        case Conflict.LATEST:
            return FromRow(latest=True)
        case Conflict.FIRST:
            return FromRow(latest=False)
        case Conflict.MAX:
            return Extreme("max", "DESC", "<=", "greatest")
        case _:
            assert_never(conflict)
