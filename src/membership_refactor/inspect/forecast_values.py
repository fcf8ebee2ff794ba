"""The forecast as values: what each step that has not run would do to this database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.inspect.lock_forecast import LockUse
from membership_refactor.planning.revisions import NamedStep


class Answer(StrEnum):
    """The result of a check that was run now."""

    HOLDS = "holds"
    FAILS = "fails"
    LATER = "asked when the step begins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A check before a step. It was run now, where that is possible."""

    sentence: str
    answer: Answer
    broken: int = 0
    keys: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForecast(NamedStep):
    """One step that has not run."""

    title: str
    deploy: str
    rows: int = 0
    """Rows that the step writes."""
    bytes: int = 0
    """An estimate of the bytes written to tables and indexes. WAL is not included."""
    freed: int = 0
    """Bytes that dropped tables free."""
    seconds: float = 0.0
    """An estimate for a server on which nobody else works."""
    locks: tuple[LockUse, ...] = ()
    undo: str
    undo_rows: int = 0
    """Rows that the downgrade reads."""
    refusals: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    gates: tuple[Asked, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the step would be refused now."""
        asked = (*self.asked, *self.gates)
        return bool(self.refusals) or any(a.answer is Answer.FAILS for a in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Everything from the current revision to the head."""

    plan: str
    fingerprint: str
    schema: str
    server_version: int
    stands_at: str | None
    open_step: str | None
    table: str | None
    """The table that has one row for each row of the source now. None before the first step."""
    rows: int
    bytes: int
    groups: int | None
    """Distinct keys, which will become parents. None where the parents exist already."""
    gaps: int | None
    """Keys with a NULL in at least one column."""
    losers: int | None
    """Rows that may get another row's value, at most."""
    times_as_long: float
    """The time of a short measurement here, divided by its time where the constants were made."""
    workers: int
    """How many batches run at a time."""
    steps: tuple[StepForecast, ...]

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)
