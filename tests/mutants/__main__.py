"""Runs every mutant and prints what was removed and who noticed: ``python -m tests.mutants``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent


class Outcomes:
    """Collects the outcome of each mutant while pytest runs."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []
        self._scenes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            callspec: Any = getattr(item, "callspec", None)
            for value in callspec.params.values() if callspec else ():
                noticed = getattr(value, "noticed", None)
                if noticed is not None:
                    self._scenes[item.nodeid] = _name(noticed)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = re.search(r"::test_a_\w*(?:notice|caught)\w*\[(.*)\]$", report.nodeid)
        if not found or report.when != "call":
            return
        scene = self._scenes.get(report.nodeid, "")
        module = Path(report.nodeid.split("::")[0]).stem
        caught = scene or "its test"
        self.rows.append((module, found[1], caught if report.passed else "NOBODY"))


def _name(scene: Any) -> str:
    parts = [part for part in str(scene.__qualname__).split(".") if part != "<locals>"]
    return parts[0].replace("_", " ").removeprefix("test ")


def _files() -> Iterator[str]:
    yield from (str(path) for path in sorted(HERE.glob("test_*.py")))


def main(arguments: list[str]) -> int:
    table = Outcomes()
    status = pytest.main(["-q", "-m", "mutants", *_files(), *arguments], plugins=[table])
    shown = Table("suite", "removed", "caught by")
    for row in table.rows:
        shown.add_row(*row)
    Console(width=140).print(shown)
    missed = sum(caught == "NOBODY" for _, _, caught in table.rows)
    print(f"{len(table.rows)} mutants, {len(table.rows) - missed} caught")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
