"""The whole chain under open-loop writers, beside an idle window of the same run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from benchmarks.chain import Run, run_chain
from benchmarks.place import Place
from benchmarks.writers import Writers, quantile
from membership_refactor.plans.programme_membership import SPLIT

STAGES = {
    "0005": f"old {SPLIT.child}",
    "0009": "new",
}
"""Before which step the writers begin to write something else: both sides are open then."""


@dataclass(frozen=True, slots=True)
class Felt:
    """Milliseconds that writers waited."""

    p50: float
    p99: float
    longest: float
    writes: int

    @staticmethod
    def of(ordered: list[float]) -> Felt:
        return Felt(
            quantile(ordered, 0.5),
            quantile(ordered, 0.99),
            ordered[-1] if ordered else 0.0,
            len(ordered),
        )


@dataclass(frozen=True, slots=True)
class Live:
    """One run with writers."""

    run: Run
    idle: Felt
    chain: Felt
    steps: dict[str, Felt]
    errors: dict[str, int]


def run_live(
    place: Place,
    *,
    workers: int,
    idle_seconds: float,
    throttled: bool = True,
    template: str = "legacy",
) -> Live:
    """Idle first, then 0003 to 0010 with all checks; ``throttled`` as it is by default."""
    marks: list[tuple[str, float]] = []
    with place.fresh("live", template) as database:
        writers = Writers(place.dsn(database), place.rows)
        try:
            writers.write(f"old {SPLIT.source}")
            time.sleep(min(2.0, idle_seconds))  # caches and plans of the writers' sessions
            idle_began = time.monotonic()
            time.sleep(idle_seconds)
            idle_ended = time.monotonic()

            def before(revision: str) -> None:
                if revision in STAGES:
                    writers.write(STAGES[revision])
                marks.append((revision, time.monotonic()))

            run = run_chain(
                place,
                database,
                to="0010",
                workers=workers,
                checks=True,
                throttled=throttled,
                before=before,
            )
            ended = time.monotonic()
            record = writers.stop()
        except BaseException:
            writers.end()
            raise
    ends = [*(began for _, began in marks[1:]), ended]
    steps = {
        revision: Felt.of(record.between(began, end))
        for (revision, began), end in zip(marks, ends, strict=True)
    }
    return Live(
        run,
        Felt.of(record.between(idle_began, idle_ended)),
        Felt.of(record.between(marks[0][1], ended)),
        steps,
        record.errors,
    )


def as_json(felt: Felt) -> dict[str, Any]:
    return {
        "p50_ms": felt.p50,
        "p99_ms": felt.p99,
        "max_ms": felt.longest,
        "writes": felt.writes,
    }
