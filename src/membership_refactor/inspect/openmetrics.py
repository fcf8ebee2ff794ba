"""The numbers of ``status`` as OpenMetrics text, for dashboards and alerts.

Only gauges, so that node_exporter's textfile collector reads the same text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from membership_refactor.inspect.status_text import FeltNow, JobStatus, Standing, StepStatus

PREFIX = "membership_refactor_"

_Sample = tuple[dict[str, str], float | int | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge. A sample whose value is None is left out."""

    name: str
    """Without the prefix; the unit comes last."""
    help: str
    samples: tuple[_Sample, ...]

    def lines(self, common: dict[str, str]) -> Iterator[str]:
        """Its lines; ``common`` are the labels that every sample has."""
        known = [(labels, value) for labels, value in self.samples if value is not None]
        if not known:
            return
        name = PREFIX + self.name
        yield f"# HELP {name} {_escaped(self.help)}"
        yield f"# TYPE {name} gauge"
        for labels, value in known:
            pairs = ",".join(f'{k}="{_escaped(v)}"' for k, v in (common | labels).items())
            yield f"{name}{{{pairs}}} {_number(value)}"


def as_openmetrics(standing: Standing, *, now: datetime) -> str:
    """The text for one plan. It ends with ``# EOF``, as OpenMetrics asks for."""
    common = {"plan": standing.plan, "schema": standing.schema}
    lines = [line for metric in _metrics(standing, now) for line in metric.lines(common)]
    return "\n".join([*lines, "# EOF", ""])


def _metrics(s: Standing, now: datetime) -> Iterator[Metric]:
    yield Metric(
        "read_timestamp_seconds", "When these numbers were read.", (({}, now.timestamp()),)
    )
    yield Metric(
        "info",
        "The revision at which the chain stands; the value is 1.",
        (({"revision": s.alembic_version or "", "ledger": s.ledger or ""}, 1),),
    )
    yield Metric(
        "plan_changed", "Whether the plan differs from the recorded one.", (({}, not s.same_plan),)
    )
    yield from _steps(s.steps)
    yield Metric(
        "step_open",
        "1 for a step that has begun and not ended; no sample where none is.",
        tuple(
            ({"step": o.name, "revision": o.revision, "direction": o.direction}, 1)
            for o in ([s.open_step] if s.open_step else [])
        ),
    )
    if s.open_step is not None:
        yield Metric(
            "step_open_since_timestamp_seconds",
            "When the open step began.",
            (({"step": s.open_step.name}, s.open_step.started_at.timestamp()),),
        )
        sessions = len(s.open_step.sessions)
        yield Metric("step_sessions", "Sessions that work on the open step now.", (({}, sessions),))
        yield from _jobs(s.open_step.jobs)
        if s.open_step.felt is not None:
            yield from _felt(s.open_step.felt)
    yield Metric(
        "check_broken_rows",
        "Rows that break a check, by its newest result; 0 where it holds.",
        tuple(({"check": c.name}, c.broken) for c in s.checks),
    )
    yield Metric(
        "check_timestamp_seconds",
        "When the check was last made.",
        tuple(({"check": c.name}, c.checked_at.timestamp()) for c in s.checks),
    )
    if s.ledger is not None:
        yield Metric(
            "paused",
            "Whether batches are paused in the control row.",
            (({}, s.control is not None and s.control.paused),),
        )
        yield Metric(
            "gates_opened_by_hand",
            "Gates that somebody opened with a reason.",
            (({}, len(s.acceptances)),),
        )
        yield Metric(
            "replaced_rows", "Children whose own values the ledger keeps.", (({}, s.replaced_rows),)
        )


def _felt(felt: FeltNow) -> Iterator[Metric]:
    for name, help_, milliseconds in (
        ("small_write_seconds", "What a small write takes now, the median.", felt.median_ms),
        ("small_write_longest_seconds", "The longest small write of now.", felt.longest_ms),
        ("small_write_idle_seconds", "What a small write took at rest.", felt.idle_ms),
        ("small_write_allowed_seconds", "Above this batches wait.", felt.allowed_ms),
    ):
        yield Metric(name, help_, (({}, milliseconds / 1000),))


def _steps(steps: tuple[StepStatus, ...]) -> Iterator[Metric]:
    def of(value: str, factor: float = 1) -> tuple[_Sample, ...]:
        return tuple(
            (
                {"step": step.name, "revision": step.revision},
                None if (found := getattr(step, value)) is None else found * factor,
            )
            for step in steps
        )

    yield Metric(
        "step_state",
        "1 for the state of each step: up, open up, open down, taken down or to come.",
        tuple(
            ({"step": step.name, "revision": step.revision, "state": step.state}, 1)
            for step in steps
        ),
    )
    yield Metric("step_duration_seconds", "How long the step took.", of("seconds"))
    yield Metric("step_rows", "Rows that batches of the step have written.", of("rows"))
    held = "The longest time for which the step held one of its short locks."
    yield Metric("step_lock_held_seconds", held, of("lock_held_ms", 0.001))
    waited = "The longest time for which the step waited for one of its short locks."
    yield Metric("step_lock_waited_seconds", waited, of("lock_waited_ms", 0.001))


def _jobs(jobs: tuple[JobStatus, ...]) -> Iterator[Metric]:
    def of(value: str, factor: float = 1) -> tuple[_Sample, ...]:
        return tuple(
            ({"job": job.job}, None if (found := getattr(job, value)) is None else found * factor)
            for job in jobs
        )

    yield Metric("job_rows", "Rows that the job has written.", of("rows"))
    yield Metric("job_expected_rows", "Rows that the job will write, estimated.", of("expected"))
    yield Metric("job_progress_ratio", "How much of the job is done, 0 to 1.", of("percent", 0.01))
    yield Metric("job_rows_per_second", "Rows a second of the job now.", of("rows_per_second"))
    yield Metric("job_left_seconds", "Time that the job still needs.", of("seconds_left"))


def _number(value: float | int) -> str:
    if isinstance(value, bool) or float(value).is_integer():
        return str(int(value))
    return repr(round(value, 6)) if math.isfinite(value) else "NaN"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
