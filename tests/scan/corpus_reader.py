"""The annotated corpus: statements, what they refer to, and how a scan of them is scored."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from membership_refactor.consumers import Case, Consumer, Macro, NameMap
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser

CORPUS = Path(__file__).parent / "corpus"
_BLOCK = re.compile(r"^-- name: (\w+)\n((?:-- \w+:[^\n]*\n)*)", re.M)

MACROS = (
    Macro("WHERECLAUSE", ("x", "y"), "WHERE x.y = ?"),
    Macro("ORDERCLAUSE", ("x", "y"), "ORDER BY x.y, x.id"),
)
CAMEL = NameMap(Case.CAMEL)
LISTED = {name: SPLIT.source_columns for name in ("curriculum_membership", "programme_membership")}
CAMEL_LISTED = {
    CAMEL.table(name).lower(): tuple(CAMEL.column(column) for column in columns)
    for name, columns in LISTED.items()
}
"""The wide table's own columns in order. Stars are rewritten only where they are known."""
CONSUMERS = {
    "mysql": Consumer(
        name="mysql",
        dialect="mysql",
        schemas=("tcs",),
        names=CAMEL,
        macros=MACROS,
        tables=CAMEL_LISTED,
    ),
    "postgres": Consumer(name="postgres", dialect="postgres", tables=LISTED),
    "jpql": Consumer(name="jpql", dialect="mysql", names=CAMEL),
    "legacy": Consumer(
        name="legacy", dialect="mysql", schemas=("tcs",), names=CAMEL, tables=CAMEL_LISTED
    ),
}
SUFFIX = {"jpql": ".jpql"}
STAGES = {"legacy": Stage.LEGACY}


@dataclass(frozen=True, slots=True)
class Annotated:
    """One statement and what a person found in it."""

    group: str
    name: str
    text: str
    expected: tuple[str, ...]
    mechanical: bool

    @property
    def query(self) -> bool:
        body = re.sub(r"--[^\n]*\n|/\*.*?\*/", "", self.text).strip().upper()
        return body.startswith(("SELECT", "WITH"))


def corpus() -> list[Annotated]:
    """Every statement of every file."""
    found = []
    for path in sorted(CORPUS.iterdir()):
        text = path.read_text()
        matches = list(_BLOCK.finditer(text))
        for index, match in enumerate(matches):
            end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
            notes = dict(re.findall(r"-- (\w+):[ \t]*([^\n]*)", match[2]))
            found.append(
                Annotated(
                    path.stem, match[1], text[match.end() : end].strip() + "\n",
                    tuple(notes["expect"].split()), notes.get("mechanical") != "no",
                )
            )  # fmt: skip
    return found


def analyser_of(statement: Annotated) -> Analyser:
    stage = STAGES.get(statement.group, Stage.INTERIM)
    return Analyser(SPLIT, stage, CONSUMERS[statement.group])


def scanned(statement: Annotated, folder: Path, *, rewrite: bool = False) -> FileOutcome:
    """The outcome of a file that holds just this statement."""
    path = folder / f"{statement.group}_{statement.name}{SUFFIX.get(statement.group, '.sql')}"
    path.write_text(statement.text)
    return FileScanner(analyser_of(statement), rewrite=rewrite).scan(path, path.name)


@dataclass
class Score:
    """Hits, false alarms and misses."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    def add(self, expected: Counter[str], found: Counter[str]) -> None:
        self.hits += (expected & found).total()
        self.false += (found - expected).total()
        self.missed += (expected - found).total()

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.false)

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.hits + self.missed)
