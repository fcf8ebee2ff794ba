"""Read the text of a string literal, each character with its place in the file."""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.scan.parse.placed_text import Placed

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "s": " ", "a": "\a", "v": "\v",
            "0": "\0"}  # fmt: skip
_LENGTHS = {"x": 2, "u": 4, "U": 8}


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
    if "\\" not in text[start:end] and not fields:
        return Placed.at(text[start:end], start)
    characters: list[str] = []
    offsets: list[int] = []

    def add(new: str, at: int) -> None:
        characters.append(new)
        offsets.extend([at] * len(new))

    at = start
    while at < end:
        char = text[at]
        if char == "\\" and not raw and at + 1 < end:
            new, length = _escape(text, at, end)
            add(new, at)
            at += length
        elif fields and char in "{}" and text.startswith(char * 2, at):
            add(char, at)
            at += 2
        elif fields and char == "{":
            close = _field_end(text, at, end)
            value = constants(text[at + 1 : close - 1])
            add("{hole}" if value is None else value, at)
            at = close
        else:
            add(char, at)
            at += 1
    offsets.append(end)
    return Placed("".join(characters), offsets)


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


def _escape(text: str, at: int, end: int) -> tuple[str, int]:
    kind = text[at + 1]
    if kind == "\n":
        return "", 2
    length = _LENGTHS.get(kind)
    if length is not None and at + 2 + length <= end:
        try:
            return chr(int(text[at + 2 : at + 2 + length], 16)), 2 + length
        except ValueError:
            return kind, 2
    return _ESCAPES.get(kind, kind), 2


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
