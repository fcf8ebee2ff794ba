"""What another choice of key columns would do, as values and text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import aligned


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Groups that may be separate only because of NULLs, case or blanks."""

    differ_in: str
    groups: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """One choice of key."""

    name: str
    """``plan``, ``+ column`` or ``- column``."""
    columns: tuple[str, ...]
    groups: int
    gaps: int
    """Groups with a NULL in the key."""
    split: int
    """Groups of the plan's key that this key splits."""
    merged: int
    """Groups that contain several groups of the plan's key."""
    near: tuple[Near, ...]
    disagreeing: tuple[tuple[str, int], ...]
    """Each column outside the key, and the groups within which it is not constant."""


def as_text(choices: tuple[KeyChoice, ...], table: str, rows: int) -> str:
    """A table of the choices, then the details of each."""
    return "\n".join(_lines(choices, table, rows))


def as_values(choices: tuple[KeyChoice, ...]) -> list[dict[str, Any]]:
    """The values for JSON."""
    made = [asdict(choice) for choice in choices]
    for values, choice in zip(made, choices, strict=True):
        values["disagreeing"] = dict(choice.disagreeing)
    return made


def _lines(choices: tuple[KeyChoice, ...], table: str, rows: int) -> Iterator[str]:
    yield f"{table}: {counted(rows, 'row')}; the plan's key is ({', '.join(choices[0].columns)})"
    yield ""
    head = ("key", "groups", "with NULL", "plan's groups split", "merged", "near keys")
    body = [
        (
            c.name,
            f"{c.groups:,}",
            f"{c.gaps:,}",
            f"{c.split:,}",
            f"{c.merged:,}",
            f"{sum(n.groups for n in c.near):,}",
        )
        for c in choices
    ]
    yield from aligned([head, *body], right=(1, 2, 3, 4, 5))
    for choice in choices:
        yield ""
        yield f"{choice.name}:"
        constant = [name for name, groups in choice.disagreeing if not groups]
        yield f"  constant within every group: {', '.join(constant) or 'no other column'}"
        for name, groups in choice.disagreeing:
            if groups:
                yield f"  {name}: differs within {counted(groups, 'group')}"
        for near in choice.near:
            if near.groups:
                yield f"  keys that differ only in {near.differ_in}: {near.groups:,}"
                yield from (f"    {example}" for example in near.examples)
