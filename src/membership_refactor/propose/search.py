"""Searches the keys worth counting: a beam from each anchor, then what repeats another is left out.

Pure functions of evidence. ``late`` is asked between two keys; when it says yes, the search ends
with what it has found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from membership_refactor.propose.anchors import Anchor
from membership_refactor.propose.columns import Profiles, awkward, may_identify
from membership_refactor.propose.evidence import Evidence, Verdict

_BEAM = 4
_DEPTH = 3
_SEVERAL = 2
"""Groups with several rows that a sample has to hold before its verdict counts."""
_MOST_GROUPS = 0.8
"""A key that leaves more groups than this part of the rows splits nothing off."""
FINALISTS = 24

Late = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """A key that seems to save something, and the anchor in whose sample it was found."""

    verdict: Verdict
    anchor: Anchor


def say_the_same(
    found: Profiles, anchors: Sequence[Anchor], evidence: Mapping[Anchor, Evidence]
) -> frozenset[int]:
    """Columns that are another anchor in other words, each determined by the other.

    Of two such columns a foreign key speaks for both, then one that is no measure or moment, then
    the earlier column.
    """
    single = [a for a in anchors if len(a.places) == 1]
    told = {a: evidence[a].verdict(a.places) for a in single}
    repeats = set()
    for one in single:
        for other in single:
            (p,), (q,) = one.places, other.places
            if p < q and q in told[one].explained and p in told[other].explained:
                worse = max((p, q), key=lambda x: _rank(found, x))
                repeats.add(worse)
    return frozenset(repeats)


def _rank(found: Profiles, place: int) -> tuple[bool, bool, int]:
    profile = found.compared[place]
    return (not profile.refers, profile.is_measure, place)


def search(
    found: Profiles,
    evidence: Evidence,
    start: Iterable[tuple[int, ...]],
    *,
    skip: frozenset[int] = frozenset(),
    late: Late = lambda: False,
) -> dict[tuple[int, ...], Verdict]:
    """Every key that was tried from ``start`` on, with one column more at a time."""
    usable = [
        p
        for p in evidence.tested
        if p not in skip
        and may_identify(found.compared[p])
        and found.compared[p].distinct <= found.rows / 2
    ]
    tried: dict[tuple[int, ...], Verdict] = {}
    front = []
    for key in start:
        if late() and tried:
            break
        verdict = evidence.verdict(key)
        tried[verdict.key] = verdict
        front.append(verdict)
    for _ in range(_DEPTH - min((len(v.key) for v in front), default=_DEPTH)):
        front = _best(front, found.rows)
        longer: dict[tuple[int, ...], Verdict] = {}
        for shorter in front:
            for place in usable:
                if late():
                    return {**tried, **longer}
                if place in shorter.key or place in shorter.explained:
                    continue
                verdict = evidence.verdict((*shorter.key, place))
                if verdict.groups <= _MOST_GROUPS * found.rows and verdict.key not in tried:
                    longer[verdict.key] = verdict
        tried |= longer
        front = list(longer.values())
    return tried


def _best(front: Iterable[Verdict], rows: int) -> list[Verdict]:
    """Those that explain the most for the groups that they make."""
    return sorted(front, key=lambda v: -v.told * (1 - v.groups / max(rows, 1)))[:_BEAM]


def worth_counting(tried: Mapping[tuple[int, ...], Found]) -> list[Found]:
    """The keys that save something, best first, without longer spellings of shorter keys."""
    saving = {
        key: one
        for key, one in tried.items()
        if one.verdict.splits and one.verdict.repeated >= _SEVERAL
    }
    best = [one for one in saving.values() if not _is_longer_spelling(one, saving.values())]
    return sorted(best, key=lambda one: -one.verdict.cells)[:FINALISTS]


def _is_longer_spelling(one: Found, others: Iterable[Found]) -> bool:
    """Whether a shorter key that makes as many groups determines every column of this one."""
    mine = one.verdict
    return any(
        len(o.verdict.key) < len(mine.key)
        and o.verdict.groups <= 1.02 * mine.groups
        and o.verdict.covers >= set(mine.key)
        for o in others
    )


def is_alike(one: Verdict, other: Verdict) -> bool:
    """Whether two keys would split off nearly the same table."""
    mine, its = {*one.key, *one.own}, {*other.key, *other.own}
    return len(mine & its) > 0.6 * len(mine) and one.groups > 0.5 * other.groups


def other_spellings(one: Found, tried: Iterable[Found]) -> list[Found]:
    """Keys that determine this key and are determined by it, in the sample; shortest first."""
    mine = one.verdict
    same = [
        other
        for other in tried
        if other.verdict.key != mine.key
        and mine.covers >= set(other.verdict.key)
        and other.verdict.covers >= set(mine.key)
        and abs(other.verdict.groups - mine.groups) < 0.05 * mine.groups
    ]
    return sorted(same, key=lambda o: (len(o.verdict.key), -o.verdict.cells))


def likeliest(found: Profiles, one: Found, same: Iterable[Found]) -> Found:
    """Of keys that make the same groups, the one to propose."""
    saving = (o for o in same if o.verdict.splits)
    return min((one, *saving), key=lambda o: awkward(found, o.verdict.key))
