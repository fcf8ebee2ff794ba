"""The words that make a text worth parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from membership_refactor.scan.resolve.tables_as_spelled import View

WORDS = re.compile(r"[^\W\d][\w$]*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Interest:
    """Words, folded, of which a text has to hold one."""

    tables: frozenset[str]
    going: frozenset[str]
    """Columns, and the associations of entities that stand for them."""
    columns: frozenset[str] = frozenset()
    """Columns as SQL names them."""
    macros: frozenset[str] = frozenset()

    @property
    def words(self) -> frozenset[str]:
        return self.tables | self.going | self.macros

    def named(self, text: str, start: int, end: int) -> bool:
        """Whether the part of a text holds a word of the plan, in any spelling."""
        return pattern(self.words).search(text, start, end) is not None

    @classmethod
    def of(cls, *views: View) -> Interest:
        """Collect the words of all views."""
        macros = {macro.name.lower() for view in views for macro in view.consumer.macros}
        return cls(
            frozenset(word for view in views for word in view.tables),
            frozenset(word for view in views for word in view.searched_words),
            frozenset(word for view in views if not view.jpql for word in view.searched_words),
            frozenset(macros),
        )

    def in_text(self, text: str, dialect: str = "") -> tuple[bool, bool]:
        """Whether a table (or macro) and whether a column is named."""
        going = self.going if dialect == "jpql" else self.columns
        words = {word.lower() for word in WORDS.findall(text)}
        named = not (words.isdisjoint(self.tables) and words.isdisjoint(self.macros))
        return named, not words.isdisjoint(going)

    def mentions(self, text: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Tables and going columns named in a program, each with its offset.

        ``findByPersonId`` and ``person_ids_of`` name person_id: a word counts by its parts.
        """
        tables: list[tuple[str, int]] = []
        going: list[tuple[str, int]] = []
        known: dict[str, tuple[bool, bool]] = {}
        for match in WORDS.finditer(text):
            word = match[0]
            if word not in known:
                parts = f"_{'_'.join(_PARTS.findall(word)).lower()}_"
                known[word] = (
                    word.lower() in self.tables or any(f"_{t}_" in parts for t in self.tables),
                    word.lower() in self.going or any(f"_{g}_" in parts for g in self.going),
                )
            table, column = known[word]
            if table:
                tables.append((word, match.start()))
            if column:
                going.append((word, match.start()))
        return tables, going

    def going_in(self, text: str, start: int = 0) -> Iterator[tuple[str, int]]:
        """Yield every word that is a going column, with its offset; ``start`` is the text's."""
        for match in WORDS.finditer(text):
            if match[0].lower() in self.going:
                yield match[0], start + match.start()


@lru_cache(maxsize=8)
def pattern(words: frozenset[str]) -> re.Pattern[str]:
    """A search for any of the words, also inside of others."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, longest_first)), re.I)
