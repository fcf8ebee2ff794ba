"""docs/large-tables.md, computed from the figures of docs/benchmarks.json.

python -m benchmarks.large
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chain import MOVING, WHOLE
from benchmarks.document import MEGABYTE, table
from benchmarks.measure import Cost
from benchmarks.results import CHECKED, CHECKED_2, lowest
from membership_refactor.inspect.scale import grown, power_of, with_workers
from membership_refactor.inspect.sizes import duration
from tests.fixtures.steps import CHAIN, step_of

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "large-tables.md"
MEASURED = DOCS / "large-tables.json"
"""Runs with many rows, to compare with. ``python -m benchmarks.large_run`` makes them."""
ROWS = (10**7, 10**8, 10**9)
WORKERS = (1, 2, 4, 8, 16)
WITHOUT_ROWS = ("0004", "0006")
"""The steps that move and check no row of the table."""
REPLAYED = 100e6
"""Bytes of WAL that a replica is taken to replay in a second."""
GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one step takes."""

    cpu: float
    wal: float
    disk: float
    alone: float
    """Seconds of what one session does: index builds, constraints, checks, the switch."""
    shared: float
    """Seconds of one worker for what workers share: the batches."""

    def seconds(self, workers: int) -> float:
        return with_workers(self.alone, self.shared, workers)

    def lag(self, workers: int) -> float:
        """Bytes that a replica is behind at most, if it replays no faster than ``REPLAYED``: as if
        all WAL of a step with batches came during its batches."""
        written = self.shared / workers if self.shared else self.seconds(workers)
        return max(self.wal - REPLAYED * written, 0.0)


