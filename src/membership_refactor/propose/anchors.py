"""Anchors: columns by which whole groups of rows are sampled.

A random sample of rows holds almost no two rows of one group, so in it everything seems to depend
on everything. A sample that takes every row of a few values of an anchor has whole groups of each
key that contains the anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from membership_refactor.propose.columns import Profile, Profiles, awkward, may_identify

SAMPLE = 3_000
"""Rows of the sample of one anchor, about."""
_FEWEST_VALUES = 50
_FEWEST_ROWS_A_VALUE = 1.5
_MOST_NULLS = 0.05
_IN_SAMPLE = 6
"""Values of an anchor that its sample holds at least."""
_FINE, _COMBINED, _COARSE = 7, 3, 2
"""How many anchors of each kind there are at most."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One column, or several of which none has enough values by itself."""

    places: tuple[int, ...]
    """Places in ``Profiles.compared``."""
    distinct: float

    def classes(self, rows: int, wanted: int) -> int:
        """One in how many values to take, so that about ``wanted`` rows come."""
        return max(1, min(round(rows / wanted), int(self.distinct / _IN_SAMPLE)))


def choose_anchors(found: Profiles) -> tuple[Anchor, ...]:
    """Choose what to sample by: foreign keys first, then the columns with the most values. Columns
    with few values come combined, and a few of them alone."""
    usable = [Anchor((p,), c.distinct) for p, c in enumerate(found.compared) if _holds(c)]
    usable.sort(key=lambda a: (not found.compared[a.places[0]].refers, -a.distinct))
    fine = [a for a in usable if _is_anchor(a.distinct, found.rows) and _is_fine(a, found.rows)]
    coarse = [a for a in usable if a not in fine and 2 <= a.distinct <= found.rows / 2]
    # Few values say little; what looks like a part of a key is tried first.
    coarse.sort(key=lambda a: awkward(found, a.places))
    single = [a for a in coarse if _is_anchor(a.distinct, found.rows)]
    return (*fine[:_FINE], *_combined(coarse, found.rows), *single[:_COARSE])


def _holds(profile: Profile) -> bool:
    return may_identify(profile) and profile.nulls <= _MOST_NULLS


def _is_anchor(distinct: float, rows: int) -> bool:
    return distinct >= _FEWEST_VALUES and rows / max(distinct, 1) >= _FEWEST_ROWS_A_VALUE


def _is_fine(anchor: Anchor, rows: int) -> bool:
    """Whether a sample of the usual size holds enough values of it."""
    return rows / max(anchor.distinct, 1) <= SAMPLE / _IN_SAMPLE


def _combined(coarse: Sequence[Anchor], rows: int) -> Sequence[Anchor]:
    """Two or three columns with few values each, for a key that has no other columns."""
    for size in (2, 3):
        made = [
            Anchor(tuple(sorted(p for a in some for p in a.places)), prod(a.distinct for a in some))
            for some in combinations(coarse[:5], size)
        ]
        fitting = [a for a in made if _is_anchor(a.distinct, rows) and _is_fine(a, rows)]
        if fitting:
            return fitting[:_COMBINED]
    return ()
