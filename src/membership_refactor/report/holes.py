"""Times that no source covered: what one source misses, another may cover."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from membership_refactor.report.page_values import Stretch

T = TypeVar("T", datetime, float)


@dataclass(frozen=True, slots=True)
class Hole:
    """A time without evidence."""

    began: datetime
    ended: datetime
    why: tuple[str, ...]


def holes(stretches: Sequence[Stretch]) -> tuple[Hole, ...]:
    """The holes in the evidence on one structure, the oldest first."""
    covered = joined((s.began, s.ended) for s in stretches if s.covered)
    found: dict[tuple[datetime, datetime], list[str]] = {}
    for stretch in stretches:
        if not stretch.covered:
            for span in _without(covered, stretch.began, stretch.ended):
                found.setdefault(span, []).extend(stretch.holes)
    return tuple(Hole(*span, tuple(dict.fromkeys(why))) for span, why in sorted(found.items()))


def joined(spans: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """The spans in their order, those that touch or overlap as one."""
    found: list[tuple[T, T]] = []
    for began, ended in sorted(spans):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((began, ended))
    return found


def _without(
    covered: Sequence[tuple[datetime, datetime]], began: datetime, ended: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """What of a span lies outside of ``covered``, which is in order."""
    first = max(bisect_right(covered, (began, began)) - 1, 0)
    for start, end in covered[first:]:
        if start >= ended:
            break
        if start > began:
            yield began, start
        began = max(began, end)
    if began < ended:
        yield began, ended
