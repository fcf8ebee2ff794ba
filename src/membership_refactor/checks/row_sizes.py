"""Checks of sizes: a key has to fit into an index, and a row with its link into a page."""

from __future__ import annotations

import re

from membership_refactor.checks.check import Check
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.types import base_type, stored_type

LONGEST_KEY = 2_704
"""Bytes of an entry in a btree index."""
LONGEST_ROW = 8_160
"""Bytes of a row in its page; longer values are stored out of line, with a pointer in the row."""
_POINTER, _LEFT_IN_ROW = 18, 24
"""A pointer takes 18 bytes. PostgreSQL moves out only values of more than 24 bytes."""
_HEADER = 8
_ALIGNED = 8
"""A value begins at a multiple of its type's alignment, of 8 at most."""

_WIDTHS = {
    "boolean": 1,
    '"char"': 1,
    "smallint": 2,
    "integer": 4,
    "real": 4,
    "date": 4,
    "oid": 4,
    "macaddr": 6,
    "bigint": 8,
    "double precision": 8,
    "money": 8,
    "macaddr8": 8,
    "time without time zone": 8,
    "timestamp without time zone": 8,
    "timestamp with time zone": 8,
    "time with time zone": 12,
    "interval": 16,
    "uuid": 16,
    "point": 16,
    "inet": 22,
    "cidr": 22,
    "line": 24,
    "circle": 24,
    "box": 32,
    "lseg": 32,
    "name": 64,
}
_LENGTH = re.compile(r"\((\d+)")
_TOASTABLE_FIXED = frozenset({"inet", "cidr"})


def _most(column: Column) -> int | None:
    """The bytes that a value of the column can take; None if there is no limit."""
    kind = column.base_type or column.type
    if column.enum:
        return 4
    base, length = base_type(kind), _LENGTH.search(kind)
    if base in ("character varying", "character"):
        return 4 * int(length[1]) + 4 if length else None
    if base == "numeric":
        return int(length[1]) // 2 + 12 if length else None
    return _WIDTHS.get(base)


def _fixed(plan: TableSplit) -> int:
    """The bytes of an entry besides the key: beside kept columns stands the parent's uuid."""
    return _HEADER + (_WIDTHS["uuid"] + _ALIGNED if plan.keep else 0)


def unlimited_keys(plan: TableSplit, table: Table) -> tuple[str, ...]:
    """The key columns whose values may be too long for an index; empty if none can be."""
    widths = {name: _most(table.column(name)) for name in plan.key}
    if None not in widths.values():
        whole = sum((width or 0) + _ALIGNED for width in widths.values()) + _fixed(plan)
        return tuple(plan.key) if whole > LONGEST_KEY else ()
    return tuple(name for name, width in widths.items() if width is None)


def keys_fit(plan: TableSplit, table: Table) -> tuple[Check, ...]:
    """Whether each key fits into the unique keys of the parent.

    A value is taken as long as it is stored, which is compressed if the row is large. The index
    compresses in the same way.
    """
    if not unlimited_keys(plan, table):
        return ()
    # Only the columns whose values differ in size are measured, because every row is read.
    varying = [c for c in plan.key if stored_type(table.column(c)) not in _WIDTHS]
    sizes = " + ".join(f"coalesce(pg_catalog.pg_column_size(t.{ident(c)}), 0)" for c in varying)
    rest = _fixed(plan) + _ALIGNED * len(plan.key)
    rest += sum(_most(table.column(c)) or 0 for c in plan.key if c not in varying)
    return (
        Check(
            name="keys fit an index",
            sentence=f"every key fits the parent's unique key ({LONGEST_KEY:,} bytes)",
            query=(
                f"SELECT {RowId(plan.ids).text('t')} "
                f"FROM {qualified(table.schema, table.name)} AS t\n"
                f"WHERE {sizes} > {LONGEST_KEY - rest}"
            ),
            hint=(
                "Shorten the key columns of those rows, or choose a key without that column, "
                "then run the same command again."
            ),
        ),
    )


def _moves_out(column: Column) -> bool:
    """Whether long values of the column can be stored out of line."""
    fixed = column.enum or stored_type(column) in _WIDTHS.keys() - _TOASTABLE_FIXED
    return not fixed and column.storage != "PLAIN"


def _in_row(table: Table) -> tuple[Column, ...]:
    return tuple(c for c in table.columns if not c.virtual)


def rows_may_be_too_wide(table: Table) -> bool:
    """Whether a row of the table can be so wide that the link does not fit beside it."""
    widest = 0
    for column in _in_row(table):
        width = _LEFT_IN_ROW if _moves_out(column) else _most(column)
        if width is None:
            return True
        widest += width + (_ALIGNED - 1)
    return widest + len(table.columns) // 8 + 24 + 24 > LONGEST_ROW


def rows_fit(plan: TableSplit, table: Table) -> tuple[Check, ...]:
    """Whether the link fits beside each row. The server lays out a row like it and measures it."""
    if not rows_may_be_too_wide(table):
        return ()
    zeros = f"pg_catalog.decode(pg_catalog.repeat('00', {_LEFT_IN_ROW}), 'hex')"
    values, plain = [], 0
    for column in _in_row(table):
        value = f"t.{ident(column.name)}"
        if _moves_out(column):
            size = f"pg_catalog.pg_column_size({value})"
            kept = f"CASE WHEN {size} > {_LEFT_IN_ROW} THEN {_POINTER} ELSE {size} END - 1"
            value = f"pg_catalog.substr({zeros}, 1, {kept})"
        elif _most(column) is None:
            plain += 1  # the row above would store it with a shorter header
        values.append(value)
    # With a NULL, because dropped columns are NULL: so the current structure has the bitmap.
    row = ", ".join((*values, "pg_catalog.gen_random_uuid()", "NULL"))
    return (
        Check(
            name="rows have room for the link",
            sentence=f"the link fits beside every row ({LONGEST_ROW:,} bytes)",
            query=(
                f"SELECT {RowId(plan.ids).text('t')} "
                f"FROM {qualified(table.schema, table.name)} AS t\n"
                f"WHERE pg_catalog.pg_column_size(ROW({row})) > {LONGEST_ROW - _ALIGNED * plain}"
            ),
            hint=(
                "Set columns of those rows to NULL or move columns to another table, "
                "then run the same command again."
            ),
        ),
    )
