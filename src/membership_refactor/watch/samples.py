"""Samples as plain values: what a source shows of one server at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often one role has run one statement, since the server counts."""

    role: str
    text: str
    calls: int
    toplevel: bool = True
    """False for a statement that a function ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One source of one server at one moment. Times are the clock's of the primary."""

    source: str
    server: str
    """``primary``, or host and port of a standby."""
    at: datetime
    every: float | None = None
    """Seconds until the next sample is meant to be taken; None if nobody has said."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """What has to be the same at two samples if nothing was lost in between."""
    holes: tuple[str, ...] = ()
    """Why this source sees too little at this moment."""
    counts: Mapping[str, Count] = field(default_factory=dict)
    """The statements that may use the old structure, by the server's own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the ledger keeps of the sample before."""

    at: datetime
    every: float | None
    marks: Mapping[str, str]
    holes: tuple[str, ...]
    calls: Mapping[str, int]
    births: Mapping[str, tuple[str, ...]]
    """For each statement the structures under which it may have been run first."""
    targets: tuple[str, ...]
    """The structures that were watched."""
    files: tuple[tuple[Any, ...], ...] = ()
    """How far each log file was read."""
    ways: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What led to the structures."""

    @classmethod
    def from_state(cls, at: datetime, state: Mapping[str, Any]) -> Earlier:
        """Read what ``state_of`` has written."""
        counts = state["counts"]
        return cls(
            at=at,
            every=state["every"],
            marks=state["marks"],
            holes=tuple(state["holes"]),
            calls={key: calls for key, (calls, _) in counts.items()},
            births={key: tuple(births) for key, (_, births) in counts.items()},
            targets=tuple(state["targets"]),
            files=tuple(map(tuple, state.get("files", ()))),
            ways=state.get("ways", {}),
        )


def state_of(
    sample: Sample, births: Mapping[str, tuple[str, ...]], targets: tuple[str, ...]
) -> dict[str, Any]:
    """What the ledger keeps of a sample, for JSON."""
    return {
        "every": sample.every,
        "marks": dict(sample.marks),
        "holes": list(sample.holes),
        "counts": {key: [c.calls, list(births[key])] for key, c in sample.counts.items()},
        "targets": list(targets),
    }
