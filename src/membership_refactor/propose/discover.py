"""Finds the keys by which a wide table could be split: samples first, exact counts for the best."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from membership_refactor.propose.anchors import Anchor, choose_anchors
from membership_refactor.propose.candidates import Candidate, Discovery
from membership_refactor.propose.columns import Profiles, awkward, may_identify
from membership_refactor.propose.count import count_key, examined
from membership_refactor.propose.evidence import Evidence, held
from membership_refactor.propose.measure import WHOLE, Measure, OutOfTime
from membership_refactor.propose.search import (
    Found,
    is_alike,
    likeliest,
    other_spellings,
    say_the_same,
    search,
    worth_counting,
)
from membership_refactor.sql.quoting import qualified

SHOWN = 3
"""Candidates that are shown."""
_MOST_COUNTS = 6
_SPELLINGS = 4
"""Other keys of the same groups that are named."""
_ANCHORS_AT_LEAST = 4
_ANCHORS_AT_MOST = 7
_SEARCH_FURTHER, _SEARCH_END = 0.35, 0.55
"""The parts of the time after which no further anchor is begun, and after which one is left."""
_FEWEST_ROWS = 200
"""A smaller sample of an anchor says nothing."""
_TIMES = 10
"""How much larger the second sample is."""


def discover(measure: Measure) -> Discovery:
    """Search for keys, and count the best exactly. It ends in the time of the measure's clock, with
    what was found until then."""
    found: Profiles | None = None
    looking: _Search | None = None
    shown: list[Candidate] = []
    done = False
    with suppress(OutOfTime):
        found = measure.profiles()
        looking = _Search(measure, found)
        looking.sample()
        best = looking.best()
        looking.finalists = best
        for candidate in _counted(measure, found, looking, best):
            shown.append(candidate)
        done = looking.complete
    with suppress(OutOfTime):
        shown = [examined(measure, c) if c is shown[0] else c for c in shown]
    first = looking.finalists[0].verdict.key if looking and looking.finalists else ()
    return Discovery(
        table=qualified(measure.table.schema, measure.table.name),
        rows=found.rows if found else 0,
        candidates=tuple(shown),
        constant=found.constant if found else (),
        asked=looking.asked if looking else 0,
        seconds=measure.clock.gone,
        out_of_time=not done,
        uncounted=found.names(first) if found and first and not shown and not done else (),
    )


class _Search:
    """The keys of one table, judged on samples."""

    def __init__(self, measure: Measure, found: Profiles) -> None:
        self.measure, self.found = measure, found
        self.tried: dict[tuple[int, ...], Found] = {}
        self.finalists: list[Found] = []
        self.asked = 0
        self.complete = True

    def sample(self) -> None:
        """Read the samples, and search from each anchor."""
        if self.found.rows <= WHOLE:
            self._search_whole()
        else:
            self._search_samples()

    def best(self) -> list[Found]:
        """The keys that are worth an exact count, best first."""
        best = self._with_likeliest(worth_counting(self.tried))
        if self.found.rows <= WHOLE or not best:
            return sorted(best, key=lambda one: -one.verdict.cells)
        # A key that holds by accident, but for a few groups in ten thousand, shows in more rows.
        anchors = list(dict.fromkeys(one.anchor for one in best))
        larger = self.measure.samples(self.found, anchors, times=_TIMES)
        again = [replace(o, verdict=held(self.found, o.verdict, larger[o.anchor])) for o in best]
        holding = [one for one in again if one.verdict.splits]
        # Where every key has some disagreements, those are what there is to choose from.
        return sorted(holding or best, key=lambda one: -one.verdict.cells)

    def _with_likeliest(self, best: Sequence[Found]) -> list[Found]:
        """The same keys, and of each the other spellings that somebody would rather choose."""
        tried = list(self.tried.values())
        pool = {one.verdict.key: one for one in best}
        for one in best:
            same = [o for o in other_spellings(one, tried) if o.verdict.splits]
            same.sort(key=lambda o: awkward(self.found, o.verdict.key))
            pool |= {o.verdict.key: o for o in same[:_SPELLINGS]}
        return list(pool.values())

    def _search_whole(self) -> None:
        evidence = Evidence(self.found, self.measure.all_rows(self.found))
        if evidence.size < 2:
            return
        starts = [p for p in evidence.tested if may_identify(self.found.compared[p])]
        starts.sort(key=lambda p: -evidence.verdict((p,)).told)
        for place in starts[:_ANCHORS_AT_MOST]:
            self._search(evidence, Anchor((place,), self.found.compared[place].distinct))
        self.asked = evidence.asked

    def _search_samples(self) -> None:
        anchors = choose_anchors(self.found)
        if not anchors:
            return
        rows = self.measure.samples(self.found, anchors)
        evidence = {
            a: Evidence(self.found, rows[a]) for a in anchors if len(rows[a]) >= _FEWEST_ROWS
        }
        usable = list(evidence)
        skip = say_the_same(self.found, usable, evidence)
        # What explains most already, not what has the most values.
        usable.sort(key=lambda a: -evidence[a].verdict(a.places).told)
        usable = [a for a in usable if not skip & set(a.places)]
        for number, anchor in enumerate(usable[:_ANCHORS_AT_MOST]):
            if number >= _ANCHORS_AT_LEAST and self.measure.clock.past(_SEARCH_FURTHER):
                break
            self._search(evidence[anchor], anchor, skip)
        self.asked = sum(e.asked for e in evidence.values())

    def _search(
        self, evidence: Evidence, anchor: Anchor, skip: frozenset[int] = frozenset()
    ) -> None:
        found = search(self.found, evidence, [anchor.places], skip=skip, late=self._late)
        for key, verdict in found.items():
            self.tried.setdefault(key, Found(verdict, anchor))

    def _late(self) -> bool:
        late = self.measure.clock.past(_SEARCH_END)
        self.complete = self.complete and not late
        return late


def _counted(
    measure: Measure, found: Profiles, looking: _Search, best: Sequence[Found]
) -> Iterator[Candidate]:
    """The best keys with exact counts, best first. A count lowers what a sample promised, so a key
    is taken only once it is counted and still the best."""
    heap: list[tuple[float, int, Found, Candidate | None]] = [
        (-one.verdict.cells, number, one, None) for number, one in enumerate(best)
    ]
    heapq.heapify(heap)
    taken: list[Found] = []
    tried = list(looking.tried.values())
    counted: set[tuple[int, ...]] = set()
    while heap and len(taken) < SHOWN:
        _, number, one, candidate = heapq.heappop(heap)
        if any(is_alike(one.verdict, other.verdict) for other in taken):
            continue
        if candidate is not None:
            taken.append(one)
            yield candidate
            continue
        if one.verdict.key in counted or len(counted) >= _MOST_COUNTS:
            continue
        uncounted = (o for o in other_spellings(one, best) if o.verdict.key not in counted)
        chosen = likeliest(found, one, uncounted)
        counted.add(chosen.verdict.key)
        others = dict.fromkeys(o.verdict.key for o in (one, *other_spellings(one, tried)))
        others.pop(chosen.verdict.key, None)
        candidate = count_key(
            measure,
            found,
            found.names(chosen.verdict.key),
            verdict=chosen.verdict,
            same=tuple(found.names(key) for key in [*others][:_SPELLINGS]),
        )
        splits = candidate.splits and 1 < candidate.parents < found.rows
        keeps = splits and not {*candidate.differ} & {*found.names(one.verdict.covers)}
        if chosen is not one and not keeps:
            heapq.heappush(heap, (-one.verdict.cells, number, one, None))
        if splits:
            # Another spelling of the same groups saves the same.
            saves = one.verdict.cells if keeps and chosen is not one else candidate.cells
            heapq.heappush(heap, (-saves, number, chosen, candidate))
