"""What the engine has to know of column types: their base name, and whether = means identical."""

from __future__ import annotations

import re
from collections.abc import Iterable

from membership_refactor.portrait import Column
from membership_refactor.sql.identifiers import ident

_MODIFIER = re.compile(r"\s*\(\d+(?:,\s*-?\d+)?\)")

_EQUAL_IS_IDENTICAL = frozenset(
    {
        "bigint",
        "integer",
        "smallint",
        "boolean",
        "date",
        "uuid",
        "bytea",
        "text",
        "character varying",
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "oid",
    }
)
"""Types whose ``=`` is true only for the same stored bytes. Not numeric (1.0 = 1.00), not float
(-0 = 0), not json (no equality), not interval (1 month = 30 days), not citext, not char (n)."""


def base_type(type_name: str) -> str:
    """``type_name`` without its modifier: ``timestamp(3) with time zone`` loses the ``(3)``."""
    return _MODIFIER.sub("", type_name, count=1)


def equal_is_identical(column: Column) -> bool:
    """Whether IS DISTINCT FROM sees every change of the column's stored image."""
    base = base_type(column.type)
    if base in ("text", "character varying") and column.collation is not None:
        return False  # it may be nondeterministic, where 'a' = 'A'
    return base in _EQUAL_IS_IDENTICAL


def differs(columns: Iterable[Column], left: str, right: str) -> str:
    """A condition: the rows ``left`` and ``right`` differ in the stored image of a column.

    The record comparison ``*<>`` is bit-exact for every type (and works for json), but has to
    build two records; where ``=`` is identity, IS DISTINCT FROM says the same for less.
    """
    columns = tuple(columns)
    plain = [c.name for c in columns if equal_is_identical(c)]
    image = [c.name for c in columns if not equal_is_identical(c)]
    parts = [f"{left}.{ident(n)} IS DISTINCT FROM {right}.{ident(n)}" for n in plain]
    if image:
        one = ", ".join(f"{left}.{ident(n)}" for n in image)
        two = ", ".join(f"{right}.{ident(n)}" for n in image)
        parts.append(
            f"ROW({one})::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW({two})::pg_catalog.record"
        )
    return "(" + "\n    OR ".join(parts) + ")"
