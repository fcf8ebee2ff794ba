"""The targets: what each figure must be, what it is, and whether that is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.downgrades import UP_OF
from benchmarks.results import CHECKED, MOVED, MOVED_2, OFFLINE, Results

BOTH_WAYS = (
    {"INSERT": 1.1, "UPDATE": 1.1, "DELETE": 1.1},
    {"INSERT": 1.15, "UPDATE": 1.5, "DELETE": 2.0},
    {"INSERT": 1.15, "UPDATE": 2.0, "DELETE": 2.0},
)
"""Of capture, for single rows, many and very many."""
ONE_WAY: tuple[dict[str, float], ...] = ({}, {}, {"UPDATE": 1.6})
CLIENT = {"--help": 0.3, "status": 0.5}
"""Seconds of the command line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One target; ``figure`` is None where this run did not measure it."""

    what: str
    target: float | None
    figure: float | None
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if self.figure is None:
            return "not measured"
        if self.target is None:
            return "reported"
        return "met" if self.figure <= self.target else "missed"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        def shown(number: float | None) -> str:
            return "-" if number is None else f"{number:.2f} {self.unit}"

        target = "-" if self.target is None else f"<= {self.target:g} {self.unit}"
        return self.what, target, shown(self.figure), self.verdict


def lines(results: Results) -> tuple[Line, ...]:
    return (
        *_move(results),
        *_locks(results),
        *_client(results),
        *_capture(results),
        *_downgrades(results),
        *_verify(results),
    )


def _move(results: Results) -> Iterator[Line]:
    best = results.best()
    base = best.get(OFFLINE)

    def ratio(name: str, figure: str) -> float | None:
        if base is None or name not in best:
            return None
        below = float(getattr(base, figure))
        return float(getattr(best[name], figure)) / below if below else None

    yield Line("server CPU of 0003 and 0006-0008, no checks", 1.12, ratio(MOVED, "cpu"))
    yield Line("WAL of the same", 1.45, ratio(MOVED, "wal"))
    yield Line("wall time of the same, two workers", 0.85, ratio(MOVED_2, "wall"))
    yield Line("server CPU of 0003-0010, all checks", 1.75, ratio(CHECKED, "cpu"))
    checks = results.checks_cpu()
    yield Line(
        "server CPU of the checks alone",
        0.5,
        checks / base.cpu if checks is not None and base is not None and base.cpu else None,
    )
    child, smallest = results.chain_bytes()[0], results.offline_bytes[0]
    yield Line(
        "size of the child with its indexes", 1.02, child / smallest if child and smallest else None
    )
    rows, times, offline = results.growth or (5 * results.rows, None, None)
    # Six times for five times the rows, and as much slack for another factor.
    allowed = 6 * (rows / results.rows) / 5
    yield Line(f"CPU at {rows:,} rows over {results.rows:,}", allowed, times)
    yield Line("the same of the offline minimum", None, offline)


def _locks(results: Results) -> Iterator[Line]:
    waited, held = results.lock_extremes() or (None, None)
    yield Line(
        "longest wait for a lock others queue behind, median of the rounds", 50, waited, "ms"
    )
    yield Line("longest hold of one, median of the rounds", 20, held, "ms")
    yield Line(
        "writers' p99 during the chain over idle, median of the rounds", 2.5, results.p99_ratio()
    )
    yield Line(
        "time of the chain with writers over the same unthrottled", 1.5, results.throttled_ratio()
    )


def _client(results: Results) -> Iterator[Line]:
    for name, target in CLIENT.items():
        found = results.client.seconds.get(name) if results.client else None
        yield Line(f"time of membership-refactor {name}", target, found, "s")


def _capture(results: Results) -> Iterator[Line]:
    found = results.capture
    if not found:
        yield Line("capture", None, None)
        return
    keys = list(found.medians()["none"])
    sizes = list(dict.fromkeys(key.split()[1] for key in keys))
    for key in keys:
        kind, size = key.split()
        place = sizes.index(size)
        named = f"{kind} of {int(size):,}" if place else f"single {kind}"
        yield Line(
            f"capture both ways, {named}, over the application",
            BOTH_WAYS[place][kind],
            found.ratio(key, "two ways", "application"),
        )
        yield Line(
            f"capture one way, {named}, over the application",
            ONE_WAY[place].get(kind),
            found.ratio(key, "one way", "application"),
        )
        if not place:
            second = f"change log, {named}, over what the second statement costs"
            yield Line(second, 0.5, found.share(key))
        yield Line(f"change log, {named}, over no capture", 1.1, found.ratio(key, "log", "none"))


def _downgrades(results: Results) -> Iterator[Line]:
    if not results.downgrades:
        yield Line("downgrades", None, None)
        return
    for revision, up in UP_OF.items():
        for shape, times in results.down_over_up(revision).items():
            yield Line(f"time of {revision} down over {up} up, {shape}", 2, times)


def _verify(results: Results) -> Iterator[Line]:
    if results.verify is None:
        yield Line("verify", None, None)
        return
    for revision in results.verify.stages:
        yield Line(
            f"server CPU of verify at {revision}, over EXCEPT both ways",
            0.35,
            results.verify.ratio(revision),
        )
