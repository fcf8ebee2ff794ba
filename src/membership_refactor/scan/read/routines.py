"""Cut routines of PL/pgSQL, SQL and MySQL into the statements that they run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from membership_refactor.scan.parse.piece import UNKNOWN_TABLE, Harvest, Look, Piece, Placed
from membership_refactor.scan.parse.tokens import BLANK, SqlText
from membership_refactor.scan.read.routine_body import cut_body

_CREATES = re.compile(
    BLANK + r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?"
    r"(?:AGGREGATE\s+|CONSTRAINT\s+)?(PROCEDURE|FUNCTION|TRIGGER|EVENT)\b",
    re.I | re.S,
)
_DO = re.compile(BLANK + r"DO\b", re.I | re.S)
_ROW = re.compile(r"\bON\s+((?:[`\"\w]+\.)?[`\"]?(\w+)[`\"]?)", re.I)
_EXECUTES = re.compile(r"\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I)
_NAME = re.compile(r"\b(?:FUNCTION|PROCEDURE)\s+(?:[\w\"`]+\.)?[\"`]?(\w+)", re.I)
_LANGUAGE = re.compile(r"\bLANGUAGE\s+'?(\w+)", re.I)
_TRIGGER_FUNCTION = re.compile(r"\bRETURNS\s+TRIGGER\b", re.I)
_EACH_ROW = re.compile(r"\bFOR\s+EACH\s+ROW\b(?:\s+(?:FOLLOWS|PRECEDES)\s+\S+)?", re.I)
_DECLARED = re.compile(
    r"\b(\w+)\s+(?:CONSTANT\s+)?(?:[\w\"]+\.)?\"?(\w+)\"?\s*(?:%\s*ROWTYPE|;|:=|DEFAULT\b|=)", re.I
)
_BEFORE_TABLES = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "ONLY", "USING", "AS", "TRUNCATE"}
_BODY_STARTS = ("RETURN", "SELECT", "INSERT", "UPDATE", "DELETE", "DO")


def creates_routine(text: str, start: int = 0) -> re.Match[str] | None:
    """The head of CREATE FUNCTION and the like, if it stands at ``start``."""
    return _CREATES.match(text, start)


def has_body(text: str, dialect: str) -> bool:
    """Whether the statement creates a routine or runs a block."""
    match = creates_routine(text)
    if match is None:
        return _DO.match(text) is not None and dialect != "mysql" and "$" in text
    return not (match[1].upper() == "TRIGGER" and _EXECUTES.search(text))


def trigger_tables(statements: Sequence[str]) -> Mapping[str, str]:
    """Map each trigger function to the table of the trigger that calls it, within one file."""
    found: dict[str, str] = {}
    for text in statements:
        match = creates_routine(text)
        if match is None or match[1].upper() != "TRIGGER":
            continue
        function, table = _EXECUTES.search(text), _ROW.search(text, match.end())
        if function and table:
            found[function[1].lower()] = table[2].lower()
    return found


def body_pieces(statement: Placed, dialect: str, triggers: Mapping[str, str]) -> Harvest:
    """Find the statements inside the routine that the statement creates."""
    text = statement.text
    match = creates_routine(text)
    kind = match[1].upper() if match else "DO"
    language = ((_LANGUAGE.search(text) or [None, ""])[1] or "").lower()
    row_table = ""
    if kind == "TRIGGER":
        named = _ROW.search(text, match.end() if match else 0)
        row_table = named[2].lower() if named else ""
    elif _TRIGGER_FUNCTION.search(text):
        name = _NAME.search(text)
        row_table = triggers.get(name[1].lower(), "") if name else ""
        row_table = row_table or UNKNOWN_TABLE
    body = _body(statement, dialect, kind)
    if body is None:
        return Harvest([Piece(placed=statement, dialect=dialect, body=True)])
    if language not in ("", "sql", "plpgsql"):
        message = f"the body is written in {language}, which is not read"
        return Harvest(remarks=[(statement.place(0), Look.UNPARSED, message)])
    found = cut_body(body, dialect, row_table=row_table, plain=language == "sql")
    types = _row_types("" if kind == "TRIGGER" else text.replace(body.text, " "), body.text)
    found.pieces = [replace(piece, row_types=types) for piece in found.pieces]
    return found


def _row_types(head: str, body: str) -> frozenset[str]:
    """The words that may be types: all of the head, and those behind names of variables."""
    words = {word.lower() for word in re.findall(r"\w+", head)}
    declared = (m[2] for m in _DECLARED.finditer(body) if m[1].upper() not in _BEFORE_TABLES)
    return frozenset(words | {word.lower() for word in declared})


def _body(statement: Placed, dialect: str, kind: str) -> Placed | None:
    text, found = statement.text, SqlText(statement, dialect).tokens
    for index, token in enumerate(found):
        if token.kind == "dollar":
            tag = token.text.index("$", 1) + 1
            closed = token.text.endswith(token.text[:tag]) and len(token.text) >= 2 * tag
            return statement.cut(token.start + tag, token.end - (tag if closed else 0))
        if token.kind == "string" and index and found[index - 1].word == "AS":
            inner = statement.cut(token.start + 1, token.end - 1)
            return inner.replaced([(*m.span(), "'") for m in re.finditer("''", inner.text)])
    for index, token in enumerate(found):
        if token.word == "BEGIN":
            atomic = index + 1 < len(found) and found[index + 1].word == "ATOMIC"
            return statement.cut(found[index + 1].end if atomic else token.start, len(text))
    each = _EACH_ROW.search(text) if kind == "TRIGGER" else None
    if each:
        return statement.cut(each.end(), len(text))
    for token in found:
        if token.word in _BODY_STARTS:
            return statement.cut(token.end if token.word == "DO" else token.start, len(text))
    return None
