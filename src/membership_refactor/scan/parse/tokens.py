"""Cut SQL text into words, strings, comments and template pieces. Any text can be cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from membership_refactor.scan.parse.piece import Placed

BLANK = r"(?:\s|--[^\n\r]*(?:[\n\r]|\Z)|/\*.*?\*/)*+"
"""Blanks and comments. The pattern is possessive: without that, it takes exponential time."""


def _like(dialect: str) -> str:
    """The dialect whose texts and comments it has: JPQL is like PostgreSQL."""
    return "mysql" if dialect == "mysql" else "postgres"


class Token(NamedTuple):
    """A piece of text. ``kind`` is the group of the pattern that matched."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def word(self) -> str:
        """The word in capitals; empty for anything else."""
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
_TEXTS = {
    "postgres": r"""
 |(?P<dollar>\$\$.*?(?:\$\$|\Z)|\$(?P<tag>[A-Za-z_]\w*)\$.*?(?:\$(?P=tag)\$|\Z))
 |(?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z))
 |(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
""",
    "mysql": r"""
 |(?P<string>'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
 |(?P<quoted>`(?:[^`]|``)*(?:`|\Z))
""",
}
_COMMENTS = {"postgres": "", "mysql": r"|\#(?!\{)[^\n]*"}


def _patterns(rest: str, flags: int = 0) -> dict[str, re.Pattern[str]]:
    """For each dialect comments, templates and texts, and then the rest."""
    return {
        dialect: re.compile(
            rf"(?P<comment>--[^\n\r]*|/\*.*?(?:\*/|\Z){comments})|{_TEMPLATES}{_TEXTS[dialect]}{rest}",
            re.VERBOSE | re.DOTALL | flags,
        )
        for dialect, comments in _COMMENTS.items()
    }


_TOKENS = _patterns(_REST)
_KINDS = {"tag": "dollar"}


@dataclass(frozen=True)
class SqlText:
    """A text of one dialect. It is cut into tokens once, when they are first asked for."""

    placed: Placed
    dialect: str

    @property
    def text(self) -> str:
        return self.placed.text

    @cached_property
    def every_token(self) -> list[Token]:
        """All tokens; blanks and comments too."""
        return list(self.iter_tokens())

    def iter_tokens(self) -> Iterator[Token]:
        """Yield all tokens; a large text is not kept."""
        for match in _TOKENS[_like(self.dialect)].finditer(self.text):
            kind = match.lastgroup or "punct"
            yield Token(_KINDS.get(kind, kind), match.start(), match.end(), match[0])

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens without blanks and comments."""
        return [token for token in self.every_token if token.kind not in ("space", "comment")]

    @property
    def body(self) -> tuple[int, int]:
        """From the first character that is no blank to the last one before a semicolon."""
        start = len(self.text) - len(self.text.lstrip())
        return start, len(self.text.rstrip().rstrip(";").rstrip())


_MARKS = r"""
 |(?P<inner>\bEND\s+(?:IF|LOOP|WHILE|REPEAT)\b)
 |(?P<closes>\bEND\b(?:\s+CASE\b)?)
 |(?P<opens>\b(?:BEGIN|CASE)\b)
 |(?P<end>;)
 |(?P<meta>\\)
"""
_MARKS_OF = _patterns(_MARKS, re.IGNORECASE)


def marks(text: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    """Yield what cuts a text into statements: far fewer pieces than all of its tokens."""
    for match in _MARKS_OF[_like(dialect)].finditer(text):
        kind = match.lastgroup or ""
        if kind in ("closes", "opens", "end", "meta"):
            yield kind, match.start(), match.end()


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
