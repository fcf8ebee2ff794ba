"""Text cut out of a file that knows where each of its characters stands in the file."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass


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

    def replaced(self, edits: Sequence[tuple[int, int, str]]) -> Placed:
        """Make edits (start, end, text), sorted and apart. New text stands where the old began."""
        pieces: list[str] = []
        offsets: list[int] = []
        last = 0
        for start, end, new in edits:
            pieces += [self.text[last:start], new]
            offsets.extend(self.offsets[last:start])
            offsets.extend([self.offsets[start]] * len(new))
            last = end
        pieces.append(self.text[last:])
        offsets.extend(self.offsets[last:])
        return Placed("".join(pieces), offsets)


def joined(parts: Sequence[Placed]) -> Placed:
    """Put the parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    offsets: list[int] = []
    for part in parts:
        offsets.extend(part.offsets[: len(part.text)])
    offsets.append(parts[-1].place(len(parts[-1].text)) if parts else 0)
    return Placed("".join(part.text for part in parts), offsets)


class Lines:
    """Finds line and column of an offset, both counted from one."""

    def __init__(self, text: str) -> None:
        # str.splitlines also splits at form feeds and the like, where editors do not.
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
