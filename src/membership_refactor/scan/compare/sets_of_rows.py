"""The sets of rows on which one statement is compared, the most telling ones first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from membership_refactor.scan.compare.generated_rows import DataSet, Generator, distinct
from membership_refactor.scan.compare.needs import PARENT, WIDE, Cell, Row
from membership_refactor.scan.compare.value_pools import later

_NEAR = 60


def sets_of_rows(generator: Generator, random_sets: int) -> Iterator[tuple[DataSet, int]]:
    """Yield each set, and how many values of the parameters are tried on it."""
    targeted = generator.targeted()
    yield targeted, 12
    yield _shuffled(targeted, generator), 4
    yield spread_set(generator), 2
    yield from ((data, 2) for data in _without_partners(targeted))
    for number in range(random_sets):
        yield generator.random_set(6 + number % 5 * 3), 2
    small = small_sets(generator)
    for number in range(_NEAR):
        yield near_set(generator, number), 3
        yield from ((data, 1) for data in itertools.islice(small, 3))


def _shuffled(data: DataSet, generator: Generator) -> DataSet:
    def mixed(rows: list[Row]) -> list[Row]:
        return generator.random.sample(rows, len(rows))

    foreign = {table: mixed(rows) for table, rows in data.foreign.items()}
    return DataSet(mixed(data.parents), mixed(data.children), foreign)


def _without_partners(data: DataSet) -> Iterator[DataSet]:
    """Yield the set without some or all rows of each table, so that joins find no partner."""
    for table, rows in data.foreign.items():
        for kept in (rows[1::2], rows[:1], []):
            yield DataSet(data.parents, data.children, {**data.foreign, table: kept})
    yield DataSet(data.parents, [], data.foreign)


def spread_set(generator: Generator) -> DataSet:
    """Make rows that differ in every column that no condition asks for: no order has ties."""
    data, plan = DataSet(), generator.plan
    base = generator.base_key()
    for number in generator.random.sample(range(1, 9), 8):
        key = {
            column: generator.unique(column, number) if generator.free(column) else value
            for column, value in base.items()
        }
        if key in [{column: row[column] for column in plan.key} for row in data.parents]:
            continue
        parent = generator.parent(key, number, {})
        for column in filter(generator.free, plan.parent_values):
            parent[column] = generator.unique(column, number)
        data.parents.append(parent)
        free = filter(generator.free, generator.child_columns())
        special = {column: generator.unique(column, number) for column in free}
        generator.child(data, parent, number=number, special=special)
    return generator.finished(data)


def near_set(generator: Generator, number: int) -> DataSet:
    """Make few rows that nearly meet the conditions, with few values in the other columns."""
    source, plan, data = generator.random, generator.plan, DataSet()
    base = generator.base_key()
    asked = {column for table, column in generator.needs.groups if table in (WIDE, PARENT)}

    def changed(column: str, good: Any) -> Any:
        if source.random() < 0.6:
            return good
        named = generator.named(column)
        if named and source.random() < 0.5:
            return source.choice(named)
        return source.choice(generator.twins(column) or [good])

    def few(column: str) -> Any:
        """One of few values, so that rows are alike; small numbers for arithmetic."""
        values = [generator.unique(column, 1), generator.unique(column, 2)]
        numbers = generator.kind(column) in ("int", "number")
        return source.choice([*values, *((0, 1, 2, 7) if numbers else ())])

    def near(column: str) -> Any:
        good = generator.wide_pool(column).good
        return changed(column, good) if column in asked else few(column)

    keys = [
        {column: changed(column, value) for column, value in base.items()}
        for _ in range(1 + number % 4)
    ]
    for key in distinct(keys, plan.key):
        parent = generator.parent(key, number, {})
        for column in plan.parent_values:
            if column in asked or source.random() < 0.8:
                parent[column] = near(column)
            elif generator.nullable(column):
                parent[column] = None
        _keep_gaps(generator, parent)
        data.parents.append(parent)
        for _ in range(source.choice((0, 1, 1, 2, 3))):
            special = {c: near(c) for c in generator.child_columns()}
            generator.child(data, parent, number=number, special=special)
            _keep_gaps(generator, data.children[-1], plan.deprecated)
    generator.finished(data)
    for table, rows in data.foreign.items():
        data.foreign[table] = [row for row in rows if source.random() < 0.7]
    return data


def _keep_gaps(generator: Generator, row: Row, fixed: tuple[str, ...] = ()) -> None:
    """Give two columns the difference that the statement asks for, or a neighbour of it."""
    for (_, more), (_, less), number in generator.needs.gaps:
        step = number + generator.random.choice((-1, 0, 0, 1))
        changed, other, sign = (more, less, 1) if more not in fixed else (less, more, -1)
        value = row.get(other)
        if changed not in row or changed in fixed or generator.random.random() < 0.3:
            continue
        if value is not None:
            row[changed] = later(value, sign * step)


def small_sets(generator: Generator) -> Iterator[DataSet]:
    """Yield sets of one or two parents, for statements that only ask whether there is a row.

    Beside a child whose parent breaks a condition stands a childless parent that meets it and
    differs in one key column. A link by too little of the key finds the wrong parent.
    """
    key, needs = generator.plan.key, generator.needs
    base = generator.base_key()
    special = generator.special_values()
    # All conditions broken at once, for an OR or a UNION, and then one at a time.
    breaking = [{c: values[0] for c, values in special.items()}] if len(special) > 1 else []
    breaking += [{c: v} for c, values in special.items() for v in values[:3]][:6]
    broken = breaking[0] if breaking else {}
    for column in special:
        for value in generator.named(column):
            # The value alone decides, as each one of a list has to.
            yield _small(generator, [(base, {**broken, column: value}, 1)])
    for column in key:
        twin = {**base, column: generator.unique(column, 77)}
        yield _small(generator, [(base, {}, 1), (twin, {}, 0)])
        yield _small(generator, [(twin, {}, 1), (base, {}, 0)])
        yield _small(generator, [(base, {}, 1), (twin, {}, 1)])
        for payload in breaking[:2]:
            yield _small(generator, [(twin, payload, 1), (base, {}, 0)])
    for column in filter(generator.nullable, key):
        gap = {**base, column: None}
        yield _small(generator, [(gap, {}, 1)])
        for value in generator.twins(column):
            if value is not None:
                pair = gap, {**base, column: value}
                yield _small(generator, [(pair[0], {}, 1), (pair[1], {}, 1)])
                yield _small(generator, [(pair[0], {}, 1), (pair[1], {}, 0)])
                if broken:
                    yield _small(generator, [(pair[0], broken, 1), (pair[1], {}, 0)])
    bases = [base]
    for column in key:
        cell: Cell = (WIDE, column)
        if cell in needs.groups and needs.groups[cell].conditions:
            bases += [{**base, column: value} for value in generator.wide_pool(column).others[:2]]
    for start, column in itertools.product(bases, key):
        twin = {**start, column: generator.unique(column, 77)}
        for payload in breaking or [{}]:
            yield _small(generator, [(twin, payload, 1), (start, {}, 0)])
            yield _small(generator, [(start, payload, 1), (twin, {}, 0)])
    for column in key:
        for value in generator.wide_pool(column).others[:4]:
            yield _small(generator, [({**base, column: value}, {}, 1), (base, {}, 0)])


def _small(generator: Generator, wanted: list[tuple[Row, Row, int]]) -> DataSet:
    data = DataSet()
    for number, (key, payload, children) in enumerate(wanted):
        parent = {**generator.parent(key, 3 * number, {}), **payload}
        data.parents.append(parent)
        for index in range(children):
            generator.child(data, parent, number=number + index)
    return generator.finished(data)
