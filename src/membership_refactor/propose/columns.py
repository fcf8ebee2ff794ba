"""The columns of a wide table as the search sees them, and what each of them may be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column, Table
from membership_refactor.sql.ddl.plan_fits import COUNTS, feeding, key_obstacles
from membership_refactor.sql.types import stored_type

_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone"})
_TELLING = 5
_NAMED_LIKE_AN_ID = re.compile(r"(^|_)(id|no|nr|number|code|key|ref|reference|uuid|guid)$", re.I)
_MEASURES = frozenset({"numeric", "money", "time without time zone", "time with time zone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One column with the numbers that the search needs."""

    column: Column
    distinct: float
    """How many different values it has, an estimate."""
    nulls: float
    """Which part of its values is NULL, from 0 to 1."""
    width: float
    """The average bytes of a value."""
    common: float = 0.0
    """Which part of the rows has the most common value, or NULL if that is more common."""
    refers: bool = False
    """Whether it is a foreign key by itself."""
    feeds: bool = False
    """Whether a generated column is computed from it, and so could not stay without it."""

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def is_measure(self) -> bool:
        """Whether its type is one of measures and moments, which seldom identify anything."""
        return stored_type(self.column) in _TIMES | _MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The columns that are compared, and those that are set aside with the reason."""

    rows: int
    compared: tuple[Profile, ...]
    """In the table's order."""
    constant: tuple[str, ...] = ()
    """One value, or NULL only, in every row."""
    unique: tuple[str, ...] = ()
    """Different in every row by a constraint."""
    generated: tuple[str, ...] = ()

    def place(self, name: str) -> int:
        """The place of a column among those that are compared. KeyError for others."""
        for place, profile in enumerate(self.compared):
            if profile.name == name:
                return place
        raise KeyError(name)

    def names(self, places: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.compared[place].name for place in places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What statistics or a sample say about the values of one column."""

    distinct: float
    nulls: float
    width: float
    common: float = 0.0

    @property
    def is_constant(self) -> bool:
        return self.nulls >= 1 or (self.distinct <= 1 and self.nulls <= 0)


def profiles(
    table: Table, rows: int, spreads: dict[str, Spread], named: Collection[str] = ()
) -> Profiles:
    """Sort the columns of ``table``; ``spreads`` are by column name. Those of ``named``, a key that
    somebody asks for, are never set aside."""
    alone = _unique_alone(table)
    refers = {c.columns[0] for c in table.foreign_keys if len(c.columns) == 1}
    feeds = {name for column in table.columns for name in feeding(column)}
    compared, constant, unique, generated = [], [], [], []
    for column in table.columns:
        spread = spreads.get(column.name, Spread(distinct=1, nulls=1, width=8))
        asked = column.name in named
        if not asked and (column.name in alone or column.identity):
            unique.append(column.name)
        elif not asked and column.generated is not None:
            generated.append(column.name)
        elif not asked and rows > 1 and spread.is_constant:
            constant.append(column.name)
        else:
            compared.append(
                Profile(
                    column=column,
                    distinct=spread.distinct,
                    nulls=spread.nulls,
                    width=spread.width,
                    common=max(spread.common, spread.nulls),
                    refers=column.name in refers,
                    feeds=column.name in feeds,
                )
            )
    return Profiles(
        rows=rows,
        compared=tuple(compared),
        constant=tuple(constant),
        unique=tuple(unique),
        generated=tuple(generated),
    )


def may_identify(profile: Profile) -> bool:
    """Whether a plan may have the column in its key, and a search should try it."""
    if profile.feeds or stored_type(profile.column) in _TIMES:
        return False
    return not key_obstacles(profile.column)


def awkward(found: Profiles, key: Iterable[int]) -> float:
    """How little the key looks like one that somebody would choose; 0 is a foreign key."""
    return sum(_awkward(found.compared[p]) + 3 * p / len(found.compared) for p in key)


def _awkward(profile: Profile) -> float:
    kind = stored_type(profile.column)
    if profile.refers:
        worth = 0.0
    elif _NAMED_LIKE_AN_ID.search(profile.name) or kind == "uuid":
        worth = 1.0
    elif kind == "date":
        worth = 2.0
    elif kind in COUNTS:
        worth = 3.0
    else:
        worth = 5.0 if profile.is_measure else 4.0
    return worth + 5 * profile.nulls + (0 if profile.column.not_null else 0.5)


def hardly_varies(profile: Profile, repeated: int) -> bool:
    """Whether agreement of the column says nothing: even if it had nothing to do with the key, it
    would disagree in fewer than five of the groups with several rows."""
    return repeated * 2 * (1 - profile.common) < _TELLING


def _unique_alone(table: Table) -> set[str]:
    """Columns that are unique by themselves. A unique index with a predicate is not enough."""
    by_constraint = {
        c.columns[0] for c in table.constraints if c.kind in "pu" and len(c.columns) == 1
    }
    by_index = {
        index.columns[0]
        for index in table.indexes
        if index.unique and len(index.columns) == 1 and " WHERE " not in index.definition
    }
    return by_constraint | by_index


def estimate_distinct(values: Sequence[object], rows: int) -> float:
    """How many different values ``rows`` rows have, of which ``values`` are a sample.

    The estimator is Duj1 of Haas and Stokes, which ANALYZE uses too. NULLs are left out by the
    caller.
    """
    if not values:
        return 0.0
    seen: dict[object, int] = {}
    for value in values:
        seen[value] = seen.get(value, 0) + 1
    once = sum(1 for times in seen.values() if times == 1)
    size = len(values)
    return size * len(seen) / max(size - once + once * size / max(rows, 1), 1e-9)
