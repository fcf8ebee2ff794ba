"""Look: a condition on the rows of a join; what looks at the same rows can share one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The rows for which ``broken`` holds."""

    rows: str
    """What follows FROM."""
    key: str
    """What names such a row; text."""
    broken: str

    @property
    def query(self) -> str:
        return f"SELECT {self.key}\nFROM {self.rows}\nWHERE {self.broken}"


def counted_together(looks: Iterable[Look]) -> str:
    """One row for each: how many rows break it, and the first five keys; all in one pass."""
    looks = tuple(looks)
    cells, columns, rows = [], [], []
    for n, look in enumerate(looks):
        cells.append(f"({look.broken}) AS b{n}, {look.key} AS k{n}")
        broken = f"FILTER (WHERE z.b{n})"
        columns.append(
            f"pg_catalog.count(*) {broken} AS n{n}, pg_catalog.array_agg(z.k{n}) {broken} AS k{n}"
        )
        rows.append(f"({n}, f.n{n}, coalesce(f.k{n}[1:5], '{{}}'::pg_catalog.text[]))")
    return (
        "SELECT r.broken, r.keys FROM (\n"
        f"SELECT {', '.join(columns)}\n"
        # The conditions are evaluated once a row; only rows that break one go on to be counted.
        f"FROM (SELECT {', '.join(cells)}\nFROM {looks[0].rows}\nOFFSET 0) AS z\n"
        f"WHERE {' OR '.join(f'z.b{n}' for n in range(len(looks)))}) AS f,\n"
        f"LATERAL (VALUES {', '.join(rows)}) AS r (n, broken, keys) ORDER BY r.n"
    )
