"""SQL files: cut into statements the way psql and the mysql client do."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import marks, tokens
from membership_refactor.scan.read.piece import Harvest, Piece
from membership_refactor.scan.read.routines import body_pieces, has_body, trigger_tables
from membership_refactor.scan.resolve.analyse import starts_like_sql

_DELIMITER = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)[ \t]*\r?$", re.I | re.M)
_ONLY_COMMENTS = re.compile(r"(?:\s+|;|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.S)
_STDIN = re.compile(r"\s*COPY\b.*\bFROM\s+STDIN\b", re.I | re.S)
_CREATES = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?"
    r"(?:AGGREGATE\s+)?(?:PROCEDURE|FUNCTION|TRIGGER|EVENT)\b",
    re.I | re.S,
)


def sql_file(placed: Placed, dialect: str) -> Harvest:
    """Every statement of the file, bodies of routines cut open."""
    harvest = Harvest()
    found = statements(placed, dialect)
    triggers = trigger_tables([statement.text for statement in found], dialect)
    for statement in found:
        if has_body(statement.text, dialect):
            inner = body_pieces(statement, dialect, triggers=triggers)
            harvest.pieces += inner.pieces
            harvest.remarks += inner.remarks
        else:
            fragment = not starts_like_sql(statement.text)
            harvest.pieces.append(
                Piece(placed=statement, dialect=dialect, host="sql", fragment=fragment)
            )
    return harvest


def statements(placed: Placed, dialect: str) -> list[Placed]:
    """The statements without their terminators; empty ones are left out."""
    text = placed.text
    found: list[Placed] = []
    start, delimiter = 0, ";"
    for match in _DELIMITER.finditer(text):
        found += _cut(placed, start, match.start(), delimiter, dialect)
        start, delimiter = match.end(), match[1]
    found += _cut(placed, start, len(text), delimiter, dialect)
    return found


def _cut(placed: Placed, start: int, end: int, delimiter: str, dialect: str) -> list[Placed]:
    part = placed.cut(start, end)
    if delimiter != ";":
        return _cut_at(part, delimiter, dialect)
    found: list[Placed] = []
    text = part.text
    begin = depth = skip_to = 0
    block: bool | None = None
    for kind, at, after in marks(text, dialect):
        if at < skip_to:
            continue
        if kind == "meta":
            if _line_start(text, at):
                # psql's own commands end with the line
                _keep(found, part, begin, at)
                newline = text.find("\n", at)
                skip_to = begin = len(text) if newline < 0 else newline
        elif kind == "opens":
            if block is None:
                block = _CREATES.match(text, begin) is not None
            depth += block
        elif kind == "closes":
            depth = max(0, depth - bool(block))
        elif kind == "end" and depth == 0:
            statement = _keep(found, part, begin, at)
            begin, block = after, None
            if statement is not None and _STDIN.match(statement.text):
                data_end = text.find("\n\\.", after)
                skip_to = begin = len(text) if data_end < 0 else data_end + 3
    _keep(found, part, begin, len(text))
    return found


def _cut_at(part: Placed, delimiter: str, dialect: str) -> list[Placed]:
    found: list[Placed] = []
    begin = at = 0
    for token in tokens(part.text, dialect):
        if token.start < at or token.kind in ("string", "comment", "quoted", "dollar"):
            continue
        if part.text.startswith(delimiter, token.start):
            _keep(found, part, begin, token.start)
            begin = at = token.start + len(delimiter)
    _keep(found, part, begin, len(part.text))
    return found


def _keep(found: list[Placed], part: Placed, start: int, end: int) -> Placed | None:
    statement = part.cut(start, end)
    if not statement.text.strip():
        return None
    if _ONLY_COMMENTS.fullmatch(statement.text):
        return None
    found.append(statement)
    return statement


def _line_start(text: str, at: int) -> bool:
    return text[text.rfind("\n", 0, at) + 1 : at].strip() == ""
