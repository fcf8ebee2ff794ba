"""A text scanned as a file of some kind."""

from __future__ import annotations

from pathlib import Path

from membership_refactor.consumers import DEFAULT, Case, Consumer, NameMap
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser

CAMEL = Consumer(name="camel", dialect="mysql", names=NameMap(Case.CAMEL), schemas=("tcs",))


def scan_text(
    text: str,
    folder: Path,
    *,
    name: str = "statement.sql",
    consumer: Consumer = DEFAULT,
    stage: Stage = Stage.INTERIM,
    rewrite: bool = False,
    plan: TableSplit = SPLIT,
) -> FileOutcome:
    """The outcome of one file with this text."""
    path = folder / name
    path.write_bytes(text.encode())
    return FileScanner(Analyser(plan, stage, consumer), rewrite=rewrite).scan(path, name)


def columns(outcome: FileOutcome) -> list[str]:
    """The columns of the references in the order of the text."""
    ordered = sorted(outcome.references, key=lambda r: r.place.offset)
    return [reference.column for reference in ordered]
