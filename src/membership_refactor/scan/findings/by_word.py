"""Lexical: what a statement mentions, by words alone, where parsing it failed.

The answer is unsure and wide, so that nothing is missed in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from membership_refactor.scan.parse.keywords import keywords
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import Token, significant
from membership_refactor.scan.resolve.tables_as_spelled import TableView, View
from membership_refactor.scan.resolve.tables_at_stage import GOING


class Mention(NamedTuple):
    """A word that is a column which goes, of a table that the text names."""

    table: TableView
    column: str
    offset: int
    written: str


def name_of(token: Token) -> str:
    return token.text[1:-1] if token.kind == "quoted" else token.text


def bare_mentions(placed: Placed, view: View, tables: Sequence[TableView]) -> list[Mention]:
    """Every word of the text that is a going column of one of the tables."""
    found: list[Mention] = []
    for token in significant(placed.text, view.dialect):
        if token.kind not in ("word", "quoted"):
            continue
        word = view.fold(name_of(token), quoted=token.kind == "quoted")
        for table in tables if word in view.searched_words else ():
            known = table.columns.get(word)
            if known is not None and known[1] in GOING:
                found.append(Mention(table, known[0], placed.place(token.start), token.text))
    return found


def tables_in(placed: Placed, view: View) -> dict[str, TableView]:
    """Alias or name to the plan's table, as far as words tell."""
    known = keywords()
    found = significant(placed.text, view.dialect)
    named: dict[str, TableView] = {}
    for index, token in enumerate(found):
        if token.kind not in ("word", "quoted"):
            continue
        table = view.tables.get(view.fold(name_of(token), quoted=token.kind == "quoted"))
        if table is None:
            continue
        named[name_of(token).lower()] = table
        at = index + 1
        if at < len(found) and found[at].word == "AS":
            at += 1
        alias = found[at] if at < len(found) else None
        if alias is not None and alias.kind in ("word", "quoted") and alias.word not in known:
            named[name_of(alias).lower()] = table
    return named


def mentions(placed: Placed, view: View) -> list[Mention]:
    """Every going column that the text may read of the tables it names."""
    named = tables_in(placed, view)
    found = significant(placed.text, view.dialect)
    result: list[Mention] = []
    for index, token in enumerate(found):
        if token.kind not in ("word", "quoted"):
            continue
        word = view.fold(name_of(token), quoted=token.kind == "quoted")
        if word not in view.going_words:
            continue
        tables = list({id(t): t for t in named.values()}.values())
        if index >= 2 and found[index - 1].text == ".":
            qualifier = name_of(found[index - 2]).lower()
            tables = [named[qualifier]] if qualifier in named else []
        for table in tables:
            known = table.columns.get(word)
            if known is not None and known[1] in GOING:
                offset = placed.place(token.start)
                result.append(Mention(table, known[0], offset, token.text))
    return result
