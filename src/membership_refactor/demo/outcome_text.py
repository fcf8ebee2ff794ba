"""The demo's summary as text of any width, and as values for JSON."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from membership_refactor.demo.measurements import Outcome, TableSize
from membership_refactor.demo.writers import BETWEEN, IDLE, Record
from membership_refactor.inspect.sizes import aligned, size

CHAIN = "chain"
"""All steps together."""
LEFT = ("retried", "last used by")
"""Headings of last columns that hold words."""


def as_values(outcome: Outcome) -> dict[str, Any]:
    """The summary for JSON."""
    return {
        "rows": outcome.rows,
        "before": [asdict(table) for table in outcome.before],
        "after": [asdict(table) for table in outcome.after],
        "steps": [asdict(step) for step in outcome.steps],
        "gates": [asdict(gate) for gate in outcome.gates],
        "days": outcome.days,
        "writers": [_writer(record) for record in outcome.records],
        "wrong": outcome.wrong,
        "failures": outcome.failures,
        "fine": outcome.fine,
        "sentence": sentence(outcome),
    }


def as_text(outcome: Outcome, width: int) -> str:
    """The summary in lines of at most ``width`` characters, down to 40."""
    steps = [
        (
            f"{step.revision} {step.name}",
            step.direction,
            f"{step.rows:,}" if step.rows else "",
            f"{step.seconds:.1f}",
            f"{step.longest_wait_ms:.1f}",
            f"{step.longest_hold_ms:.1f}",
            str(step.checks) if step.checks else "",
        )
        for step in outcome.steps
    ]
    parts = [
        "Steps (longest lock: how long it was waited for, and held)",
        *_table(("step", "way", "rows", "s", "wait ms", "held ms", "checks"), steps, width),
        "",
        "Tables, with their indexes",
        *_table(("table", "when", "rows", "size"), list(_tables(outcome)), width),
    ]
    if outcome.gates:
        gates = [
            (
                f"{gate.revision} {gate.step}",
                gate.source,
                str(gate.days),
                gate.last_use or "nobody",
            )
            for gate in outcome.gates
        ]
        parts += [
            "",
            "What opened each gate (days: how long it waited; no SQL of a consumer was in the way)",
            *_table(("gate", "covered by", "days", "last used by"), gates, width),
        ]
    if outcome.records:
        heading = ("writers", "during", "commits", "p50 ms", "p99 ms", "longest", "retried")
        parts += [
            "",
            "What the writers felt (from when each transaction was due to its commit)",
            *_table(heading, list(_writers(outcome)), width),
        ]
    # Headings and sentences break at blanks; the tables are narrow enough already.
    said = [*parts, "", sentence(outcome)]
    return "\n".join(line for part in said for line in _wrapped(part, width))


def sentence(outcome: Outcome) -> str:
    """Say what this run has shown."""
    if not outcome.fine:
        first = (outcome.failures + outcome.wrong)[0]
        many = len(outcome.failures) + len(outcome.wrong)
        return f"The demo failed: {many} things are wrong, the first: {first}."
    said = (
        f"{outcome.rows:,} rows were split from one table into two, went back to 0008, and to the "
        "end again. Every check passed."
    )
    if outcome.gates:
        said += (
            f" The gates opened by evidence alone: {outcome.days} days were played by the clock of "
            "the database."
        )
    commits = sum(record.commits for record in outcome.records)
    if commits:
        said += f" All {commits:,} commits of live writers are in the tables as they were made."
    return said


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """The median, the 99th percentile and the longest, in milliseconds."""
    if not seconds:
        return {"p50": 0.0, "p99": 0.0, "longest": 0.0}
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {
        "p50": statistics.median(ordered) * 1000,
        "p99": p99 * 1000,
        "longest": ordered[-1] * 1000,
    }


def _writer(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "commits": record.commits,
        "errors": dict(record.errors),
        **{name: latency(took) for name, took in _felt(record).items()},
        "steps": {
            phase: latency([s for p, s in record.latencies if p == phase])
            for phase in dict.fromkeys(p for p, _ in record.latencies)
            if phase not in (IDLE, BETWEEN)
        },
    }


def _felt(record: Record) -> dict[str, list[float]]:
    """The seconds that commits took: while nothing ran, while steps ran, and between steps."""
    found: dict[str, list[float]] = {IDLE: [], CHAIN: [], BETWEEN: []}
    for phase, seconds in record.latencies:
        found[phase if phase in (IDLE, BETWEEN) else CHAIN].append(seconds)
    return found


def _tables(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    found: tuple[tuple[str, list[TableSize]], ...] = (
        ("before", outcome.before),
        ("after", outcome.after),
    )
    for when, tables in found:
        for table in tables:
            yield (table.name, when, f"{table.rows:,}", size(table.bytes))


def _writers(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    for record in outcome.records:
        felt = _felt(record)
        shown_as = {IDLE: "alone", CHAIN: "the chain", BETWEEN: "between steps"}
        for phase, shown in shown_as.items():
            took = felt[phase]
            if not took:
                continue
            errors = ", ".join(f"{state}: {n}" for state, n in sorted(record.errors.items()))
            figures = [f"{figure:.1f}" for figure in latency(took).values()]
            retried = errors if phase == CHAIN else ""
            yield (record.kind, shown, f"{len(took):,}", *figures, retried or "none")


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return columns if they fit into the width. Otherwise return a line for each first cell, and
    below it the other cells with their headings."""
    lines = aligned([heading, *rows], right=range(2, len(heading) - (heading[-1] in LEFT)))
    if max(map(len, lines)) <= width:
        return lines
    lines = []
    for first, *others in rows:
        # Not broken between a heading, its figure and the unit.
        named = [
            f"{n} {c}".replace(" ", "\0") for n, c in zip(heading[1:], others, strict=True) if c
        ]
        lines.append(first)
        wrapped = textwrap.wrap(", ".join(named), width - 2)
        lines += [f"  {line}".replace("\0", " ") for line in wrapped]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return [text] if len(text) <= width else textwrap.wrap(text, width)
