"""What ``status`` shows: the steps, an open step and its progress, as values, text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import aligned, duration, size
from membership_refactor.planning.revisions import NamedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus(NamedStep):
    """One step of the chain."""

    state: str
    """``up``, ``open up``, ``open down``, ``taken down`` or ``to come``."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rows: int = 0
    """Rows that batches have written."""
    lock_waited_ms: float | None = None
    lock_held_ms: float | None = None
    """The longest time for which one of its short locks was held."""

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """One job that works in batches, and how far it is."""

    job: str
    rows: int
    expected: int | None
    ranges: int
    percent: float | None
    rows_per_second: float | None
    seconds_left: float | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeltNow:
    """What small writes take now, in milliseconds, while the step runs."""

    median_ms: float
    longest_ms: float
    idle_ms: float
    """What they took when nothing of this tool ran."""
    allowed_ms: float
    lag_bytes: int | None
    """How far the slowest replica is behind, where that can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep(NamedStep):
    """The step that has begun and not ended, and the two commands that can end it."""

    direction: str
    started_at: datetime
    done: tuple[str, ...]
    to_do: tuple[str, ...]
    jobs: tuple[JobStatus, ...]
    sessions: tuple[str, ...]
    """The sessions of this tool that are working in this database now."""
    go_on: str
    take_back: str
    felt: FeltNow | None = None
    """None where nothing was measured within the last ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A gate that a DBA opened by hand."""

    revision: str
    option: str
    reason: str
    by_role: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """The newest result of a check."""

    name: str
    revision: str | None
    broken: int
    keys: tuple[str, ...]
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The settings of the ledger that a DBA can change while batches run."""

    paused: bool
    batch_rows: int | None
    max_lag_bytes: int | None
    max_wal_bytes_per_second: int | None
    max_active_sessions: int | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that ``status`` shows."""

    plan: str
    schema: str
    alembic_version: str | None
    ledger: str | None
    """The ledger's schema; None where there is no ledger."""
    fingerprint: str | None
    same_plan: bool
    steps: tuple[StepStatus, ...]
    open_step: OpenStep | None = None
    acceptances: tuple[Acceptance, ...] = ()
    checks: tuple[LastCheck, ...] = ()
    watched: tuple[str, ...] = ()
    """Structures with usage records, and how long they have been watched."""
    scanned: tuple[str, ...] = ()
    """Consumers with the outcome of their newest scan."""
    control: Control | None = None
    replaced_rows: int = 0
    """Children whose own values are in the ledger."""
    kept_uuids: int = 0
    """Uuids that are not the computed ones, kept for the next way up."""
    partitions: tuple[str, ...] = ()
    """What became of partitions and was not followed yet."""

    @property
    def broken(self) -> tuple[LastCheck, ...]:
        return tuple(check for check in self.checks if check.broken)


def as_values(standing: Standing) -> dict[str, Any]:
    """The values for JSON. Moments are datetimes, which the caller prints as text."""
    values = asdict(standing)
    for value, step in zip(values["steps"], standing.steps, strict=True):
        value["seconds"] = step.seconds
    return values


def as_text(standing: Standing) -> str:
    """For a terminal."""
    return "\n".join(_lines(standing))


def _lines(s: Standing) -> Iterator[str]:
    at = f"at {s.alembic_version}" if s.alembic_version else "nothing has run yet"
    yield f'plan "{s.plan}" in schema "{s.schema}": {at}'
    if not s.same_plan:
        yield (
            f"the plan was changed since the first step (ledger "
            f"{(s.fingerprint or '')[:12]}), so every step will be refused"
        )
    yield ""
    yield from _steps(s)
    if s.open_step is not None:
        yield ""
        yield from _open(s.open_step)
    yield from _records(s)


