"""What a rehearsal found, as values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What was found."""

    STOPS = "the chain stops"
    DEAD_END = "no way out"
    CHECK = "a check fails"
    DIFFERS = "rows differ after the round trip"
    REFUSED = "refused"
    ALLOWED = "allowed"
    EFFECT = "other effect"
    CONTENT = "other content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that behaves differently from before the first step."""

    kind: Kind
    stages: tuple[str, ...]
    """Where it was seen, such as ``0004 up``, in the order of the way."""
    what: str
    """The message of the chain, or the outcome of the statement."""
    before: str = ""
    """The outcome of the statement before the first step."""
    sqlstate: str = ""
    table: str = ""
    roles: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    count: int = 1
    """How many attempts it stands for."""
    expected: str = ""
    """Why the documentation says that it happens; empty for a surprise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One move of the chain, or the probes of one role on one table; a test case of JUnit."""

    stage: str
    name: str
    seconds: float
    probes: int = 0


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """Everything that a report says."""

    plan: str
    schema: str
    database: str
    scratch: str
    pg_dump: str
    rows: int = 0
    sampled: dict[str, int] = field(default_factory=dict)
    """By table: how many of its rows were taken."""
    hard: dict[str, int] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    tried: int = 0
    seconds: float = 0.0
    left_out: tuple[str, ...] = ()
    disarmed: tuple[str, ...] = ()
    not_tried: tuple[str, ...] = ()
    """What could not be tried, and why."""
    legs: list[Leg] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def surprises(self) -> list[Finding]:
        return [f for f in self.findings if not f.expected]

    @property
    def documented(self) -> list[Finding]:
        return [f for f in self.findings if f.expected]

    @property
    def fine(self) -> bool:
        return not self.surprises


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for all stages, roles and statements at which the same was seen.

    The documented ones are merged by their reason.
    """
    groups: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for f in findings:
        seen = (f.kind, f.before, f.what, f.table, f.sqlstate)
        groups[(f.expected,) if f.expected else seen].append(f)
    return [
        Finding(
            kind=same[0].kind,
            stages=_all(f.stages for f in same),
            what=same[0].what,
            before=same[0].before,
            sqlstate=same[0].sqlstate,
            table=same[0].table,
            roles=_all(f.roles for f in same),
            statements=_all(f.statements for f in same),
            count=sum(f.count for f in same),
            expected=same[0].expected,
        )
        for same in groups.values()
    ]


def _all(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for few in several for one in few))


CANNOT_SHOW = (
    "two sessions at once: deadlocks, 40001, how long locks are waited for",
    "rows that were not sampled: a conflict, a long key, a value that no other row has",
    "times: a clone is small, and nobody else works on it",
    "statements prepared by sessions that stay open over a step (0A000)",
    "settings that an application sets itself, such as a tenant of row security",
    "readers: views, reports, replicas, subscribers and consumers of the WAL",
    "roles without a login, and logins of superusers that do not own the table",
    "what happens between two steps in weeks of production",
)
"""What no sample can show; every report says it."""
