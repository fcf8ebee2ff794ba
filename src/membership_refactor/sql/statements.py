"""Statement: SQL text, and the lock that it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Lock(StrEnum):
    """The table locks of PostgreSQL that statements of this project take."""

    NONE = "none"
    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement. ``lock`` is the strongest that it takes on a table in use."""

    text: str
    lock: Lock = Lock.NONE
    on: str = ""
    """The quoted, qualified table that the lock is taken on."""


def apart(statements: Iterable[Statement]) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Those that lock nothing, such as functions, and the rest."""
    listed = tuple(statements)
    return (
        tuple(s for s in listed if s.lock is Lock.NONE),
        tuple(s for s in listed if s.lock is not Lock.NONE),
    )