def _steps(s: Standing) -> Iterator[str]:
    head = ("step", "", "state", "began (UTC)", "took", "rows", "longest lock")
    rows = []
    for step in s.steps:
        seconds, held = step.seconds, step.lock_held_ms
        rows.append(
            (
                step.revision,
                step.name,
                step.state,
                f"{step.started_at:%Y-%m-%d %H:%M:%S}" if step.started_at else "",
                duration(seconds) if seconds is not None else "",
                f"{step.rows:,}" if step.rows else "",
                f"{held:.1f} ms" if held is not None else "",
            )
        )
    yield from aligned([head, *rows], right=(4, 5, 6))


def _open(step: OpenStep) -> Iterator[str]:
    yield (
        f"step {step.label} is open {step.direction} since {step.started_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    if step.sessions:
        yield f"  working now: {', '.join(step.sessions)}"
    yield f"  continue with:   {step.go_on}"
    yield f"  or undo it with: {step.take_back}"
    yield f"  done:   {'; '.join(step.done) or 'nothing yet'}"
    yield f"  to do:  {'; '.join(step.to_do) or 'the checks at its end'}"
    yield from (f"  {job_line(job)}" for job in step.jobs)
    if step.felt is not None:
        yield f"  {felt_line(step.felt)}"


def felt_line(felt: FeltNow) -> str:
    """What writers feel now."""
    lag = f"; slowest replica {size(felt.lag_bytes)} behind" if felt.lag_bytes is not None else ""
    return (
        f"a small write takes {felt.median_ms:,.1f} ms, at most {felt.longest_ms:,.1f} ms "
        f"({felt.idle_ms:,.1f} ms when idle, {felt.allowed_ms:,.1f} ms allowed){lag}"
    )


def job_line(job: JobStatus) -> str:
    """How far a job is, how fast, and how long it still takes."""
    of = f" of about {job.expected:,}" if job.expected is not None else ""
    percent = f" ({job.percent:.0f} %)" if job.percent is not None else ""
    rate = f", {job.rows_per_second:,.0f} rows/s" if job.rows_per_second else ""
    left = f", about {duration(job.seconds_left)} left" if job.seconds_left else ""
    return f"{job.job}: {job.rows:,}{of} rows{percent} in {job.ranges} batches{rate}{left}"


def _records(s: Standing) -> Iterator[str]:
    if s.partitions:
        yield ""
        yield "partitions that changed; membership-refactor repair --apply follows them:"
        yield from (f"  {text}" for text in s.partitions)
    if s.control is not None:
        yield ""
        yield f"control: {_control(s.control)}"
    if s.acceptances or s.watched or s.scanned:
        yield ""
        yield "gates:"
        for a in s.acceptances:
            yield f'  {a.revision} opened by hand by {a.by_role}, {a.at:%Y-%m-%d}: "{a.reason}"'
        yield from (f"  watched: {line}" for line in s.watched)
        yield from (f"  scanned: {line}" for line in s.scanned)
    if s.checks:
        newest = max(check.checked_at for check in s.checks)
        yield ""
        yield (
            f"checks: {len(s.checks) - len(s.broken)} passed, {len(s.broken)} failed; "
            f"newest result: {newest:%Y-%m-%d %H:%M:%S} UTC"
        )
        for check in s.broken:
            yield f"  {check.name}: {counted(check.broken, 'row')} ({'; '.join(check.keys)})"
    if s.replaced_rows or s.kept_uuids:
        yield ""
        yield (
            f"kept in the ledger: own values of {counted(s.replaced_rows, 'child', 'children')}, "
            f"{counted(s.kept_uuids, 'uuid')} not computed from a key"
        )


def _control(c: Control) -> str:
    limits = [
        f"{name} {value:,}"
        for name, value in (
            ("batch_rows", c.batch_rows),
            ("max_lag_bytes", c.max_lag_bytes),
            ("max_wal_bytes_per_second", c.max_wal_bytes_per_second),
            ("max_active_sessions", c.max_active_sessions),
        )
        if value is not None
    ]
    state = "paused" if c.paused else "running"
    note = f" ({c.note})" if c.note else ""
    return ", ".join([state + note, *limits])
