"""Strings: which texts of a program are SQL, and which are a part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from membership_refactor.scan.parse.placed_text import Placed, joined
from membership_refactor.scan.read.piece import Harvest, Piece
from membership_refactor.scan.read.routines import body_pieces, has_body
from membership_refactor.scan.read.sql_file import statements
from membership_refactor.scan.resolve.analyse import starts_like_sql
from membership_refactor.scan.resolve.tables_as_spelled import View

WORDS = re.compile(r"[^\W\d][\w$]*")
_PART = re.compile(
    r"(?:^\s*(?:and|or|where|on|having|order\s+by|group\s+by|set|from|join|left|inner|union|in"
    r"|not|exists|,)\b)|[=<>]|\b(?:is\s+(?:not\s+)?null|like|between|in\s*\(|asc|desc)\b|:\w|\?",
    re.I,
)
_FROM_TABLE = re.compile(r"\b(?:from|into|update|join|table)\s+[`\"\w]", re.I)


@dataclass(frozen=True, slots=True)
class Interest:
    """The words, folded, that make a text worth parsing."""

    tables: frozenset[str]
    going: frozenset[str]
    macros: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *views: View) -> Interest:
        macros = {macro.name.lower() for view in views for macro in view.consumer.macros}
        return cls(
            frozenset(word for view in views for word in view.tables),
            frozenset(word for view in views for word in view.searched_words),
            frozenset(macros),
            frozenset(word for view in views if view.jpql for word in view.tables),
        )

    def in_text(self, text: str) -> tuple[bool, bool]:
        """Whether a table (or macro) and whether a column is named."""
        words = {word.lower() for word in WORDS.findall(text)}
        named = not words.isdisjoint(self.tables) or not words.isdisjoint(self.macros)
        return named, not words.isdisjoint(self.going)


@dataclass(slots=True)
class Text:
    """A text put together from parts of a file."""

    parts: list[Placed]
    dialect: str = ""
    """jpql, or empty for the consumer's own."""
    escape: str = '"'


def string_pieces(text: Text, dialect: str, interest: Interest, harvest: Harvest) -> None:
    """Adds the text's statements to the harvest, if it is SQL and names something of ours."""
    if not text.parts:
        return
    placed = joined(text.parts)
    table, column = interest.in_text(placed.text)
    if not (table or column):
        return
    dialect = text.dialect or dialect
    host = "jpql" if dialect == "jpql" else "string"
    if starts_like_sql(placed.text) and " " in placed.text.strip():
        if not table and "{" not in placed.text and "$" not in placed.text:
            if _FROM_TABLE.search(placed.text):
                return  # another table's column of the same name
            harvest.pieces.append(
                Piece(placed=placed, dialect=dialect, host=host, fragment=True, escape=text.escape)
            )
            return
        for statement in statements(placed, dialect):
            if has_body(statement.text, dialect):
                inner = body_pieces(statement, dialect)
                harvest.pieces += inner.pieces
                harvest.remarks += inner.remarks
            else:
                harvest.pieces.append(
                    Piece(placed=statement, dialect=dialect, host=host, escape=text.escape)
                )
    elif column and _PART.search(placed.text) and "\n\n" not in placed.text:
        harvest.pieces.append(
            Piece(placed=placed, dialect=dialect, host=host, fragment=True, escape=text.escape)
        )
