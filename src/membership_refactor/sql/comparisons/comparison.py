"""Comparison: what verify compares, range by range, and the statements with which repair mends.

Each range is one statement and so one snapshot. Both tables are written in one transaction, so a
difference that such a statement finds is real, also while writers run. The first and the last
range have no outer limit: a row that exists on one side only is found wherever its key lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.types import differs

RANGE_ROWS = 50_000
"""Rows in a range where both sides are limited to it."""
HASHED_ROWS = 500_000
"""Rows in a range that is joined with a whole table: enough to pay for hashing that table, few
enough for a snapshot of one or two seconds."""

NOTHING = "'{}'::pg_catalog.text[]"
UUID = "pg_catalog.uuid"
EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE
"""The lock that repair takes on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides with a common key. ``authority`` is the side that repair trusts.

    The SQL comes from functions, not from templates, so no table name can look like a placeholder.
    """

    name: str
    authority: str
    route: str
    """The quoted, qualified table whose rows are divided into ranges."""
    route_key: RowId
    """The columns of that table that the ranges run along."""
    route_type: str
    rows: Callable[[str, str], str]
    """SELECT of (key, kind of difference, columns), given a condition on each side's rows."""
    left: tuple[RowId, str]
    """What the ranges limit on the left side, and its row's alias."""
    right: tuple[RowId, str]
    of_keys: Callable[[str], str]
    """The same SELECT for the keys in an array expression."""
    key_type: str
    """The type of the keys found; it can differ from the type of the route column."""
    mend: Callable[[str], tuple[str, ...]] | None
    """Statements, run under ``locks``, that mend the keys in an array. None if the right values
    are stored nowhere."""
    was: Callable[[str], str]
    """SELECT of (key, row as jsonb) before mending, for the keys in an array."""
    locks: tuple[tuple[str, Lock], ...]
    range_rows: int = RANGE_ROWS
    looked_up: str = ""
    """The table that a range of ``HASHED_ROWS`` is joined with."""
    rebuilt_by: str | None = None
    """The step that makes one side from the other. It can be taken back and taken again."""

    def settings(self, partner_rows: float) -> tuple[str, ...]:
        """What the session of a range sets, given the number of rows of ``looked_up``.

        PostgreSQL estimates a range of several columns by the first column alone. It would read
        whole tables for each range, and hash a large partner for each again.
        """
        if not self.route_key.several:
            return ()
        if not self.looked_up:
            return ("SET enable_seqscan = off",)
        if partner_rows <= 2 * self.range_rows:
            return ()
        return tuple(f"SET enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin"))

    def in_range(self, first: str | None, last: str | None) -> str:
        """The differing keys above ``first`` and up to ``last`` (None: no limit)."""
        return self.rows(
            self._within(*self.left, first, last), self._within(*self.right, first, last)
        )

    def _within(self, key: RowId, row: str, first: str | None, last: str | None) -> str:
        parts = [key.present(row)]
        if first is not None:
            parts.append(key.compared(row, ">", f"{literal(first)}::{self.route_type}"))
        if last is not None:
            parts.append(key.compared(row, "<=", f"{literal(last)}::{self.route_type}"))
        return " AND ".join(parts)


def rows_where(table: str, condition: str = "") -> str:
    """A FROM item: the whole table, or the rows for which ``condition`` is true."""
    return f"(SELECT * FROM {table} WHERE {condition})" if condition else table


def differing_columns(columns: Sequence[Column], left: str, right: str) -> str:
    """An array of the names of the columns in which the two rows differ."""
    cases = ", ".join(
        f"CASE WHEN {differs((c,), left, right)} THEN {literal(c.name)} END" for c in columns
    )
    return f"pg_catalog.array_remove(ARRAY[{cases}]::pg_catalog.text[], NULL)"


def difference(left: str, right: str, columns: str) -> str:
    """The kind of difference and the differing columns of one row of a full join."""
    return (
        f"CASE WHEN {right} IS NULL THEN 'missing' WHEN {left} IS NULL THEN 'extra' "
        f"ELSE 'different' END,\n  CASE WHEN {left} IS NULL OR {right} IS NULL "
        f"THEN {NOTHING} ELSE {columns} END"
    )


def rows_as_json(table: str, key: RowId) -> Callable[[str], str]:
    """The ``was`` of a comparison that mends ``table``."""
    return lambda keys: (
        f"SELECT {key.text('t')}, pg_catalog.to_jsonb(t.*) FROM {table} AS t "
        f"WHERE {key.in_array('t', keys)}"
    )
