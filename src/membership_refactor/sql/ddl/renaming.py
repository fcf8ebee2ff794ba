"""Exchanging a table's name inside PostgreSQL's own SQL texts, and inside the names of objects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from membership_refactor.portrait import Table
from membership_refactor.portrait.tokens import Token, tokens
from membership_refactor.sql.quoting import fitted, ident


def renamed(sql: str, schema: str, old: str, new: str) -> str:
    """``sql`` about table ``new`` instead of ``old``: definitions and expressions of the table.

    Both ways in which PostgreSQL prints the table are exchanged: qualified, and as the prefix of
    a column where a sub-select stands around (policies). Texts in quotes stay as they are.
    """
    parts = list(tokens(sql))
    places = _qualified(parts, schema, old)
    if old != schema:
        places |= _prefixes(parts, old)
    return "".join(ident(new) if n in places else token.text for n, token in enumerate(parts))


def repointed(sql: str, schema: str, old: str, new: str) -> str:
    """A query that reads ``new`` where it read ``old``; for views and function bodies.

    The old name stays as the alias, so that nothing else in the query has to change. Turned back,
    the alias goes again and the query is the one that it was.
    """
    parts = list(tokens(sql))
    places = _qualified(parts, schema, old)
    texts = [token.text for token in parts]
    for place in places:
        texts[place] = ident(new)
        following = _next(parts, place)
        if following is None or not _is_alias(parts[following]):
            into = _previous_word(parts, place) == "INTO"
            texts[place] += f" {'AS ' if into else ''}{ident(old)}"
            continue
        alias = following
        if parts[following].text == "AS":
            after = _next(parts, following)
            alias = following if after is None else after
        if parts[alias].name == new:
            for n in range(place + 1, alias + 1):
                texts[n] = ""
    return "".join(texts)


def _is_alias(token: Token) -> bool:
    # PostgreSQL prints its keywords in capitals, and quotes a name with capitals.
    return (
        token.kind == "quoted"
        or token.text == "AS"
        or (token.kind == "word" and token.text[0] == token.text[0].lower())
    )


def _qualified(parts: list[Token], schema: str, table: str) -> set[int]:
    """Places of ``table`` in ``schema.table``."""
    places = set()
    for n, token in enumerate(parts):
        if (
            token.name == table
            and n >= 2
            and parts[n - 1].text == "."
            and parts[n - 2].name == schema
            and not (n >= 3 and parts[n - 3].text == ".")
        ):
            places.add(n)
    return places


def _prefixes(parts: list[Token], table: str) -> set[int]:
    """Places of ``table`` in ``table.column``."""
    return {
        n
        for n, token in enumerate(parts)
        if token.name == table
        and n + 1 < len(parts)
        and parts[n + 1].text == "."
        and not (n >= 1 and parts[n - 1].text == ".")
    }


def _next(parts: list[Token], place: int) -> int | None:
    return next((n for n in range(place + 1, len(parts)) if parts[n].kind != "space"), None)


def _previous_word(parts: list[Token], place: int) -> str:
    # Before the name stand its schema and a dot.
    for token in reversed(parts[: place - 2]):
        if token.kind != "space":
            return token.text
    return ""


@dataclass(frozen=True, slots=True)
class DerivedNames:
    """Names of a table's indexes, constraints and statistics, when the table is called ``new``.

    The old name inside an object's name gives way to the new one; where there is none, the new
    one is put behind. No two objects get one name, and none gets a name that the table has now.
    """

    table: Table
    new: str
    _given: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = set(self._all())
        for name in sorted(self._all()):
            self._given[name] = self._free(name, taken)
            taken.add(self._given[name])

    def __getitem__(self, name: str) -> str:
        return self._given[name]

    def relations(self) -> tuple[str, ...]:
        """The new names that stand among tables, indexes and sequences of the schema."""
        return tuple(self._given[index.name] for index in self.table.indexes)

    def _all(self) -> set[str]:
        table = self.table
        return (
            {constraint.name for constraint in table.constraints}
            | {index.name for index in table.indexes}
            | {statistics.name for statistics in table.statistics}
        )

    def _free(self, name: str, taken: set[str]) -> str:
        # Between underscores or other marks only: a table "person" is no part of "personal_ix".
        old = re.compile(rf"(?<![^\W_]){re.escape(self.table.name)}(?![^\W_])")
        wanted = old.sub(lambda _: self.new, name)
        if wanted == name:
            wanted = f"{name}_{self.new}"
        candidate, n = fitted(wanted), 1
        while candidate in taken:
            n += 1
            candidate = fitted(f"{wanted}_{n}")
        return candidate
