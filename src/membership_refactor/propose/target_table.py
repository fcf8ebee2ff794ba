"""Finds the table that somebody means, and says in one line why it cannot be split."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import Engine

from membership_refactor.catalog.read import read_portrait
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.execution.ownership import require_schema
from membership_refactor.execution.sessions import Sessions, run
from membership_refactor.portrait import Table
from membership_refactor.propose.measure_queries import names_query, reserved_words_query
from membership_refactor.sql.names import OWN_PREFIXES
from membership_refactor.sql.quoting import ident, qualified

_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a type",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The table, and the names that a plan must not use."""

    table: Table
    taken: Collection[str]


def find_target(engine: Engine, schema: str, name: str) -> Target:
    """Read the table's portrait. Raises WrongUse where there is no such table, and RefactorError
    where it is none that can be split."""
    with Sessions(engine, role=None, label="new").open(as_owner=False) as pg:
        require_schema(pg, schema)
        kinds = dict(run(pg, names_query(schema)).fetchall())
        reserved = {word for (word,) in run(pg, reserved_words_query()).fetchall()}
    if name not in kinds:
        tables = [table for table, kind in kinds.items() if kind in "rp"]
        near = get_close_matches(name, tables, n=3, cutoff=0.0)
        meant = f"The nearest names: {', '.join(near)}." if near else "The schema has no tables."
        raise WrongUse(f'schema "{schema}" has no table "{name}".', hint=meant)
    if kinds[name] not in "rp":
        what = _KINDS.get(kinds[name], "no ordinary table")
        raise RefactorError(
            f'"{name}" is {what}, and only an ordinary table can be split.',
            hint="Name the table that has its rows.",
        )
    with engine.connect() as connection:
        table = read_portrait(connection, schema, [name]).table(name)
    _require_identity(table)
    if any(trigger.name.startswith(OWN_PREFIXES) for trigger in table.triggers):
        raise RefactorError(
            f'table "{name}" is being refactored by another plan already.',
            hint="See how far it is: membership-refactor status",
        )
    return Target(table, {*kinds, *reserved})


def identity(table: Table) -> tuple[str, ...]:
    """The columns by which a row is found: a primary key of one column, or another column that is
    unique alone and not NULL, or a primary key of several columns. Empty where there is none."""
    key = table.primary_key.columns if table.primary_key else ()
    alone = [(name,) for name in (*key, *table.column_names) if table.column(name).not_null]
    return next((ids for ids in (*alone, key) if ids and table.identity_index(ids)), ())


def needed_by_identity(table: Table, key: Collection[str]) -> tuple[str, ...]:
    """The columns of ``key`` that have to stay with the child: those of id and primary key."""
    own = table.primary_key.columns if table.primary_key else ()
    return tuple(name for name in key if name in {*own, *identity(table)})


def _require_identity(table: Table) -> None:
    """Each row is found by its id, so there has to be one."""
    if identity(table):
        return
    key = table.primary_key
    name = qualified(table.schema, table.name)
    added = f"ADD COLUMN {_free('id', table)} bigint GENERATED ALWAYS AS IDENTITY"
    if key is None:
        raise RefactorError(
            f'table "{table.name}" has no primary key, and its rows could not be told apart.',
            hint=f"ALTER TABLE {name} {added} PRIMARY KEY;",
        )
    raise RefactorError(
        f'the primary key of table "{table.name}" is deferrable; rows cannot be followed by it.',
        hint=f"ALTER TABLE {name} {added} UNIQUE;",
    )


def _free(name: str, table: Table) -> str:
    return ident(name if name not in table.column_names else f"{table.name}_id")
