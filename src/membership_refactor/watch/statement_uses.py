"""The uses that the statistics of statements show, between two samples of a server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from membership_refactor.planning import Stage
from membership_refactor.watch.attribution import Use
from membership_refactor.watch.ledger_rows import Seen
from membership_refactor.watch.old_shape_view import WHY
from membership_refactor.watch.place import Place
from membership_refactor.watch.samples import Count, Earlier, Sample
from membership_refactor.watch.statement_kinds import (
    Kind,
    copied_out,
    is_dump_lock,
    kind_of,
    masked,
    plain,
)
from membership_refactor.watch.windows import rises


def births_of(before: Earlier | None, sample: Sample, place: Place) -> dict[str, tuple[str, ...]]:
    """Under which structures each statement may have been run first.

    Before version 18 the statistics tell tables apart by their OIDs and show the text of the first
    run. So the text of a statement that reads the retired table may still have the name under
    which it was read first, which means another table now.
    """
    now = place.stage.value
    last = before.marks.get("stage", now) if before is not None else now
    if place.by_name:
        return dict.fromkeys(sample.counts, tuple(dict.fromkeys((last, now))))
    unknown = tuple(dict.fromkeys((Stage.COPY.value, now)))
    new = tuple(dict.fromkeys((last, now))) if before is not None else unknown
    known = before.births if before is not None else {}
    return {key: known.get(key, new) for key in sample.counts}


def uses_between(
    before: Earlier | None,
    sample: Sample,
    births: Mapping[str, tuple[str, ...]],
    place: Place,
) -> Iterator[Seen]:
    """Every use since the sample before, or ever if there is none."""
    locks = _dump_locks(sample.counts.values())
    own = place.own.with_made(sample.counts.values())
    for rise in rises(before, sample):
        count = sample.counts[rise.key]
        notes = place.old_shape
        if notes is not None and notes.has(count):
            use, text = Use(notes.target, (), WHY), notes.shown
            yield seen_use(
                sample, use, role=count.role, text=text, uses=rise.calls, dated=rise.dated
            )
            continue
        dumps = place.is_whole(copied_out(count.text)) and count.calls <= locks[count.role]
        kind = kind_of(count.text, count.role, own, toplevel=count.toplevel, dumps=dumps)
        if kind is Kind.UPKEEP:
            found = place.uses_by_what_is_gone(count.text)
        elif kind is Kind.USE:
            found = place.uses(count.text, births[rise.key])
        else:
            continue
        for use in found:
            yield seen_use(
                sample, use, role=count.role, text=count.text, uses=rise.calls, dated=rise.dated
            )


def _dump_locks(counts: Iterable[Count]) -> Counter[str]:
    """How often each role has locked tables as pg_dump does."""
    found: Counter[str] = Counter()
    for count in counts:
        if is_dump_lock(count.text):
            found[count.role] += count.calls
    return found


def seen_use(
    sample: Sample,
    use: Use,
    *,
    role: str,
    text: str,
    uses: int,
    dated: bool = True,
    application: str = "",
) -> Seen:
    """The use as the ledger keeps it, with the literals of its statement masked."""
    who = [sample.source, sample.server, role, application]
    identity = json.dumps([*who, plain(text), use.why])
    return Seen(
        target=use.target,
        digest=sha256(identity.encode()).hexdigest(),
        source=sample.source,
        server=sample.server,
        role=role,
        application=application,
        statement=masked(text),
        columns=use.columns,
        why=use.why,
        uses=uses,
        at=sample.at,
        dated=dated,
    )
