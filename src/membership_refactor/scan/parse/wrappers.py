"""Take off the wrappers around a statement that the parser does not look into."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.piece import Placed, joined
from membership_refactor.scan.parse.tokens import BLANK

_WRAPPERS = (
    r"EXPLAIN\b(?:\s+(?:ANALYZE|VERBOSE|EXTENDED|PARTITIONS|FORMAT\s*=\s*\w+)\b|\s*\([^()]*\))*",
    r"PREPARE\s+\w+\s*(?:\([^()]*\))?\s*AS\b",
    r"DECLARE\s+\w+\s+(?:\w+\s+){0,6}?CURSOR\b.*?\bFOR\b(?!\s+UPDATE)",
    r"CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bDO\s+(?:ALSO\s+|INSTEAD\s+)?(?!NOTHING)",
    r"RETURN\s+QUERY\b(?!\s+EXECUTE)",
)
_WRAPPER = re.compile(f"{BLANK}(?:{'|'.join(_WRAPPERS)})", re.I | re.S)
_COPY_QUERY = re.compile(BLANK + r"COPY\s*\((.*)\)\s*TO\b", re.I | re.S)
_REPLACE = re.compile(BLANK + r"(REPLACE)(\s+INTO\b|\s+(?=[`\w]))", re.I | re.S)
_POLICY = re.compile(BLANK + r"(?:CREATE|ALTER)\s+POLICY\s+\S+\s+ON\s+([\w.\"]+)(.*)", re.I | re.S)
_CONDITION = re.compile(r"\b(?:USING|CHECK)\s*(?=\()", re.I)
_RULE_TABLE = re.compile(
    BLANK + r"CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bTO\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I | re.S
)
_ESCAPED = re.compile(r"""\b(U&)("[^"]*"|'[^']*')""", re.I)
_UESCAPE = re.compile(r"\bUESCAPE\s*'([^'])'", re.I)
_ONLY = re.compile(r"\bONLY\s*(\()\s*[\w.\"]+\s*(\))", re.I)
_LONG = 20_000
_VALUE = r"(?:[-+]?[\d.]+(?:[eE][-+]?\d+)?|[eEbBxXN]?'(?:[^'\\]|\\.|'')*+'|NULL|TRUE|FALSE|DEFAULT)"
_ROW = rf"\s*\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*+\)\s*"
_MORE_ROWS = re.compile(rf"\bVALUES{_ROW},{_ROW}((?:,{_ROW})++)", re.I | re.S)
_MORE_VALUES = re.compile(
    rf"(?<![\w'])(?:{_VALUE}\s*,\s*){{100}}{_VALUE}\s*((?:,\s*{_VALUE}\s*)++)", re.I | re.S
)
_LOCK = re.compile(BLANK + r"LOCK\s+(?:TABLES?\s+)?([\w.\"`]+)", re.I | re.S)


def unwrapped(placed: Placed) -> list[Placed]:
    """The statements inside, each parsable. Without a wrapper, the statement itself."""
    placed = _with_plain_names(placed)
    text = placed.text
    if match := _WRAPPER.match(text):
        inner = placed.cut(match.end(), len(text))
        if inner.text.lstrip().startswith("("):
            start = inner.text.index("(")
            inner = inner.cut(start + 1, bracket_end(inner.text, start) - 1)
        return unwrapped(inner)
    if match := _COPY_QUERY.match(text):
        return [placed.cut(*match.span(1))]
    if match := _REPLACE.match(text):
        # As long as before, so that every position stays.
        verb = "INSERT" if match[2].strip() else "INSERT INTO"
        return [placed.replaced([(*match.span(1), verb)])]
    if match := _POLICY.match(text):
        return _policy(placed, match)
    if match := _LOCK.match(text):
        table = placed.cut(*match.span(1))
        return [joined([Placed.made("SELECT 1 FROM ", table.place(0)), table])]
    return [placed]


def _with_plain_names(placed: Placed) -> Placed:
    """Write ``U&"person\\005fid"`` and ``ONLY (wide)`` as the parser reads them."""
    text = placed.text
    if escaped := list(_ESCAPED.finditer(text)):
        own = _UESCAPE.search(text)
        code = re.compile(
            rf"{re.escape(own[1] if own else chr(92))}(?:\+([0-9a-f]{{6}})|([0-9a-f]{{4}}))", re.I
        )
        edits: list[tuple[int, int, str]] = []
        for match in escaped:
            edits.append((match.start(), match.start(2), ""))
            for one in code.finditer(text, match.start(2), match.end()):
                number = min(int(one[1] or one[2], 16), 0x10FFFF)
                edits.append((*one.span(), chr(number)))
        if own:
            edits.append((*own.span(), ""))
        placed = placed.replaced(sorted(edits))
    if len(placed.text) > _LONG:
        # Rows of data need no parser. Two stay, so that there are several.
        rows = [(*m.span(1), "") for m in _MORE_ROWS.finditer(placed.text)]
        values = [(*m.span(1), "") for m in _MORE_VALUES.finditer(placed.text)] if not rows else []
        placed = placed.replaced(rows or values)
    brackets = [(*match.span(n), " ") for match in _ONLY.finditer(placed.text) for n in (1, 2)]
    return placed.replaced(brackets) if brackets else placed


def is_policy(text: str) -> bool:
    """Whether the statement creates or alters a policy of row security."""
    return _POLICY.match(text) is not None


def rule_table(text: str) -> str:
    """The table whose rows NEW and OLD of a rule are; empty where the text makes no rule."""
    match = _RULE_TABLE.match(text)
    return match[1].lower() if match else ""


def _policy(placed: Placed, match: re.Match[str]) -> list[Placed]:
    table = placed.cut(*match.span(1))
    head = Placed.made("SELECT 1 FROM ", table.place(0))
    found = []
    for condition in _CONDITION.finditer(placed.text, match.start(2)):
        start, end = condition.end(), bracket_end(placed.text, condition.end())
        where = Placed.made(" WHERE ", placed.place(start))
        found.append(joined([head, table, where, placed.cut(start, end)]))
    return found or [placed]


def bracket_end(text: str, start: int) -> int:
    """Where the bracket ends that opens at ``start``, or the text."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return index + 1
    return len(text)
