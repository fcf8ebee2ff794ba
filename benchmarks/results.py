"""Figures of all repeats, the best of each, and their ratios; as JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.capture import Capture
from benchmarks.chain import MOVING, WHOLE, Run
from benchmarks.client import Client
from benchmarks.downgrades import UP_OF, Ways
from benchmarks.live import Live
from benchmarks.measure import Cost
from benchmarks.peers import Peers
from benchmarks.verify import Compared

OFFLINE, USUAL = "offline minimum", "usual recipe"
MOVED, MOVED_2 = "0003, 0006-0008, no checks", "the same, 2 workers"
CHECKED, CHECKED_2 = "0003-0010, all checks", "the same with checks, 2 workers"
VARIANTS = (OFFLINE, USUAL, MOVED, MOVED_2, CHECKED, CHECKED_2)
"""In the order in which they are read; they are run in another each time."""


@dataclass(slots=True)
class Results:
    """What one run of the benchmark found."""

    rows: int
    repeats: int
    server: str
    quick: bool = False
    """Fewer rows and one round, so that the figures are rougher."""
    baselines: dict[str, list[Cost]] = field(default_factory=dict)
    offline_bytes: tuple[int, int] = (0, 0)
    usual_bytes: tuple[int, int] = (0, 0)
    chains: dict[str, list[Run]] = field(default_factory=dict)
    live: list[Live] = field(default_factory=list)
    unthrottled: list[Live] = field(default_factory=list)
    """The same with the throttle off, for the time that it takes."""
    client: Client | None = None
    capture: Capture = field(default_factory=lambda: Capture({}))
    downgrades: dict[str, list[Ways]] = field(default_factory=dict)
    """By the shape of the groups, every repeat."""
    peers: Peers | None = None
    verify: Compared | None = None
    growth: tuple[int, float, float] | None = None
    """Rows of the larger run, and how many times the CPU of this one it took: the moving steps, and
    the offline minimum, which leaves the caches at the same size."""

    def costs(self) -> dict[str, list[Cost]]:
        """By variant, every repeat."""
        made = dict(self.baselines)
        for name, runs in self.chains.items():
            moved = name in (MOVED, MOVED_2)
            made[name] = [run.cost(MOVING if moved else WHOLE) for run in runs]
        return {name: costs for name, costs in made.items() if costs}

    def best(self) -> dict[str, Cost]:
        """The lowest of each figure; what others did to the machine can only raise one."""
        found = self.costs()
        return {name: lowest(found[name]) for name in VARIANTS if name in found}

    def checks_cpu(self) -> float | None:
        """Server CPU seconds of all checks: of the chain with them, less that of it without."""
        with_checks, without = (
            [run.cost(WHOLE) for run in self.chains.get(name, []) if set(run.steps) >= set(WHOLE)]
            for name in (CHECKED, MOVED)
        )
        if not with_checks or not without:
            return None
        return lowest(with_checks).cpu - lowest(without).cpu

    def down_over_up(self, revision: str) -> dict[str, float]:
        """By shape, how many times the time of the way up the way down takes; the median."""
        return {
            shape: median(ways.times(revision) for ways in repeats)
            for shape, repeats in self.downgrades.items()
        }

    def lock_extremes(self) -> tuple[float, float] | None:
        """Longest wait and longest hold, the median over the repeats of each variant's run."""
        runs = [live.run for live in self.live] or self.chains.get(CHECKED, [])
        if not runs:
            return None
        return (
            median(max(lock.waited_ms for lock in run.locks) for run in runs),
            median(max(lock.held_ms for lock in run.locks) for run in runs),
        )

    def p99_ratio(self) -> float | None:
        """Writers' p99 during the chain over idle, the median of the repeats."""
        ratios = [x.chain.p99 / x.idle.p99 for x in self.live if x.idle.p99 > 0]
        return median(ratios) if ratios else None

    def throttled_ratio(self) -> float | None:
        """Time of the chain under writers over that with the throttle off, medians of both."""
        if not self.live or not self.unthrottled:
            return None
        throttled, free = (
            median(live.run.cost(WHOLE).wall for live in lives)
            for lives in (self.live, self.unthrottled)
        )
        return throttled / free

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "quick": self.quick,
            "repeats": self.repeats,
            "server": self.server,
            "machine": f"{platform.system()} {platform.machine()}",
            "best": {name: asdict(cost) for name, cost in self.best().items()},
            "all": {n: [asdict(c) for c in costs] for n, costs in self.costs().items()},
            "steps": {
                name: [{r: asdict(c) for r, c in run.steps.items()} for run in runs]
                for name, runs in self.chains.items()
            },
            "bytes": {
                OFFLINE: self.offline_bytes,
                USUAL: self.usual_bytes,
                "chain": self.chain_bytes(),
            },
            "check_seconds": {
                name: [run.check_seconds for run in runs] for name, runs in self.chains.items()
            },
            "locks": [asdict(lock) for live in self.live for lock in live.run.locks],
            "writers": [
                {
                    "idle": asdict(live.idle),
                    "chain": asdict(live.chain),
                    "steps": {r: asdict(felt) for r, felt in live.steps.items()},
                    "errors": live.errors,
                }
                for live in self.live
            ],
            "throttled_over_unthrottled": self.throttled_ratio(),
            "client": asdict(self.client) if self.client else None,
            "capture_ms": self.capture.medians(),
            "capture_rounds_ms": self.capture.rounds,
            "downgrades": {
                shape: [asdict(ways) for ways in repeats]
                for shape, repeats in self.downgrades.items()
            },
            "down_over_up": {revision: self.down_over_up(revision) for revision in UP_OF},
            "peers": asdict(self.peers) if self.peers else None,
            "verify": asdict(self.verify) if self.verify else None,
            "growth": self.growth,
        }

    def chain_bytes(self) -> tuple[int, int]:
        """Child and parent with their indexes after 0008."""
        for runs in self.chains.values():
            for run in runs:
                if run.child_bytes:
                    return run.child_bytes, run.parent_bytes
        return 0, 0


def lowest(costs: Iterable[Cost]) -> Cost:
    costs = list(costs)
    return Cost(min(c.cpu for c in costs), min(c.wal for c in costs), min(c.wall for c in costs))
