"""Whether the time between two samples was covered, as pure functions of the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from membership_refactor.counts import counted, times
from membership_refactor.inspect.sizes import minute
from membership_refactor.watch import scan_counters
from membership_refactor.watch.samples import Earlier, Sample

LONGEST = timedelta(hours=25)
"""The longest time between two samples where nobody has said how often they are taken: a job that
runs once a day is sometimes late."""
SHORTEST = timedelta(minutes=15)
"""A sample that is late by less than this is no hole, however often samples are taken."""

Changed = Callable[[str, str], str]


def _says(text: str) -> Changed:
    return lambda old, new: text.format(old=old, new=new)


RESET = "statistics reset"
CHANGES: Mapping[str, Changed] = {
    "system identifier": _says("this is another cluster: its system identifier was {old}"),
    "database": _says("the database was dropped and made again: its OID was {old}"),
    "timeline": _says("a failover or a restore: the timeline went from {old} to {new}"),
    "in recovery": _says("a failover: whether the server is a standby was {old} and is {new}"),
    RESET: _says("the statistics were reset or lost in a crash at {new}"),
    "entries reset": _says("single statements were reset by pg_stat_statements_reset()"),
    "tracking set": _says("a superuser set pg_stat_statements.track or the like in a session"),
    "downgrades": _says("a step went down, so others may use the old structure again"),
}
"""What a changed mark means. A mark that is not here is a setting."""
TRACES = frozenset({"entries reset", "tracking set"})
"""Marks that are numbers of calls, which a reset sets to 0."""
SILENT = frozenset({"evictions", "stage", "started", "wal position", *scan_counters.MARKS})
"""Marks whose change alone is no hole."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A statement that was run between two samples."""

    key: str
    calls: int
    dated: bool
    """False where it was counted before the first sample, nobody knows when."""


def holes_between(before: Earlier, after: Sample) -> tuple[str, ...]:
    """Why a use between two samples of one source could have been missed; nothing if it could
    not."""
    found = [*before.holes, *after.holes, *_of_time(before, after), *_of_marks(before, after)]
    if not _lost(before, after):
        found += _of_counts(before, after)
    return tuple(dict.fromkeys(found))


def _lost(before: Earlier, after: Sample) -> bool:
    """Whether all statistics began anew, so that no number can be compared."""
    return before.marks.get(RESET) != after.marks.get(RESET)


OF_SERVER = ("system identifier", "database", "timeline", "in recovery")


def last_of_same_server(earlier: Mapping[str, Earlier], sample: Sample) -> Earlier | None:
    """The sample before of the server that counted these statistics, under whatever name: after a
    failover that is the one of the standby. None if that server was not sampled before. What it
    has counted is then of an unknown date."""
    before = earlier.get(sample.server)
    for one in filter(None, (before, *earlier.values())):
        if all(one.marks.get(m) == sample.marks.get(m) for m in ("system identifier", "started")):
            return one
    moved = before is not None and any(
        before.marks.get(mark) != sample.marks.get(mark) for mark in OF_SERVER
    )
    return None if moved else before


def _of_time(before: Earlier, after: Sample) -> Iterator[str]:
    gap = after.at - before.at
    if gap <= timedelta(0):
        yield f"the clock went back, from {minute(before.at)} to {minute(after.at)}"
    longest = LONGEST
    if before.every is not None:
        longest = max(timedelta(seconds=3 * before.every), SHORTEST)
    if gap > longest:
        yield f"no sample was taken from {minute(before.at)} to {minute(after.at)}"


def _of_marks(before: Earlier, after: Sample) -> Iterator[str]:
    numbers = TRACES if _lost(before, after) else frozenset()
    for name in sorted({*before.marks, *after.marks} - SILENT - numbers):
        old, new = before.marks.get(name, "unknown"), after.marks.get(name, "unknown")
        if old != new:
            says = CHANGES.get(name) or _says(f"{name} was changed from {{old}} to {{new}}")
            yield says(old, new)
    gone = _number(after, "evictions") - int(before.marks.get("evictions", 0))
    if gone > 0:
        yield f"rarely used statements were evicted {times(gone)}: raise pg_stat_statements.max"
    if _position(after.marks) < _position(before.marks):
        yield "the WAL position went back: an older copy of the server was restored"
    restarted = before.marks.get("started") != after.marks.get("started")
    if restarted and "off" in (before.marks.get(SAVE), after.marks.get(SAVE)):
        yield f"the server was restarted with {SAVE} = off"


SAVE = "pg_stat_statements.save"


def _number(sample: Sample, mark: str) -> int:
    return int(sample.marks.get(mark, 0))


def _position(marks: Mapping[str, str]) -> int:
    """A WAL position as a number; 0 where it is not known."""
    high, _, low = marks.get("wal position", "0/0").partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _of_counts(before: Earlier, after: Sample) -> Iterator[str]:
    gone = before.calls.keys() - after.counts.keys()
    if gone:
        yield f"{_statements(len(gone))} disappeared from the statistics"
    fell = [k for k, calls in before.calls.items() if k in after.counts and
            after.counts[k].calls < calls]  # fmt: skip
    if fell:
        yield f"{_statements(len(fell))} counted fewer calls than before: single entries were reset"


def _statements(count: int) -> str:
    return counted(count, "watched statement")


def rises(before: Earlier | None, after: Sample) -> Iterator[Rise]:
    """The statements that were run since the sample before, or ever if there is none."""
    calls = before.calls if before is not None and not _lost(before, after) else {}
    for key, count in after.counts.items():
        known = calls.get(key, 0)
        run = count.calls - known if count.calls >= known else count.calls
        if run > 0:
            yield Rise(key, run, before is not None)


@dataclass(frozen=True, slots=True)
class Interval:
    """A row of the ledger's evidence."""

    began: datetime
    ended: datetime
    uses: int
    covered: bool


def silent_since(intervals: Iterable[Interval]) -> datetime | None:
    """Since when everything has been covered without a use; None where the last sample shows a
    hole or a use, or where there is none."""
    every = sorted(intervals, key=lambda i: (i.ended, i.began))
    if not every:
        return None
    last_use = max((i.ended for i in every if i.uses), default=None)
    began: datetime | None = None
    reach = every[-1].ended
    for interval in sorted((i for i in every if i.covered), key=lambda i: i.ended, reverse=True):
        if interval.ended < reach:
            break
        began = interval.began if began is None else min(began, interval.began)
        reach = min(reach, interval.began)
    if began is None:
        return None
    return max(began, last_use) if last_use is not None else began


def opens_at(
    intervals: Sequence[Interval], days: int, *, not_before: datetime | None = None
) -> datetime | None:
    """When a gate opens if nobody uses the structure any more; None while nothing is covered."""
    since = silent_since(intervals)
    if since is None:
        return None
    since = max(since, not_before) if not_before is not None else since
    return since + timedelta(days=days)
