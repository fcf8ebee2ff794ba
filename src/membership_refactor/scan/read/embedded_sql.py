"""Decide which texts of a program are SQL, JPQL, or a part of a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from membership_refactor.scan.parse.piece import Harvest, Look, Piece, Placed, joined
from membership_refactor.scan.read.sql_file import sql_pieces, starts_like_sql
from membership_refactor.scan.resolve.tables_as_spelled import Interest

_PART = re.compile(
    r"(?:^\s*(?:and|or|where|on|having|order\s+by|group\s+by|set|from|join|left|inner|union|in"
    r"|not|exists|,)\b)|[=<>]|\b(?:is\s+(?:not\s+)?null|like|between|in\s*\(|asc|desc)\b|:\w|\?",
    re.I,
)
_ANY_TABLE = re.compile(
    r"\b(?:from|into|update|join|table)\s+[\w.\"`\[]*(?:[{%<#?]|\$\{|\$\w|:[A-Za-z_\"]|&\w)",
    re.I,
)
_ANY_COLUMN = re.compile(r"\*|\bvalues\b|\{.*\{|%s.*%s", re.I | re.S)
_FROM_TABLE = re.compile(r"\b(?:from|into|update|join|table)\s+[`\"\w]", re.I)


@dataclass(slots=True)
class Text:
    """A text put together from parts of a file."""

    parts: list[Placed]
    dialect: str = ""
    """jpql, or empty for the consumer's own."""
    escape: str = '"'


def run_time_table(text: str) -> str:
    """What to look at where a statement reads a table whose name is put in; else empty."""
    if _ANY_TABLE.search(text) and _ANY_COLUMN.search(text):
        return f"the table's name is put in at run time: {' '.join(text.split())[:60]}"
    return ""


def embedded_pieces(text: Text, dialect: str, interest: Interest) -> Harvest:
    """Find the text's statements, if it is SQL and may name something of the plan."""
    placed = joined(text.parts)
    dialect = text.dialect or dialect
    table, column = interest.in_text(placed.text, dialect)
    sql = starts_like_sql(placed.text) and " " in placed.text.strip()
    if not (table or column):
        if sql and (message := run_time_table(placed.text)):
            return Harvest(remarks=[(placed.place(0), Look.HOLE, message)])
        return Harvest()
    if sql:
        if table or "{" in placed.text or "$" in placed.text:
            return sql_pieces(placed, dialect, escape=text.escape)
        if _FROM_TABLE.search(placed.text):
            # Another table's column of the same name.
            return Harvest(passed=[(placed.place(0), placed.place(len(placed.text)))])
    elif not (column or table) or not _PART.search(placed.text) or "\n\n" in placed.text:
        return Harvest()
    return Harvest([Piece(placed=placed, dialect=dialect, fragment=True, escape=text.escape)])


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
        if edits := [(*match.span(), match.expand(new)) for match in found]:
            placed = placed.replaced(edits)
    treats: list[tuple[int, int, str]] = []
    for match in _TREAT.finditer(placed.text):
        treats += [(match.start(), match.start(1), ""), (match.end(1), match.end(), "")]
    return placed.replaced(treats) if treats else placed
