"""Cut SQL files into statements, the way psql and the mysql client do."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.piece import Harvest, Piece, Placed
from membership_refactor.scan.parse.tokens import BLANK, SqlText, marks
from membership_refactor.scan.read.routines import (
    body_pieces,
    creates_routine,
    has_body,
    trigger_tables,
)

_STARTS = re.compile(
    r"(?:\s|--[^\n\r]*(?:[\n\r]|\Z)|/\*.*?\*/|\(|\{%.*?%\}|\{\#.*?\#\})*+"
    r"(select|insert|update|delete|merge|replace|with|from|values|table|create|alter|drop|grant|"
    r"revoke|comment|copy|truncate|explain|prepare|declare|lock|call|do|execute|analyze|vacuum|"
    r"refresh|describe|desc|begin|commit|rollback|set|show|use|start|reindex|cluster|perform|"
    r"return|delimiter|savepoint|listen|notify|discard|reset|security|import|load|rename)\b",
    re.I | re.S,
)
_DELIMITER = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)[ \t]*\r?$", re.I | re.M)
_ONLY_COMMENTS = re.compile(f"(?:{BLANK};)*+{BLANK}", re.S)
_EXECUTED = re.compile(r"(/\*!\d*).*?(\*/)", re.S)
_NUMBERED = re.compile(r"(/\*!\d{5}).*?(\*/)", re.S)
_STDIN = re.compile(r"\s*COPY\b.*\bFROM\s+STDIN\b", re.I | re.S)


def starts_like_sql(text: str) -> bool:
    """Whether the text begins with a statement's keyword, after comments and brackets."""
    return _STARTS.match(text) is not None


def sql_pieces(placed: Placed, dialect: str, *, escape: str = "") -> Harvest:
    """Find every statement of a text. Bodies of routines are cut into their statements."""
    harvest = Harvest()
    # MySQL runs what stands in such a comment; dumps write views and triggers so. One with a
    # version is MySQL's whatever the consumer's dialect is.
    executed = _EXECUTED if dialect == "mysql" else _NUMBERED
    borders = [m.span(n) for m in executed.finditer(placed.text) for n in (1, 2)]
    if borders:
        placed = placed.replaced([(a, b, " " * (b - a)) for a, b in borders])
    found = statements(placed, dialect)
    triggers = trigger_tables([statement.text for statement in found])
    for statement in found:
        if has_body(statement.text, dialect):
            harvest.add(body_pieces(statement, dialect, triggers))
        else:
            fragment = not starts_like_sql(statement.text)
            harvest.pieces.append(
                Piece(placed=statement, dialect=dialect, fragment=fragment, escape=escape)
            )
    return harvest


def statements(placed: Placed, dialect: str) -> list[Placed]:
    """Cut the text into statements without their terminators. Empty ones are left out."""
    text = placed.text
    found: list[Placed] = []
    start, delimiter = 0, ";"
    for match in _DELIMITER.finditer(text):
        found += _cut(placed.cut(start, match.start()), delimiter, dialect)
        start, delimiter = match.end(), match[1]
    found += _cut(placed.cut(start, len(text)), delimiter, dialect)
    return [one for one in found if _ONLY_COMMENTS.fullmatch(one.text) is None]


def _cut(part: Placed, delimiter: str, dialect: str) -> list[Placed]:
    return (
        _cut_at_semicolons(part, dialect) if delimiter == ";" else _cut_at(part, delimiter, dialect)
    )


def _cut_at_semicolons(part: Placed, dialect: str) -> list[Placed]:
    found: list[Placed] = []
    text = part.text
    begin = depth = skip_to = 0
    block: bool | None = None
    for kind, at, after in marks(text, dialect):
        if at < skip_to:
            continue
        if kind == "meta" and not text[text.rfind("\n", 0, at) + 1 : at].strip():
            # psql's own commands end with the line. Only \copy holds SQL.
            newline = text.find("\n", at)
            skip_to = len(text) if newline < 0 else newline
            copies = text.startswith(("copy", "COPY"), after)
            found += [part.cut(begin, at), part.cut(after if copies else skip_to, skip_to)]
            begin = skip_to
        elif kind == "opens":
            if block is None:
                block = creates_routine(text, begin) is not None
            depth += block
        elif kind == "closes":
            depth = max(0, depth - bool(block))
        elif kind == "end" and depth == 0:
            found.append(part.cut(begin, at))
            begin, block = after, None
            if _STDIN.match(found[-1].text):
                data_end = text.find("\n\\.", after)
                skip_to = begin = len(text) if data_end < 0 else data_end + 3
    return [*found, part.cut(begin, len(text))]


def _cut_at(part: Placed, delimiter: str, dialect: str) -> list[Placed]:
    found: list[Placed] = []
    begin = 0
    for token in SqlText(part, dialect).every_token:
        if token.start < begin or token.kind in ("string", "comment", "quoted", "dollar"):
            continue
        if part.text.startswith(delimiter, token.start):
            found.append(part.cut(begin, token.start))
            begin = token.start + len(delimiter)
    return [*found, part.cut(begin, len(part.text))]
