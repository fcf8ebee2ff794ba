"""Counts one key exactly, and sorts the other columns by how they depend on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from membership_refactor.propose.candidates import Candidate, Disagreement
from membership_refactor.propose.columns import Profile, Profiles, hardly_varies
from membership_refactor.propose.evidence import BY_PART, Verdict, cells_saved
from membership_refactor.propose.measure import Counts, Measure

_FEW = 0.02
"""Groups that may disagree, of those with several rows, in a column that may still belong to the
parent."""
_LINK = 16
_ROW = 28
"""Bytes of a row's header and its pointer in the page."""


def count_key(
    measure: Measure,
    found: Profiles,
    key: tuple[str, ...],
    *,
    verdict: Verdict | None = None,
    same: tuple[tuple[str, ...], ...] = (),
) -> Candidate:
    """Count the groups of ``key``, and sort the columns. With a verdict only those columns are
    counted that hardly disagree in the sample; the others differ."""
    others = [n for n, p in enumerate(found.compared) if p.name not in key]
    asked = [n for n in others if verdict is None or n in verdict.close]
    counts = measure.exact(key, found.names(asked))
    return _sorted(found, key, counts, verdict, same)


def examined(measure: Measure, candidate: Candidate) -> Candidate:
    """The candidate with examples of groups that disagree, and with its near keys."""
    disagree = tuple(
        replace(d, examples=measure.examples(candidate.key, d.column)) for d in candidate.disagree
    )
    return replace(candidate, disagree=disagree, near=measure.near(candidate.key))


def _sorted(
    found: Profiles,
    key: tuple[str, ...],
    counts: Counts,
    verdict: Verdict | None,
    same: tuple[tuple[str, ...], ...],
) -> Candidate:
    agree, by_part, hardly, disagree, differ = [], [], [], [], []
    weight = part = 0.0
    for place, profile in enumerate(found.compared):
        name = profile.name
        if name in key:
            continue
        apart = counts.apart.get(name)
        if apart is None or apart > max(_FEW * counts.repeated, 1):
            differ.append(name)
        elif apart:
            disagree.append(Disagreement(column=name, groups=apart))
        elif hardly_varies(profile, counts.repeated):
            hardly.append(name)
        elif verdict is not None and place in verdict.explained and place not in verdict.own:
            by_part.append(name)
            part += BY_PART * verdict.explained[place]
        else:
            agree.append(name)
            weight += 1.0 if verdict is None else verdict.own.get(place, 0.0)
    places = [found.place(name) for name in key]
    going = [p for p in found.compared if p.name in (*key, *agree, *by_part)]
    return Candidate(
        key=key,
        parents=counts.parents,
        repeated=counts.repeated,
        gaps=counts.gaps,
        largest=counts.largest,
        agree=tuple(agree),
        agree_by_part=tuple(by_part),
        hardly_vary=tuple(hardly),
        disagree=tuple(disagree),
        differ=tuple(differ),
        same=same,
        bytes_saved=_bytes_saved(found.rows, counts.parents, going),
        cells=cells_saved(found, places, counts.parents, weight + part if weight else 0),
    )


def _bytes_saved(rows: int, parents: int, going: Iterable[Profile]) -> int:
    """What the rows lose less what the parents and the link take."""
    width = sum(p.width * (1 - p.nulls) for p in going)
    return round(rows * (width - _LINK) - parents * (width + _LINK + _ROW))
