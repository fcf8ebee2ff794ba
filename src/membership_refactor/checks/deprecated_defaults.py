"""A check that no deprecated column has a default."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal


def deprecated_have_no_default(names: Names, child: Table) -> Check:
    """A new-style INSERT omits the deprecated columns. From 0008 on a default's value contradicts
    the parent, and at 0009 every such INSERT is refused. DEFAULT NULL is allowed."""
    plan = names.plan
    listed = ", ".join(literal(name) for name in plan.deprecated)
    expression = "coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.typdefault)"
    return Check(
        name="deprecated columns have no default",
        sentence=f"no deprecated column of {names.child} has a default or is an identity",
        query=(
            "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute AS a\n"
            "JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid\n"
            "LEFT JOIN pg_catalog.pg_attrdef AS d"
            " ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n"
            f"WHERE a.attrelid = {literal(names.child)}::pg_catalog.regclass\n"
            f"  AND a.attname = ANY (ARRAY[{listed}]::pg_catalog.name[])\n"
            "  AND NOT a.attisdropped AND a.attgenerated = ''\n"
            f"  AND (a.attidentity <> '' OR {expression} !~* '^NULL(::|$)')\n"
            "ORDER BY a.attnum"
        ),
        reach=Reach.CATALOG,
        hint=_hint(names, child),
    )


def _hint(names: Names, child: Table) -> str:
    columns = [child.column(name) for name in names.plan.deprecated]
    # A portrait does not tell whether a domain has a default; SET DEFAULT NULL is right for both.
    suspects = [c for c in columns if gives_value(c) or (c.base_type and not _null(c))]
    clauses = ", ".join(f"ALTER COLUMN {ident(c.name)} {_without(c)}" for c in suspects or columns)
    return (
        f"ALTER TABLE {names.child} {clauses};  "
        "Applications that need such a value have to write it to the parent."
    )


def gives_value(column: Column) -> bool:
    """Whether an INSERT that leaves the column out gives it a value, by its own default."""
    return bool(column.identity) or (column.default is not None and not _null(column))


def _null(column: Column) -> bool:
    return column.default is not None and column.default.partition("::")[0].upper() == "NULL"


def _without(column: Column) -> str:
    if column.identity:
        return "DROP IDENTITY"
    return "SET DEFAULT NULL" if column.base_type else "DROP DEFAULT"
