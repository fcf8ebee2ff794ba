"""The demo's summary: a table of the steps, one of the writers, and a sentence that is true."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from membership_refactor.demo.run import Outcome
from membership_refactor.demo.writers import Record


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and longest, in milliseconds."""
    if not seconds:
        return {"p50": 0.0, "p99": 0.0, "longest": 0.0}
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {
        "p50": statistics.median(ordered) * 1000,
        "p99": p99 * 1000,
        "longest": ordered[-1] * 1000,
    }


def as_values(outcome: Outcome) -> dict[str, Any]:
    """For JSON."""
    return {
        "rows": outcome.rows,
        "steps": [asdict(step) for step in outcome.steps],
        "writers": [_writer(record) for record in outcome.records],
        "wrong": outcome.wrong,
        "failures": outcome.failures,
        "fine": outcome.fine,
        "sentence": sentence(outcome),
    }


def _writer(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "commits": record.commits,
        "errors": dict(record.errors),
        "idle": latency([s for phase, s in record.latencies if phase == "idle"]),
        "chain": latency([s for phase, s in record.latencies if phase != "idle"]),
    }


def sentence(outcome: Outcome) -> str:
    """What may be said after this run, and no more."""
    if not outcome.fine:
        first = (outcome.failures + outcome.wrong)[0]
        many = len(outcome.failures) + len(outcome.wrong)
        return f"The demo failed: {many} things are wrong, the first: {first}."
    said = (
        f"{outcome.rows:,} rows went from one table to two, to the end of the chain, back to 0008 "
        "and up again; every check held"
    )
    commits = sum(record.commits for record in outcome.records)
    if commits:
        said += f", and all of {commits:,} commits of live writers are in the tables as made"
    return f"{said}."


def show(outcome: Outcome, console: Console) -> None:
    """Prints tables and sentence."""
    steps = Table(title="Steps", title_justify="left")
    for column in ("step", "way", "rows", "s", "rows/s", "longest lock: waited ms", "held ms"):
        steps.add_column(column, justify="left" if column in ("step", "way") else "right")
    steps.add_column("checks", justify="right")
    for step in outcome.steps:
        rate = f"{step.rows / step.seconds:,.0f}" if step.rows else ""
        steps.add_row(
            f"{step.revision} {step.name}",
            step.direction,
            f"{step.rows:,}" if step.rows else "",
            f"{step.seconds:.1f}",
            rate,
            f"{step.longest_wait_ms:.1f}",
            f"{step.longest_hold_ms:.1f}",
            f"{step.checks} held" if step.checks else "",
        )
    console.print(steps)
    if outcome.records:
        console.print(_writers_table(outcome))
    console.print(sentence(outcome), highlight=False)


def _writers_table(outcome: Outcome) -> Table:
    table = Table(
        title="Live writers (latency in ms, from when each was due)", title_justify="left"
    )
    for column in ("kind", "commits", "errors, retried", "while", "p50", "p99", "longest"):
        table.add_column(column, justify="right" if column in ("commits", "p50", "p99") else "left")
    for record in outcome.records:
        errors = ", ".join(f"{state}: {n}" for state, n in sorted(record.errors.items())) or "none"
        values = _writer(record)
        for phase in ("idle", "chain"):
            if not any((p == "idle") == (phase == "idle") for p, _ in record.latencies):
                continue
            figures = values[phase]
            table.add_row(
                record.kind,
                f"{record.commits:,}",
                errors,
                phase,
                f"{figures['p50']:.1f}",
                f"{figures['p99']:.1f}",
                f"{figures['longest']:.1f}",
            )
    return table
