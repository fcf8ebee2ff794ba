"""Cut SQL files and routines into statements, and decide which texts of a program are SQL."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from membership_refactor.consumers import Look
from membership_refactor.scan.parse.piece import UNKNOWN_TABLE, Harvest, Piece, Placed, joined
from membership_refactor.scan.parse.put_in import run_time_table
from membership_refactor.scan.parse.tokens import BLANK, SqlText, marks
from membership_refactor.scan.read.routine_body import cut_body
from membership_refactor.scan.resolve.tables_as_spelled import Interest

_CREATES = re.compile(
    BLANK + r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?"
    r"(?:AGGREGATE\s+|CONSTRAINT\s+)?(PROCEDURE|FUNCTION|TRIGGER|EVENT)\b",
    re.I | re.S,
)
_DO = re.compile(BLANK + r"DO\b", re.I | re.S)
_ROW = re.compile(r"\bON\s+((?:[`\"\w]+\.)?[`\"]?(\w+)[`\"]?)", re.I)
_EXECUTES = re.compile(r"\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I)
TRIGGER = re.compile(
    r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b[^;]*?\bON\s+([\w.\"]+)"
    r"([^;]*?)\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+([\w.\"]+)",
    re.I,
)
"""The table of a trigger, what stands between, and its function."""
_NAME = re.compile(r"\b(?:FUNCTION|PROCEDURE)\s+(?:[\w\"`]+\.)?[\"`]?(\w+)", re.I)
_LANGUAGE = re.compile(r"\bLANGUAGE\s+'?(\w+)", re.I)
_TRIGGER_FUNCTION = re.compile(r"\bRETURNS\s+TRIGGER\b", re.I)
_EACH_ROW = re.compile(r"\bFOR\s+EACH\s+ROW\b(?:\s+(?:FOLLOWS|PRECEDES)\s+\S+)?", re.I)
_DECLARED = re.compile(
    r"\b(\w+)\s+(?:CONSTANT\s+)?(?:[\w\"]+\.)?\"?(\w+)\"?\s*(?:%\s*ROWTYPE|;|:=|DEFAULT\b|=)", re.I
)
_BEFORE_TABLES = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "ONLY", "USING", "AS", "TRUNCATE"}
_BODY_STARTS = ("RETURN", "SELECT", "INSERT", "UPDATE", "DELETE", "DO")


def _has_body(text: str, dialect: str) -> bool:
    """Whether the statement creates a routine or runs a block."""
    match = _CREATES.match(text)
    if match is None:
        return _DO.match(text) is not None and dialect != "mysql" and "$" in text
    return not (match[1].upper() == "TRIGGER" and _EXECUTES.search(text))


def bare(name: str) -> str:
    """The name without schema and quotes, in small letters."""
    return name.rsplit(".", 1)[-1].strip('"').lower()


def _body_pieces(statement: Placed, dialect: str, triggers: Mapping[str, list[str]]) -> Harvest:
    """Find the statements inside the routine that the statement creates."""
    text = statement.text
    match = _CREATES.match(text)
    kind = match[1].upper() if match else "DO"
    language = ((_LANGUAGE.search(text) or [None, ""])[1] or "").lower()
    row_tables = [""]
    if match and kind == "TRIGGER":
        row_tables = [named[2].lower() for named in _ROW.finditer(text, match.end())][:1] or [""]
    elif _TRIGGER_FUNCTION.search(text):
        name = _NAME.search(text)
        row_tables = triggers.get(name[1].lower() if name else "", [UNKNOWN_TABLE])
    body = _body(statement, dialect, kind)
    if body is None:
        return Harvest([Piece(placed=statement, dialect=dialect, body=True)])
    if language not in ("", "sql", "plpgsql"):
        message = f"the body is written in {language}, which is not read"
        return Harvest(remarks=[(statement.place(0), Look.UNPARSED, message)])
    found = Harvest()
    for table in dict.fromkeys(row_tables):
        found.add(cut_body(body, dialect, row_table=table, plain=language == "sql"))
    types = _row_types("" if kind == "TRIGGER" else text.replace(body.text, " "), body.text)
    found.pieces = [replace(piece, row_types=types) for piece in found.pieces]
    return found


def _row_types(head: str, body: str) -> frozenset[str]:
    """The words that may be types: all of the head, and those behind names of variables."""
    words = {word.lower() for word in re.findall(r"\w+", head)}
    declared = (m[2] for m in _DECLARED.finditer(body) if m[1].upper() not in _BEFORE_TABLES)
    return frozenset(words | {word.lower() for word in declared})


def _body(statement: Placed, dialect: str, kind: str) -> Placed | None:
    text, sql = statement.text, SqlText(statement, dialect)
    found = sql.tokens
    for before, token in itertools.pairwise(found):
        if token.kind == "dollar" or (token.kind == "string" and before.word == "AS"):
            return sql.inside(token)
        if before.word == "BEGIN":
            start = token.end if token.word == "ATOMIC" else before.start
            return statement.cut(start, len(text))
    each = _EACH_ROW.search(text) if kind == "TRIGGER" else None
    starts = [each.end()] if each else []
    starts += [t.end if t.word == "DO" else t.start for t in found if t.word in _BODY_STARTS]
    return statement.cut(starts[0], len(text)) if starts else None


_STARTS = re.compile(
    r"(?:\s|--[^\n\r]*(?:[\n\r]|\Z)|/\*.*?\*/|\(|\{%.*?%\}|\{\#.*?\#\})*+"
    r"(select|insert|update|delete|merge|replace|with|from|values|table|create|alter|drop|grant|"
    r"revoke|comment|copy|truncate|explain|prepare|declare|lock|call|do|exec(?:ute)?|analyze|"
    r"vacuum|"
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
    placed = placed.replaced([(a, b, " " * (b - a)) for a, b in borders])
    triggers: dict[str, list[str]] = defaultdict(list)
    for made in TRIGGER.finditer(placed.text) if "rigger" in placed.text.lower() else ():
        triggers[bare(made[3])].append(bare(made[1]))
    for statement in statements(placed, dialect):
        if _has_body(statement.text, dialect):
            harvest.add(_body_pieces(statement, dialect, triggers))
        else:
            part = not starts_like_sql(statement.text)
            piece = Piece(placed=statement, dialect=dialect, fragment=part, escape=escape)
            harvest.pieces.append(piece)
    return harvest


def statements(placed: Placed, dialect: str) -> list[Placed]:
    """Cut the text into statements without their terminators. Empty ones are left out."""
    text = placed.text
    found: list[Placed] = []
    start, delimiter = 0, ";"
    for match in [*_DELIMITER.finditer(text), None]:
        part = placed.cut(start, match.start() if match else len(text))
        found += _cut(part, delimiter, dialect)
        start, delimiter = (match.end(), match[1]) if match else (len(text), "")
    return [one for one in found if _ONLY_COMMENTS.fullmatch(one.text) is None]


def _cut(part: Placed, delimiter: str, dialect: str) -> list[Placed]:
    """Cut at a delimiter, and at semicolons only outside of the blocks of a routine."""
    found: list[Placed] = []
    text = part.text
    begin = depth = skip_to = 0
    block: bool | None = None
    for kind, at, after in marks(text, dialect, delimiter):
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
                block = delimiter == ";" and _CREATES.match(text, begin) is not None
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


_PART = re.compile(
    r"(?:^\s*(?:and|or|where|on|having|order\s+by|group\s+by|set|from|join|left|inner|union|in"
    r"|not|exists|,)\b)|[=<>]|\b(?:is\s+(?:not\s+)?null|like|between|in\s*\(|asc|desc)\b|:\w|\?",
    re.I,
)
_REST = re.compile(
    r"\s*(?:(?:and|or|where|on|having|,)\b.*\(\s*select\b"
    r"|(?:union|except|intersect)\s+(?:all\s+)?\(?\s*(?:select\b|\{)"
    r"|(?:(?:left|right|full|inner|cross|outer|natural)\s+)*"
    r"(?:(?-i:JOIN)\b|join\b.*\b(?:on\b.*=|using\s*\()))",
    re.I | re.S,
)
"""The rest of a statement, in which a table may be named."""
_FROM_TABLE = re.compile(r"\b(?:from|into|update|join|table)\s+[`\"\w]", re.I)


@dataclass(slots=True)
class Text:
    """A text put together from parts of a file."""

    parts: list[Placed]
    dialect: str = ""
    """jpql, or empty for the consumer's own."""
    escape: str = '"'


