"""Compare two results as multisets, and say what a comparison says about one statement."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import DBAPIError

from membership_refactor.scan.findings.values import Place


@dataclass(frozen=True, slots=True)
class Result:
    """The names, types and rows of a query."""

    names: tuple[str, ...]
    types: tuple[int, ...]
    """OIDs, as far as the driver tells."""
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def fetched(cls, cursor: Any, *, limit: int | None = None) -> Result:
        """Fetch all rows, or the first ones up to a limit. No rows where none are returned."""
        if not cursor.returns_rows:
            return cls((), (), ())
        columns = cursor.cursor.description  # gone once all rows are fetched
        rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        types = (column[1] if isinstance(column[1], int) else 0 for column in columns)
        names = (column[0] for column in columns)
        comparable = (tuple(_cell(cell) for cell in row) for row in rows)
        return cls(tuple(names), tuple(types), tuple(comparable))

    @property
    def informative(self) -> bool:
        """Whether some row holds something else than 0, false and NULL."""
        return any(any(cell not in (None, 0, False) for cell in row) for row in self.rows)

    def masked(self, column: str, first: int) -> Result:
        """The same with None for the values of a column from ``first`` on: ids of new rows."""
        rows = list(map(list, self.rows))
        for at in (at for at, name in enumerate(self.names) if name == column):
            for row in rows:
                row[at] = None if isinstance(row[at], int) and row[at] >= first else row[at]
        return replace(self, rows=tuple(map(tuple, rows)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement returned and, if it writes, what it left in each table."""

    parts: tuple[tuple[str, Result], ...]
    """What it returned, and what was looked at afterwards: its name in messages, and the rows."""
    count: int = -1
    """How many rows PostgreSQL says that a write changed."""

    @property
    def returned(self) -> Result:
        """What the statement itself returned."""
        return self.parts[0][1]

    def same_rows(self, other: Outcome, *, in_order: bool = False) -> bool:
        """Whether the rows are equal, whatever the names of the columns are."""
        if in_order and self.returned.rows != other.returned.rows:
            return False
        pairs = zip(self.parts, other.parts, strict=True)
        return all(Counter(one.rows) == Counter(two.rows) for (_, one), (_, two) in pairs)


def differs(old: Outcome, new: Outcome, *, in_order: bool = False) -> str:
    """What is different, with a row. Empty where nothing is."""
    for (name, before), (_, after) in zip(old.parts, new.parts, strict=True):
        if reason := _different(before, after):
            return f"{name}: {reason}" if name else reason
    moved = in_order and old.returned.rows != new.returned.rows
    return "the rows come in another order" if moved else ""


def _different(old: Result, new: Result) -> str:
    if len(old.names) != len(new.names):
        return f"{len(old.names)} columns before, {len(new.names)} after"
    columns = (old.names, new.names, old.types, new.types)
    for name, other, type_, other_type in zip(*columns, strict=True):
        if name != other:
            return f'column "{name}" is called "{other}" after'
        if type_ != other_type:
            return f'column "{name}" has another type after'
    before, after = Counter(old.rows), Counter(new.rows)
    if before == after:
        return ""
    lost, won = before - after, after - before
    shown = next(iter(lost or won))
    cells = ", ".join("NULL" if cell is None else str(cell) for cell in shown)
    times = f"{before[shown]} before, {after[shown]} after"
    return f"{lost.total()} rows lost, {won.total()} new; ({cells[:300]}): {times}"


def _cell(value: Any) -> Any:
    """The value in a form that can be counted. The last digits of floats depend on the plan."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.12g}")
    if isinstance(value, Decimal):
        return value.normalize()
    return value if value.__hash__ is not None else repr(value)


NOWHERE = Place(path="", line=1, column=1)


class Verdict(StrEnum):
    """A comparison is no proof. EQUAL says what was done, and is never said of empty results."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_COMPARED = "not compared"


class NotComparable(Exception):
    """Raised where a statement cannot be compared by running it. The message says why."""

    verdict = Verdict.NOT_COMPARED


def refuse(holds: object, why: str) -> None:
    """Raise NotComparable with the reason, if it holds."""
    if holds:
        raise NotComparable(why)


class StatementFailed(NotComparable):
    """Raised with what PostgreSQL said to a statement that was to be compared."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error.orig).strip().split("\n")[0])
        self.code = str(getattr(error.orig, "sqlstate", None) or "")
        """SQLSTATE."""


class Refused(NotComparable):
    """Raised where PostgreSQL does not take the new form in one of the structures."""

    verdict = Verdict.DIFFERENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The verdict and what it rests on."""

    verdict: Verdict
    place: Place = NOWHERE
    why: str = ""
    example: str = ""
    sets: int = 0
    """Sets of rows on which both forms ran."""
    runs: int = 0
    rows: int = 0
    wrong_forms: int = 0
    """Wrong forms that were made on purpose."""
    told_apart: int = 0
    """How many of them gave other results than the right form."""
    missed: tuple[str, ...] = ()
    """Wrong forms that no set of rows told apart. Some of them mean the same."""
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in words, such as ``equal on 47 data sets``."""
        said = f"equal on {self.sets} data sets" if self.verdict is Verdict.EQUAL else self.verdict
        detail = f": {self.why}" if self.why else ""
        counts = (
            f" ({self.runs} runs, {self.rows} rows, {self.told_apart} of {self.wrong_forms} wrong "
            "forms told apart)"
        )
        return f"{said}{detail}{counts if self.runs else ''}"
