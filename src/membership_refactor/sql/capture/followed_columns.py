"""Followed columns: values of a column that was added alike to source and copy between two steps.

Each side may have been written before capture knew the column. The value that is not the default is
the one that somebody wrote; if both sides have such a value, and another one, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column
from membership_refactor.sql.application_triggers import VARIABLE, silence_functions, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON
from membership_refactor.sql.types import differs, equal_is_identical

AT_ONCE = 200
"""Rows brought over under one lock."""


@dataclass(frozen=True, slots=True)
class FollowedColumns:
    """The columns, and the statements that find and bring over their values."""

    names: Names
    columns: tuple[Column, ...]
    id_type: str

    @property
    def _both(self) -> str:
        return (
            f"FROM {self.names.source} AS a JOIN {self.names.copy} AS b "
            f"ON {self.names.id.same('b', 'a')}\n"
            f"WHERE {differs(self.columns, 'a', 'b')}"
        )

    def _written(self, column: Column, row: str) -> str:
        """A condition: the row has another value than the default."""
        value = f"{row}.{ident(column.name)}"
        default = f"({column.default or 'NULL'})::{column.type}"
        if equal_is_identical(column):
            return f"{value} IS DISTINCT FROM {default}"
        return f"pg_catalog.record_image_ne(ROW({value}), ROW({default}))"

    def _wanted(self, column: Column, mine: str) -> str:
        """A condition: this side gets the other's value."""
        return f"({differs((column,), 'a', 'b')} AND NOT {self._written(column, mine)})"

    def conflicts(self) -> str:
        """SELECT of (column, number of rows, first five ids) where both sides were written."""
        id = self.names.id
        return "\nUNION ALL ".join(
            f"SELECT {literal(column.name)}, pg_catalog.count(*),\n"
            f"  (pg_catalog.array_agg({id.text('a')} ORDER BY {id.listed('a')}))[1:5]\n"
            f"{self._both}\n"
            f"  AND {differs((column,), 'a', 'b')} AND {self._written(column, 'a')}\n"
            f"  AND {self._written(column, 'b')} HAVING pg_catalog.count(*) > 0"
            for column in self.columns
        )

    def next_ids(self, after: str) -> str:
        """SELECT of the text of the ids of rows that differ; ``after`` is a literal or NULL."""
        id = self.names.id
        later = id.compared("a", ">", f"{after}::{self.id_type}")
        return (
            f"SELECT {id.text('a')} {self._both}\n"
            f"  AND ({after} IS NULL OR {later})\n"
            f"ORDER BY {id.listed('a')} LIMIT {AT_ONCE}"
        )

    def functions(self) -> tuple[Statement, ...]:
        """The functions that ``bring`` uses; drop them with ``drop_functions``."""
        return silence_functions(self.names)

    def drop_functions(self) -> tuple[Statement, ...]:
        own = self.names.own
        return (
            Statement(f"DROP FUNCTION IF EXISTS {own('silence')}(pg_catalog.regclass[])"),
            Statement(f"DROP FUNCTION IF EXISTS {own('speak')}(text)"),
        )

    def bring(self, ids: str) -> str:
        """A block that brings the values over for ``ids``, an array. It runs under locks of both
        tables, and no trigger of the application fires."""
        names, id = self.names, self.names.id
        updates = []
        sides = {"a": names.source, "b": names.copy}
        for mine, other in (("a", "b"), ("b", "a")):
            wanted = {c.name: self._wanted(c, mine) for c in self.columns}
            sets = ", ".join(
                f"{ident(n)} = CASE WHEN {w} THEN {other}.{ident(n)} ELSE {mine}.{ident(n)} END"
                for n, w in wanted.items()
            )
            apart = " OR ".join(wanted.values())
            updates.append(
                f"UPDATE {sides[mine]} AS {mine} SET {sets}\n  FROM {sides[other]} AS {other}\n"
                f"  WHERE {id.same('a', 'b')} AND {id.in_array(mine, ids)} AND ({apart});"
            )
        body = (
            f"\nDECLARE\n  {VARIABLE}\nBEGIN\n"
            f"  PERFORM pg_catalog.set_config('{SYNC_MARK}', '{SYNC_ON}', true);\n"
            f"  {silently(names, (names.source, names.copy), chr(10).join(updates))}\nEND\n"
        )
        return f"DO {dollar_quoted(body)}"


def followed(names: Names, columns: Sequence[Column], id_type: str) -> FollowedColumns:
    """Those of the columns that can be written; a generated one follows by itself."""
    return FollowedColumns(names, tuple(c for c in columns if c.generated is None), id_type)
