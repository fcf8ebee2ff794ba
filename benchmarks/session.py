"""One run of the benchmark: every variant in turn, shuffled within each repeat."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from pathlib import Path

from benchmarks import capture, client, downgrades, offline, peers, usual
from benchmarks.chain import run_chain, size
from benchmarks.live import run_live
from benchmarks.measure import measured
from benchmarks.place import TOOL_SESSION, Place, place
from benchmarks.results import (
    CHECKED,
    CHECKED_2,
    MOVED,
    MOVED_2,
    OFFLINE,
    USUAL,
    Results,
)
from benchmarks.target import REBUILT, prepare, target
from benchmarks.verify import compare
from membership_refactor.plans.programme_membership import SPLIT

PARTS = ("baselines", "chain", "writers", "client", "capture", "downgrades", "peers", "verify")
CAPTURE_ROWS = 200_000
"""Of capture and of downgrades."""
VERIFY_ROWS = 363_000
"""Of verify and of peers: those of the table that the project is about."""
TWICE = 2
"""The most repeats of downgrades and of other tools, which take long and differ by multiples."""
Say = Callable[[str], None]


def benchmark(
    *,
    rows: int,
    repeats: int,
    parts: Collection[str] = PARTS,
    larger: int | None = None,
    idle_seconds: float = 15.0,
    capture_rounds: int = capture.ROUNDS,
    capture_scale: float = 1.0,
    quick: bool = False,
    folder: Path | None = None,
    say: Say = lambda line: None,
    keep: Callable[[Results], None] = lambda results: None,
) -> Results:
    """Everything that ``parts`` names; ``larger`` is the number of rows of the growth run.

    ``keep`` is called with what there is whenever there is more of it: a run takes long.
    """
    chance = random.Random(1)
    say(f"loading {rows:,} rows")
    with place(rows, folder=folder) as here:
        results = Results(rows, repeats, here.launched.server.source, quick)
        for repeat in range(repeats):
            trials = _trials(here, results, parts)
            order = list(trials)
            chance.shuffle(order)
            for name in order:
                say(f"repeat {repeat + 1}: {name}")
                trials[name]()
                keep(results)
            if "writers" in parts:
                say(f"repeat {repeat + 1}: with writers")
                results.live.append(run_live(here, workers=1, idle_seconds=idle_seconds))
                say(f"repeat {repeat + 1}: with writers, unthrottled")
                results.unthrottled.append(
                    run_live(here, workers=1, idle_seconds=1.0, throttled=False)
                )
                keep(results)
        if "client" in parts:
            say("the command line")
            results.client = client.measure(here)
            keep(results)
    if {"capture", "downgrades"} & set(parts):
        small = min(rows, CAPTURE_ROWS)
        say(f"loading {small:,} rows")
        with place(small, folder=folder) as here:
            if "capture" in parts:
                results.capture = capture.measure(
                    here, rounds=capture_rounds, say=say, scale=capture_scale
                )
                keep(results)
            if "downgrades" in parts:
                results.downgrades = downgrades.measure(here, repeats=min(repeats, TWICE), say=say)
                keep(results)
    if {"peers", "verify"} & set(parts):
        some = min(rows, VERIFY_ROWS)
        say(f"loading {some:,} rows")
        with place(some, folder=folder) as here:
            if "peers" in parts:
                results.peers = peers.measure(here, repeats=min(repeats, TWICE), say=say)
                keep(results)
            if "verify" in parts:
                say("verify")
                results.verify = compare(here, repeats=repeats)
                keep(results)
    if larger and {MOVED, OFFLINE} <= set(results.costs()):
        results.growth = _grown(larger, results, folder, say)
    return results


def _trials(here: Place, results: Results, parts: Collection[str]) -> dict[str, Callable[[], None]]:
    trials: dict[str, Callable[[], None]] = {}
    if "baselines" in parts:
        trials[OFFLINE] = lambda: _baseline(here, results, OFFLINE)
        trials[USUAL] = lambda: _baseline(here, results, USUAL)
    if "chain" in parts:
        for name, workers, checks in (
            (MOVED, 1, False),
            (MOVED_2, 2, False),
            (CHECKED, 1, True),
            (CHECKED_2, 2, True),
        ):
            trials[name] = lambda name=name, w=workers, c=checks: _chain(  # type: ignore[misc]
                here, results, name, w, c
            )
    return trials


def _baseline(here: Place, results: Results, name: str) -> None:
    rebuild = offline.rebuild if name == OFFLINE else usual.rebuild
    with here.fresh() as database:
        wanted = target(here, database)
        with here.connect(database, **TOOL_SESSION) as connection:
            prepare(connection, wanted)
            with measured(connection, here.postmaster) as cost:
                rebuild(connection, wanted)
            sizes = size(connection, SPLIT.child), size(connection, REBUILT)
    results.baselines.setdefault(name, []).append(cost)
    if name == OFFLINE:
        results.offline_bytes = sizes
    else:
        results.usual_bytes = sizes


def _chain(here: Place, results: Results, name: str, workers: int, checks: bool) -> None:
    with here.fresh() as database:
        run = run_chain(here, database, to="0010", workers=workers, checks=checks)
    results.chains.setdefault(name, []).append(run)


def _grown(
    larger: int, results: Results, folder: Path | None, say: Say
) -> tuple[int, float, float]:
    """How many times the CPU of the moving steps, and of the minimum, ``larger`` rows take."""
    say(f"growth: loading {larger:,} rows")
    with place(larger, folder=folder) as here:
        grown = Results(larger, 1, here.launched.server.source)
        for name, run in _trials(here, grown, ("baselines", "chain")).items():
            if name in (OFFLINE, MOVED):
                say(f"growth: {name}")
                run()
    before, after = results.best(), grown.best()
    return larger, after[MOVED].cpu / before[MOVED].cpu, after[OFFLINE].cpu / before[OFFLINE].cpu
