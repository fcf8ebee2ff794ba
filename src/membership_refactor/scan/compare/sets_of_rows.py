"""The sets of rows on which one statement is compared, the most telling ones first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from membership_refactor.scan.compare.generated_rows import DataSet, Generator
from membership_refactor.scan.compare.kinds import later
from membership_refactor.scan.compare.needs import Row

_NEAR = 60


def sets_of_rows(generator: Generator, random_sets: int) -> Iterator[tuple[DataSet, int]]:
    """Yield each set, and how many values of the parameters are tried on it."""
    targeted = targeted_set(generator)
    yield targeted, 12
    yield spread_set(generator), 2
    yield from ((data, 2) for data in _without_partners(targeted))
    for number in range(random_sets):
        yield near_set(generator, 6 + number % 5 * 3), 2
    small = small_sets(generator)
    for number in range(_NEAR):
        yield near_set(generator, 1 + number % 4), 3
        yield from ((data, 1) for data in itertools.islice(small, 3))


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
    # The worst value of each column that the statement asks for, then the next ones.
    broken = itertools.zip_longest(*generator.breaking().values())
    payloads = (payload for each in broken for payload in each if payload is not None)
    keys = _distinct(keys, key)
    childless = (8, 8 + (len(keys) - 8) // 3)
    for number, row in enumerate(keys):
        # Beside the base, every third parent has one value that breaks a condition.
        parent = generator.parent(data, {**row, **(next(payloads, {}) if number % 3 == 2 else {})})
        count = 1 + number % 3 if number else 3
        for index in range(0 if number in childless else count):
            columns = generator.child_columns if number and index else ()
            generator.child(data, parent, {c: generator.near(c, 4) for c in columns})
    for column in key:
        # Beside the base a childless twin: a link without this column finds it.
        generator.parent(data, {**base, column: generator.unique(column, 900)})
    generator.parent(data, generator.fresh_key())
    for column in generator.child_columns:
        for value in (*generator.wide(column).others[:5], *[None] * generator.nullable(column)):
            generator.child(data, data.parents[0], {column: value})
    free = [column for column in key if generator.free(column)]
    of_child, of_parent = (
        dict.fromkeys(filter(generator.nullable, columns))
        for columns in (generator.child_columns, generator.plan.parent_values)
    )
    # Groups of two rows: one of them lacks all that a row may lack, or both and their parent do.
    for number, given in enumerate(({}, of_parent) if free else ()):
        own = {column: generator.unique(column, 910 + number) for column in free}
        parent = generator.parent(data, base | own | given)
        for lacking in (of_child if number else {}, of_child):
            generator.child(data, parent, lacking)
    return generator.finished(data)


def _distinct(rows: Iterable[Row], key: Sequence[str]) -> list[Row]:
    return list({tuple(row[column] for column in key): row for row in rows}.values())


def spread_set(generator: Generator) -> DataSet:
    """Make rows that differ in every column that no condition asks for: no order has ties."""
    key, base = generator.plan.key, generator.base
    free = [column for column in key if generator.free(column)]
    numbers = generator.random.sample(range(1, 9), 8)
    rows = [base | {column: generator.unique(column, n) for column in free} for n in numbers]
    return _small(generator, _distinct(rows, key))


def _small(generator: Generator, rows: Iterable[Row], *childless: Row) -> DataSet:
    """Make a set of parents with one child each, and of childless ones."""
    data = DataSet()
    for row in rows:
        generator.child(data, generator.parent(data, row), {})
    for row in childless:
        generator.parent(data, row)
    return generator.finished(data)


def near_set(generator: Generator, size: int) -> DataSet:
    """Make rows that nearly meet the conditions, with few values in the other columns."""
    data, plan, draw, base = DataSet(), generator.plan, generator.random, generator.base
    few = max(2, size)
    rows: list[Row] = []
    for _ in range(size):
        row = {c: v if draw.random() < 0.6 else generator.odd(c) for c, v in base.items()}
        row |= {column: generator.near(column, few) for column in plan.parent_values}
        _keep_gaps(generator, row)
        rows.append(row)
    for row in _distinct(rows, plan.key):
        parent = generator.parent(data, row)
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            columns = generator.child_columns
            generator.child(data, parent, {c: generator.near(c, few) for c in columns})
            _keep_gaps(generator, data.children[-1], plan.deprecated)
    generator.finished(data)
    for table, others in data.foreign.items():
        data.foreign[table] = [row for row in others if draw.random() < 0.7]
    return data


def _keep_gaps(generator: Generator, row: Row, fixed: Sequence[str] = ()) -> None:
    """Give two columns the difference that the statement asks for, or a neighbour of it."""
    for (_, more), (_, less), number in generator.needs.gaps:
        step = number + generator.random.choice((-1, 0, 0, 1))
        changed, other, sign = (more, less, 1) if more not in fixed else (less, more, -1)
        held = changed in row and changed not in fixed and row.get(other) is not None
        if held and generator.random.random() >= 0.3:
            row[changed] = later(row[other], sign * step)


def small_sets(generator: Generator) -> Iterator[DataSet]:
    """Yield sets of one or two parents, for statements that only ask whether there is a row.

    Beside a child whose parent breaks a condition stands a childless parent that meets it and
    differs in one key column. A link by too little of the key finds the wrong parent.
    """
    key, base, special = generator.plan.key, generator.base, generator.breaking()
    # All conditions broken at once, for an OR or a UNION, and then one at a time.
    every = dict(item for rows in special.values() for item in rows[0].items())
    breaking = [every] if len(special) > 1 else []
    breaking += [row for rows in special.values() for row in rows[:3]][:6]
    good_or_broken, small = [{}, *breaking], partial(_small, generator)
    for column in special:
        for value in generator.named(column):
            # The value alone decides, as each one of a list has to.
            yield small([{**base, **breaking[0], column: value}])
    named = [column for column in key if generator.named(column)]
    bases = [{**base, c: value} for c in named for value in generator.wide(c).others[:2]]
    twins = [(row, {**row, c: generator.unique(c, 77)}) for row in (base, *bases) for c in key]
    gaps = [
        ({**base, column: None}, {**base, column: value})
        for column in filter(generator.nullable, key)
        for value in generator.twins(column)
        if value is not None
    ]
    others = [({**base, c: value}, base) for c in key for value in generator.wide(c).others[:4]]
    first, more = good_or_broken[:2], good_or_broken[2:]
    for pairs, payloads in ((twins[: len(key)], [*first, *more[:1]]), (gaps, first),
                            (twins, good_or_broken), (others, first), (gaps, more)):  # fmt: skip
        yield from map(small, pairs)
        for (row, twin), payload in itertools.product(pairs, payloads):
            yield small([{**row, **payload}], twin)
            yield small([{**twin, **payload}], row)
