"""How the wide table of the races is partitioned, where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Partitions:
    """A partition key that contains no other column than the id, and the partitions."""

    by: str
    bounds: Mapping[str, str]
    """The bound of each, by the end of its name."""
    below: Mapping[str, int] = field(default_factory=dict)
    """By range: the id below which a row is in it, in order. No block lies in two."""

    def of(self, tables: str) -> str:
        """The statements ``tables``, with the wide table partitioned. Nothing is unique then that
        does not contain the partition key."""
        alone = "badge text CONSTRAINT uq_wide_badge UNIQUE DEFERRABLE"
        end = "ON DELETE SET NULL);"
        assert tables.count(alone) == tables.count(end) == 1
        made = "".join(
            f"\nCREATE TABLE s.wide_{name} PARTITION OF s.wide {bound};"
            for name, bound in self.bounds.items()
        )
        by = f"{end.removesuffix(';')} PARTITION BY {self.by};{made}"
        return tables.replace(alone, "badge text").replace(end, by)

    def leaf_of(self, table: str) -> Callable[[int], str]:
        """The partition of ``table`` that has the row with that id."""

        def leaf(id: int) -> str:
            return f"{table}_{next(name for name, below in self.below.items() if id < below)}"

        return leaf


BY_HASH = Partitions(
    by="HASH (id)",
    bounds={f"{n}": f"FOR VALUES WITH (modulus 4, remainder {n})" for n in range(4)},
)
"""A change of the id moves the row to another partition, three times out of four."""
BY_RANGE = Partitions(
    by="RANGE (id)",
    bounds={
        "low": "FOR VALUES FROM (MINVALUE) TO (150)",
        "middle": "FOR VALUES FROM (150) TO (450)",
        "high": "FOR VALUES FROM (450) TO (MAXVALUE)",
    },
    below={"low": 150, "middle": 450, "high": 1_000_000_000},
)
