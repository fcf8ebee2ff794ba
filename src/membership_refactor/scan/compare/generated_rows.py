"""Make rows that show a wrong rewriting.

There is a base key under which the statement's conditions hold, and twins that differ from it in
one column only, by every gap, sentinel and literal. Parents have one to three children or none. The
values of every parent differ, so that a wrong parent is seen.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.needs import PARENT, WIDE, Cell, Group, Needs, Row
from membership_refactor.scan.compare.value_pools import (
    Pool,
    as_kind,
    foreign_rows,
    kind_of,
    later,
    pool,
    score,
    sentinels,
    unlike,
)


@dataclass(slots=True)
class DataSet:
    """Rows by table. Columns of parents and children have the plan's names."""

    parents: list[Row] = field(default_factory=list)
    children: list[Row] = field(default_factory=list)
    foreign: dict[str, list[Row]] = field(default_factory=dict)


class Generator:
    """Makes data sets for one statement."""

    def __init__(self, plan: TableSplit, needs: Needs, *, seed: int) -> None:
        self.plan, self.needs, self.seed = plan, needs, seed
        self.random = random.Random(seed)
        self.pools: dict[int, Pool] = {}
        self.single: dict[Cell, Group] = {}
        self.counter = itertools.count(1)

    def pool(self, cell: Cell, type_: str) -> Pool:
        group = self.needs.groups.get(cell) or self.single.setdefault(cell, Group({cell}))
        if id(group) not in self.pools:
            leads = cell in self.needs.groups and any(
                t not in (WIDE, PARENT) for t, _ in group.cells
            )
            self.pools[id(group)] = pool(group, group.type or type_, seed=self.seed, wide=leads)
        return self.pools[id(group)]

    def wide_pool(self, column: str) -> Pool:
        return self.pool((WIDE, column), self.needs.wide[column][0])

    def kind(self, column: str) -> str:
        """The kind of values that a column of the wide table holds."""
        return kind_of(self.needs.wide[column][0])

    def base_key(self) -> Row:
        """The key under which the conditions hold."""
        base = {column: self.wide_pool(column).good for column in self.plan.key}
        for (_, more), (_, less), wanted in self.needs.gaps:
            if more in base and less in base and base[less] is not None:
                base[more] = later(base[less], wanted)
        return base

    def targeted(self) -> DataSet:
        """Make the set that shows the usual errors."""
        data = DataSet()
        base = self.base_key()
        keys: list[Row] = [base]
        for column in self.plan.key:
            keys += [{**base, column: value} for value in self.twins(column)]
        gaps = [column for column in self.plan.key if self.nullable(column)]
        keys += [{**base, one: None, other: None} for one, other in itertools.combinations(gaps, 2)]
        keys += [self.fresh_key(base) for _ in range(8)]
        # A second dimension: the fresh key's own twins, so that pairs differ elsewhere too.
        other = self.fresh_key(base)
        keys += [other, *({**other, column: None} for column in gaps)]
        keys = distinct(keys, self.plan.key)
        special = self.special_values()
        data.parents += [self.parent(key, number, special) for number, key in enumerate(keys)]
        childless = {id(data.parents[i]) for i in _spread(len(data.parents), 2, skip=8)}
        for column in self.plan.key:
            # Beside the base a childless twin: a link without this column finds it.
            twin = self.parent({**base, column: self.unique(column, 900)}, len(data.parents), {})
            data.parents.append(twin)
            childless.add(id(twin))
        extra = self.parent(self.fresh_key(base), len(keys), {})
        data.parents.append(extra)
        childless.add(id(extra))
        for number, parent in enumerate(data.parents):
            if id(parent) in childless:
                continue
            count = 3 if number == 0 else 1 + number % 3
            for index in range(count):
                self.child(data, parent, varied=number > 0 and index > 0, number=index)
        for column in self.child_columns():
            missing = (None,) if self.nullable(column) else ()
            for value in (*self.wide_pool(column).others[:5], *missing):
                self.child(data, data.parents[0], number=3, special={column: value})
        return self.finished(data)

    def random_set(self, size: int) -> DataSet:
        """Make a set of random values."""
        data = DataSet()
        keys = [{column: self.drawn(column) for column in self.plan.key} for _ in range(size)]
        for number, key in enumerate(distinct(keys, self.plan.key)):
            parent = self.parent(key, number, {})
            for column in self.plan.parent_values:
                if (WIDE, column) in self.needs.groups:
                    parent[column] = self.drawn(column)
                elif self.nullable(column) and self.random.random() < 0.2:
                    text = kind_of(self.needs.wide[column][0]) == "text"
                    parent[column] = "" if text and self.random.random() < 0.3 else None
            data.parents.append(parent)
            for index in range(self.random.choice((0, 1, 1, 2, 3))):
                self.child(data, parent, varied=True, number=index)
        return self.finished(data)

    def nullable(self, column: str) -> bool:
        return not self.needs.wide[column][1] and column not in (*self.plan.ids, self.plan.changed)

    def twins(self, column: str) -> list[Any]:
        own = self.wide_pool(column)
        stand_ins = self._as_values(column, self.needs.stand_ins)
        values = [*own.others, *sentinels(self.kind(column), own.good), *stand_ins]
        return list(dict.fromkeys([*values, *([None] if self.nullable(column) else [])]))

    def named(self, column: str) -> list[Any]:
        """The values that the statement itself compares the column with."""
        group = self.needs.groups.get((WIDE, column))
        return self._as_values(column, [v for _, v in group.conditions] if group else [])

    def _as_values(self, column: str, given: Sequence[Any]) -> list[Any]:
        """Those of the values that the column can hold."""
        kind = self.kind(column)
        return [value for raw in given if (value := as_kind(kind, raw)) is not None]

    def fresh_key(self, base: Row) -> Row:
        """Make another key under which the conditions still hold, if a column is free."""
        number = next(self.counter)
        apart = [c for c in self.plan.key if (WIDE, c) not in self.needs.groups]
        loose = apart or [c for c in self.plan.key if self.free(c)]
        column = self.random.choice(loose or list(self.plan.key))
        return {**base, column: self.unique(column, number)}

    def free(self, column: str) -> bool:
        """Whether the statement asks for no value of the column."""
        group = self.needs.groups.get((WIDE, column))
        return group is None or (not group.conditions and len(group.cells) == 1)

    def unique(self, column: str, number: int) -> Any:
        """A value that no other row has."""
        return unlike(self.kind(column), column, number)

    def special_values(self) -> dict[str, list[Any]]:
        """Values of the parent's other columns that the statement asks for, the worst first."""
        found = {}
        for column in self.plan.parent_values:
            group = self.needs.groups.get((WIDE, column))
            if group is None:
                continue
            gap = [None] if self.nullable(column) else []
            values = [*gap, *self.wide_pool(column).others]
            if any(operator == "null" for operator, _ in group.conditions):
                values = [value for value in values if value is not None]
            found[column] = sorted(values, key=partial(score, group, self.kind(column)))
        return found

    def parent(self, key: Row, number: int, special: dict[str, list[Any]]) -> Row:
        parent = dict(key)
        for column in self.plan.parent_values:
            if (WIDE, column) in self.needs.groups:
                parent[column] = self.wide_pool(column).good
            else:
                parent[column] = self.unique(column, 1000 + number * 16 + len(parent))
        columns = [column for column in special if special[column]]
        # Beside the base, every third parent has one value that breaks a condition.
        if columns and number % 3 == 2:
            column = columns[(number // 3) % len(columns)]
            parent[column] = special[column].pop(0)
        if self.plan.changed:
            parent[self.plan.changed] = self.unique(self.plan.changed, 5000 + number)
        parent[self.plan.parent_id] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return parent

    def child_columns(self) -> list[str]:
        moved = {*self.plan.deprecated, self.plan.last_id, self.plan.changed}
        return [column for column in self.needs.wide if column not in moved]

    def child(
        self, data: DataSet, parent: Row, *, number: int, varied: bool = False,
        special: Row | None = None,
    ) -> None:  # fmt: skip
        child: Row = {self.plan.link: parent[self.plan.parent_id]}
        for column in self.child_columns():
            free = (WIDE, column) not in self.needs.groups
            if varied and (free or self.random.random() < 0.4):
                child[column] = self.drawn(column)
            elif free:
                child[column] = self.unique(column, 100 + len(data.children) * 8 + len(child))
            else:
                child[column] = self.wide_pool(column).good
        child.update(special or {})
        for column in self.plan.deprecated:
            child[column] = parent[column]
        if self.plan.changed:
            child[self.plan.changed] = self.unique(self.plan.changed, 9000 + len(data.children))
        data.children.append(child)

    def drawn(self, column: str) -> Any:
        own = self.wide_pool(column)
        draw = self.random.random()
        if draw < 0.45:
            return own.good
        if draw < 0.6 and self.nullable(column):
            return None
        return self.random.choice(own.every)

    def finished(self, data: DataSet) -> DataSet:
        self._identify(data)
        data.foreign = foreign_rows(self.needs, self.pool, self.random)
        return data

    def _identify(self, data: DataSet) -> None:
        """Give ids in no order of the parents. The first child has the one that is asked for."""
        own = self.wide_pool(self.plan.last_id)
        taken = [v for v in own.every if isinstance(v, int)][: len(data.children)]
        rest = [n for n in range(1, 3 * len(data.children) + 50) if n not in taken]
        self.random.shuffle(rest)
        for number, child in enumerate(data.children):
            child[self.plan.last_id] = taken[number] if number < len(taken) else rest[number]
        asked = self.needs.groups.get((PARENT, self.plan.parent_id))
        if asked is not None and data.parents:
            wanted = self.pool((PARENT, self.plan.parent_id), "uuid").good
            before = data.parents[0][self.plan.parent_id]
            data.parents[0][self.plan.parent_id] = wanted
            for child in data.children:
                if child[self.plan.link] == before:
                    child[self.plan.link] = wanted


def distinct(keys: list[Row], columns: tuple[str, ...]) -> list[Row]:
    seen: dict[tuple[Any, ...], Row] = {}
    for key in keys:
        seen.setdefault(tuple(key[column] for column in columns), key)
    return list(seen.values())


def _spread(size: int, count: int, *, skip: int) -> list[int]:
    return [min(size - 1, skip + n * max(1, (size - skip) // (count + 1))) for n in range(count)]
