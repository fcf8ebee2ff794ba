"""What the page shows, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from membership_refactor.inspect import status_text
from membership_refactor.inspect.keys_text import KeyChoice
from membership_refactor.inspect.status_text import Standing
from membership_refactor.report.table_shapes import Structure, TableShape
from membership_refactor.sql.pacing.felt import Span, joined
from membership_refactor.watch import usage_text
from membership_refactor.watch.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNow:
    """A table of the plan as it is."""

    shape: TableShape
    groups: dict[str, int]
    """How many columns each group of the shape has."""
    rows: int | None
    """None where the server has no estimate."""
    exact: bool
    """False where ``rows`` is the server's estimate."""
    bytes: int
    """With all indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChecks:
    """The checks of a step in its last direction."""

    passed: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time between two samples of one source, or several alike."""

    target: str
    source: str
    began: datetime
    ended: datetime
    uses: int
    covered: bool
    who: tuple[str, ...] = ()
    """The roles that used the structure."""
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan found in the SQL of a consumer."""

    at: datetime
    stage: str
    clear: bool
    findings: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerState:
    """Somebody who may use the old structure: a consumer, or a role that belongs to none."""

    name: str
    owner: str
    is_role: bool
    scans: tuple[Scan, ...]
    """The oldest first."""
    uses: int
    last_use: datetime | None
    used_at: tuple[datetime, ...]
    """Ends of the times between samples in which one of its roles used the old
    structure."""

    @property
    def scan(self) -> Scan | None:
        """The newest."""
        return self.scans[-1] if self.scans else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How often and how long batches waited for one reason."""

    reason: str
    times: int
    seconds: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeltDuring:
    """What small writes took while an action of a step ran."""

    step: str
    """The label of the step."""
    direction: str
    title: str
    """Of the action."""
    spans: tuple[Span, ...]
    """The oldest first."""

    @property
    def whole(self) -> Span:
        """All of them as one."""
        return reduce(joined, self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What ``verify`` found when it ran last."""

    at: datetime
    revision: str
    comparisons: tuple[tuple[str, int, int], ...]
    """(name, rows, findings) of each."""

    @property
    def findings(self) -> int:
        """Of all comparisons together."""
        return sum(found for _, _, found in self.comparisons)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRun:
    """One run of ``merge-duplicates``."""

    record: str
    """What the names of the record's tables begin with."""
    run: int
    reason: str
    started: datetime
    ended: datetime | None
    merges: int
    undone: int
    removed: int
    """Rows of any table that the merges removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A step that began, ended or was abandoned."""

    at: datetime
    step: str
    direction: str
    event: str
    by_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What only the report reads from the ledger. All of it is empty where there is no ledger."""

    checks: dict[str, StepChecks]
    """By step."""
    stretches: tuple[Stretch, ...] = ()
    waits: tuple[Wait, ...] = ()
    felt: tuple[FeltDuring, ...] = ()
    """In the order in which the actions ran."""
    replaced: tuple[tuple[str, int], ...] = ()
    """Each column, and the children whose own value the parent's replaced."""
    repaired: int = 0
    """Rows that ``repair`` has corrected."""
    verified: Verification | None = None
    merges: tuple[MergeRun, ...] = ()
    history: tuple[Happened, ...] = ()
    bytes: int = 0
    """Of the ledger itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything on the page."""

    database: str
    server_version: str
    standing: Standing
    usage: Usage
    titles: dict[str, str]
    """What each revision does, by its id."""
    next_command: str | None
    """The command for the next step. None where the last has run."""
    structure: Structure
    tables: tuple[TableNow, ...]
    consumers: tuple[ConsumerState, ...]
    remarks: tuple[str, ...]
    """What the server says now: why batches wait, who waits for a lock, how far replicas are
    behind."""
    recorded: Recorded
    key: KeyChoice | None
    """Conflicts and near keys. None where they were not counted."""
    why_no_key: str = ""


def as_values(report: Report) -> dict[str, Any]:
    """The values for JSON. Moments are datetimes, which the caller prints as text."""
    return {
        **asdict(report),
        "standing": status_text.as_values(report.standing),
        "usage": usage_text.as_values(report.usage),
    }
