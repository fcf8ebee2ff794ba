"""The sets of rows on which one statement is compared, the most telling ones first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from membership_refactor.scan.compare.generated_rows import DataSet, Generator
from membership_refactor.scan.compare.kinds import later
from membership_refactor.scan.compare.needs import Row

_NEAR = 240


def sets_of_rows(generator: Generator, random_sets: int) -> Iterator[tuple[DataSet, int]]:
    """Yield each set, and how many values of the parameters are tried on it."""
    targeted = targeted_set(generator)
    yield targeted, 12
    yield _shuffled(targeted, generator), 4
    yield spread_set(generator), 2
    yield from ((data, 2) for data in _without_partners(targeted))
    for number in range(random_sets):
        yield near_set(generator, 6 + number % 5 * 3), 2
    for number in range(_NEAR):
        yield near_set(generator, 1 + number % 4), 3 if number % 4 == 3 else 1


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


def targeted_set(generator: Generator) -> DataSet:
    """Make the set that shows the usual errors.

    Twins differ from the base key in one column only, by every gap, sentinel and literal.
    """
    data, key, base = DataSet(), generator.plan.key, generator.base
    gaps = [column for column in key if generator.nullable(column)]
    keys = [base, *({**base, column: v} for column in key for v in generator.twins(column))]
    keys += [{**base, one: None, other: None} for one, other in itertools.combinations(gaps, 2)]
    keys += [generator.fresh_key() for _ in range(8)]
    # A second dimension: the fresh key's own twins, so that pairs differ elsewhere too.
    other = generator.fresh_key()
    keys += [other, *({**other, column: None} for column in gaps)]
    worst = sorted(_broken(generator), key=lambda one: one[0])
    broken = iter([value for _, value in worst])
    keys = _distinct(keys, key)
    childless = (8, 8 + (len(keys) - 8) // 3)
    for number, row in enumerate(keys):
        # Beside the base, every third parent has one value that breaks a condition.
        parent = generator.parent(data, {**row, **(next(broken, {}) if number % 3 == 2 else {})})
        count = 1 + number % 3 if number else 3
        for index in range(0 if number in childless else count):
            columns = generator.child_columns if number and index else ()
            generator.child(data, parent, {c: generator.near(c, 4) for c in columns})
    for column in key:
        # Beside the base a childless twin: a link without this column finds it.
        generator.parent(data, {**base, column: generator.unique(column, 900)})
    generator.parent(data, generator.fresh_key())
    for column in generator.child_columns:
        missing = (None,) if generator.nullable(column) else ()
        for value in (*generator.wide(column).others[:5], *missing):
            generator.child(data, data.parents[0], {column: value})
    return generator.finished(data)


def _broken(generator: Generator) -> Iterator[tuple[int, Row]]:
    """Yield each value that breaks a condition, with its place among those of its column."""
    for column, values in generator.breaking().items():
        yield from ((at, {column: value}) for at, value in enumerate(values))


def _distinct(rows: Iterable[Row], key: Sequence[str]) -> list[Row]:
    return list({tuple(row[column] for column in key): row for row in rows}.values())


def spread_set(generator: Generator) -> DataSet:
    """Make rows that differ in every column that no condition asks for: no order has ties."""
    data, plan, base = DataSet(), generator.plan, generator.base

    def spread(columns: Iterable[str], number: int) -> Row:
        free = filter(generator.free, columns)
        return {column: generator.unique(column, number) for column in free}

    numbers = generator.random.sample(range(1, 9), 8)
    rows = [{**base, **spread((*plan.key, *plan.parent_values), number)} for number in numbers]
    for row, number in zip(_distinct(rows, plan.key), numbers, strict=False):
        parent = generator.parent(data, row)
        generator.child(data, parent, spread(generator.child_columns, number))
    return generator.finished(data)


def near_set(generator: Generator, size: int) -> DataSet:
    """Make rows that nearly meet the conditions, with few values in the other columns.

    Half of the parents differ from another one in one column of the key. Where one has children and
    the other has none, a link by too little of the key finds the wrong parent.
    """
    data, plan, draw, base = DataSet(), generator.plan, generator.random, generator.base
    few = max(2, size)
    rows: list[Row] = []
    for number in range(size):
        like, twin = draw.choice([base, *rows]), draw.random() < 0.5
        row = {column: like[column] for column in plan.key}
        single = draw.choice(plan.key)
        for column in plan.key:
            if column == single if twin else draw.random() < 0.4:
                own = generator.unique(column, 77 + number)
                row[column] = draw.choice((own, generator.odd(column)))
        row |= _payload(generator, few)
        _keep_gaps(generator, row)
        rows.append(row)
    for row in _distinct(rows, plan.key):
        parent = generator.parent(data, row)
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            columns = generator.child_columns if draw.random() < 0.7 else ()
            generator.child(data, parent, {c: generator.near(c, few) for c in columns})
            _keep_gaps(generator, data.children[-1], plan.deprecated)
    generator.finished(data)
    for table, others in data.foreign.items():
        data.foreign[table] = [row for row in others if draw.random() < 0.7]
    return data


def _payload(generator: Generator, few: int) -> Row:
    """Values of a parent's other columns: under some all conditions hold, under some one or none
    does, the others nearly meet them."""
    draw, special = generator.random, [*generator.breaking().items()]
    manner = draw.choice(("good", "broken", "near", "near"))
    if manner == "broken":
        chosen = special if draw.random() < 0.5 else draw.sample(special, min(1, len(special)))
        return {c: draw.choice([*values[:3], *generator.named(c)]) for c, values in chosen}
    row: Row = {}
    for column in generator.plan.parent_values if manner == "near" else ():
        missing = column not in generator.asked and draw.random() < 0.2
        missing = missing and generator.nullable(column)
        row[column] = None if missing else generator.near(column, few)
    return row


def _keep_gaps(generator: Generator, row: Row, fixed: Sequence[str] = ()) -> None:
    """Give two columns the difference that the statement asks for, or a neighbour of it."""
    for (_, more), (_, less), number in generator.needs.gaps:
        step = number + generator.random.choice((-1, 0, 0, 1))
        changed, other, sign = (more, less, 1) if more not in fixed else (less, more, -1)
        value = row.get(other)
        if changed not in row or changed in fixed or generator.random.random() < 0.3:
            continue
        if value is not None:
            row[changed] = later(value, sign * step)
