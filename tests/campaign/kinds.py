"""Which kinds of writers may write at a revision, and while a step is under way."""

from __future__ import annotations

SOURCE, OLD, NEW = "source", "old-style", "new-style"
SPANS = {SOURCE: ("0002", "0004"), OLD: ("0004", "0008"), NEW: ("0008", "0011")}


def kinds_at(revision: str) -> tuple[str, ...]:
    """Those whose structure stands."""
    return tuple(k for k, (first, last) in SPANS.items() if first <= revision <= last)


def kinds_between(one: str, other: str) -> tuple[str, ...]:
    """Those who need not notice the step between the two."""
    return tuple(k for k in kinds_at(one) if k in kinds_at(other))


def neighbour(revision: str, direction: str) -> str:
    """The revision one step away."""
    return f"{int(revision) + (1 if direction == 'up' else -1):04d}"
