"""Places: text cut out of a file, and where each of its characters stands there."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """Text and, for each of its characters and its end, the offset in the file."""

    text: str
    offsets: Sequence[int]

    @classmethod
    def at(cls, text: str, start: int = 0) -> Placed:
        return cls(text, range(start, start + len(text) + 1))

    def cut(self, start: int, end: int) -> Placed:
        return Placed(self.text[start:end], self.offsets[start : end + 1])

    def place(self, position: int) -> int:
        return self.offsets[min(position, len(self.text))]

    def replaced(self, edits: Sequence[tuple[int, int, str]]) -> Placed:
        """With edits (start, end, text), sorted and apart; new text stands where the old began."""
        pieces: list[str] = []
        offsets: list[int] = []
        last = 0
        for start, end, new in edits:
            pieces.append(self.text[last:start])
            offsets.extend(self.offsets[last:start])
            pieces.append(new)
            offsets.extend([self.offsets[start]] * len(new))
            last = end
        pieces.append(self.text[last:])
        offsets.extend(self.offsets[last:])
        return Placed("".join(pieces), offsets)


def joined(parts: Sequence[Placed]) -> Placed:
    """The parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    offsets: list[int] = []
    for part in parts:
        offsets.extend(part.offsets[: len(part.text)])
    offsets.append(parts[-1].offsets[len(parts[-1].text)] if parts else 0)
    return Placed("".join(part.text for part in parts), offsets)


class Lines:
    """Line and column of an offset, both counted from one."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        starts = [0]
        position = text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = text.find("\n", position + 1)
        self._starts = starts

    def of(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
