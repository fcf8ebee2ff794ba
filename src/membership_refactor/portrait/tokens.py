"""Tokens of SQL, for replacing names, comparing two texts, and looking into functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<string>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')
  | (?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its original text; ``name`` is the unquoted name if it can be a name."""

    kind: str
    text: str

    @property
    def name(self) -> str | None:
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        return self.text if self.kind == "word" else None


def tokens(sql: str) -> Iterator[Token]:
    """Every token of ``sql``; joined they are ``sql`` again."""
    for match in _TOKEN.finditer(sql):
        kind = "dollar" if match["dollar"] is not None else match.lastgroup or "other"
        yield Token(kind, match[0])


def canonical(sql: str) -> str:
    """``sql`` in a form for comparison: no unnecessary quotes, single blanks.

    Do not run it: a keyword that is quoted as a name loses its quotes.
    """
    found = list(tokens(sql))
    parts = []
    for place, token in enumerate(found):
        name = token.name
        if token.kind == "space":
            parts.append(" ")
        elif name is not None and token.kind == "quoted" and _PLAIN.fullmatch(name):
            parts.append(name)
        elif token.kind == "string" and _text(found[place + 1 : place + 4]) == "::regclass":
            # The name of a sequence in nextval(): a string that contains an identifier.
            parts.append(canonical(unquoted(token.text)))
        else:
            parts.append(token.text)
    return "".join(parts).strip().removesuffix(";")


def _text(found: list[Token]) -> str:
    return "".join(token.text for token in found)


def unquoted(literal: str) -> str:
    """The text in a string constant."""
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        return literal[tag:-tag]
    text = literal[literal.index("'") + 1 : -1].replace("''", "'")
    return text if literal.startswith("'") else re.sub(r"\\(.)", r"\1", text)
