"""Evidence: how well a key explains each other column in a sample of whole groups.

A split is wanted for what repeats, so the measure is cells: values that no longer stand in each
row. Bytes mislead, because with four rows a group a split seldom saves any. A column that a part
of the key explains already counts half: it may belong to a table of that part. A key that explains
nothing but such columns counts nothing. A column weighs what chance would have shown, so that a
constant weighs nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add, itemgetter

from membership_refactor.propose.columns import Profiles

_ENOUGH = 50
"""Rows that could have disagreed, from which on a sample says something."""
_FEW = 0.005
"""Groups that may disagree in a column that still counts as explained: errors in the data."""
_CLOSE = 0.05
"""Groups that may disagree in a column that is counted exactly."""
_OF_CHANCE = 0.15
"""Which part of the disagreements that chance would show may be there."""
_ALMOST_UNIQUE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one sample says about one key. Columns are places in ``Profiles.compared``."""

    key: tuple[int, ...]
    groups: float
    """Groups in the whole table, an estimate."""
    repeated: int
    """Groups of the sample with more than one row."""
    explained: Mapping[int, float] = field(default_factory=dict)
    """Columns that the key determines, with a weight from 0 to 1."""
    own: Mapping[int, float] = field(default_factory=dict)
    """Those of them that no part of the key determines."""
    close: frozenset[int] = frozenset()
    """Columns that disagree in so few groups of the sample that an exact count is of interest."""
    told: float = 0.0
    """How much of what chance would show is explained, over all columns: the search's compass."""
    cells: float = 0.0
    """Values that the whole table would hold less."""

    @property
    def splits(self) -> bool:
        """Whether the key is worth a parent. That its index holds it once more does not count."""
        return bool(self.own) and self.cells + self.groups * len(self.key) > 0

    @property
    def covers(self) -> frozenset[int]:
        """The key and everything that it determines."""
        return frozenset((*self.key, *self.explained))


