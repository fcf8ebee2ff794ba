"""SQL as it was found in a file, with the place of each character, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from membership_refactor.consumers import Look

OPEN = {Look.UNPARSED, Look.HOLE, Look.MACRO, Look.DYNAMIC, Look.FRAGMENT, Look.SKIPPED,
        Look.SCHEMA}  # fmt: skip
"""Notes of these kinds leave it open whether the consumer is clear, unless they say otherwise."""


HOLE, LISTED = "{hole}", "{listed}"
"""What stands for an expression of the program; for one that puts values between commas."""


class Edit(NamedTuple):
    """Put ``text`` in the place of what stands between ``start`` and ``end``."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Make every edit. They are in order and apart."""
    pieces: list[str] = []
    last = 0
    for start, end, new in edits:
        pieces += [text[last:start], new]
        last = end
    return "".join([*pieces, text[last:]])


@dataclass(frozen=True, slots=True)
class Placed:
    """Text and, for each of its characters and its end, the offset in the file."""

    text: str
    offsets: Sequence[int]

    @classmethod
    def at(cls, text: str, start: int = 0) -> Placed:
        """Place text that stands in the file as it is."""
        return cls(text, range(start, start + len(text) + 1))

    @classmethod
    def made(cls, text: str, offset: int) -> Placed:
        """Place text of our own: all of it stands at one offset."""
        return cls(text, [offset] * (len(text) + 1))

    def cut(self, start: int, end: int) -> Placed:
        """The part between two positions."""
        return Placed(self.text[start:end], self.offsets[start : end + 1])

    def place(self, position: int) -> int:
        """The offset in the file of a position in the text."""
        return self.offsets[min(position, len(self.text))]

    def span(self, part: tuple[int, int]) -> tuple[int, int]:
        """The offsets in the file of a part of the text."""
        return self.place(part[0]), self.place(part[1])

    def replaced(self, edits: Sequence[tuple[int, int, str]], *, made: int | None = None) -> Placed:
        """Make edits (start, end, text), sorted and apart. New text stands where the old began, or
        at the offset ``made``."""
        if not edits:
            return self
        offsets: list[int] = []
        last = 0
        for start, end, new in edits:
            offsets += self.offsets[last:start]
            offsets += [self.offsets[start] if made is None else made] * len(new)
            last = end
        offsets += self.offsets[last:]
        return Placed(applied(self.text, edits), offsets)


def joined(parts: Sequence[Placed]) -> Placed:
    """Put the parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    offsets: list[int] = []
    for part in parts:
        offsets.extend(part.offsets[: len(part.text)])
    offsets.append(parts[-1].place(len(parts[-1].text)) if parts else 0)
    return Placed("".join(part.text for part in parts), offsets)


def small(text: str) -> str:
    """The text in small letters, each at its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower()[:1] for c in text)


UNKNOWN_TABLE = "?"
"""The row table of a trigger function whose trigger is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One statement, or a part of one."""

    placed: Placed
    dialect: str
    body: bool = False
    """Whether it is part of the body of a routine."""
    row_table: str = ""
    """The table whose rows NEW and OLD are."""
    fragment: bool = False
    """A part of a statement: the rest is in another place."""
    assigns: bool = False
    """The first name is assigned to."""
    escape: str = ""
    """The quote around it in the program. New text has to escape it."""
    editable: bool = True
    row_types: frozenset[str] = frozenset()
    """Words, in lower case, that the routine around it uses as types of results and variables."""


@dataclass(slots=True)
class Harvest:
    """Pieces, and remarks with their offsets in the file."""

    pieces: list[Piece] = field(default_factory=list)
    remarks: list[tuple[int, Look, str]] = field(default_factory=list)
    passed: list[tuple[int, int]] = field(default_factory=list)
    """Where comments, and statements of other tables, stand in the file."""
    texts: list[tuple[int, int]] = field(default_factory=list)
    """Where the literals of a program stand."""
    broken: bool = False
    """Whether the grammar did not understand a part of the program."""

    def add(self, other: Harvest) -> None:
        """Add what another reader found in the same file."""
        self.pieces += other.pieces
        self.remarks += other.remarks
        self.passed += other.passed
        self.texts += other.texts
        self.broken |= other.broken
