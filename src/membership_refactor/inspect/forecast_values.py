"""Forecast: what each step that has not run will do to this database, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.inspect.locks import LockUse


class Answer(StrEnum):
    """What asking a check now has given."""

    HOLDS = "holds"
    FAILS = "fails"
    LATER = "asked when the step begins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A check that stands before a step, asked now where that is possible."""

    sentence: str
    answer: Answer
    broken: int = 0
    keys: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForecast:
    """One step to come."""

    revision: str
    name: str
    title: str
    deploy: str
    rows: int
    """Rows that are written."""
    bytes: int
    """An estimate of what is written to tables and indexes; the log of the server comes on top."""
    freed: int
    """Bytes that dropped tables give back."""
    seconds: float
    """An estimate, on a server where nobody else works."""
    locks: tuple[LockUse, ...]
    undo: str
    undo_rows: int
    """Rows that the way down goes through."""
    refusals: tuple[str, ...]
    asked: tuple[Asked, ...]
    gate: Asked | None
    notes: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the step could not begin as things are."""
        asked = (*self.asked, *((self.gate,) if self.gate else ()))
        return bool(self.refusals) or any(a.answer is Answer.FAILS for a in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The way from where the chain stands to its head."""

    plan: str
    fingerprint: str
    schema: str
    server_version: int
    stands_at: str | None
    open_step: str | None
    table: str | None
    """The table that has a row for each row of the source at this moment; None before the
    first step."""
    rows: int
    bytes: int
    groups: int | None
    """Keys, and so parents to come; None where they are parents already."""
    gaps: int | None
    """Keys of which at least one column is missing."""
    losers: int | None
    """At most so many rows lose a value to their group's."""
    times_as_long: float
    """How long this server takes for a small measure, against the one of the constants."""
    steps: tuple[StepForecast, ...]

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)


RATES: Mapping[str, float] = {
    "copy": 12e-6,
    "rebuild": 10e-6,
    "index": 1.7e-6,
    "keys": 5e-6,
    "validate": 1e-6,
    "check": 4e-6,
    "carry": 6e-4,
}
"""Seconds a row of one worker, measured with 100,000 rows on PostgreSQL 15; else estimates."""
ACTION_SECONDS = 0.02
"""What an action costs besides its rows."""