class Evidence:
    """One sample, and the verdicts on the keys that were asked so far.

    ``rows`` are tuples of hashes, a place for each column of ``found.compared``. The sample holds
    whole groups of each key that is asked.
    """

    def __init__(self, found: Profiles, rows: Sequence[Sequence[object]]) -> None:
        self.found, self.size = found, len(rows)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(found.compared)
        self._columns = [_numbered(column) for column in columns]
        self.tested = [
            place
            for place, profile in enumerate(found.compared)
            if profile.distinct < _ALMOST_UNIQUE * found.rows
        ]
        dice = random.Random(1)
        self._shuffled = {p: dice.sample(self._columns[p], self.size) for p in self.tested}
        self._chance: dict[tuple[int, int, int], float] = {}
        self._verdicts: dict[tuple[int, ...], Verdict] = {}

    @property
    def asked(self) -> int:
        """How many keys have a verdict."""
        return len(self._verdicts)

    @property
    def enough(self) -> int:
        """Rows that could have disagreed and did not, before a column counts as explained. A small
        table cannot have many."""
        return max(3, min(_ENOUGH, self.size // 10))

    def verdict(self, key: tuple[int, ...]) -> Verdict:
        """What the sample says about the key; its parts are asked first."""
        key = tuple(sorted(key))
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(key)
        return self._verdicts[key]

    def _judge(self, key: tuple[int, ...]) -> Verdict:
        by_parts: dict[int, float] = {}
        if len(key) > 1:
            for left_out in range(len(key)):
                by_parts.update(self.verdict(key[:left_out] + key[left_out + 1 :]).explained)
        groups, count, repeated = self._grouped(key)
        explained = {p: weight for p, weight in by_parts.items() if p not in key}
        close = set(explained)
        told = float(len(key))
        if self.size - count >= self.enough and repeated:
            scaled = [group * (self.size + 1) for group in groups]
            for place in self.tested:
                if place in key:
                    continue
                if place in explained:
                    told += explained[place]
                    continue
                rate = (self._pairs(scaled, self._columns[place]) - count) / repeated
                if rate <= _CLOSE:
                    close.add(place)
                chance = self._by_chance(place, scaled, count, repeated)
                if chance <= 0:
                    continue
                told += min(1.0, chance) * max(0.0, 1 - rate / chance)
                if rate <= _FEW and rate <= _OF_CHANCE * chance:
                    explained[place] = min(1.0, chance) * (1 - rate / (2 * _FEW))
        own = {p: weight for p, weight in explained.items() if p not in by_parts}
        estimate = min(count / max(self.size, 1) * self.found.rows, self.found.rows)
        return Verdict(
            key=key,
            groups=estimate,
            repeated=repeated,
            explained=explained,
            own=own,
            close=frozenset(close),
            told=told,
            cells=cells_saved(self.found, key, estimate, _weight(explained, own)),
        )

    def _grouped(self, key: tuple[int, ...]) -> tuple[list[int], int, int]:
        """The number of each row's group, how many groups there are, and how many have several
        rows."""
        first, *others = key
        groups = self._columns[first]
        for place in others:
            wide, column = self.size + 1, self._columns[place]
            groups = _numbered([a * wide + b for a, b in zip(groups, column, strict=True)])
        counts = Counter(groups)
        return groups, len(counts), sum(1 for size in counts.values() if size > 1)

    @staticmethod
    def _pairs(scaled: Sequence[int], column: Sequence[int]) -> int:
        """How many different pairs of group and value there are."""
        return len(set(map(add, scaled, column)))

    def _by_chance(self, place: int, scaled: Sequence[int], count: int, repeated: int) -> float:
        """Disagreements of a repeated group if the column had nothing to do with the key."""
        twentieth = max(self.size // 20, 1)
        known = (place, count // twentieth, repeated // twentieth)
        if known not in self._chance or self.size < 20 * _ENOUGH:
            self._chance[known] = (self._pairs(scaled, self._shuffled[place]) - count) / repeated
        return self._chance[known]


BY_PART = 0.5
"""How much a column counts that a part of the key explains already."""


def _weight(
    explained: Mapping[int, float], own: Mapping[int, float], was_own: Iterable[int] = ()
) -> float:
    """The weight of a key's columns. ``was_own`` are those that no longer count, unless in own."""
    if not own:
        return 0.0
    known = {*own, *was_own}
    return sum(own.values()) + BY_PART * sum(w for p, w in explained.items() if p not in known)


def held(found: Profiles, verdict: Verdict, rows: Sequence[Sequence[int]]) -> Verdict:
    """The verdict as a larger sample of the same anchor shows it: an own column that disagrees in
    any group counts no more. Such a column is a finding, and no argument for the key."""
    groups = _numbered(list(map(itemgetter(*verdict.key), rows)))
    count = len(set(groups))
    own = {
        place: weight
        for place, weight in verdict.own.items()
        if len(set(zip(groups, map(itemgetter(place), rows), strict=True))) == count
    }
    estimate = min(count / max(len(rows), 1) * found.rows, found.rows)
    return replace(
        verdict,
        groups=estimate,
        cells=cells_saved(
            found, verdict.key, estimate, _weight(verdict.explained, own, verdict.own)
        ),
    )


def cells_saved(found: Profiles, key: Sequence[int], groups: float, weight: float) -> float:
    """Values that the whole table would hold less; 0 if nothing depends on the key.

    Key and dependent columns leave the rows and stand once in each parent; the parent's key stands
    in its index too, and a link comes into each row.
    """
    if not weight:
        return 0.0
    saved = found.rows * (len(key) + weight - 1) - groups * (2 * len(key) + weight + 1)
    if saved > 0:
        for place in key:
            saved *= 1 - found.compared[place].nulls
    return saved


def _numbered(column: Sequence[object]) -> list[int]:
    """Small numbers in place of the values, equal where the values are equal."""
    numbers: dict[object, int] = {}
    number = numbers.setdefault
    return [number(value, len(numbers)) for value in column]
