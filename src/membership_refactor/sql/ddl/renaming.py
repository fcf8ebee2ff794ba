"""Replacing a table's name in SQL that PostgreSQL printed, and in the names of its objects."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.tokens import Token, tokens
from membership_refactor.sql.quoting import fitted, ident


def renamed(sql: str, schema: str, old: str, new: str) -> str:
    """A definition or expression of table ``old``, for table ``new``.

    PostgreSQL prints the table qualified, and in policies with a sub-select as the prefix of a
    column; both are replaced. String constants stay as they are.
    """
    parts = list(tokens(sql))
    places = _qualified(parts, schema, old)
    if old != schema:
        places |= _prefixes(parts, old)
    return "".join(ident(new) if n in places else token.text for n, token in enumerate(parts))


def is_ambiguous(sql: str, old: str, new: str) -> bool:
    """Whether ``sql`` already calls something else ``new``, such as an alias of a sub-select. Then
    a column of table ``old``, under the new name, would be read as a column of that."""
    parts = list(tokens(sql))
    return old != new and bool(_prefixes(parts, old)) and bool(_prefixes(parts, new))


def reads_whole_row(sql: str, table: str) -> bool:
    """Whether ``sql`` uses the whole row of ``table``, as in ``to_jsonb(t.*)``."""
    parts = list(tokens(sql))
    return any(parts[n + 2 : n + 3] == [Token("other", "*")] for n in _prefixes(parts, table))


def repointed(sql: str, schema: str, old: str, new: str) -> str:
    """A query that reads ``new`` where it read ``old``; for views and function bodies.

    The old name becomes the alias, so nothing else in the query has to change. Repointing back
    removes the alias, and the query is as it was.
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
    # PostgreSQL prints keywords in capitals and quotes names with capitals.
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
    # The schema and a dot precede the name.
    for token in reversed(parts[: place - 2]):
        if token.kind != "space":
            return token.text
    return ""


@dataclass(frozen=True, slots=True)
class DerivedNames:
    """Names of a table's indexes, constraints, statistics and partitions, when the table is called
    ``new``.

    The new table name replaces the old one within an object's name, or is appended if the old one
    is not in it. No two objects get the same name, and none gets a name that is in use now.
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
        """The new names of indexes and partitions, which share a namespace with sequences."""
        indexes = (index.name for index in self.table.indexes)
        return tuple(self._given[n] for n in (*indexes, *(m.name for m in self._members())))

    def _members(self) -> tuple[Member, ...]:
        return self.table.partitioning.members if self.table.partitioning is not None else ()

    def _all(self) -> set[str]:
        table = self.table
        return (
            {constraint.name for constraint in table.constraints}
            | {index.name for index in table.indexes}
            | {statistics.name for statistics in table.statistics}
            | {member.name for member in self._members()}
        )

    def _free(self, name: str, taken: set[str]) -> str:
        return derived_name(name, self.table.name, self.new, taken)


def derived_name(name: str, old: str, new: str, taken: Collection[str]) -> str:
    """The name of an object of table ``old`` for table ``new``, and none of those ``taken``."""
    # Whole words only: the name "personal_ix" does not contain the table "person".
    whole = re.compile(rf"(?<![^\W_]){re.escape(old)}(?![^\W_])")
    wanted = whole.sub(lambda _: new, name)
    return free_name(f"{name}_{new}" if wanted == name else wanted, taken)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """That name, or one like it that is not among those ``taken``."""
    name, n = fitted(wanted), 1
    while name in taken:
        n += 1
        name = fitted(f"{wanted}_{n}")
    return name
