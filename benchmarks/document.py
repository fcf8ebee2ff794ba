"""docs/benchmarks.md, written from the figures of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.musthold import lines
from benchmarks.place import SETTINGS
from benchmarks.results import OFFLINE, Results
from benchmarks.verify import Compared

MEGABYTE = 1e6
FELT = (
    "Statements are due at fixed times, whether or not the one before has ended. Latency is "
    "counted from the due time, so that a stall is felt by every statement that it delays."
)
CAPTURED = (
    "none: one table is written. application: the application writes both tables itself, by two "
    "statements in one transaction. log: changed keys are recorded, as during a build. one way: as "
    "0003 leaves it. two ways: as 0004 leaves it."
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruled = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*ruled, *("| " + " | ".join(row) + " |" for row in rows)])


def costs(results: Results) -> str:
    """Variant by variant, beside the offline minimum."""
    best = results.best()
    base = best.get(OFFLINE)
    rows = []
    for name, cost in best.items():
        of = (
            ("", "", "")
            if base is None
            else (
                f" ({cost.cpu / base.cpu:.2f} x)",
                f" ({cost.wal / base.wal:.2f} x)",
                f" ({cost.wall / base.wall:.2f} x)",
            )
        )
        rows.append(
            (
                name,
                f"{cost.cpu:.1f}{of[0]}",
                f"{cost.wal / MEGABYTE:,.0f}{of[1]}",
                f"{cost.wall:.1f}{of[2]}",
                f"{results.rows / cost.wall:,.0f}",
            )
        )
    return table(("", "server CPU s", "WAL MB", "wall s", "rows/s"), rows)


def sizes(results: Results) -> str:
    named = {
        OFFLINE: results.offline_bytes,
        "usual recipe": results.usual_bytes,
        "the chain, after 0008": results.chain_bytes(),
    }
    return table(
        ("with indexes", "child MB", "parent MB"),
        (
            (name, f"{child / MEGABYTE:,.0f}", f"{parent / MEGABYTE:,.0f}")
            for name, (child, parent) in named.items()
            if child
        ),
    )


def felt(results: Results) -> str:
    rows = []
    for n, live in enumerate(results.live, start=1):
        for name, x in (("idle", live.idle), ("0003-0010", live.chain)):
            rows.append(
                (
                    f"{n}: {name}",
                    f"{x.p50:.1f}",
                    f"{x.p99:.1f}",
                    f"{x.longest:.1f}",
                    f"{x.writes:,}",
                )
            )
    return table(("run", "p50 ms", "p99 ms", "max ms", "writes"), rows)


def captured(results: Results) -> str:
    figures = results.best_capture()
    keys = list(next(iter(figures.values()), {}))
    return table(
        ("server CPU ms a statement", *figures),
        ((key, *(f"{figures[v][key]:.3f}" for v in figures)) for key in keys),
    )


def verified(found: Compared) -> str:
    return table(
        ("server CPU s", "EXCEPT both ways", "verify"),
        (
            (f"at {revision}", f"{found.obvious[revision].cpu:.2f}", f"{cost.cpu:.2f}")
            for revision, cost in found.stages.items()
        ),
    )


def must_hold(results: Results) -> str:
    return table(("", "target", "figure", ""), (line.cells for line in lines(results)))


def page(results: Results, plot: str) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
    parts = [
        "# Benchmarks",
        "Written by `make bench`; do not edit. Best of "
        f"{results.repeats} in one run, {results.rows:,} legacy rows, {results.server}; "
        f"{settings}. "
        "CPU is that of all server processes; the wall clock and latencies depend on what else the "
        "machine does.",
        f"![Server CPU and WAL beside the baselines]({plot})",
        "## What it costs\n\n"
        + costs(results)
        + "\n\nThe offline minimum makes child and parent by CREATE TABLE AS while nobody writes, "
        "with the same uuid expression, indexes and foreign keys. The usual recipe has its indexes "
        "from the start, a row trigger, batches of 5,000 with FOR KEY SHARE and ON CONFLICT, and "
        "fills the link by UPDATE.",
        "## Sizes\n\n" + sizes(results),
    ]
    if results.live:
        parts.append(f"## What writers feel\n\n{FELT}\n\n{felt(results)}")
    if results.capture:
        parts.append(f"## What capture costs a writer\n\n{CAPTURED}\n\n{captured(results)}")
    if results.verify:
        parts.append(
            f"## What verify costs\n\n{results.verify.rows:,} rows. EXCEPT compares all that "
            "verify compares there; over the source's columns alone, without the links, it takes "
            f"{results.verify.plain.cpu:.2f} s at 0003.\n\n{verified(results.verify)}"
        )
    parts.append("## Targets\n\n" + must_hold(results))
    return "\n\n".join(parts) + "\n"
