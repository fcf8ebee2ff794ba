"""Lexing: SQL text cut into words, strings, comments and template pieces, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of text; ``kind`` is the group of the pattern that matched."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


_TEMPLATES = r"""
  (?P<jinja>\{%.*?%\}|\{\#.*?\#\}|\{\{.*?\}\})
 |(?P<hole>\$\{[^}\n]*\}|\#\{[^}\n]*\}|\{[A-Za-z_][\w.]*(?:![rsa])?(?::[^}\n]*)?\}|\{\d*\}
    |<<[A-Za-z_]\w*>>)
"""
_REST = r"""
 |(?P<param>(?<![:\w]):[A-Za-z_]\w*|\?\d*|\$\d+|%[sd]\b|%\(\w+\)s|@@?[A-Za-z_][\w.$]*)
 |(?P<word>[^\W\d][\w$]*)
 |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)
 |(?P<space>\s+)
 |(?P<punct>::|:=|<=>|<=|>=|<>|!=|\|\||->>|->|=>|.)
"""
_POSTGRES = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|"
    + _TEMPLATES
    + r"""
 |(?P<dollar>\$\$.*?(?:\$\$|\Z)|\$(?P<tag>[A-Za-z_]\w*)\$.*?(?:\$(?P=tag)\$|\Z))
 |(?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z))
 |(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
"""
    + _REST,
    re.VERBOSE | re.DOTALL,
)
_MYSQL = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z)|\#(?!\{)[^\n]*)|"
    + _TEMPLATES
    + r"""
 |(?P<string>'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
 |(?P<quoted>`(?:[^`]|``)*(?:`|\Z))
"""
    + _REST,
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str, dialect: str) -> Iterator[Token]:
    """Every piece of the text, blanks and comments too."""
    pattern = _MYSQL if dialect == "mysql" else _POSTGRES
    for match in pattern.finditer(text):
        kind = match.lastgroup or "punct"
        if kind == "tag":
            kind = "dollar"
        yield Token(kind, match.start(), match.end(), match[0])


_MARKS = r"""
 |(?P<inner>\bEND\s+(?:IF|LOOP|WHILE|REPEAT)\b)
 |(?P<closes>\bEND\b(?:\s+CASE\b)?)
 |(?P<opens>\b(?:BEGIN|CASE)\b)
 |(?P<end>;)
 |(?P<meta>\\)
"""
_MARKS_OF = {
    dialect: re.compile(
        pattern.pattern.removesuffix(_REST) + _MARKS, re.VERBOSE | re.DOTALL | re.IGNORECASE
    )
    for dialect, pattern in (("postgres", _POSTGRES), ("mysql", _MYSQL))
}


def marks(text: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    """Only what cuts a text into statements: far fewer than all of its tokens."""
    for match in _MARKS_OF["mysql" if dialect == "mysql" else "postgres"].finditer(text):
        kind = match.lastgroup or ""
        if kind in ("closes", "opens", "end", "meta"):
            yield kind, match.start(), match.end()


def significant(text: str, dialect: str) -> list[Token]:
    """Without blanks and comments."""
    return [token for token in tokens(text, dialect) if token.kind not in ("space", "comment")]


def closing(found: list[Token], opening: int) -> int:
    """The index of the bracket that closes the one at ``opening``, or of the last token."""
    depth = 0
    for index in range(opening, len(found)):
        if found[index].text == "(":
            depth += 1
        elif found[index].text == ")":
            depth -= 1
            if depth == 0:
                return index
    return len(found) - 1


def arguments(found: list[Token], opening: int, close: int) -> list[tuple[int, int]]:
    """The argument ranges (token indexes, end exclusive) between two brackets."""
    parts: list[tuple[int, int]] = []
    depth, start = 0, opening + 1
    for index in range(opening + 1, close):
        if found[index].text in "([":
            depth += 1
        elif found[index].text in ")]":
            depth -= 1
        elif found[index].text == "," and depth == 0:
            parts.append((start, index))
            start = index + 1
    if start < close:
        parts.append((start, close))
    return parts
