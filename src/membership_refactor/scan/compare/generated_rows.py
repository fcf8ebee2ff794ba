"""Make rows that show a wrong rewriting.

There is a base key under which the statement's conditions hold. Parents have one to three children
or none. The values of every parent differ, so that a wrong parent is seen.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.kinds import Kind, Pool, kind_of, later, literal
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
        self.child_columns = [n for n in needs.wide if n not in (*plan.deprecated, plan.last_id)]
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
            self.pools[first] = kind.pool(group, seed=self.seed, count=count)
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
        given = [*group.added, *(value for _, value in group.conditions)]
        return self.kind(column).those_of(given)

    def twins(self, column: str) -> list[Any]:
        """Values that a wrong comparison takes for the good one or for a missing one."""
        own, kind, gap = self.wide(column), self.kind(column), [None] * self.nullable(column)
        stand_ins = kind.those_of(self.needs.stand_ins)
        return list(dict.fromkeys([*own.others, *kind.confused(own.good), *stand_ins, *gap]))

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
        for column in filter(self.asked.__contains__, self.plan.parent_values):
            values = [*[None] * self.nullable(column), *self.wide(column).others]
            values.sort(key=partial(self.kind(column).score, self.needs.known((WIDE, column))))
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
        if self.nullable(column) and self.random.random() < 0.2:
            return None
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
        row[plan.parent_id] = self.unique(plan.parent_id, self.random.randrange(10**6, 10**12))
        if number == 0 and (cell := (PARENT, plan.parent_id)) in self.needs.groups:
            row[plan.parent_id] = self.pool(cell).good
        data.parents.append(row)
        return row

    def child(self, data: DataSet, parent: Row, given: Row) -> None:
        """Add a child with these values of its own columns. The rest meets the conditions."""
        plan, number = self.plan, len(data.children)
        row = self._row(self.child_columns, 100 + 8 * number)
        moved = {column: parent[column] for column in plan.deprecated}
        data.children.append(row | {**given, **moved, plan.link: parent[plan.parent_id]})

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
        keys = [{key: value} for value in (own.good, *mixed) if value is not None]
        made: list[Row] = []
        for row, given in itertools.zip_longest(rows, keys):
            number = _OTHERS + len(made)
            free = {name: kind_of(type_).unlike(name, number) for name, type_ in columns.items()}
            made.append({**free, **(row or base), **(given or {})})
        return made

    def vectors(self, types: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        """Yield values of the parameters under which all conditions are true, then one changed at a
        time."""
        needs, choices = self.needs, {}
        for name, type_ in types.items():
            values: list[Any] = [kind_of(type_).unlike(name, 1)]
            if name in needs.counts:
                values = [100, 1, 3]
            elif name in needs.by_parameter:
                cell, operator = needs.by_parameter[name]
                good, others = self.pool(cell)
                first = kind_of(needs.type_of(cell)).meeting(operator, good)
                values = list(dict.fromkeys([*first, *others[:3]]))
            if type_.endswith("[]"):
                values = [values[:1], values[:3], []]
            choices[name] = ["NULL" if v is None else literal(v, type_) for v in values]
        base = {name: values[0] for name, values in choices.items()}
        yield base
        for name, values in choices.items():
            yield from ({**base, name: value} for value in values[1:])
        for pick in itertools.islice(itertools.product((0, -1), repeat=len(choices)), 1, 6):
            yield {n: values[at] for at, (n, values) in zip(pick, choices.items(), strict=True)}