def embedded_pieces(text: Text, dialect: str, interest: Interest) -> Harvest:
    """Find the text's statements, if it is SQL and may read something of the plan."""
    placed = joined(text.parts)
    dialect = text.dialect or dialect
    table, column = interest.in_text(placed.text, dialect)
    sql = starts_like_sql(placed.text) and " " in placed.text.strip()
    if sql and (table or not column or "{" in placed.text or "$" in placed.text):
        return sql_pieces(placed, dialect, escape=text.escape)
    if not (table or column or _REST.match(placed.text)):
        return Harvest()
    if sql and _FROM_TABLE.search(placed.text) and not run_time_table(SqlText(placed, dialect)):
        # Another table's column of the same name.
        return Harvest(passed=[placed.span((0, len(placed.text)))])
    part = sql or not (table or column) or (_PART.search(placed.text) and "\n\n" not in placed.text)
    piece = Piece(placed=placed, dialect=dialect, fragment=True, escape=text.escape)
    return Harvest([piece] if part else [])


_REPLACED = (
    (r"\bnew\s+[\w.]+\s*(?=\()", "f"),
    (r"\bJOIN\s+FETCH\b", "JOIN"),
    (r"\bMEMBER\s+OF\b", "IN"),
    (r"#\{#entityName\}", "entity_name"),
    (r"\A\s*(?=FROM\b)", "SELECT 1 "),
    (r"\bDELETE\s+(?!FROM\b)(?=\w)", "DELETE FROM "),
    (r"\bIS\s+(NOT\s+)?EMPTY\b", r"IS \1NULL"),
)
_TREAT = re.compile(r"\bTREAT\s*\(\s*([\w.]+)\s+AS\s+\w+\s*\)", re.I)


def prepared(placed: Placed) -> Placed:
    """Make constructor expressions, fetch joins and the like readable."""
    for pattern, new in _REPLACED:
        found = re.finditer(pattern, placed.text, re.I)
        placed = placed.replaced([(*match.span(), match.expand(new)) for match in found])
    treats: list[tuple[int, int, str]] = []
    for match in _TREAT.finditer(placed.text):
        treats += [(match.start(), match.start(1), ""), (match.end(1), match.end(), "")]
    return placed.replaced(treats)
