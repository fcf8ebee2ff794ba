"""Anchors: columns by which whole groups of rows are sampled.

A random sample of rows holds almost no two rows of one group, so in it everything seems to depend
on everything. A sample that takes every row of a few values of an anchor has whole groups of each
key that contains the anchor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from membership_refactor.propose.columns import Profile, Profiles, may_identify

MOST = 12
_FEWEST_VALUES = 50
_FEWEST_ROWS_A_VALUE = 1.5
_MOST_NULLS = 0.05
_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """One column, or two of which neither has enough values by itself."""

    places: tuple[int, ...]
    """Places in ``Profiles.compared``."""
    distinct: float

    def classes(self, rows: int, wanted: int) -> int:
        """One in how many values to take, so that about ``wanted`` rows come."""
        return max(1, min(round(rows / wanted), int(self.distinct / 6)))


def choose_anchors(found: Profiles) -> tuple[Anchor, ...]:
    """Choose what to sample by: foreign keys first, then the columns with the most values."""
    usable = [place for place, profile in enumerate(found.compared) if _holds(profile)]
    many = [p for p in usable if _many(found.compared[p].distinct, found.rows)]
    many.sort(key=lambda p: (not found.compared[p].refers, -found.compared[p].distinct))
    single = [Anchor((p,), found.compared[p].distinct) for p in many]
    return (*single[: MOST - _PAIRS], *_pairs(found, [p for p in usable if p not in many]))


def _holds(profile: Profile) -> bool:
    return may_identify(profile) and profile.nulls <= _MOST_NULLS


def _many(distinct: float, rows: int) -> bool:
    return distinct >= _FEWEST_VALUES and rows / max(distinct, 1) >= _FEWEST_ROWS_A_VALUE


def _pairs(found: Profiles, coarse: Sequence[int]) -> Iterator[Anchor]:
    """Pairs of columns with few values each, for a key that has no other columns."""
    several = [p for p in coarse if 2 <= found.compared[p].distinct < _FEWEST_VALUES]
    several.sort(key=lambda p: (not found.compared[p].refers, -found.compared[p].distinct))
    pairs = [
        Anchor(pair, found.compared[pair[0]].distinct * found.compared[pair[1]].distinct)
        for pair in combinations(several[:4], 2)
    ]
    fitting = [pair for pair in pairs if _many(pair.distinct, found.rows)]
    yield from fitting[:_PAIRS]
