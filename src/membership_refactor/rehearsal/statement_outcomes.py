"""What a statement did, and in what two outcomes differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement, with the triggers that it fired, did to another table."""

    table: str
    inserted: int
    updated: int
    deleted: int
    rows: tuple[Any, ...] = ()
    """The rows that it wrote, as JSON values, less what is new at every run."""

    def __str__(self) -> str:
        parts = ((self.inserted, "inserted"), (self.updated, "updated"), (self.deleted, "deleted"))
        return f"{self.table}: " + ", ".join(f"{n} {what}" for n, what in parts if n)

    @property
    def counts(self) -> tuple[str, int, int, int]:
        return (self.table, self.inserted, self.updated, self.deleted)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``INSERT 0 1`` with its effects, or an SQLSTATE with its message."""

    tag: str = ""
    effects: tuple[Effect, ...] = ()
    sqlstate: str | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.sqlstate is None

    def __str__(self) -> str:
        if self.sqlstate is not None:
            return f"{self.sqlstate} {self.message}"
        return "; ".join([self.tag, *map(str, self.effects)])


class Difference(StrEnum):
    """How a statement behaves differently from before the first step."""

    REFUSED = "refused"
    """It worked, and now it fails."""
    ALLOWED = "allowed"
    """It failed, and now it works: a constraint, a privilege or a policy is lost."""
    EFFECT = "other effect"
    """It works, and its triggers write other tables otherwise."""
    CONTENT = "other content"
    """Its triggers write as many rows with other values."""


def difference(before: Outcome, now: Outcome, gone: Collection[str]) -> Difference | None:
    """Compare two outcomes. ``gone`` are columns that rows of the table no longer have, or have
    besides; they are left out of what triggers wrote."""
    if not before.ok:
        return Difference.ALLOWED if now.ok else None
    if not now.ok:
        return Difference.REFUSED
    if before.tag != now.tag or counts(before) != counts(now):
        return Difference.EFFECT
    if contents(before, gone) != contents(now, gone):
        return Difference.CONTENT
    return None


def counts(outcome: Outcome) -> tuple[tuple[str, int, int, int], ...]:
    return tuple(effect.counts for effect in outcome.effects)


def contents(outcome: Outcome, gone: Collection[str]) -> list[Any]:
    return [[without(row, gone) for row in effect.rows] for effect in outcome.effects]


def stable(first: Outcome, second: Outcome) -> Outcome:
    """The first outcome, less the rows that another run of the same statement writes otherwise."""
    if contents(first, ()) == contents(second, ()) or counts(first) != counts(second):
        return first
    return replace(first, effects=tuple(replace(e, rows=()) for e in first.effects))


def without(value: Any, gone: Collection[str]) -> Any:
    """A JSON value without those keys, at any depth."""
    if isinstance(value, Mapping):
        return {k: without(v, gone) for k, v in value.items() if k not in gone}
    if isinstance(value, list):
        return [without(v, gone) for v in value]
    return value


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:?\d\d)?)?")


def masked(value: Any, today: str, highest_id: int) -> Any:
    """A JSON value in which the present time and ids given out later read the same at each run."""
    if isinstance(value, Mapping):
        return {k: masked(v, today, highest_id) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, today, highest_id) for v in value]
    if isinstance(value, str):
        text = _MOMENT.sub(lambda m: "<now>" if m[0].startswith(today) else m[0], value)
        return re.sub(r"\b\d+\b", lambda m: _number(m[0], highest_id), text)
    if isinstance(value, int) and not isinstance(value, bool) and value > highest_id:
        return "<new id>"
    return value


def _number(digits: str, highest_id: int) -> str:
    return "<new id>" if int(digits) > highest_id else digits
