"""Find tables of a statement whose names are put in at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from membership_refactor.scan.parse.fill_templates import REF, keywords
from membership_refactor.scan.parse.tokens import NO_TOKEN, SqlText, Token

BEFORE_TABLE = r"\b(?:from|into|update|join|table|copy|only|truncate)\b"
_SIGNS = "{%<#?@$&:^~!"
_SIGN = re.compile(rf"[{_SIGNS}]")
"""The beginning of what is put in: of templates, clients and drivers."""
_TABLES = {
    "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "COPY", "ONLY", "USING", "TRUNCATE", "LIKE",
    "INHERITS", "OF", "REFERENCES", "EXISTS", "LATERAL", "ON", "TO", "IMMEDIATE", "CLUSTER",
    "ANALYZE", "VACUUM",
}  # fmt: skip
_QUERIES = {"SELECT", "DELETE", "PERFORM", "VALUES", "WITH", "INSERT"}
_CLAUSES = {"WHERE", "GROUP", "ORDER", "HAVING", "WINDOW", "LIMIT", "OFFSET", "FETCH", "FOR", "SET",
            "RETURNING", "WHEN", "UNION", "EXCEPT", "INTERSECT"} | _QUERIES  # fmt: skip
"""Behind the condition of a join, its tables end here."""
_GO_ON = {"AS", "LEFT", "RIGHT", "INNER", "OUTER", "FULL", "CROSS", "NATURAL", "IF"}
_NEW = {"CREATE", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN"}
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
_STRING = re.compile(r"'[^']*'")
_RUNS_SQL = re.compile(rf"\b(?:\w+_to_xml\w*|dblink\w*|crosstab\w*)\s*\([^()]*?[{_SIGNS}]", re.I)
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
    bare = _STRING.sub("''", text)
    if not _SIGN.search(bare) or _PROSE.match(text):
        return None
    if _RUNS_SQL.search(bare):
        return 0, f"it runs SQL that is put in at run time: {shown}"
    at = next((token.start for token in _put_in(sql)), None)
    return None if at is None else (at, f"the table's name is put in at run time: {shown}")


def _put_in(sql: SqlText) -> Iterator[Token]:
    """Yield what is put in at run time where the name of a table stands."""
    text, before, head = sql.text, NO_TOKEN, sql.tokens[0].word if sql.tokens else ""
    query, among, joined = head == "FROM", False, False
    around: list[tuple[bool, bool, bool]] = []
    for token in sql.tokens:
        word = token.word
        first = before.text in ("", "(", ")") or before.word in ("EXPLAIN", "ANALYZE", "VERBOSE")
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
        elif word in _TABLES and not (word == "ON" and among):
            among = {
                "FROM": (query and before.word != "DISTINCT") or head == "PREPARE",
                "INTO": {head, before.word} & {"INSERT", "MERGE", "REPLACE"} != set(),
                "TABLE": before.word not in _NEW,
                "USING": head != "EXECUTE",
                "LIKE": before.text in ("(", ","),
                "OF": before.word == "PARTITION",
                "ON": head in ("GRANT", "REVOKE") or (head in ("CREATE", "DROP") and not query),
                "TO": head == "CREATE" and before.word in ("INSERT", "UPDATE", "DELETE"),
                **dict.fromkeys(("EXISTS", "ONLY"), among),
                **dict.fromkeys(("UPDATE", "CLUSTER", "ANALYZE", "VACUUM"), first),
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
