"""Read the text of a string literal, each character with its place in the file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from membership_refactor.scan.parse.placed_text import Placed

_ESCAPE = r"\\(?:\r?\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
_FIELD = r"\{\{|\}\}|\{"
_NOTHING = r"(?!)"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "s": " ", "a": "\a", "v": "\v",
            "0": "\0", "\n": "", "\r": ""}  # fmt: skip


def decoded(
    text: str,
    start: int,
    end: int,
    *,
    raw: bool = False,
    fields: bool = False,
    constants: Callable[[str], str | None] = lambda name: None,
) -> Placed:
    """Resolve escapes. Fields of an f-string are filled where they name a constant."""
    pattern = f"{_NOTHING if raw else _ESCAPE}|{_FIELD if fields else _NOTHING}"
    special = re.compile(pattern, re.S)
    edits: list[tuple[int, int, str]] = []
    at = start
    while match := special.search(text, at, end):
        at = match.end()
        if match[0] == "{":
            at = _field_end(text, match.start(), end)
            value = constants(text[match.end() : at - 1])
            new = "{hole}" if value is None else value
        elif match[0] in ("{{", "}}"):
            new = match[0][0]
        elif len(match[0]) > 3:
            new = chr(min(int(match[0][2:], 16), sys.maxunicode))
        else:
            new = _ESCAPES.get(match[0][1], match[0][1])
        edits.append((match.start() - start, at - start, new))
    return Placed.at(text[start:end], start).replaced(edits)


def without_indentation(text: str, start: int, end: int) -> Placed:
    """Read a Java text block, without common indentation and blanks at line ends."""
    body = text.find("\n", start, end) + 1 or start
    lines: list[tuple[int, int]] = []
    at = body
    while at <= end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        lines.append((at, stop))
        at = stop + 1
    indents = [
        len(line) - len(line.lstrip())
        for index, (a, b) in enumerate(lines)
        if (line := text[a:b]).strip() or index == len(lines) - 1
    ]
    indent = min(indents, default=0)
    parts: list[str] = []
    offsets: list[int] = []
    for index, (a, b) in enumerate(lines):
        if text[a:b].strip():
            piece = decoded(text, a + indent, b)
            parts.append(piece.text.rstrip(" "))
            offsets.extend(piece.offsets[: len(parts[-1])])
        if index < len(lines) - 1:
            parts.append("\n")
            offsets.append(b)
    offsets.append(end)
    return Placed("".join(parts), offsets)


def _field_end(text: str, at: int, end: int) -> int:
    depth = 0
    for index in range(at, end):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index + 1
    return end
