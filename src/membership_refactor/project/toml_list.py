"""Adds an item to a list in a TOML file, as text: comments, order and line ends stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<value>\"{3}(?:\\.|[^\\])*?\"{3} | '{3}.*?'{3} | \"(?:\\.|[^\"\\\n])*\" | '[^'\n]*'
        | [^\s\[\],\#\"']+)
    |(?P<mark>[\[\],])""",
    re.DOTALL | re.VERBOSE,
)


def with_item(text: str, at: int, item: str, newline: str) -> str:
    """The text with the item at the end of the list that begins at ``at``. A text that stands there
    alone becomes a list of two."""
    literal = json.dumps(item)
    first = _TOKEN.match(text, at)
    if first is None:
        return text
    if first["mark"] != "[":
        return f"{text[:at]}[{first.group()}, {literal}]{text[first.end() :]}"
    *inside, close = _until_closed(text, first)
    said = [token for token in inside if not token["comment"]]
    last = said[-1]
    # Behind the last item, before a comment on its line.
    comma = "" if last["mark"] in ("[", ",") else ","
    lines = text[at : close.start()].rpartition("\n")
    if not lines[1]:
        blank = "" if last["mark"] == "[" else " "
        return f"{text[: last.end()]}{comma}{blank}{literal}{text[last.end() :]}"
    if lines[2].strip():
        # The bracket stands behind an item.
        return f"{text[: last.end()]}{comma}{newline}    {literal}{text[last.end() :]}"
    begins = close.start() - len(lines[2])
    indent = _indent(text, last) if last is not first else "    "
    between = text[last.end() : begins]
    return f"{text[: last.end()]}{comma}{between}{indent}{literal},{newline}{text[begins:]}"


def _until_closed(text: str, first: re.Match[str]) -> Iterator[re.Match[str]]:
    depth = 0
    for token in _TOKEN.finditer(text, first.start()):
        depth += {"[": 1, "]": -1}.get(token["mark"] or "", 0)
        yield token
        if not depth:
            return


def _indent(text: str, token: re.Match[str]) -> str:
    """The blanks with which the line of that token begins."""
    line = text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
    return line[: len(line) - len(line.lstrip())] or "    "
