"""Compare two results as multisets, with an example of what differs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """The names, types and rows of a query, or the state that a write left."""

    names: tuple[str, ...]
    types: tuple[int, ...]
    """OIDs, as far as the driver tells."""
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def fetched(cls, cursor: Any, *, limit: int | None = None) -> Result:
        """Fetch all rows, or the first ones up to a limit."""
        columns = cursor.cursor.description or ()  # gone once all rows are fetched
        rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        types = (column[1] if isinstance(column[1], int) else 0 for column in columns)
        names = (column[0] for column in columns)
        return cls(tuple(names), tuple(types), tuple(tuple(row) for row in rows))

    @property
    def informative(self) -> bool:
        """Whether some row holds something else than 0, false and NULL."""
        return any(any(cell not in (None, 0, False) for cell in row) for row in self.rows)


def differs(old: Result, new: Result, *, ordered_by: tuple[int, ...] = ()) -> str:
    """What is different, with a row. Empty where nothing is."""
    if len(old.names) != len(new.names):
        return f"{len(old.names)} columns before, {len(new.names)} after"
    if old.names != new.names:
        pairs = [(a, b) for a, b in zip(old.names, new.names, strict=True) if a != b]
        return f'column "{pairs[0][0]}" is called "{pairs[0][1]}" after'
    if old.types != new.types:
        at = next(i for i, (a, b) in enumerate(zip(old.types, new.types, strict=True)) if a != b)
        return f'column "{old.names[at]}" has another type after'
    before = Counter(_comparable(row) for row in old.rows)
    after = Counter(_comparable(row) for row in new.rows)
    if before != after:
        lost, won = before - after, after - before
        shown = next(iter(lost or won))
        times = f"{before[shown]} before, {after[shown]} after"
        return f"{sum(lost.values())} rows lost, {sum(won.values())} new; {_shown(shown)}: {times}"
    if ordered_by:
        one = [tuple(_cell(row[i]) for i in ordered_by) for row in old.rows]
        other = [tuple(_cell(row[i]) for i in ordered_by) for row in new.rows]
        if one != other:
            return "the rows come in another order"
    return ""


def pieces_equal(old: Result, new: Result) -> bool:
    """Whether the difference is only the order of pieces inside an aggregated list."""

    def sorted_pieces(row: tuple[Any, ...]) -> tuple[str, ...]:
        return tuple("".join(sorted(str(cell))) for cell in row)

    return Counter(map(sorted_pieces, old.rows)) == Counter(map(sorted_pieces, new.rows))


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_cell(cell) for cell in row)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.12g}")
    if isinstance(value, Decimal):
        return value.normalize()
    return value if value.__hash__ is not None else repr(value)


def _shown(row: tuple[Any, ...]) -> str:
    cells = ", ".join("NULL" if cell is None else str(cell) for cell in row)
    return f"({cells[:300]})"
