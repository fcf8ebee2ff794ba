"""PostgreSQL's deparsed SQL as tokens: names in it can be exchanged and texts stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
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
    """One token with its text as written; ``name`` is what it names, where it may be a name."""

    kind: str
    text: str

    @property
    def name(self) -> str | None:
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        return self.text if self.kind == "word" else None


def tokens(sql: str) -> Iterator[Token]:
    """Every token of ``sql``; joined again they give ``sql``."""
    for match in _TOKEN.finditer(sql):
        kind = "dollar" if match["dollar"] is not None else match.lastgroup or "other"
        yield Token(kind, match[0])


def canonical(sql: str) -> str:
    """``sql`` in a form for comparison: quotes only where they are needed, blanks made even.

    Never to be run: a keyword that is quoted as a name loses its quotes here.
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
            # The name of a sequence inside nextval(): a text that holds an identifier.
            parts.append(canonical(_unquoted(token.text)))
        else:
            parts.append(token.text)
    return "".join(parts).strip().removesuffix(";")


def _text(found: list[Token]) -> str:
    return "".join(token.text for token in found)


def _unquoted(literal: str) -> str:
    text = literal[literal.index("'") + 1 : -1].replace("''", "'")
    return text if literal.startswith("'") else re.sub(r"\\(.)", r"\1", text)
