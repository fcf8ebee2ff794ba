"""Which schemas a pattern means: those that have tables of a plan, or the ledger of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from membership_refactor.errors import WrongUse
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.planning import TableSplit
from membership_refactor.sql.names import ledger_schema, old_schema
from membership_refactor.sql.quoting import literal

_OF_LEDGER = "step"
"""The table by which a ledger is known."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of the database, and those of the wanted tables that are in it."""

    name: str
    matches: bool
    tables: frozenset[str]
    views: frozenset[str] = frozenset()
    """Views of such a name."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a pattern means."""

    tenants: tuple[str, ...]
    without_tables: tuple[str, ...]
    """Schemas that match, and have neither a table of the plan nor a ledger."""


def tables_of(plans: Iterable[TableSplit]) -> frozenset[str]:
    """The tables by which a tenant of one of the plans is known, at any step."""
    return frozenset(
        name for plan in plans for name in (plan.source, plan.child, plan.parent) if name
    )


def read_schemas(
    pg: Pg, pattern: str, excepted: Sequence[str], tables: Collection[str]
) -> tuple[Schema, ...]:
    """Every schema of the database but PostgreSQL's own, in the order of their names.

    ``pattern`` and ``excepted`` are patterns of LIKE. Raises WrongUse for one that cannot be.
    """
    for text in (pattern, *excepted):
        if not text or "\0" in text or (len(text) - len(text.rstrip("\\"))) % 2:
            raise WrongUse(
                f'"{text}" is not a pattern of LIKE.',
                hint="% stands for any text and _ for one character, such as 'tenant_%'.",
            )
    not_these = "".join(f" AND n.nspname NOT LIKE {literal(text)}" for text in excepted)
    names = ", ".join(literal(name) for name in sorted({*tables, _OF_LEDGER}))
    rows = run(
        pg,
        f"SELECT n.nspname::text, n.nspname LIKE {literal(pattern)}{not_these},\n"
        "  pg_catalog.array_agg(c.relname::text) FILTER (WHERE c.relkind IN ('r', 'p')),\n"
        "  pg_catalog.array_agg(c.relname::text) FILTER (WHERE c.relkind = 'v')\n"
        "FROM pg_catalog.pg_namespace AS n\n"
        "LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid\n"
        f"  AND c.relname IN ({names})\n"
        "WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'\n"
        "GROUP BY 1, 2 ORDER BY 1",
    ).fetchall()
    return tuple(
        Schema(name, matches, frozenset(found or ()), frozenset(views or ()))
        for name, matches, found, views in rows
    )


def choose(schemas: Sequence[Schema], tables: Collection[str]) -> Chosen:
    """Sort the schemas that match into tenants and others. The schemas that a tenant's steps make
    beside it are left out.

    Raises WrongUse where none matches.
    """
    ledgers = {ledger_schema(schema.name) for schema in schemas}
    ledgers &= {schema.name for schema in schemas if _OF_LEDGER in schema.tables}
    old_shapes = {old_schema(schema.name) for schema in schemas}
    candidates = [
        schema
        for schema in schemas
        if schema.name not in ledgers
        and not (schema.name in old_shapes and schema.views and not schema.tables)
    ]
    tenants = [
        schema
        for schema in candidates
        if schema.tables & set(tables) or ledger_schema(schema.name) in ledgers
    ]
    chosen = Chosen(
        tuple(schema.name for schema in tenants if schema.matches),
        tuple(s.name for s in candidates if s.matches and s not in tenants),
    )
    if not chosen.tenants:
        raise WrongUse(_none_matches(chosen, [schema.name for schema in tenants], tables))
    return chosen


def _none_matches(chosen: Chosen, tenants: Sequence[str], tables: Collection[str]) -> str:
    known = ", ".join(tenants[:_SHOWN]) + (", ..." if len(tenants) > _SHOWN else "")
    there = f"Schemas that have them: {known}." if tenants else "No schema of this database has."
    wanted = f"a ledger or a table of the plan ({', '.join(sorted(tables))})"
    if not chosen.without_tables:
        return f"no schema matches. A tenant has {wanted}. {there}"
    return f"no schema that matches has {wanted}. {there}"


_SHOWN = 5
