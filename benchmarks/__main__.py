"""Runs the benchmark and writes JSON, a page and a plot.

python -m benchmarks --rows 1000000 --repeats 3 --only baselines,chain
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import large
from benchmarks.document import costs, must_hold, page
from benchmarks.measure import available
from benchmarks.plot import draw
from benchmarks.results import CHECKED_2, Results
from benchmarks.session import PARTS, benchmark
from membership_refactor.errors import RefactorError

ROOT = Path(__file__).resolve().parent.parent
FINDINGS = 1


def main() -> int:
    options = _arguments()
    parts = tuple(options.only.split(",")) if options.only else PARTS
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
            larger=5 * options.rows if options.larger is None else options.larger,
            say=lambda line: print(line, file=sys.stderr, flush=True),
            keep=lambda found: _write(found, options.out),
        )
    except RefactorError as error:
        print(error, file=sys.stderr)
        return FINDINGS
    drawn = draw(results, options.out / "benchmarks.svg")
    _write(results, options.out)
    print(costs(results), must_hold(results), sep="\n\n")
    if not drawn:
        print("no plot: matplotlib or the baselines are missing", file=sys.stderr)
    return 0


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    (folder / "benchmarks.md").write_text(page(results, "benchmarks.svg"))
    if results.growth is not None and results.chains.get(CHECKED_2):
        large.write(results.as_json(), folder / large.PAGE.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument(
        "--larger",
        type=int,
        help="rows of one more run, for the growth (five times --rows; 0 leaves it out)",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
