"""What the database knows of the tables that a statement reads, and what it says when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from membership_refactor.consumers import Consumer
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.needs import Cell
from membership_refactor.scan.compare.results import NotComparable, StatementFailed
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns
from membership_refactor.sql.own_statements import MARK


class Catalog:
    """What the database knows of the tables."""

    def __init__(
        self, connection: Connection, plan: TableSplit, stage: Stage, consumer: Consumer,
        schema: str,
    ) -> None:  # fmt: skip
        portrait = columns_portrait(connection, schema)
        connection.rollback()
        self.connection, self.plan, self.schema = connection, plan, schema
        self.columns = wide_columns(plan, portrait=portrait)
        self.tables = {
            spelled: [column.name for column in table.columns]
            for table in portrait.tables
            for spelled in (table.name, plain(table.name, "")[0])
        }
        # A bare name means what it means in the database only if all of its tables are known.
        known = {name: (*own, *(plain("", c)[1] for c in own)) for name, own in self.tables.items()}
        consumer = replace(consumer, tables=known)
        self.view = View(structure_at(plan, stage), consumer, "postgres")
        self.new_view = View(structure_at(plan, Stage.INTERIM), consumer, "postgres")
        self._known: Mapping[Cell, tuple[str, bool]] = {
            plain(table.name, column.name): (column.type, column.not_null)
            for table in portrait.tables
            for column in table.columns
        }

    def of(self, table: str, column: str) -> tuple[str, bool] | None:
        """Type and NOT NULL of a column of any table."""
        return self._known.get(plain(table, column))

    def sure(self, table: str, column: str) -> tuple[str, bool]:
        """The same, of the wide table where none is named. Raises NotComparable without one."""
        found = self.of(table, column) if table else self._wide(column)
        if found is None:
            name = f"{table}.{column}" if table else column
            raise NotComparable(f"the database has no {name}, whose type is needed")
        return found

    def _wide(self, column: str) -> tuple[str, bool] | None:
        plan = self.plan
        parent, copied = self.of(plan.parent, column), self.of(plan.child, column)
        for table in (plan.source, plan.child, plan.retired):
            known = self.of(table, column)
            if known is not None and self.of(table, plan.key[0]) is not None:
                # At interim the copy's key is nullable again; the parent's is not.
                return known[0], (parent or known)[1]
        return parent or (copied and (copied[0], False))

    def run(self, text: str, parameters: tuple[Any, ...] | None = None) -> Any:
        """Run a statement. Raises StatementFailed."""
        try:
            return self.connection.exec_driver_sql(f"{text}\n{MARK}", parameters)
        except DBAPIError as error:
            raise StatementFailed(error) from error

    def evaluate(self, expression: str) -> Any:
        """The value of an expression without columns. None where PostgreSQL does not take it."""
        try:
            with self.connection.begin_nested():
                return self.run(f"SELECT {expression}").scalar_one()
        except StatementFailed:
            return None


def plain(table: str, column: str) -> Cell:
    """The names in the spelling under which camelCase and snake_case are the same."""
    return table.replace("_", "").lower(), column.replace("_", "").lower()
