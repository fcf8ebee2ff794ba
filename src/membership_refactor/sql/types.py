"""Column types: their base names, and whether equal values are always identical."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields

from membership_refactor.portrait import Column
from membership_refactor.sql.quoting import ident

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
"""Types whose ``=`` is true only for the same stored bytes. Not numeric (1.0 = 1.00), float
(-0 = 0), json (no equality), interval (1 month = 30 days), citext or char (n)."""

_IDENTIFYING = _EQUAL_IS_IDENTICAL | {
    "character",  # stored padded; without a length it is "bpchar", where 'a' = 'a '
    "name",
    '"char"',
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "money",
    "time with time zone",
    "bit",
    "bit varying",
    "xid8",
    "pg_lsn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumn(Column):
    """A column of the key, compared with ``=``: 1.0 and 1.00 are one key."""


def keyed(columns: Iterable[Column], key: Collection[str]) -> tuple[Column, ...]:
    """The columns, with those of the key as ``KeyColumn``."""
    return tuple(
        KeyColumn(**{f.name: getattr(c, f.name) for f in fields(c)}) if c.name in key else c
        for c in columns
    )


def base_type(type_name: str) -> str:
    """``type_name`` without its modifier: ``timestamp(3) with time zone`` loses the ``(3)``."""
    return _MODIFIER.sub("", type_name, count=1)


def stored_type(column: Column) -> str:
    """The base type of the column's values: that under a domain, without a modifier."""
    return base_type(column.base_type or column.type)


def declared_type(column: Column) -> str:
    """The same for variables, casts and columns of the ledger. There PostgreSQL reads a bare
    ``character`` or ``bit`` as one of length 1."""
    base = stored_type(column)
    return {"character": "pg_catalog.bpchar", "bit": 'pg_catalog."bit"'}.get(base, base)


def equal_is_identical(column: Column) -> bool:
    """Whether IS DISTINCT FROM finds every change of the column that matters: a change of the
    stored image, or for a column of the key a change of the value."""
    if isinstance(column, KeyColumn):
        return True
    base = base_type(column.type)
    if base in ("text", "character varying") and column.collation is not None:
        return False  # it may be nondeterministic, where 'a' = 'A'
    return base in _EQUAL_IS_IDENTICAL


def identifies(column: Column) -> bool:
    """Whether equal values of the column are always identical, as an id needs: a row whose id
    changes must not be found under the new id before the change."""
    known = column.enum or stored_type(column) in _IDENTIFYING
    return column.deterministic and has_own_equality(column) and known


def has_own_equality(column: Column) -> bool:
    """Whether PostgreSQL finds an ``=`` for the column: not for a domain over an enum."""
    return not (column.enum and column.base_type)


def differs(columns: Iterable[Column], left: str, right: str) -> str:
    """A condition: the rows ``left`` and ``right`` differ in the stored image of a column.

    The comparison of record images compares bytes for every type, json included, but has to build
    two records. If equal values are identical, IS DISTINCT FROM gives the same result at less cost.
    """
    columns = tuple(columns)
    plain = [c.name for c in columns if equal_is_identical(c)]
    image = [c.name for c in columns if not equal_is_identical(c)]
    parts = [f"{left}.{ident(n)} IS DISTINCT FROM {right}.{ident(n)}" for n in plain]
    if image:
        one = ", ".join(f"{left}.{ident(n)}" for n in image)
        two = ", ".join(f"{right}.{ident(n)}" for n in image)
        # The function, not its operator ``*<>``: PostgreSQL prints the operator without the casts
        # that it needs, and cannot read its own text again from a dump or in pg_upgrade.
        parts.append(f"pg_catalog.record_image_ne(ROW({one}), ROW({two}))")
    return "(" + "\n    OR ".join(parts) + ")"
