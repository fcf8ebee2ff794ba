"""Make rows of the tables outside the plan."""

from __future__ import annotations

import random
from collections.abc import Callable

from membership_refactor.scan.compare.needs import Cell, Needs, Row
from membership_refactor.scan.compare.value_pools import Pool, kind_of, unlike

_FIRST = 20_000
"""Numbers from here on give values that no row of the plan's tables has."""


def foreign_rows(
    needs: Needs, pool: Callable[[Cell, str], Pool], source: random.Random
) -> dict[str, list[Row]]:
    """Make rows of every table that the statement reads beside the plan's."""
    return {
        table: _Table(table, columns, needs, pool, source).rows()
        for table, columns in needs.foreign.items()
        if columns
    }


class _Table:
    def __init__(
        self,
        table: str,
        columns: dict[str, str],
        needs: Needs,
        pool: Callable[[Cell, str], Pool],
        source: random.Random,
    ) -> None:
        self.columns, self.random = columns, source
        self.pools = {name: pool((table, name), type_) for name, type_ in columns.items()}
        self.key = next((name for name in ("id", "uuid") if name in columns), "")
        self.asked = [name for name in columns if (table, name) in needs.groups]

    def rows(self) -> list[Row]:
        """A base row, one row for each other value asked for, and some at random."""
        pools = self.pools
        base = self._named({name: pools[name].good for name in self.asked}, 0)
        rows = [base]
        for name in self.asked:
            others = (*pools[name].others[:8], None) if name != self.key else ()
            rows += [{**base, name: value} for value in others]
        for number in range(6):
            drawn = {n: self.random.choice((*p.every[:6], p.good)) for n, p in pools.items()}
            rows.append(drawn if number % 2 else dict(base))
        if not self.key:
            return [self._named(row, number) for number, row in enumerate(rows)]
        # A primary key is never missing, and the first rows have the keys that others refer to.
        good = pools[self.key].good
        keys = [key for key in pools[self.key].every if key is not None]
        self.random.shuffle(keys)
        keys = [*([good] if good in keys else []), *(key for key in keys if key != good)]
        rows += [dict(base) for _ in keys[len(rows) :]]
        for number, row in enumerate(rows):
            row[self.key] = keys[number] if number < len(keys) else self._value(self.key, number)
        return [self._named(row, number) for number, row in enumerate(rows)]

    def _named(self, row: Row, number: int) -> Row:
        """Give the columns that nothing asks for values of their own."""
        free = {
            name: self._value(name, number)
            for name in self.columns
            if name not in self.asked and name != self.key
        }
        return {**{name: row.get(name) for name in self.columns}, **free}

    def _value(self, name: str, number: int) -> object:
        return unlike(kind_of(self.columns[name]), name, _FIRST + number)
