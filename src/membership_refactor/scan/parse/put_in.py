"""Find tables whose names are put in at run time, in statements."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from membership_refactor.scan.parse.fill_templates import REF, ends_expression, keywords
from membership_refactor.scan.parse.piece import HOLE, LISTED, Placed
from membership_refactor.scan.parse.tokens import NO_TOKEN, SqlText, Token

BEFORE_TABLE = r"\b(?:from|into|update|join|table|copy|only|truncate|alter|drop)\b"
_SIGNS = "{%<#?@$&:^~!|"
"""The beginning of what is put in: of templates, clients and drivers."""
_MARKED = r"_+[A-Z][A-Z_]*_|__\w+__|TABLE_?NAME"
"""A word that a program replaces."""
_SIGN = re.compile(rf"[{_SIGNS}]|\b(?:{_MARKED})\b")
_TABLES = {
    "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "COPY", "ONLY", "USING", "TRUNCATE", "LIKE",
    "INHERITS", "OF", "REFERENCES", "EXISTS", "LATERAL", "ON", "TO", "IMMEDIATE", "CLUSTER",
    "ANALYZE", "VACUUM", "ALTER", "DROP",
}  # fmt: skip
_QUERIES = {"SELECT", "DELETE", "PERFORM", "VALUES", "WITH", "INSERT"}
_CLAUSES = {"WHERE", "GROUP", "ORDER", "HAVING", "WINDOW", "LIMIT", "OFFSET", "FETCH", "FOR", "SET",
            "RETURNING", "WHEN", "UNION", "EXCEPT", "INTERSECT"} | _QUERIES  # fmt: skip
"""Behind the condition of a join, its tables end here."""
_GO_ON = {"AS", "LEFT", "RIGHT", "INNER", "OUTER", "FULL", "CROSS", "NATURAL", "IF"}
_JOINED = ("FROM", "JOIN", "USING")
"""Words before a list of tables, in which another one may be put in."""
_ON_TABLE = ("GRANT", "REVOKE", "COMMENT")
_FIRST = ("UPDATE", "CLUSTER", "ANALYZE", "VACUUM", "ALTER", "DROP")
"""Words of which only the first of a statement comes before a table."""
_SETS = ("UNION", "EXCEPT", "INTERSECT")
_NEW = {"CREATE", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN"}
_PROSE = re.compile(
    r"\s*(?:copy\b(?!.*\b(?:to|from)\s+(?:stdout\b|stdin\b|program\b|:?'))"
    r"|from\s+\S+\s+(?:import|to)\b|update\b(?!.*\bset\b)|(?:prompt|rem|remark|spool|echo)\b"
    r"|table\s+(?:\{\{.*?\}\}|\S+)\s+(?!(?:order|limit|offset|union|except|intersect)\b)\w)",
    re.I | re.S,
)
"""A sentence for people that begins like a statement."""
_CONDITIONS = {"WHERE", "AND", "OR", "NOT", "ON", "HAVING", "IN"}
_OF_A_QUERY = {"EXISTS", "ANY", "SOME", "ALL", "=", "<>", "!=", "<", ">", "<=", ">="}
"""Behind a bracket that follows these, a query may stand."""
_TEMPLATES = ("hole", "jinja")
_COMPARES = {"IS", "IN", "LIKE", "ILIKE", "BETWEEN", "NOT", "SIMILAR", "REGEXP", "RLIKE", "AT",
             "COLLATE", "OVERLAPS", "OPERATOR"}  # fmt: skip
_KNOWN = re.compile(r"[^\s,;()]*\.[\w\"`\]]+(?=[\s,;()]|\Z)")
_EVERY_TABLE = (
    r"\bimport\s+foreign\s+schema\b|\bfor\s+all\s+tables\b"
    r"|(?<!all\s)\btables\s+in\s+schema\b|\b(?:schema|database)_to_xml"
)
_STRING = re.compile(r"'[^']*'")
_LOOKED_UP = re.compile(
    rf"[{_SIGNS}][^\s;,]{{0,80}}?\s*::\s*(?:pg_catalog\s*\.\s*)?regclass\b"
    rf"|\bcast\s*\(\s*'?[{_SIGNS}][^()]*\bas\s+regclass\b"
    rf"|\b(?:to_)?regclass\s*\(\s*'?[{_SIGNS}](?![^\s;,()']*\.[\w\"]+')"
    r"|\b(?:attname|column_name)\b"
    rf".{{0,2000}}\b(?:attrelid|table_name|relname)\s*=\s*(?:any\s*)?[('\"]*[{_SIGNS}]",
    re.I | re.S,
)
"""A table is looked up by a name that is put in."""
_RUNS_SQL = re.compile(rf"\b(?:\w+_to_xml\w*|dblink\w*|crosstab\w*)\s*\([^()]*?[{_SIGNS}]", re.I)
_RUNS_TEXT = re.compile(
    r"\s*(?:exec(?:ute)?\b(?:\s+immediate)?\s*\(?\s*(?:N?''|@?\w+)?\s*"
    r"(?:\|\||\+|\b(?:format|concat\w*)\s*\(|(?<=\()@)"
    r"|exec(?:ute)?\s+(?:immediate|[\w.]*\bsp_executesql)\s+(?!N?''|\$)"
    r"|prepare\s+\w+\s+from\s+(?!''|\$))",
    re.I,
)
"""A statement that runs text, and more than one literal."""
_READS_EVERY_TABLE = re.compile(_EVERY_TABLE, re.I)
HOLDS_SQL = re.compile(
    (
        r"\bselect\b[^;]{0,400}?\bfrom\b|\b(?:insert|merge)\s+into\b|\bdelete\s+from\b"
        rf"|\bupdate\b[^;]{{0,200}}?\bset\b|{_EVERY_TABLE}"
        rf"|(?:{BEFORE_TABLE}|\b(?:like|inherits|references|exists|partition\s+of)\b)"
        r"\s*[\w.\"`\[(]*(?:[\"'`]+\s*[+.&|,)\"'`]|[{%<#?@$&:^\\|]|(?<=_)_)|regclass\b"
    ).encode(),
    re.I,
)
"""What a file has in which the name of a table may be put in at run time."""


def run_time_table(sql: SqlText) -> tuple[int, str] | None:
    """Where a statement reads a table that it does not name, and what to look at there."""
    text = sql.text
    shown = " ".join(text.split())[:60]
    lower = text.lower()
    every = ("schema", "tables", "_to_xml")
    if any(word in lower for word in every) and _READS_EVERY_TABLE.search(text):
        return 0, f"it reads every table of a schema: {shown}"
    looks = "regclass" in lower or "attname" in lower or "column_name" in lower
    if looks and _LOOKED_UP.search(text):
        return 0, f"it looks a table up by a name that is put in at run time: {shown}"
    bare = _STRING.sub("''", text)
    if _RUNS_TEXT.match(bare):
        return 0, f"it runs SQL that is put together at run time: {shown}"
    if not _SIGN.search(bare) or _PROSE.match(text):
        return None
    if _RUNS_SQL.search(bare):
        return 0, f"it runs SQL that is put in at run time: {shown}"
    found = itertools.chain(_put_in(sql), _in_conditions(sql))
    told = ((token.start, f"{what} is put in at run time: {shown}") for token, what in found)
    return next(told, None)


def _in_conditions(sql: SqlText) -> Iterator[tuple[Token, str]]:
    """Yield text that is put in as a condition, or in the place of a query: it may read a table."""
    tokens = [token for token in sql.tokens if not token.text.startswith(("{%", "{#", "#{"))]
    before, begins, between = NO_TOKEN, False, False
    for token, after in itertools.pairwise([*tokens, NO_TOKEN]):
        word, text, bracket = token.word, token.text, before.text == "("
        compared = after.word in _COMPARES or after.word not in keywords()
        ends = after.text in ("", ")", ";") or after.kind in _TEMPLATES or not compared
        # Drivers bind most of these, but no whole condition.
        alone = not after.word and before.word in ("WHERE", "HAVING")
        alone |= text.startswith("%") and not bracket and before.word != "IN"
        put_in = token.kind in _TEMPLATES or (token.kind == "param" and alone)
        listed = text == LISTED or (token.kind == "jinja" and "join" in text)
        if begins and ends and put_in and not listed:
            yield token, "text of a condition"
        opens = text == "(" and (begins or {before.word, before.text} & _OF_A_QUERY != set())
        begins = opens or (word in _CONDITIONS and not (word == "AND" and between))
        between = word == "BETWEEN" or (between and word != "AND")
        before = token


def _put_in(sql: SqlText) -> Iterator[tuple[Token, str]]:
    """Yield what is put in where the name of a table stands, or behind one, where a join can."""
    text, before, head = sql.text, NO_TOKEN, sql.tokens[0].word if sql.tokens else ""
    query, among, joined, listed = head == "FROM", False, False, False
    around: list[tuple[bool, bool, bool]] = []
    for token in sql.tokens:
        word = token.word
        first = before.text in ("", "(", ")") or before.word in ("EXPLAIN", "ANALYZE", "VERBOSE")
        changed = among and before.word in ("ALTER", "DROP")
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
                "FROM": (query and before.word != "DISTINCT") or head in ("PREPARE", "SHOW"),
                "INTO": {head, before.word} & {"INSERT", "MERGE", "REPLACE"} != set(),
                "TABLE": before.word not in _NEW,
                "USING": head != "EXECUTE",
                "LIKE": before.text in ("(", ","),
                "OF": before.word == "PARTITION",
                "ON": head in _ON_TABLE or (head in ("CREATE", "DROP") and not query),
                "TO": head == "CREATE" and before.word in ("INSERT", "UPDATE", "DELETE"),
                **dict.fromkeys(("EXISTS", "ONLY"), among),
                **dict.fromkeys(_FIRST, first),
            }.get(word, True)
            listed = word in _JOINED if among else listed
            query |= word == "UPDATE" and first
        elif word in _QUERIES or (word in keywords() and (changed or not name)):
            joined = (among and word == "ON") or (joined and word not in _CLAUSES)
            query, among = query or word in _QUERIES, among and word in _GO_ON
        elif name and _is_put_in(token, text):
            yield token, "the table's name"
        elif before.word in _SETS and token.kind in (*_TEMPLATES, "param"):
            yield token, "a query"
        elif listed and (among or joined) and token.kind in (*_TEMPLATES, "param"):
            apart = text[token.start - 1 : token.start].isspace() or token.text == HOLE
            if apart and token.text[0] != "?" and ends_expression(before, keywords()):
                yield token, "text that may join a table"
        before = token


def _is_put_in(token: Token, text: str) -> bool:
    """Whether this may be any name. Names that are known in part are looked for by their parts."""
    inner, end = token.text.strip('"`'), token.end
    if re.fullmatch(_MARKED, inner):
        return True
    if inner[:1] not in _SIGNS or REF.match(inner) or _KNOWN.match(text, end):
        return False
    if token.kind == "quoted":
        return not inner[-1:].isalnum()
    before, after = text[token.start - 1 : token.start], text[end : end + 1]
    if token.kind == "punct":
        return inner != ":" or after in ("'", '"')
    return re.search(r"\w", before + after) is None


_STATEMENT = re.compile(
    r"(?:(?<=[\"'`])\s*table\b|\b(?:select\b[^;]{1,400}?\bfrom|(?:insert|merge)\s+into|delete\s+from"
    r"|update|truncate|copy|(?:alter|drop|lock)\s+\S+)\b)[^;]{1,400}",
    re.I,
)
_GOES_ON = r"\s*(?:[+&^]|<>|\|\||\.\.)"
_TAG = r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>"


def unread_statements(placed: Placed, dialect: str) -> Iterator[tuple[int, str]]:
    """Yield the tables that are put in at run time in a text which no grammar reads."""
    for match in _STATEMENT.finditer(placed.text):
        start, end = match.span()
        quote = placed.text[start - 1 : start]
        if quote in ("'", '"', "`"):
            closed = re.compile(rf"{quote}(?!{_GOES_ON})").search(placed.text, start, end)
            end = closed.start() if closed else end
        cut = placed.cut(start, end)
        signs = re.finditer(rf"{_TAG}|[\"'`]{_GOES_ON}[^\"'`;\n]*[\"'`]?", cut.text)
        whole = cut.replaced([(*m.span(), " " if m[0][0] == "<" else HOLE) for m in signs])
        if (found := run_time_table(SqlText(whole, dialect))) is not None:
            yield whole.place(found[0]), found[1]
