"""Types: what a column holds, from the catalog where it is known, else from its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from membership_refactor.planning import TableSplit


@dataclass(frozen=True, slots=True)
class Types:
    """Types by table and column; names without underscores, in lower case."""

    tables: Mapping[str, Mapping[str, tuple[str, bool]]] = field(default_factory=dict)
    """Table to column to (type, not null)."""

    def of(self, table: str, column: str) -> str | None:
        found = self.tables.get(plain(table), {}).get(plain(column))
        return found[0] if found else None

    def not_null(self, table: str, column: str) -> bool | None:
        found = self.tables.get(plain(table), {}).get(plain(column))
        return found[1] if found else None

    def wide(self, plan: TableSplit, column: str) -> tuple[str, bool]:
        """Type and NOT NULL of a column of the wide table."""
        for table in (plan.source, plan.copy, plan.retired):
            known = self.tables.get(plain(table), {})
            if plain(column) in known and plain(plan.key[0]) in known:
                type_, not_null = known[plain(column)]
                # At interim the copy's key is nullable again; the parent's is not.
                parent = self.not_null(plan.parent, column)
                return type_, bool(parent) if parent is not None else not_null
        parent_type = self.of(plan.parent, column) or self.of(plan.copy, column)
        if parent_type is not None:
            return parent_type, bool(self.not_null(plan.parent, column))
        return guessed(column, plan), column in plan.key and column.endswith("_id")


def plain(name: str) -> str:
    """The spelling under which camelCase and snake_case are the same."""
    return name.replace("_", "").lower()


def guessed(column: str, plan: TableSplit | None = None) -> str:
    """A type from the name alone."""
    name = plain(column)
    if plan is not None and plain(plan.id) == name:
        return "bigint"
    if plan is not None and plan.changed and plain(plan.changed) == name:
        return "timestamp with time zone"
    if name.endswith("uuid"):
        return "uuid"
    if "intrepidid" in name:
        return "text"
    if name.endswith(("date", "dob", "from", "to", "until", "since")) or name.startswith("date"):
        return "date"
    if name.endswith(("at", "time", "timestamp")) and name not in ("format", "flat", "lat", "stat"):
        return "timestamp with time zone"
    if name.endswith(
        (
            "id",
            "count",
            "number",
            "years",
            "months",
            "days",
            "grace",
            "amount",
            "seq",
            "wte",
            "age",
            "version",
            "total",
        )
    ):
        return "text" if name.endswith("number") and not name.endswith("idnumber") else "bigint"
    return "text"


def read_types(connection: Connection, schema: str) -> Types:
    """Every table of the schema."""
    rows = connection.exec_driver_sql(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        "AND a.attnum > 0 AND NOT a.attisdropped",
        (schema,),
    )
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, column, type_, not_null in rows:
        tables.setdefault(plain(table), {})[plain(column)] = (type_, not_null)
    return Types(tables)
