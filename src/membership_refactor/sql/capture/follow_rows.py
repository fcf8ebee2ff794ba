"""OneWay: the statements that make rows of one table equal to those of another, by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column
from membership_refactor.sql.changed_columns import ChangedColumns
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.types import differs

OURS = "pg_catalog.age(b.xmin) <= 0"
"""A condition: this transaction, or one that began after it, wrote the target's row ``b``. age()
counts from the transaction's own xid; the xids of its savepoints are later. Rows of other
transactions are equal on both sides. So a differing row is either capture's own earlier write or a
write of the application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """From ``origin`` (alias ``a``) to ``target`` (alias ``b``). Both tables have ``columns``. Rows
    that are equal already are not written."""

    origin: str
    target: str
    id: RowId
    columns: Sequence[Column]

    @property
    def writable(self) -> tuple[Column, ...]:
        """The columns without generated ones, which PostgreSQL computes itself."""
        return tuple(c for c in self.columns if c.generated is None)

    def insert(self, condition: str) -> str:
        """Inserts the rows of the origin that meet ``condition`` (on ``a``) and are missing."""
        return f"{self._proposed(condition)} DO NOTHING"

    def upsert(self, condition: str) -> str:
        """Inserts or updates the rows of the origin that meet ``condition`` (on ``a``)."""
        others = self.id.others(self.writable)
        names = [c.name for c in others]
        return (
            f"{self._proposed(condition)} DO UPDATE SET ({listed(names)}) =\n"
            f"  ROW ({listed(names, 'excluded.')})\n"
            f"WHERE {differs(others, 'b', 'excluded')}"
        )

    def _proposed(self, condition: str) -> str:
        names = [c.name for c in self.writable]
        return (
            f"INSERT INTO {self.target} AS b ({listed(names)})\n"
            f"OVERRIDING SYSTEM VALUE SELECT {listed(names, 'a.')}\n"
            f"FROM {self.origin} AS a WHERE {condition}\n"
            f"ON CONFLICT ({self.id.listed('')})"
        )

    def update(self, condition: str) -> str:
        """Updates rows of the target that differ; cheaper than ``upsert``."""
        others = self.id.others(self.writable)
        names = [c.name for c in others]
        return (
            f"UPDATE {self.target} AS b SET ({listed(names)}) = ROW ({listed(names, 'a.')})\n"
            f"FROM {self.origin} AS a\n"
            f"WHERE {self.id.same('b', 'a')} AND {condition}\n"
            f"  AND {differs(others, 'a', 'b')}"
        )

    def carry(self, condition: str, *, also: str = "false", alone: bool = False) -> str:
        """Updates the columns in which the transition tables differ, to the current values of the
        origin. Other columns of the target stay as they are. ``also``: where it is true, an
        unchanged row is updated without a change. ``alone``: the statement wrote one row, once.
        """
        others = self.id.others(self.writable)
        written = {c.name: self._wrote(c, alone=alone) for c in others}
        values = ",\n    ".join(
            f"CASE WHEN {written[c.name]} THEN a.{ident(c.name)} ELSE b.{ident(c.name)} END"
            for c in others
        )
        # Without this condition both directions would answer each other without end.
        apart = "\n    OR ".join(
            f"({written[c.name]} AND {differs((c,), 'a', 'b')})" for c in others
        )
        touched = f"\n    OR ({also} AND {self._unchanged(alone=alone)})"
        return (
            f"UPDATE {self.target} AS b SET ({listed(list(written))}) = ROW (\n    {values})\n"
            f"FROM {self.origin} AS a, {self._written(alone=alone)}\n"
            f"WHERE {self.id.same('b', 'a')} AND {self.id.same('w', 'a')} AND {condition}\n"
            f"  AND ({apart}{'' if also == 'false' else touched})"
        )

    def changed(self, *, carried: bool, also: str = "false") -> ChangedColumns:
        """``carry``, or ``update``, for a target with triggers that watch single columns."""
        others = self.id.others(self.writable)
        joined = f"FROM {self.origin} AS a, {self.target} AS b"
        same = f"WHERE {self.id.same('b', 'a')}"
        changes = {c.name: differs((c,), "a", "b") for c in others}
        if carried:
            joined += f", {self._written()}"
            same += f" AND {self.id.same('w', 'a')}"
            changes = {c.name: f"{self._wrote(c)} AND {changes[c.name]}" for c in others}
        values = {c.name: f"a.{ident(c.name)}" for c in others}
        if also != "false":
            first, *_ = self.id.columns
            changes[first] = f"{also} AND {self._unchanged()}"
            values[first] = f"b.{ident(first)}"
        return ChangedColumns(
            self.target,
            "b",
            self.id,
            values=values,
            changes=changes,
            rows=f"{joined}\n    {same}",
            source=f"FROM {self.origin} AS a WHERE {self.id.same('a', 'b')}",
        )

    def remove(self, condition: str) -> str:
        """Deletes rows that meet ``condition`` (on ``b``) and that the origin does not have."""
        return (
            f"DELETE FROM {self.target} AS b WHERE {condition}\n"
            f"  AND NOT EXISTS (SELECT FROM {self.origin} AS a WHERE {self.id.same('a', 'b')})"
        )

    def _written(self, *, alone: bool = False) -> str:
        """A FROM item ``w``: the rows that the statement wrote, each once.

        A row can stand several times in the transition tables of one statement: with two foreign
        keys ON UPDATE CASCADE each cascade writes it, and both end up in the same tables. A column
        has changed if it differs between any two of the row's versions.
        """
        if alone:
            return f"n AS w JOIN o ON {self.id.same('o', 'w')}"
        changed = "".join(
            f",\n    pg_catalog.bool_or({differs((c,), 'o', 'n')}) AS {ident(c.name)}"
            for c in self.id.others(self.writable)
        )
        key, joined = self.id.listed("n"), f"o JOIN n ON {self.id.same('o', 'n')}"
        return f"(SELECT {key}{changed}\n  FROM {joined} GROUP BY {key}) AS w"

    def _wrote(self, column: Column, *, alone: bool = False) -> str:
        """A condition: the statement changed the column in the row ``w``."""
        return f"({differs((column,), 'o', 'w')})" if alone else f"w.{ident(column.name)}"

    def _unchanged(self, *, alone: bool = False) -> str:
        """A condition: the statement wrote the row ``w`` and changed no value."""
        others = self.id.others(self.writable)
        if alone:
            return f"NOT {differs(others, 'o', 'w')}"
        return f"NOT ({' OR '.join(self._wrote(c) for c in others)})"
