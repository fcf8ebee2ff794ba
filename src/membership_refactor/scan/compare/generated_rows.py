"""Make rows that show a wrong rewriting.

There is a base key under which the statement's conditions hold. Parents have one to three children
or none. The values of every parent differ, so that a wrong parent is seen.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.kinds import Kind, Pool, kind_of, later, pool, score
from membership_refactor.scan.compare.needs import PARENT, WIDE, Cell, Needs, Row

_OTHERS = 20_000
"""Numbers from here on give values that no row of the plan's tables has."""


@dataclass(slots=True)
class DataSet:
    """Rows by table. Columns of parents and children have the plan's names."""

    parents: list[Row] = field(default_factory=list)
    children: list[Row] = field(default_factory=list)
    foreign: dict[str, list[Row]] = field(default_factory=dict)


class Generator:
    """Makes the rows and values of the data sets for one statement."""

    def __init__(self, plan: TableSplit, needs: Needs, *, seed: int) -> None:
        self.plan, self.needs, self.seed = plan, needs, seed
        self.random = random.Random(seed)
        self.pools: dict[Cell, Pool] = {}
        self.counter = itertools.count(1)
        moved = {*plan.deprecated, plan.last_id, plan.changed}
        self.child_columns = [column for column in needs.wide if column not in moved]
        self.asked = {column for table, column in needs.groups if table in (WIDE, PARENT)}
        """The plan's columns that the statement compares."""

    def pool(self, cell: Cell) -> Pool:
        """The values of a column. Columns that are compared with each other have the same ones."""
        group = self.needs.known(cell)
        first = min(group.cells)
        if first not in self.pools:
            leads = any(table not in (WIDE, PARENT) for table, _ in group.cells)
            count = 9 if leads and cell in self.needs.groups else 4
            kind = kind_of(self.needs.type_of(first))
            self.pools[first] = pool(group, kind, seed=self.seed, count=count)
        return self.pools[first]

    def wide(self, column: str) -> Pool:
        """The values of a column of the wide table."""
        return self.pool((WIDE, column))

    def kind(self, column: str) -> Kind:
        """The kind of values that a column of the wide table holds."""
        return kind_of(self.needs.type_of((WIDE, column)))

    def unique(self, column: str, number: int) -> Any:
        """A value that no other row has."""
        return self.kind(column).unlike(column, number)

    def nullable(self, column: str) -> bool:
        """Whether a row may lack the column."""
        return not self.needs.wide[column][1] and column not in (*self.plan.ids, self.plan.changed)

    def free(self, column: str) -> bool:
        """Whether the statement asks for no value of the column."""
        group = self.needs.known((WIDE, column))
        return not group.conditions and len(group.cells) == 1

    def named(self, column: str) -> list[Any]:
        """The values that the statement itself compares the column with."""
        group = self.needs.known((WIDE, column))
        return self._as_values(column, [value for _, value in group.conditions])

    def twins(self, column: str) -> list[Any]:
        """Values that a wrong comparison takes for the good one or for a missing one."""
        own, stand_ins = self.wide(column), self._as_values(column, self.needs.stand_ins)
        gap = [None] if self.nullable(column) else []
        confused = self.kind(column).confused(own.good)
        return list(dict.fromkeys([*own.others, *confused, *stand_ins, *gap]))

    def _as_values(self, column: str, given: Sequence[Any]) -> list[Any]:
        """Those of the values that the column can hold."""
        values = (self.kind(column).of(raw) for raw in given if raw is not None)
        return [value for value in values if value is not None]

    @property
    def base(self) -> Row:
        """The key under which the conditions hold."""
        base = {column: self.wide(column).good for column in self.plan.key}
        for (_, more), (_, less), wanted in self.needs.gaps:
            if more in base and less in base and base[less] is not None:
                base[more] = later(base[less], wanted)
        return base

    def fresh_key(self) -> Row:
        """Make another key under which the conditions still hold, if a column is free."""
        key = self.plan.key
        apart = [column for column in key if column not in self.asked]
        column = self.random.choice(apart or [*filter(self.free, key)] or key)
        return {**self.base, column: self.unique(column, next(self.counter))}

    def breaking(self) -> dict[str, list[Row]]:
        """Values of the parent's other columns that the statement asks for, the worst first."""
        found = {}
        for column in self.plan.parent_values:
            group = self.needs.known((WIDE, column))
            wanted = any(sign == "null" for sign, _ in group.conditions)
            gap = [None] if self.nullable(column) and not wanted else []
            values = [*gap, *(v for v in self.wide(column).others if v is not None)]
            values.sort(key=partial(score, group, self.kind(column)))
            if values and (WIDE, column) in self.needs.groups:
                found[column] = [{column: value} for value in values]
        return found

    def odd(self, column: str) -> Any:
        """A value that nearly meets the conditions."""
        named = self.named(column) if self.random.random() < 0.5 else []
        return self.random.choice(named or self.twins(column) or [self.wide(column).good])

    def near(self, column: str, many: int = 2) -> Any:
        """A value that meets the conditions or nearly does. One of a few where there are none, so
        that rows are alike; small numbers are for arithmetic."""
        if column in self.asked:
            return self.wide(column).good if self.random.random() < 0.6 else self.odd(column)
        few = [self.unique(column, number) for number in range(1, many + 1)]
        return self.random.choice([*few, *self.kind(column).sentinels])

    def _row(self, columns: Sequence[str], number: int) -> Row:
        row = {column: self.unique(column, number + at) for at, column in enumerate(columns)}
        return row | {c: self.wide(c).good for c in columns if (WIDE, c) in self.needs.groups}

    def parent(self, data: DataSet, given: Row) -> Row:
        """Add a parent with this key and these other values. The rest meets the conditions."""
        plan, number = self.plan, len(data.parents)
        row = {**self._row(plan.parent_values, 1000 + 16 * number), **given}
        if plan.changed:
            row[plan.changed] = self.unique(plan.changed, 5000 + number)
        cell = (PARENT, plan.parent_id)
        made = self.unique(plan.parent_id, self.random.randrange(10**6, 10**12))
        wanted = number == 0 and cell in self.needs.groups
        row[plan.parent_id] = self.pool(cell).good if wanted else made
        data.parents.append(row)
        return row

    def child(self, data: DataSet, parent: Row, given: Row | None = None) -> None:
        """Add a child with these values of its own columns. The rest meets the conditions."""
        plan, number = self.plan, len(data.children)
        row = self._row(self.child_columns, 100 + 8 * number)
        moved = {column: parent[column] for column in plan.deprecated}
        row |= {**(given or {}), **moved, plan.link: parent[plan.parent_id]}
        if plan.changed:
            row[plan.changed] = self.unique(plan.changed, 9000 + number)
        data.children.append(row)

    def finished(self, data: DataSet) -> DataSet:
        """Give the children their ids, and make the rows of the tables outside the plan."""
        last = self.plan.last_id
        good, others = self.wide(last)
        # Ids come in no order of the parents. The first child has the one that is asked for.
        taken = [n for n in (good, *others) if isinstance(n, int)][: len(data.children)]
        rest = [n for n in range(1, 3 * len(data.children) + 50) if n not in taken]
        numbers = [*taken, *self.random.sample(rest, len(rest))]
        seen: set[tuple[Any, ...]] = set()
        for at, child in enumerate(data.children):
            # Where an id has several columns, rows may share the last.
            shared = numbers[self.random.randrange(at + 1)]
            first = tuple(child[column] for column in self.plan.ids[:-1])
            child[last] = shared if first and (*first, shared) not in seen else numbers[at]
            seen.add((*first, child[last]))
        tables = ((table, columns) for table, columns in self.needs.foreign.items() if columns)
        data.foreign = {table: self._foreign(table, columns) for table, columns in tables}
        return data

    def _foreign(self, table: str, columns: Mapping[str, str]) -> list[Row]:
        """A row that meets the conditions, one for each other value, and some at random.

        A primary key is never missing, and the first rows have the keys that others refer to.
        """
        key = next((name for name in ("id", "uuid") if name in columns), "")
        pools = {name: self.pool((table, name)) for name in columns}
        asked = [name for name in columns if (table, name) in self.needs.groups and name != key]
        base = {name: pools[name].good for name in asked}
        rows = [base]
        rows += [{**base, n: value} for n in asked for value in (*pools[n].others[:8], None)]
        for _ in range(3):
            drawn = {n: self.random.choice((pools[n].good, *pools[n].others[:6])) for n in asked}
            rows += [base, drawn]
        own = pools.get(key, Pool(None, ()))
        mixed = self.random.sample(own.others, len(own.others))
        keys = [value for value in (own.good, *mixed) if value is not None]
        rows += [base] * (len(keys) - len(rows))
        made = []
        for number, row in enumerate(rows):
            free = {n: kind_of(t).unlike(n, _OTHERS + number) for n, t in columns.items()}
            made.append({**free, **row, **({key: keys[number]} if number < len(keys) else {})})
        return made
