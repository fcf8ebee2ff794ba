"""Peel: wrappers around a statement that the parser does not look into, taken off."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.placed_text import Placed, joined

_WRAPPERS = (
    re.compile(
        r"\s*EXPLAIN\b(?:\s+(?:ANALYZE|VERBOSE|EXTENDED|PARTITIONS|FORMAT\s*=\s*\w+)\b|\s*\([^()]*\))*",
        re.I,
    ),
    re.compile(r"\s*PREPARE\s+\w+\s*(?:\([^()]*\))?\s*AS\b", re.I),
    re.compile(r"\s*DECLARE\s+\w+\s+(?:\w+\s+){0,6}?CURSOR\b.*?\bFOR\b(?!\s+UPDATE)", re.I | re.S),
    re.compile(
        r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bDO\s+(?:ALSO\s+|INSTEAD\s+)?(?!NOTHING)",
        re.I | re.S,
    ),
    re.compile(r"\s*RETURN\s+QUERY\b(?!\s+EXECUTE)", re.I),
)
_COPY_QUERY = re.compile(r"\s*COPY\s*\((.*)\)\s*TO\b", re.I | re.S)
_REPLACE = re.compile(r"(\s*)REPLACE(\s+INTO\b|\s+(?=[`\w]))", re.I)
_POLICY = re.compile(r"\s*(?:CREATE|ALTER)\s+POLICY\s+\S+\s+ON\s+([\w.\"]+)(.*)", re.I | re.S)
_CONDITION = re.compile(r"\b(?:USING|CHECK)\s*(?=\()", re.I)
_RULE_TABLE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bTO\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I | re.S
)
_LOCK = re.compile(r"\s*LOCK\s+(?:TABLES?\s+)?([\w.\"`]+)", re.I)


def peel(placed: Placed) -> list[Placed]:
    """The statements inside, each parsable; the statement itself where nothing is around it."""
    text = placed.text
    start = _after_comments(text)
    for wrapper in _WRAPPERS:
        match = wrapper.match(text, start)
        if match is not None and match.end() > start:
            inner = placed.cut(match.end(), len(text))
            if inner.text.lstrip().startswith("("):
                return peel(_unbracketed(inner))
            return peel(inner)
    match = _COPY_QUERY.match(text, start)
    if match is not None:
        return [placed.cut(match.start(1), match.end(1))]
    match = _REPLACE.match(text, start)
    if match is not None:
        # As long as before, so that every position stays.
        verb = "INSERT" if match[2].strip() else "INSERT INTO"
        edit = (match.start() + len(match[1]), match.start(2), verb)
        return [placed.replaced([edit])]
    match = _POLICY.match(text, start)
    if match is not None:
        return _policy(placed, match)
    match = _LOCK.match(text, start)
    if match is not None:
        return [
            joined(
                [
                    made("SELECT 1 FROM ", placed, match.start(1)),
                    placed.cut(match.start(1), match.end(1)),
                ]
            )
        ]
    return [placed]


def rule_table(text: str) -> str:
    """The table whose rows NEW and OLD of a rule are; empty where the text makes no rule."""
    match = _RULE_TABLE.match(text, _after_comments(text))
    return match[1].lower() if match else ""


def made(text: str, placed: Placed, position: int) -> Placed:
    """Text of our own, placed where it belongs."""
    return Placed(text, [placed.place(position)] * (len(text) + 1))


def _policy(placed: Placed, match: re.Match[str]) -> list[Placed]:
    table = placed.cut(match.start(1), match.end(1))
    found = []
    for condition in _CONDITION.finditer(placed.text, match.start(2)):
        end = _bracket_end(placed.text, condition.end())
        head = made("SELECT 1 FROM ", placed, match.start(1))
        where = made(" WHERE ", placed, condition.end())
        found.append(joined([head, table, where, placed.cut(condition.end(), end)]))
    return found or [placed]


def _unbracketed(placed: Placed) -> Placed:
    start = placed.text.index("(")
    return placed.cut(start + 1, _bracket_end(placed.text, start) - 1)


def _bracket_end(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def _after_comments(text: str) -> int:
    match = re.match(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*", text, re.S)
    return match.end() if match else 0
