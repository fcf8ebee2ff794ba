"""Replace parts of a text at given positions. The rest stays byte for byte."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from membership_refactor.scan.parse.placed_text import Placed


class Edit(NamedTuple):
    """Put ``text`` in the place of what stands between ``start`` and ``end``."""

    start: int
    end: int
    text: str


class Overlap(Exception):
    """Raised where two edits change the same characters."""


def ordered(edits: Sequence[Edit]) -> list[Edit]:
    """Sort the edits; the same edit twice counts once. Raises Overlap."""
    result = sorted(dict.fromkeys(edits), key=lambda e: (e.start, e.end))
    for one, other in itertools.pairwise(result):
        if other.start < one.end or (one.start == other.start and one.end == other.end):
            raise Overlap
    return result


def applied(text: str, edits: Sequence[Edit]) -> str:
    """Make every edit."""
    pieces: list[str] = []
    last = 0
    for edit in edits:
        pieces += [text[last : edit.start], edit.text]
        last = edit.end
    return "".join([*pieces, text[last:]])


class Shift:
    """Finds where a position of the old text stands in the new one."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._starts = [edit.start for edit in edits]
        self._moves = [0]
        self.added: list[tuple[int, int]] = []
        """Where the texts of the edits stand in the new text."""
        for edit in edits:
            start = edit.start + self._moves[-1]
            self.added.append((start, start + len(edit.text)))
            self._moves.append(self._moves[-1] + len(edit.text) - (edit.end - edit.start))

    def last_of(self, end: int) -> int:
        """The new position of a word's end. An edit may have put a qualifier before the word."""
        return end + self._moves[bisect.bisect_left(self._starts, end)]


def in_file(
    edits: Sequence[Edit], placed: Placed, file_text: str, *, escape: str = ""
) -> tuple[Edit, ...] | None:
    """The edits at the file's offsets. None where the file does not hold the same text there."""
    result = []
    for edit in edits:
        start = placed.place(edit.start)
        end = placed.place(edit.end - 1) + 1 if edit.end > edit.start else start
        if file_text[start:end] != placed.text[edit.start : edit.end]:
            return None
        new = edit.text
        if escape and escape in new:
            new = new.replace(escape, "\\" + escape)
        result.append(Edit(start, end, new))
    return tuple(result)
