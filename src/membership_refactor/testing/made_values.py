"""Values for columns of any type, as SQL text: the same seed gives the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from membership_refactor.sql.quoting import literal

_COLUMNS = """
SELECT a.attname::text, a.attnotnull, a.attidentity <> '', a.atthasdef,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
    ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,
  ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
    WHERE e.enumtypid IN (t.oid, t.typbasetype) ORDER BY e.enumsortorder)
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attnum
"""
_DAY = "(date '2024-01-01' + {n})"
_BY_TYPE = {
    "smallint": "{n}",
    "integer": "{n}",
    "bigint": "{n}",
    "numeric": "{n}",
    "real": "{n}",
    "double precision": "{n}",
    "money": "{n}",
    "boolean": "({n} % 2 = 1)",
    "date": _DAY,
    "timestamp without time zone": _DAY,
    "timestamp with time zone": _DAY,
    "time without time zone": "(time '08:00' + {n} * interval '1 minute')",
    "time with time zone": "(time '08:00' + {n} * interval '1 minute')::timetz",
    "interval": "({n} * interval '1 hour')",
    "uuid": "pg_catalog.md5('{n}')::uuid",
    "json": "'{{\"n\": {n}}}'",
    "jsonb": "'{{\"n\": {n}}}'",
    "bytea": "pg_catalog.decode(pg_catalog.md5('{n}'), 'hex')",
    "inet": "(inet '10.0.0.0' + {n})",
    "cidr": "(inet '10.0.0.0' + {n})::cidr",
    "macaddr": "pg_catalog.lpad(to_hex({n}), 12, '0')::macaddr",
    "int4range": "int4range({n}, {n} + 1)",
    "int8range": "int8range({n}, {n} + 1)",
    "numrange": "numrange({n}, {n} + 1)",
    "daterange": f"daterange({_DAY}, {_DAY} + 1)",
    "tsrange": f"tsrange({_DAY}, {_DAY} + 1)",
    "tstzrange": f"tstzrange({_DAY}, {_DAY} + 1)",
}
_TEXTS = ("text", "character varying", "character", "citext")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a statement may write."""

    name: str
    required: bool
    identity: bool
    has_default: bool
    type: str
    base: str
    """The type under the domain; else the type itself."""
    labels: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        return _bare(self.base) in _TEXTS

    def value(self, seed: int) -> str | None:
        """A value of the column as SQL; None for a type of which none is known."""
        if self.labels:
            return f"{literal(self.labels[seed % len(self.labels)])}::{self.type}"
        made = _value(self.base, self.name, seed)
        return f"{made}::{self.type}" if made is not None else None


def columns(pg: psycopg.Connection[Any], table: str) -> tuple[Column, ...]:
    """The columns of the quoted table that a statement may write, in their order."""
    found = []
    for name, required, identity, default, full, base, labels in pg.execute(_COLUMNS, (table,)):
        found.append(Column(name, required, identity, default, full, base, tuple(labels)))
    return tuple(found)


def _value(type_name: str, column: str, seed: int) -> str | None:
    if type_name.endswith("[]"):
        one = _value(type_name.removesuffix("[]"), column, seed)
        return f"ARRAY[{one}]" if one is not None else None
    bare = _bare(type_name)
    if bare in _TEXTS:
        # The number first: a short column cuts the end off.
        _, opened, size = type_name.partition("(")
        text = f"{seed} {column}"
        return literal(text[: int(size.rstrip(")"))].rstrip() if opened else text)
    template = _BY_TYPE.get(bare)
    return template.format(n=seed) if template is not None else None


def _bare(type_name: str) -> str:
    """The type without a length: ``timestamp(3) without time zone`` too."""
    before, opened, after = type_name.partition("(")
    return before + after.partition(")")[2] if opened else before
