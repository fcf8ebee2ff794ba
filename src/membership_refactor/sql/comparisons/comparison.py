"""Comparison: two sides by a common key, range by range, and the text that mends a key.

One statement a range, so one snapshot: both sides are written in one transaction, and whatever
such a statement finds while writers run is real. Ranges lie end to end, open at both ends of the
key, so that a row that only one side has is found wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.types import differs

RANGE_ROWS = 50_000
"""Rows of a range where both sides are cut along the same route."""
HASHED_ROWS = 500_000
"""Where each range is joined with the whole of another table: enough to pay for its hash, and
still a snapshot of a second or two."""

NOTHING = "'{}'::pg_catalog.text[]"
UUID = "pg_catalog.uuid"
EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE
"""What repair holds on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides by a common key. ``authority`` is the side that repair believes.

    Texts are made by functions, not from templates with places in them: no name that a table may
    have can be mistaken for such a place.
    """

    name: str
    authority: str
    route: str
    """The quoted, qualified table along which ranges are cut."""
    route_key: str
    """The bare name of its column."""
    route_type: str
    rows: Callable[[str, str], str]
    """SELECT of (key, difference, columns), given the conditions on either side's rows."""
    left_key: str
    """The route as it is called in the condition on the left side."""
    right_key: str
    of_keys: Callable[[str], str]
    """The same SELECT for the keys in an array expression."""
    key_type: str
    """The type of the keys found, which need not be the route's."""
    mend: Callable[[str], tuple[str, ...]] | None
    """Statements that put the keys in an array right, under ``locks``; None where nothing holds
    the truth."""
    was: Callable[[str], str]
    """SELECT of (key, row as jsonb) of what stood there, for the keys in an array."""
    locks: tuple[tuple[str, Lock], ...]
    range_rows: int = RANGE_ROWS
    resort: str = "Put one of those rows right by hand, then run this again."
    """What to do where a constraint stands in the way of mending."""

    def in_range(self, first: str | None, last: str | None) -> str:
        """The differing keys above ``first`` and up to ``last`` (None: open)."""
        return self.rows(
            self._within(self.left_key, first, last), self._within(self.right_key, first, last)
        )

    def _within(self, key: str, first: str | None, last: str | None) -> str:
        parts = [f"{key} IS NOT NULL"]
        if first is not None:
            parts.append(f"{key} > {literal(first)}::{self.route_type}")
        if last is not None:
            parts.append(f"{key} <= {literal(last)}::{self.route_type}")
        return " AND ".join(parts)


def columns_apart(columns: Sequence[Column], left: str, right: str) -> str:
    cases = ", ".join(
        f"CASE WHEN {differs((c,), left, right)} THEN {literal(c.name)} END" for c in columns
    )
    return f"pg_catalog.array_remove(ARRAY[{cases}]::pg_catalog.text[], NULL)"


def difference(left: str, right: str, columns: str) -> str:
    """The kind of difference, and the columns, of a row of a full join."""
    return (
        f"CASE WHEN {right} IS NULL THEN 'missing' WHEN {left} IS NULL THEN 'extra' "
        f"ELSE 'different' END,\n  CASE WHEN {left} IS NULL OR {right} IS NULL "
        f"THEN {NOTHING} ELSE {columns} END"
    )


def rows_as_json(table: str, key: str) -> Callable[[str], str]:
    return lambda keys: (
        f"SELECT t.{key}::text, pg_catalog.to_jsonb(t.*) FROM {table} AS t "
        f"WHERE t.{key} = ANY ({keys})"
    )