class Figures:
    """The measured figures, and what follows from them for any number of rows."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.rows = int(values["rows"])
        self.steps = {
            workers: {
                step: lowest(Cost(**run[step]) for run in values["steps"][name]) for step in WHOLE
            }
            for workers, name in ((1, CHECKED), (2, CHECKED_2))
        }
        self.child, self.parent = values["bytes"]["chain"]
        self.larger, times, _ = values["growth"]
        self.power = power_of(self.larger / self.rows, times)

    def step(self, step: str, rows: int) -> Predicted:
        """What the step takes for a table of that many rows."""
        one, two = (self.steps[workers][step] for workers in (1, 2))
        # What two workers save is half of what they share.
        shared = min(max(2 * (one.wall - two.wall), 0.0), one.wall)
        if step in WITHOUT_ROWS:
            return Predicted(one.cpu, one.wal, 0.0, one.wall, 0.0)
        if step not in MOVING:
            shared = 0.0
        times = grown(rows, measured=self.rows, power=self.power)
        made = {"0003": self.child, "0007": self.parent}.get(step, 0)
        linear = rows / self.rows
        return Predicted(
            cpu=one.cpu * times,
            wal=one.wal * linear,
            disk=made * linear,
            alone=(one.wall - shared) * times,
            shared=shared * times,
        )


def page(values: Mapping[str, Any], runs: Sequence[Mapping[str, Any]] = ()) -> str:
    """The whole page. ``runs`` are compared with what it predicts."""
    figures = Figures(values)
    parts = [
        "# A billion rows",
        "Computed from the figures of [Benchmarks](benchmarks.md) by `python -m benchmarks.large`; "
        "do not edit. For your own table, `membership-refactor plan` measures your server and "
        "computes with the same growth.",
        _assumptions(figures),
    ]
    for rows in ROWS:
        parts.append(f"## {rows:,} rows\n\n{_steps(figures, rows)}\n\n{_by_workers(figures, rows)}")
    parts += [_compared(figures, run) for run in runs]
    return "\n\n".join(parts) + "\n"


def _assumptions(figures: Figures) -> str:
    listed = (
        f"Measured with {figures.rows:,} rows of the membership tables and one or two workers, "
        "with all checks, while nobody else was at work.",
        f"CPU and time grow with the rows to the power of {figures.power:.3f}, as they did from "
        f"{figures.rows:,} to {figures.larger:,} rows. WAL and disk grow in proportion.",
        "Workers share the batches of a step. What they share is twice what the second one saved "
        "in the measurement. Index builds, constraints, checks and the switch are done by one "
        "session, whatever the number of workers.",
        "There is a processor core for each worker, and the disk keeps up with all of them. It "
        "does not matter on which hosts the workers run: see [Workers on several hosts]"
        "(guides/workers.md).",
        "Rows, keys and indexes are like those of the benchmark, and `maintenance_work_mem` is "
        "256 MB. Writers, and the log that they fill during 0003 and 0007, come on top.",
        f"A replica replays {REPLAYED / 1e6:,.0f} MB of WAL a second. The lag is the most that it "
        "can be behind, for 1 to 16 workers: as if all WAL of a step came during its batches. "
        "`-x max-lag-bytes` bounds it, and then the batches take as long as the replica.",
        "Disk is what the step adds. The old table stays until 0011, and an index build needs as "
        "much again for its sort. WAL is on top, as long as it is kept.",
    )
    return "## What is assumed\n\n" + "\n".join(f"- {line}" for line in listed)


def _name(step: str) -> str:
    return CHAIN.revisions.label(step_of(step))


def _steps(figures: Figures, rows: int) -> str:
    found = {step: figures.step(step, rows) for step in WHOLE}

    def cells(name: str, each: Sequence[Predicted]) -> tuple[str, ...]:
        return (
            name,
            duration(sum(p.cpu for p in each)),
            f"{sum(p.wal for p in each) / GIGABYTE:,.1f}",
            f"{sum(p.disk for p in each) / GIGABYTE:,.1f}",
            *(_gigabytes(max(p.lag(workers) for p in each)) for workers in WORKERS),
        )

    head = ("step", "server CPU", "WAL GB", "disk GB", *(f"lag GB, {w}" for w in WORKERS))
    return table(
        head,
        [
            *(cells(_name(step), [one]) for step, one in found.items()),
            cells("all, and the longest lag", list(found.values())),
        ],
    )


def _by_workers(figures: Figures, rows: int) -> str:
    found = {step: figures.step(step, rows) for step in WHOLE}

    def lines() -> Iterator[tuple[str, ...]]:
        for step, one in found.items():
            yield (_name(step), *(duration(one.seconds(workers)) for workers in WORKERS))
        yield (
            "all",
            *(duration(sum(p.seconds(workers) for p in found.values())) for workers in WORKERS),
        )

    head = ("time", *("1 worker" if w == 1 else f"{w} workers" for w in WORKERS))
    return table(head, lines())


def _compared(figures: Figures, run: Mapping[str, Any]) -> str:
    """What was measured with that many rows, beside what is predicted."""
    rows, workers = int(run["rows"]), int(run["workers"])
    found = {step: Cost(**run["steps"][step]) for step in WHOLE}
    wanted = {step: figures.step(step, rows) for step in WHOLE}
    busy = (
        f"The machine had {run['cores']} cores and a load of {run['load']}, so that the time says "
        "what others did to it, and some of the CPU too."
        if run["load"] > run["cores"]
        else f"The machine had {run['cores']} cores and a load of {run['load']}."
    )

    def lines() -> Iterator[tuple[str, ...]]:
        for step in WHOLE:
            cost, of = found[step], wanted[step]
            yield (
                _name(step),
                f"{of.cpu:,.1f}",
                f"{cost.cpu:,.1f}",
                f"{of.wal / MEGABYTE:,.0f}",
                f"{cost.wal / MEGABYTE:,.0f}",
                f"{of.seconds(workers):,.1f}",
                f"{cost.wall:,.1f}",
            )

    head = ("step", "CPU s", "measured", "WAL MB", "measured", "time s", "measured")
    disk = sum(p.disk for p in wanted.values()) / GIGABYTE
    return (
        f"## Predicted and measured: {rows:,} rows\n\n{busy} Disk: {disk:,.2f} GB are predicted, "
        f"{sum(run['bytes']) / GIGABYTE:,.2f} GB were measured.\n\n{table(head, lines())}"
    )


def _gigabytes(count: float) -> str:
    return f"{count / GIGABYTE:,.1f}" if count else "0"


def write(values: Mapping[str, Any], to: Path = PAGE) -> None:
    """Write the page."""
    to.write_text(page(values, runs()), encoding="utf-8")


def runs() -> list[dict[str, Any]]:
    """The runs with many rows that were measured."""
    if not MEASURED.exists():
        return []
    found: list[dict[str, Any]] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    write(json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8")))
