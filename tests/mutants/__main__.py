"""Runs every mutant and prints what was removed, who noticed and how: ``python -m tests.mutants``.

Each mutant costs the one test that is to notice it, twice: with the protection removed, and
without, where it has to pass. The exit status is 0 only if every mutant was caught.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

HERE = Path(__file__).parent
REMOVED = re.compile(r"::test_a_removed_protection_is_noticed\[(.*)\]$")
NOBODY = "NOBODY"


class Outcomes:
    """Collects the outcome of each mutant while pytest runs, in however many processes."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = REMOVED.search(report.nodeid)
        if not found or (report.when != "call" and report.passed):
            return
        said = {name: str(text) for name, text in report.user_properties}
        suite, _, removed = found[1].rpartition(": ")
        if report.passed:
            row = said.get("noticed by", ""), said.get("how", "")
        else:
            row = NOBODY, report.longreprtext.strip().splitlines()[-1]
        self.rows.append((suite, removed, *row))


def _files() -> Iterator[str]:
    yield from (str(path) for path in sorted(HERE.glob("test_*.py")))


def main(arguments: list[str]) -> int:
    outcomes = Outcomes()
    workers = ["-p", "xdist", "-n", "2", "--dist", "worksteal"]
    chosen = ["-q", "-m", "mutants", *workers, *_files(), *arguments]
    status = pytest.main(chosen, plugins=[outcomes])
    shown = Table("suite", "removed", "noticed by", "how")
    for suite, removed, by, how in sorted(outcomes.rows):
        shown.add_row(*map(escape, (suite, removed, by, how if len(how) < 90 else f"{how[:88]}…")))
    Console(width=220).print(shown)
    missed = sum(by == NOBODY for _, _, by, _ in outcomes.rows)
    print(f"{len(outcomes.rows)} mutants, {len(outcomes.rows) - missed} caught")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
