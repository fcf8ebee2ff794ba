"""What a column holds: from the catalog where it is known, else a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait

_ENDINGS = (
    ("uuid", "uuid"),
    ("id", "bigint"),
    ("date", "date"),
    ("_at", "timestamp with time zone"),
    ("time", "timestamp with time zone"),
)


@dataclass(frozen=True, slots=True)
class Types:
    """Types that the catalog knows. Names have no underscores and are in lower case."""

    tables: Mapping[str, Mapping[str, tuple[str, bool]]] = field(default_factory=dict)
    """Table to column to (type, not null)."""

    @classmethod
    def from_portrait(cls, portrait: Portrait) -> Types:
        """Take the types of every table of the portrait."""
        return cls(
            {
                plain(table.name): {plain(c.name): (c.type, c.not_null) for c in table.columns}
                for table in portrait.tables
            }
        )

    def of(self, table: str, column: str) -> str | None:
        """The type of a column of any table."""
        return self.tables.get(plain(table), {}).get(plain(column), (None, False))[0]

    def wide(self, plan: TableSplit, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of the wide table."""
        parent = self.tables.get(plain(plan.parent), {}).get(plain(column))
        for table in (plan.source, plan.child, plan.retired):
            known = self.tables.get(plain(table), {})
            if plain(column) in known and plain(plan.key[0]) in known:
                type_, not_null = known[plain(column)]
                # At interim the copy's key is nullable again; the parent's is not.
                return type_, parent[1] if parent is not None else not_null
        copied = self.of(plan.child, column)
        return parent or ((copied, False) if copied is not None else None)


def plain(name: str) -> str:
    """The spelling under which camelCase and snake_case are the same."""
    return name.replace("_", "").lower()


def guessed(column: str) -> str:
    """Guess a type from the usual endings of names, where neither catalog nor use tells it."""
    name = column.lower()
    return next((type_ for ending, type_ in _ENDINGS if name.endswith(ending)), "text")
