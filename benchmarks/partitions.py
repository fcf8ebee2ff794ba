"""Measures partitioned tables beside the plain one: locks with a writer there, and CPU of the move.

python -m benchmarks.partitions --partitions 64 --rows 500000
python -m benchmarks.partitions --partitions 64 --rows 20000 --only locks
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from benchmarks.chain import MOVING, Lock, run_chain, runner_of
from benchmarks.live import Felt, run_live
from benchmarks.place import Place, fill, place
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Member, Partitioning, Portrait
from membership_refactor.sql.quoting import qualified
from tests.fixtures.steps import IDS, step_of

PARTS = ("locks", "writers", "cpu")
FIRST, LAST = "0003", "0011"
WAITED_MS, HELD_MS, CPU_TIMES = 50, 20, 1.15
"""The targets."""
UNWRITTEN = ("drop_archive",)
"""Locks on tables that nobody may write: no writer queues behind them."""
SHOWN = 12
OUT = Path(__file__).resolve().parent.parent / "build" / "benchmarks" / "partitions.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Hold:
    """A short lock of one run, or the medians of several."""

    step: str
    key: str
    waited_ms: float
    held_ms: float


@dataclass(frozen=True, slots=True)
class WithWriters:
    """What writers felt, and the longest hold of a short lock and wait for one."""

    idle: Felt
    chain: Felt
    errors: dict[str, int]
    _: KW_ONLY
    held: Lock
    waited: Lock


@dataclass(slots=True)
class Found:
    """By number of partitions; 0 is the plain table."""

    rows: int
    repeats: int
    locks: dict[int, list[Hold]] = field(default_factory=dict)
    writers: dict[int, WithWriters] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)


def by_hash(count: int) -> Portrait:
    """The legacy tables, the wide one of them in that many partitions by hash of the id."""
    whole = legacy_tables("public")
    root = qualified("public", SPLIT.source)
    members = tuple(
        Member(
            schema="public",
            name=f"{SPLIT.source}_p{n}",
            parent=root,
            bound=f"FOR VALUES WITH (modulus {count}, remainder {n})",
        )
        for n in range(count)
    )
    return replace(
        whole,
        tables=tuple(
            replace(
                t,
                kind="p",
                access_method="",
                partitioning=Partitioning(by="HASH (id)", members=members),
            )
            if t.name == SPLIT.source
            else t
            for t in whole.tables
        ),
    )


def template(count: int) -> str:
    """The database of that many partitions; 0 is the plain table."""
    return f"hash_{count}" if count else "legacy"


def holds(here: Place, count: int) -> Iterator[Hold]:
    """Every short lock of all steps, up and down."""
    ids = [r for r in IDS if FIRST <= r <= LAST]
    with here.fresh("locks", template(count)) as database:
        runner = runner_of(here, database, workers=1, checks=False)
        with here.connect(database) as look:

            def taken(step: str, way: str) -> Iterator[Hold]:
                for row in look.execute(
                    "SELECT key, lock_waited_ms, lock_held_ms FROM public_refactor.action\n"
                    "WHERE lock_held_ms IS NOT NULL AND (step, direction) = (%s, %s)\n"
                    "ORDER BY done_at",
                    (step, way),
                ).fetchall():
                    yield Hold(f"{step} {way}", row[0], float(row[1]), float(row[2]))

            for revision in ids:
                runner.upgrade(step_of(revision))
                yield from taken(step_of(revision), "up")
            for revision in reversed(ids):
                runner.downgrade(step_of(revision), lowest=step_of(FIRST))
                yield from taken(step_of(revision), "down")


def medians(rounds: list[list[Hold]]) -> list[Hold]:
    """One for each lock, the longest hold first."""
    found: dict[tuple[str, str], list[Hold]] = {}
    for one in (h for r in rounds for h in r):
        found.setdefault((one.step, one.key), []).append(one)
    made = [
        Hold(*of, median(h.waited_ms for h in some), median(h.held_ms for h in some))
        for of, some in found.items()
    ]
    return sorted(made, key=lambda h: -h.held_ms)


def cpu(here: Place, count: int) -> float:
    """CPU seconds of the server for the steps that move rows, without checks."""
    with here.fresh("moved", template(count)) as database:
        run = run_chain(here, database, to=MOVING[-1], workers=1, checks=False)
    return run.cost(MOVING).cpu


def beside_writers(here: Place, count: int) -> WithWriters:
    """The chain up, with its checks, while writers are at work."""
    live = run_live(here, workers=1, idle_seconds=5.0, template=template(count))
    return WithWriters(
        live.idle,
        live.chain,
        live.errors,
        held=max(live.run.locks, key=lambda one: one.held_ms),
        waited=max(live.run.locks, key=lambda one: one.waited_ms),
    )


def measure(counts: list[int], *, rows: int, repeats: int, parts: list[str], say: Say) -> Found:
    """The parts, each for every number of partitions and, but for the locks, for the plain table
    too."""
    found = Found(rows, repeats)
    rounds: dict[int, list[list[Hold]]] = {}
    costs: dict[int, list[float]] = {}
    with place(rows) as here:
        for count in counts:
            say(f"loading {rows:,} rows into {count} partitions")
            fill(here, template(count), by_hash(count))
        for n in range(repeats if "locks" in parts else 0):
            for count in counts:
                say(f"locks, repeat {n + 1}: {count} partitions")
                rounds.setdefault(count, []).append(list(holds(here, count)))
        for count in (0, *counts) if "writers" in parts else ():
            say(f"with writers: {count} partitions")
            found.writers[count] = beside_writers(here, count)
        for n in range(repeats if "cpu" in parts else 0):
            for count in (0, *counts):
                say(f"cpu, repeat {n + 1}: {count} partitions")
                costs.setdefault(count, []).append(cpu(here, count))
    found.locks = {count: medians(some) for count, some in rounds.items()}
    found.cpu = {count: min(some) for count, some in costs.items()}
    return found


def lines(found: Found) -> Iterator[str]:
    """What people read."""
    for count, some in found.locks.items():
        yield f"{count} partitions, no writer: the longest holds of {len(some)} locks, medians"
        for one in some[:SHOWN]:
            mark = "" if one.held_ms <= HELD_MS else f"  over {HELD_MS}"
            mark = "  no writer waits" if one.key in UNWRITTEN else mark
            yield f"  {one.held_ms:8.1f} ms  {one.step}: {one.key}{mark}"
    for count, felt in found.writers.items():
        times = felt.chain.p99 / max(felt.idle.p99, 0.001)
        yield f"{count or 'no'} partitions, with writers:"
        yield f"  held {felt.held.held_ms:.1f} ms at most ({felt.held.revision} {felt.held.action})"
        yield f"  waited {felt.waited.waited_ms:.1f} ms at most, of {WAITED_MS}"
        yield f"  writers' p99 {felt.chain.p99:.1f} ms, {times:.2f} of idle"
        yield f"  longest write {felt.chain.longest:.0f} ms; errors {felt.errors}"
    for count, seconds in found.cpu.items():
        times = seconds / found.cpu[0]
        mark = "" if times <= CPU_TIMES else f"  over {CPU_TIMES}"
        yield f"{count or 'no'} partitions: {seconds:.1f} s of CPU, {times:.2f} times{mark}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.partitions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--partitions", default="16,64", metavar="N,N")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help=", ".join(PARTS))
    options = parser.parse_args()
    found = measure(
        [int(n) for n in options.partitions.split(",")],
        rows=options.rows,
        repeats=options.repeats,
        parts=options.only.split(","),
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
