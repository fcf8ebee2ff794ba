"""docs/benchmarks.md, written from the figures of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.client import Client
from benchmarks.downgrades import FEW, UP_OF, Ways
from benchmarks.misses import explained
from benchmarks.musthold import lines
from benchmarks.peers import OFFLINE_COPY, OURS, PGROLL, Peers
from benchmarks.place import SETTINGS
from benchmarks.results import OFFLINE, Results, lowest
from benchmarks.verify import Compared

MEGABYTE = 1e6
QUICK = (
    "A quick run: fewer rows and one round. Its figures are rougher than those of a whole run, and "
    "the targets are for a million rows."
)
FELT = (
    "Statements are due at fixed times, whether or not the one before has ended. Latency is "
    "counted from the due time, so that a stall is felt by every statement that it delays."
)
CAPTURED = (
    "none: one table is written. application: the application writes both tables itself, by two "
    "statements in one transaction. log: changed keys are recorded, as during a build. one way: as "
    "0003 leaves it. two ways: as 0004 leaves it. The variants take turns within each round. A "
    "figure is the median of the rounds, and a ratio below is the median of the rounds' ratios."
)
WAYS = (
    "All steps are taken up and then down, without checks and without writers. 0010 has dropped "
    "the deprecated columns and 0011 the archive, so 0009 and 0005 fill them anew on their way "
    "down. They move no rows on their way up, and are compared with 0003, which copies the table. "
    f"With {FEW}, each row belongs to one of them."
)
SAME_TABLE = (
    "The same table on the same server, in the same run. The offline copy makes the table as it "
    "is by CREATE TABLE AS while nobody writes, with its indexes and foreign keys. psycopack and "
    "pg_repack copy it as it is, and swap. 0003 computes the link beside each row. pgroll itself "
    "was not run: SQL of our own does what it does to add the link to the table in place."
)
COMPARED = (OURS, "psycopack", "pg_repack", PGROLL)
DOES = (
    ("writers go on during the copy", "yes", "yes", "yes", "yes"),
    ("makes one parent of many rows", "yes, 0007", "no", "no", "no"),
    ("links the rows to it", "yes, 0008", "no", "no", "no"),
    ("old and new can both be written", "yes, two tables", "no", "no", "yes, two columns"),
    ("compares the rows at the end", "yes", "no", "no", "no"),
    ("goes on where it was interrupted", "yes", "yes", "no", "no"),
    ("waits for replicas and writers", "yes", "by a callback", "no", "a fixed pause"),
    ("way back after the switch", "every step", "until its clean-up", "no", "until complete"),
    ("SQL to read beforehand", "yes", "no", "no", "no"),
)
"""What each does and does not do, in the order of ``COMPARED``. Read in May 2026."""


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


def _waits(results: Results) -> str:
    """A sentence, where both were measured."""
    ratio = results.throttled_ratio()
    if ratio is None:
        return ""
    return (
        " The throttle makes the chain wait where writers suffer: it takes "
        f"{ratio:.2f} times as long as with `-x max-latency=off`."
    )


def captured(results: Results) -> str:
    figures = results.capture.medians()
    keys = list(next(iter(figures.values()), {}))
    return table(
        ("server CPU ms a statement", *figures),
        ((key, *(f"{figures[v][key]:.3f}" for v in figures)) for key in keys),
    )


def ways(results: Results) -> str:
    """Rows a second of the steps that move rows on their way down."""

    def speed(repeats: list[Ways], way: str, revision: str) -> str:
        seconds = median(getattr(each, way)[revision].wall for each in repeats)
        return f"{repeats[0].rows / seconds:,.0f}"

    return table(
        ("", "rows/s down", "rows/s up", "time down over up"),
        (
            (
                f"{revision}, {shape}",
                speed(repeats, "down", revision),
                f"{speed(repeats, 'up', up)} ({up})",
                f"{results.down_over_up(revision)[shape]:.2f} x",
            )
            for shape, repeats in results.downgrades.items()
            for revision, up in UP_OF.items()
        ),
    )


def peers(found: Peers) -> str:
    """The cost of each tool beside the cheapest copy, and what each does not do."""
    best = {name: lowest(costs) for name, costs in found.costs.items()}
    base = best[OFFLINE_COPY]
    shown = [
        (
            name,
            f"{best[name].cpu:.1f} ({best[name].cpu / base.cpu:.2f} x)",
            f"{best[name].wal / MEGABYTE:,.0f} ({best[name].wal / base.wal:.2f} x)",
            f"{best[name].wall:.1f} ({best[name].wall / base.wall:.2f} x)",
        )
        for name in (OFFLINE_COPY, *COMPARED)
        if name in best
    ]
    absent = [f"{name} did not run. {why}" for name, why in found.absent.items()]
    costly = table(("", "server CPU s", "WAL MB", "wall s"), shown)
    return "\n\n".join(
        (costly, *absent, table(("", "this chain", "psycopack", "pg_repack", "pgroll"), DOES))
    )


def command_line(found: Client) -> str:
    return table(
        ("membership-refactor", "s", "MB of memory"),
        (
            (name, f"{seconds:.2f}", f"{found.megabytes[name]:.0f}")
            for name, seconds in found.seconds.items()
        ),
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
        *([QUICK] if results.quick else []),
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
        parts.append(f"## What writers feel\n\n{FELT}{_waits(results)}\n\n{felt(results)}")
    if results.client:
        parts.append(f"## The command line\n\n{command_line(results.client)}")
    if results.capture:
        parts.append(f"## What capture costs a writer\n\n{CAPTURED}\n\n{captured(results)}")
    if results.downgrades:
        rows = next(iter(results.downgrades.values()))[0].rows
        parts.append(f"## Downgrades\n\n{rows:,} rows. {WAYS}\n\n{ways(results)}")
    if results.peers:
        text = f"{results.peers.rows:,} rows. {SAME_TABLE}\n\n{peers(results.peers)}"
        parts.append(f"## Other tools\n\n{text}")
    if results.verify:
        parts.append(
            f"## What verify costs\n\n{results.verify.rows:,} rows. EXCEPT compares all that "
            "verify compares there; over the source's columns alone, without the links, it takes "
            f"{results.verify.plain.cpu:.2f} s at 0003.\n\n{verified(results.verify)}"
        )
    parts.append("## Targets\n\n" + must_hold(results))
    why = explained(lines(results))
    if why:
        parts.append(f"## What is missed, and why\n\n{why}")
    return "\n\n".join(parts) + "\n"
