"""The plan's tables in a consumer's spelling, and the words that make a text worth parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from membership_refactor.consumers import Consumer, camel, pascal
from membership_refactor.scan.parse.piece import small
from membership_refactor.scan.parse.tokens import Token
from membership_refactor.scan.resolve.tables_at_stage import (
    GOING,
    Role,
    Standing,
    Structure,
    TableAtStage,
)


@dataclass(frozen=True, slots=True)
class TableView:
    """One of the plan's tables as a consumer spells it."""

    table: TableAtStage
    columns: Mapping[str, tuple[str, Standing]]
    """Folded spelling to the plan's name and its standing."""

    @property
    def role(self) -> Role:
        return self.table.role

    @property
    def wide(self) -> bool:
        """Whether it is the wide table, under either name."""
        return self.role is Role.SOURCE or (self.role is Role.COPY and bool(self.table.going))

    def going(self, word: str) -> str | None:
        """The plan's name of a column that goes or is gone; None for any other word."""
        name, standing = self.columns.get(word, ("", None))
        return name if standing in GOING else None


class View:
    """The plan's tables at a stage, by the names under which a statement may find them."""

    def __init__(
        self, structure: Structure, consumer: Consumer, dialect: str, *, schema: str = "public"
    ) -> None:
        self.structure, self.consumer, self.dialect = structure, consumer, dialect
        self.names = consumer.names
        self.schemas = {name.lower() for name in consumer.schemas} or {schema.lower()}
        self.jpql = dialect == "jpql"
        foreign = consumer.tables.items()
        self.foreign = {name: frozenset(map(str.lower, columns)) for name, columns in foreign}
        self.tables: dict[str, TableView] = {}
        self._exact: set[str] = set()
        for table in structure.tables:
            view = self._table_view(table)
            for spelled in self._table_spellings(table.name):
                self.tables.setdefault(spelled.lower(), view)
                self._exact.add(spelled)
        self.every_table = list({id(view): view for view in self.tables.values()}.values())
        columns = [item for view in self.every_table for item in view.columns.items()]
        self.column_words = frozenset(word for word, _ in columns)
        deprecated = structure.plan.deprecated
        self.searched_words = frozenset(word for word, (name, _) in columns if name in deprecated)
        """The words of a plain search. ``id`` and the like are everywhere."""

    def _table_spellings(self, name: str) -> tuple[str, ...]:
        if self.jpql:
            entities = [e for e, table in self.consumer.entities.items() if table == name]
            return (*entities, pascal(name), self.names.table(name))
        return (self.names.table(name), name)

    def _table_view(self, table: TableAtStage) -> TableView:
        columns = {self.names.column(own[0]).lower(): own for own in table.columns}
        self._exact.update(self.names.column(name) for name, _ in table.columns)
        for own in table.columns:
            columns.setdefault(own[0].lower(), own)
            if self.jpql:
                columns.setdefault(camel(own[0]).lower(), own)
                # An association is called like its key column without the ending.
                columns.setdefault(camel(own[0].removesuffix("_id")).lower(), own)
        if self.jpql:
            known = dict(table.columns)
            given = self.consumer.attributes.items()
            columns |= {word.lower(): (n, known[n]) for word, n in given if n in known}
        return TableView(table, columns)

    @property
    def parent(self) -> TableView | None:
        """The plan's parent table, if it has one at the stage."""
        return self.tables.get(self.names.table(self.structure.plan.parent).lower())

    def at_stage(self, name: str) -> TableAtStage | None:
        """What the table of this name is at the stage; None for a table outside the plan."""
        table = self.tables.get(name)
        return table.table if table is not None else None

    def fold(self, name: str, *, quoted: bool) -> str:
        """The form under which two names are the same to the dialect."""
        if self.dialect != "postgres" or not quoted or name in self._exact:
            return name.lower()
        return name

    def fold_token(self, token: Token) -> str:
        """The name that a token is, folded; empty where it is none."""
        quoted = token.kind == "quoted"
        return self.fold(token.name, quoted=quoted) if quoted or token.kind == "word" else ""

    def spell_column(self, name: str) -> str:
        """The plan's column as this consumer writes it, quoted where it has to be."""
        return self._spell(self.names.column(name))

    def spell_table(self, name: str) -> str:
        """The plan's table as this consumer writes it, quoted where it has to be."""
        return self._spell(self.names.table(name))

    def _spell(self, name: str) -> str:
        plain = name.replace("_", "a").isalnum() and not name[:1].isdigit()
        bare = plain and (self.dialect != "postgres" or name.islower())
        return name if bare else self.quoted(name)

    def quoted(self, name: str) -> str:
        """The name in the quotes of the dialect."""
        quote = "`" if self.dialect == "mysql" else '"'
        return quote + name.replace(quote, quote * 2) + quote


WORDS = re.compile(r"[^\W\d]\w*")
_WITH_DOLLAR = re.compile(r"[^\W\d][\w$]*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Interest:
    """Words, folded, of which a text has to hold one."""

    tables: frozenset[str]
    going: frozenset[str]
    """Columns, and the associations of entities that stand for them."""
    columns: frozenset[str] = frozenset()
    """Columns as SQL names them."""
    macros: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> frozenset[str]:
        return self.tables | self.going | self.macros

    @cached_property
    def _in_small(self) -> re.Pattern[str]:
        return re.compile(pattern(self.words | self.columns).pattern)

    def named(self, text: str, start: int, end: int) -> bool:
        """Whether the part of a text holds a word of the plan, in any spelling."""
        return self._in_small.search(text[start:end].lower()) is not None

    def places(self, text: str) -> Iterator[int]:
        """Yield where words of the plan begin, also inside of others."""
        return (match.start() for match in self._in_small.finditer(small(text)))

    @classmethod
    def of(cls, view: View, entities: View) -> Interest:
        """Collect the words of SQL and of JPQL."""
        macros = frozenset(macro.name.lower() for macro in view.consumer.macros)
        going = view.searched_words | entities.searched_words
        return cls(frozenset({*view.tables, *entities.tables}), going, view.searched_words, macros)

    def in_text(self, text: str, dialect: str = "") -> tuple[bool, bool]:
        """Whether a table (or macro) and whether a column is named."""
        going, lower = self.going if dialect == "jpql" else self.columns, text.lower()
        if self._in_small.search(lower) is None:
            return False, False
        words = set(WORDS.findall(lower))
        if "$" in text:  # a part of the name, or the end of a body in dollars
            words |= set(_WITH_DOLLAR.findall(lower))
        named = not (words.isdisjoint(self.tables) and words.isdisjoint(self.macros))
        return named, not words.isdisjoint(going)

    def mentions(self, text: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Tables and going columns named in a program, each with its offset.

        ``findByPersonId`` and ``person_ids_of`` name person_id: a word counts by its parts.
        """
        found = [(match[0], match.start()) for match in WORDS.finditer(text)]
        known = {word: self._meanings(word) for word in {word for word, _ in found}}
        tables, going = ([one for one in found if known[one[0]][n]] for n in (0, 1))
        return tables, going

    def _meanings(self, word: str) -> tuple[bool, bool]:
        """Whether a word of a program names a table, and whether a going column."""
        lower, parts = word.lower(), f"_{'_'.join(_PARTS.findall(word)).lower()}_"
        table = any(f"_{t}_" in parts or ("_" in t and t in lower) for t in self.tables)
        column = any(f"_{g}_" in parts for g in self.going)
        return table or lower in self.tables, column or lower in self.going

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
