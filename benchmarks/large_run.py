"""Measures the chain with many rows, to compare it with what the page of large tables predicts.

python -m benchmarks.large_run --rows 5000000
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from benchmarks.chain import run_chain
from benchmarks.large import DOCS, MEASURED, write
from benchmarks.place import place


def measure(rows: int, workers: int = 1, folder: Path | None = None) -> dict[str, object]:
    """One run with all checks: what each step cost, and how busy the machine was."""
    with place(rows, folder=folder) as here, here.fresh() as database:
        run = run_chain(here, database, to="0010", workers=workers, checks=True)
        return {
            "rows": rows,
            "workers": workers,
            "load": round(os.getloadavg()[1], 1),
            "cores": os.cpu_count(),
            "steps": {step: asdict(cost) for step, cost in run.steps.items()},
            "bytes": [run.child_bytes, run.parent_bytes],
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_run", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    runs = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else []
    found = measure(options.rows, options.workers)
    same = (found["rows"], found["workers"])
    runs = [run for run in runs if (run["rows"], run["workers"]) != same] + [found]
    runs.sort(key=lambda run: (run["rows"], run["workers"]))
    MEASURED.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    write(json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
