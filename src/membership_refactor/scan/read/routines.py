"""Bodies: routines of PL/pgSQL, SQL and MySQL, cut into the statements they run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import significant
from membership_refactor.scan.read.piece import Harvest, Piece
from membership_refactor.scan.read.routine_body import Cutter

_CREATES = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?"
    r"(?:AGGREGATE\s+|CONSTRAINT\s+)?(PROCEDURE|FUNCTION|TRIGGER|EVENT)\b",
    re.I | re.S,
)
_DO = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*DO\b", re.I | re.S)
_ROW = re.compile(r"\bON\s+((?:[`\"\w]+\.)?[`\"]?(\w+)[`\"]?)", re.I)
_EXECUTES = re.compile(r"\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I)
_NAME = re.compile(r"\b(?:FUNCTION|PROCEDURE)\s+(?:[\w\"`]+\.)?[\"`]?(\w+)", re.I)
_LANGUAGE = re.compile(r"\bLANGUAGE\s+'?(\w+)", re.I)
_TRIGGER_FUNCTION = re.compile(r"\bRETURNS\s+TRIGGER\b", re.I)
_EACH_ROW = re.compile(r"\bFOR\s+EACH\s+ROW\b(?:\s+(?:FOLLOWS|PRECEDES)\s+\S+)?", re.I)


def has_body(text: str, dialect: str) -> bool:
    """Whether the statement creates a routine or runs a block."""
    match = _CREATES.match(text)
    if match is None:
        return _DO.match(text) is not None and dialect != "mysql" and "$" in text
    return not (match[1].upper() == "TRIGGER" and _EXECUTES.search(text))


def trigger_tables(statements: Sequence[str], dialect: str) -> Mapping[str, str]:
    """Trigger function to the table of the trigger that calls it, of one file."""
    found: dict[str, str] = {}
    for text in statements:
        match = _CREATES.match(text)
        if match is None or match[1].upper() != "TRIGGER":
            continue
        function, table = _EXECUTES.search(text), _ROW.search(text, match.end())
        if function and table:
            found[function[1].lower()] = table[2].lower()
    return found


def body_pieces(
    statement: Placed, dialect: str, *, triggers: Mapping[str, str] | None = None
) -> Harvest:
    """The statements inside the routine that the statement creates."""
    text = statement.text
    match = _CREATES.match(text)
    kind = match[1].upper() if match else "DO"
    language = (_LANGUAGE.search(text) or [None, ""])[1] or ""
    row_table, sure = "", True
    if kind == "TRIGGER":
        named = _ROW.search(text, match.end() if match else 0)
        row_table = named[2].lower() if named else ""
    elif _TRIGGER_FUNCTION.search(text):
        name = _NAME.search(text)
        row_table = (triggers or {}).get(name[1].lower(), "") if name else ""
        if not row_table:
            row_table, sure = "?", False
    body = _body(statement, dialect, kind)
    if body is None:
        return Harvest([Piece(placed=statement, dialect=dialect, host="body")])
    if language.lower() not in ("", "sql", "plpgsql"):
        harvest = Harvest()
        harvest.remarks.append(
            (statement.place(0), Look.UNPARSED, f"a body in {language} is read as text only")
        )
        return harvest
    return cut_body(
        body, dialect, row_table=row_table, row_sure=sure, plain=language.lower() == "sql"
    )


def cut_body(
    body: Placed,
    dialect: str,
    *,
    row_table: str = "",
    row_sure: bool = True,
    plain: bool = False,
) -> Harvest:
    """The statements of a body; ``plain`` SQL needs no control words taken off."""
    cutter = Cutter(body, dialect, row_table=row_table, row_sure=row_sure, plain=plain)
    return cutter.harvest()


def _body(statement: Placed, dialect: str, kind: str) -> Placed | None:
    text = statement.text
    found = significant(text, dialect)
    for index, token in enumerate(found):
        if token.kind == "dollar":
            tag = token.text.index("$", 1) + 1
            closed = token.text.endswith(token.text[:tag]) and len(token.text) >= 2 * tag
            return statement.cut(token.start + tag, token.end - (tag if closed else 0))
        if token.kind == "string" and index and found[index - 1].word == "AS":
            return _unquoted(statement.cut(token.start + 1, token.end - 1))
    for index, token in enumerate(found):
        if token.word == "BEGIN":
            atomic = index + 1 < len(found) and found[index + 1].word == "ATOMIC"
            start = found[index + 1].end if atomic else token.start
            return statement.cut(start, len(text))
    if kind == "TRIGGER":
        each = _EACH_ROW.search(text)
        if each:
            return statement.cut(each.end(), len(text))
    for token in found:
        if token.word in ("RETURN", "SELECT", "INSERT", "UPDATE", "DELETE", "DO"):
            start = token.end if token.word == "DO" else token.start
            return statement.cut(start, len(text))
    return None


def _unquoted(placed: Placed) -> Placed:
    edits = [(m.start(), m.end(), "'") for m in re.finditer("''", placed.text)]
    return placed.replaced(edits)
