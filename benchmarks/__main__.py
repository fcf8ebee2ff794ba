"""Runs the benchmark and writes JSON, a page and a plot. Server CPU is read from /proc.

make bench                                        everything, for docs/ (about 20 minutes)
make bench ARGS=--quick                           the same, rougher (below 4 minutes)
python -m benchmarks --only baselines,chain --out build/benchmarks
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import large
from benchmarks.capture import ROUNDS
from benchmarks.document import QUICK, costs, must_hold, page
from benchmarks.measure import available
from benchmarks.peers import SOURCE
from benchmarks.plot import draw
from benchmarks.results import CHECKED_2, Results
from benchmarks.session import CAPTURE_ROWS, PARTS, TWICE, VERIFY_ROWS, benchmark
from membership_refactor.errors import RefactorError

ROOT = Path(__file__).resolve().parent.parent
FINDINGS = 1
ROWS, REPEATS = 1_000_000, 3
QUICK_ROWS = 100_000


def main() -> int:
    options = arguments()
    parts = tuple(options.only.split(","))
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        print(f"--only: {', '.join(unknown)} is none of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if not available():
        print("CPU times are read from /proc, which this system does not have.", file=sys.stderr)
        return 2
    try:
        results = benchmark(
            rows=options.rows,
            repeats=options.repeats,
            parts=parts,
            larger=options.larger,
            idle_seconds=5.0 if options.quick else 15.0,
            capture_rounds=1 if options.quick else ROUNDS,
            quick=options.quick,
            say=lambda line: print(line, file=sys.stderr, flush=True),
            keep=lambda found: _write(found, options.out),
        )
    except RefactorError as error:
        print(error, file=sys.stderr)
        return FINDINGS
    drawn = draw(results, options.out / "benchmarks.svg")
    _write(results, options.out)
    print(*([QUICK] if options.quick else []), costs(results), must_hold(results), sep="\n\n")
    print(f"written to {options.out}", file=sys.stderr)
    if not drawn:
        print("no plot: matplotlib or the baselines are missing", file=sys.stderr)
    return 0


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    (folder / "benchmarks.md").write_text(page(results, "benchmarks.svg"))
    if results.growth is not None and results.chains.get(CHECKED_2):
        large.write(results.as_json(), folder / large.PAGE.name)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, with what is usual where nothing was said."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_ROWS:,} rows, one round and no larger run. The figures are rougher, and are "
        "written to build/benchmarks unless --out names a folder",
    )
    parser.add_argument(
        "--rows",
        type=int,
        help=f"rows of the table ({ROWS:,}). Capture and downgrades take at most "
        f"{CAPTURE_ROWS:,} of them, other tools and verify {VERIFY_ROWS:,}",
    )
    parser.add_argument(
        "--repeats",
        type=int,
        help=f"how often all is measured ({REPEATS}; downgrades and other tools at most {TWICE} "
        "times). The best is shown. Capture has "
        f"{ROUNDS} rounds of its own, or one with --quick, and the median is shown",
    )
    parser.add_argument(
        "--only",
        metavar="PARTS",
        default=",".join(PARTS),
        help=f"measure only these parts, separated by commas: {', '.join(PARTS)}. What another "
        "part would have given is shown as not measured",
    )
    parser.add_argument(
        "--larger",
        type=int,
        metavar="ROWS",
        help="rows of one more run, for the growth (five times --rows; 0 leaves it out)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write benchmarks.json, benchmarks.md and benchmarks.svg, and "
        "large-tables.md after a larger run (docs)",
    )
    parser.epilog = (
        f"{SOURCE} names a folder with the source of psycopack, which is measured then.\n"
        "pg_repack is measured where the server has it (Debian: postgresql-15-repack)."
    )
    options = parser.parse_args(words)
    if options.rows is None:
        options.rows = QUICK_ROWS if options.quick else ROWS
    if options.repeats is None:
        options.repeats = 1 if options.quick else REPEATS
    if options.larger is None:
        options.larger = 0 if options.quick else 5 * options.rows
    if options.out is None:
        options.out = ROOT / ("build/benchmarks" if options.quick else "docs")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
