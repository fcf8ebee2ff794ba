"""Whether the models of a stage equal the database, as Alembic compares them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.schema import Column, ForeignKeyConstraint, Index, Table

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait import Table as PortraitTable
from membership_refactor.portrait.portrait_differences import Change, Difference, compared

PLUGINS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname")


def model_differences(
    connection: Connection,
    plan: TableSplit,
    schema: str,
    metadata: Sequence[MetaData],
    *,
    tables: Iterable[str],
    expected: Portrait,
    baseline: Iterable[tuple[Portrait, Portrait]] = (),
    now: Portrait | None = None,
) -> tuple[str, ...]:
    """Return a sentence for each difference that counts, of those tables that have models.

    ``expected`` is what the steps make of the tables: a foreign key that they drop is missing on
    purpose. ``baseline`` are pairs of portraits, as the first step would have created tables and as
    it found them: what differed then is not reported. ``now`` is the tables' portrait. It has the
    columns of a CHECK, which SQLAlchemy lacks.
    """
    names = {table.name for one in metadata for table in one.tables.values()} & set(tables)
    connection.dialect.default_schema_name = schema
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or name in names,
            "include_object": lambda _, name, kind, *rest: kind != "table" or name in names,
            "autogenerate_plugins": list(PLUGINS),
            "version_table_schema": schema,
        },
    )
    known = _Adopted(plan, baseline, now)
    return tuple(
        _sentence(entry)
        for entry in _flat(compare_metadata(context, cast("MetaData", list(metadata))))
        if not known.explains(entry) and not _dropped(expected, entry)
    )


def _flat(entries: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Flatten the list, because Alembic groups the changes of a column."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _flat(entry)
        else:
            yield entry


def _dropped(expected: Portrait, entry: tuple[Any, ...]) -> bool:
    """Whether the models have a foreign key that the steps have dropped."""
    table = expected.find(entry[1].parent.name) if entry[0] == "add_fk" else None
    return table is not None and not any(
        set(_columns(entry[1])) == set(key.columns) for key in table.foreign_keys
    )


class _Adopted:
    """The differences from when tables were adopted, in a form that survives renaming."""

    def __init__(
        self,
        plan: TableSplit,
        baseline: Iterable[tuple[Portrait, Portrait]],
        now: Portrait | None,
    ) -> None:
        self.now = now
        self.missing: set[tuple[str, str]] = set()
        self.wide = {plan.source, plan.child, plan.parent}
        self.columns: set[tuple[str, str]] = set()
        self.objects: set[tuple[str, frozenset[str]]] = set()
        for expected, found in baseline:
            for difference in compared(expected, found):
                self._note(difference, expected, found)

    def explains(self, entry: tuple[Any, ...]) -> bool:
        operation = entry[0]
        if operation in ("add_column", "remove_column"):
            return any((t, entry[3].name) in self.columns for t in self._tables(entry[2]))
        if operation.startswith("modify_"):
            return any((t, entry[3]) in self.columns for t in self._tables(entry[2]))
        subject = entry[1]
        if isinstance(subject, Table):
            about = operation.rpartition("_")[2]
            return any((t, about) in self.columns for t in self._tables(subject.name))
        table = subject.table.name
        if (table, str(subject.name)) in self.missing:
            return True
        there = self.now.find(table) if self.now is not None else None
        columns = _columns_of(there, str(subject.name)) if there is not None else None
        columns = columns or frozenset(_columns(subject))
        return any((t, columns) in self.objects for t in self._tables(table))

    def _tables(self, name: str) -> set[str]:
        return self.wide if name in self.wide else {name}

    def _note(self, difference: Difference, expected: Portrait, found: Portrait) -> None:
        table = difference.table
        if difference.aspect in ("constraint", "index"):
            if difference.change is Change.MISSING:
                self.missing.add((table, difference.item))
            for portrait in (expected, found):
                there = portrait.find(table)
                columns = _columns_of(there, difference.item) if there is not None else None
                if columns is not None:
                    self.objects.add((table, columns))
        elif difference.item and difference.aspect != "table":
            self.columns.add((table, difference.item))
        elif difference.change is Change.OTHER:
            self.columns.add((table, difference.aspect))
            # The differences of a column say in their text which one they concern.
            for name in re.findall(r'column "([^"]+)"', difference.text):
                self.columns.add((table, name))


def _columns_of(table: PortraitTable, name: str) -> frozenset[str] | None:
    found = [frozenset(c.columns) for c in table.constraints if c.name == name]
    found += [frozenset(i.columns) for i in table.indexes if i.name == name]
    return found[0] if found else None


def _columns(subject: Any) -> tuple[str, ...]:
    if isinstance(subject, ForeignKeyConstraint):
        return tuple(subject.column_keys)
    return tuple(str(getattr(column, "name", column)) for column in subject.columns)


def _sentence(entry: tuple[Any, ...]) -> str:
    operation = str(entry[0])
    if operation.startswith("modify_"):
        what = operation.removeprefix("modify_")
        return (
            f'table "{entry[2]}": column "{entry[3]}": {what} is {entry[5]!r}, '
            f"the models say {entry[6]!r}"
        )
    change, _, kind = operation.partition("_")
    said = "is not in the models" if change == "remove" else "is missing"
    subject = entry[3] if isinstance(entry[-1], Column) else entry[1]
    if operation.endswith("_table_comment"):
        return f'table "{subject.name}": its comment is not that of the models'
    if isinstance(subject, Table):
        return f'table "{subject.name}" {said}'
    if isinstance(subject, Column):
        return f'table "{entry[2]}": column "{subject.name}" {said}'
    name = {"fk": "foreign key"}.get(kind, kind)
    unique = "unique " if isinstance(subject, Index) and subject.unique else ""
    listed = ", ".join(_columns(subject))
    return f'table "{subject.table.name}": {unique}{name} "{subject.name}" ({listed}) {said}'
