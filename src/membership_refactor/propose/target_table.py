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
    "p": "partitioned",
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
    if kinds[name] != "r":
        what = _KINDS.get(kinds[name], "no ordinary table")
        raise RefactorError(
            f'"{name}" is {what}, and only an ordinary table can be split.',
            hint="Name the table that has its rows.",
        )
    with engine.connect() as connection:
        table = read_portrait(connection, schema, [name]).table(name)
    _require_identity(table)
    if any(trigger.name.startswith(OWN_PREFIXES) for trigger in table.triggers):
        raise RefactorError(f'table "{name}" is being refactored by another plan already.')
    return Target(table, {*kinds, *reserved})


def identity(table: Table) -> str | None:
    """The column by which a row is found: the primary key, or another column that is unique alone
    and not NULL. None where there is no such column."""
    key = table.primary_key
    names = [*(key.columns if key else ()), *table.column_names]
    return next((n for n in names if table.column(n).not_null and table.identity_index((n,))), None)


def _require_identity(table: Table) -> None:
    """Each row is found by one column, so there has to be one."""
    if identity(table) is not None:
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
        f'the primary key of table "{table.name}" is ({", ".join(key.columns)}); a plan needs one '
        "column that is unique alone and not NULL.",
        hint=f"ALTER TABLE {name} {added} UNIQUE;",
    )


def _free(name: str, table: Table) -> str:
    return ident(name if name not in table.column_names else f"{table.name}_id")
