"""Find tables of a statement whose names are put in at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from membership_refactor.scan.parse.fill_templates import REF, keywords
from membership_refactor.scan.parse.tokens import NO_TOKEN, SqlText, Token

BEFORE_TABLE = r"\b(?:from|into|update|join|table|copy|only|truncate)\b"
_SIGNS = "{%<#?@$&:^"
_SIGN = re.compile(rf"'[^']*'|([{_SIGNS}])")
"""A string, or the beginning of what is put in: of templates, clients and drivers."""
_TABLES = {
    "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "COPY", "ONLY", "USING", "TRUNCATE", "LIKE",
    "INHERITS", "OF", "REFERENCES", "EXISTS", "LATERAL",
}  # fmt: skip
_QUERIES = {"SELECT", "DELETE", "PERFORM", "VALUES", "WITH", "INSERT"}
_CLAUSES = {"WHERE", "GROUP", "ORDER", "HAVING", "WINDOW", "LIMIT", "OFFSET", "FETCH", "FOR", "SET",
            "RETURNING", "WHEN", "UNION", "EXCEPT", "INTERSECT"} | _QUERIES  # fmt: skip
"""Behind the condition of a join, its tables end here."""
_GO_ON = {"AS", "LEFT", "RIGHT", "INNER", "OUTER", "FULL", "CROSS", "NATURAL", "IF"}
_NEVER = {"REVOKE", "EXECUTE", "LOAD", "IMPORT", "SHOW", "USE", "SET", "START", "NOTIFY", "GRANT",
          "CALL", "BEGIN", "RESET", "FETCH"}  # fmt: skip
"""Statements that name no table, or other things than tables, behind these words."""
_PROSE = re.compile(
    r"\s*(?:copy\b(?!.*\b(?:to|from)\s+(?:stdout\b|stdin\b|program\b|:?'))|update\b(?!.*\bset\b)"
    r"|table\s+(?:\{\{.*?\}\}|\S+)\s+(?!(?:order|limit|offset|union|except|intersect)\b)\w)",
    re.I | re.S,
)
"""A sentence for people that begins like a statement."""
_KNOWN = re.compile(r"[^\s,;()]*\.[\w\"`\]]+(?=[\s,;()]|\Z)")
_EVERY_TABLE = (
    r"\bimport\s+foreign\s+schema\b|\bfor\s+all\s+tables\b"
    r"|(?<!all\s)\btables\s+in\s+schema\b|\b(?:schema|database)_to_xml"
)
_READS_EVERY_TABLE = re.compile(_EVERY_TABLE, re.I)
HOLDS_SQL = re.compile(
    (
        r"\bselect\b[^;]{0,400}?\bfrom\b|\b(?:insert|merge)\s+into\b|\bdelete\s+from\b"
        rf"|\bupdate\b[^;]{{0,200}}?\bset\b|{_EVERY_TABLE}"
        rf"|(?:{BEFORE_TABLE}|\b(?:like|inherits|references|exists|partition\s+of)\b)"
        r"\s*[\w.\"`\[(]*(?:[\"'`]+\s*[+.&|,)\"'`]|[{%<#?@$&:^\\])"
    ).encode(),
    re.I,
)
"""What a file has in which the name of a table may be put in at run time."""


def run_time_table(sql: SqlText) -> tuple[int, str] | None:
    """Where a statement reads a table that it does not name, and what to look at there."""
    text = sql.text
    shown = " ".join(text.split())[:60]
    if _READS_EVERY_TABLE.search(text):
        return 0, f"it reads every table of a schema: {shown}"
    if not any(match[1] for match in _SIGN.finditer(text)) or _PROSE.match(text):
        return None
    at = next((token.start for token in _put_in(sql)), None)
    return None if at is None else (at, f"the table's name is put in at run time: {shown}")


def _put_in(sql: SqlText) -> Iterator[Token]:
    """Yield what is put in at run time where the name of a table stands."""
    text, before, head = sql.text, NO_TOKEN, sql.tokens[0].word if sql.tokens else ""
    query, among, joined = head == "FROM", False, False
    around: list[tuple[bool, bool, bool]] = []
    for token in sql.tokens if head not in _NEVER else ():
        word, first = token.word, before.text in ("", "(", ")")
        name = among and (before.word in _TABLES or before.text in (",", ".", "("))
        if token.text.startswith(("{%", "{#")):
            continue
        if token.text == "(":
            around.append((query, among, joined))
            query, among, joined = name, name, False
        elif token.text == ")" and around:
            query, among, joined = around.pop()
        elif token.text == "," and joined:
            among = True  # behind the condition of a join
        elif word in _TABLES:
            among = {
                "FROM": query and before.word != "DISTINCT",
                "INTO": head != "SELECT",
                "TABLE": head != "CREATE" or before.word == "AS",
                "UPDATE": first,
                "LIKE": before.text in ("(", ","),
                "OF": before.word == "PARTITION",
                "EXISTS": among,
                "ONLY": among,
            }.get(word, True)
            query |= word == "UPDATE" and first
        elif word in _QUERIES or (word in keywords() and not name):
            joined = (among and word == "ON") or (joined and word not in _CLAUSES)
            query, among = query or word in _QUERIES, among and word in _GO_ON
        elif name and _is_put_in(token, text):
            yield token
        before = token


def _is_put_in(token: Token, text: str) -> bool:
    """Whether this may be any name. Names that are known in part are looked for by their parts."""
    inner, end = token.text.strip('"`'), token.end
    if inner[:1] not in _SIGNS or REF.match(inner) or _KNOWN.match(text, end):
        return False
    if token.kind == "quoted":
        return not inner[-1:].isalnum()
    glued = text[token.start - 1 : token.start] + text[end : end + 1]
    return token.kind == "punct" or re.search(r"\w", glued) is None
