"""SharedScan: a condition on the rows of a join; scans of the same rows share one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Which rows of a join have changed since they were looked at, and the join of those alone."""

    keys: Callable[[Callable[[str], str]], str]
    """SELECT of one column ``k``: the keys of all rows of the join that are not the same pair of
    row versions as before. It is given a condition: the version of the row with that alias is
    new."""
    within: Callable[[str], str]
    """The text after FROM, limited to the keys in the column ``k`` of some rows, a FROM list with
    the alias ``g``."""
    tables: tuple[str, ...]
    """The tables of which it tells that; any other that is read has to be unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedScan:
    """The rows for which ``broken`` is true."""

    rows: str
    """The text after FROM."""
    key: str
    """Names a row in messages; text."""
    broken: str
    reads: tuple[str, ...] = ()
    """All tables on whose rows the answer depends, quoted. Empty where nobody has listed them: then
    the answer is never taken over from an earlier pass."""
    changed: Changed | None = field(default=None, compare=False)
    """With it a later pass may look at the changed rows alone."""

    @property
    def query(self) -> str:
        return f"SELECT {self.key}\nFROM {self.rows}\nWHERE {self.broken}"


def counted_together(scans: Iterable[SharedScan]) -> str:
    """One row for each scan: the number of rows that break it and the first five keys."""
    scans = tuple(scans)
    cells, columns, rows = [], [], []
    for n, scan in enumerate(scans):
        cells.append(f"({scan.broken}) AS b{n}, {scan.key} AS k{n}")
        broken = f"FILTER (WHERE z.b{n})"
        columns.append(
            f"pg_catalog.count(*) {broken} AS n{n}, pg_catalog.array_agg(z.k{n}) {broken} AS k{n}"
        )
        rows.append(f"({n}, f.n{n}, coalesce(f.k{n}[1:5], '{{}}'::pg_catalog.text[]))")
    return (
        "SELECT r.broken, r.keys FROM (\n"
        f"SELECT {', '.join(columns)}\n"
        # OFFSET 0 evaluates each condition once per row. Only rows that break one are counted.
        f"FROM (SELECT {', '.join(cells)}\nFROM {scans[0].rows}\nOFFSET 0) AS z\n"
        f"WHERE {' OR '.join(f'z.b{n}' for n in range(len(scans)))}) AS f,\n"
        f"LATERAL (VALUES {', '.join(rows)}) AS r (n, broken, keys) ORDER BY r.n"
    )
