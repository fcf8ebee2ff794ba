"""The plan's tables in a consumer's spelling, looked up the way its dialect compares names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.resolve.spelling import camel, pascal
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
        self.foreign = {
            name: frozenset(column.lower() for column in columns)
            for name, columns in consumer.tables.items()
        }
        self.tables: dict[str, TableView] = {}
        self._exact: set[str] = set()
        for table in structure.tables:
            view = self._table_view(table)
            for spelled in self._table_spellings(table.name):
                self.tables.setdefault(spelled.lower(), view)
                self._exact.add(spelled)
        self.every_table = list({id(view): view for view in self.tables.values()}.values())
        words = [
            (word, name, standing)
            for view in self.every_table
            for word, (name, standing) in view.columns.items()
        ]
        self.column_words = frozenset(word for word, _, _ in words)
        deprecated = structure.plan.deprecated
        self.searched_words = frozenset(word for word, name, _ in words if name in deprecated)
        """The words of a plain search. ``id`` and the like are everywhere."""

    def _table_spellings(self, name: str) -> tuple[str, ...]:
        if self.jpql:
            entities = [e for e, table in self.consumer.entities.items() if table == name]
            return (*entities, pascal(name), self.names.table(name))
        return (self.names.table(name), name)

    def _table_view(self, table: TableAtStage) -> TableView:
        columns: dict[str, tuple[str, Standing]] = {}
        for name, standing in table.columns:
            spelled = self.names.column(name)
            columns[spelled.lower()] = (name, standing)
            self._exact.add(spelled)
        for name, standing in table.columns:
            columns.setdefault(name.lower(), (name, standing))
            if self.jpql:
                columns.setdefault(camel(name).lower(), (name, standing))
                # An association is called like its key column without the ending.
                if name.endswith("_id"):
                    columns.setdefault(camel(name[:-3]).lower(), (name, standing))
        if self.jpql:
            for attribute, name in self.consumer.attributes.items():
                found = table.standing(name)
                if found is not None:
                    columns[attribute.lower()] = (name, found)
        return TableView(table, columns)

    def fold(self, name: str, *, quoted: bool) -> str:
        """The form under which two names are the same to the dialect."""
        if self.dialect != "postgres" or not quoted or name in self._exact:
            return name.lower()
        return name

    def spell_column(self, name: str) -> str:
        """The plan's column as this consumer writes it, quoted where it has to be."""
        return self._spell(self.names.column(name))

    def spell_table(self, name: str) -> str:
        """The plan's table as this consumer writes it, quoted where it has to be."""
        return self._spell(self.names.table(name))

    def _spell(self, name: str) -> str:
        plain = name.replace("_", "a").isalnum() and not name[:1].isdigit()
        if plain and (self.dialect != "postgres" or name.islower()):
            return name
        quote = "`" if self.dialect == "mysql" else '"'
        return quote + name.replace(quote, quote * 2) + quote
