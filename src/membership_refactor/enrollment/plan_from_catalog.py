"""Make a UniqueIdentity plan for any table, from its columns and keys in the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from membership_refactor.enrollment.cursor import rows
from membership_refactor.errors import PortraitMismatch
from membership_refactor.planning import Alternative, Dependent, Keep, Ranking, UniqueIdentity
from membership_refactor.sql.quoting import fitted, literal, qualified
from membership_refactor.sql.unique_identity.merge_rows import foreign_keys_to
from membership_refactor.sql.unique_identity.names import IdentityNames

_COLUMNS = """
SELECT a.attname::text, t.typcategory = 'S', a.attgenerated <> '',
  a.atthasdef OR a.attidentity <> ''
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_UNIQUE = """
SELECT i.indisprimary, ARRAY(
    SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[])
      WITH ORDINALITY AS k(number, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_catalog.pg_index AS i
WHERE i.indrelid = $1::pg_catalog.regclass AND i.indisunique AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indisprimary DESC, i.indexrelid
"""


@dataclass(frozen=True, slots=True)
class _Column:
    text: bool
    generated: bool
    made: bool
    """Whether the database generates its values: identity, serial or another default."""


def plan_from_catalog(
    connection: Connection,
    schema: str,
    table: str,
    *,
    identities: Sequence[str],
    scope: Sequence[str],
    status: Ranking | None = None,
    merging: bool = True,
) -> UniqueIdentity:
    """Return a plan for the table; the tables that refer to it become its dependents.

    Text identities are also compared without case and blanks. Two dependent rows that collide may
    only be merged if each other column has the same value in both or is NULL in one. Without
    ``merging``, dependent tables that a merge could not handle are left out.
    PortraitMismatch if a column is missing, or if a dependent table cannot be handled.
    """
    known = _columns(connection, schema, table)
    asked = (*identities, *scope, *((status.column,) if status else ()))
    missing = [column for column in asked if column not in known]
    if missing:
        raise PortraitMismatch(
            f'table "{schema}.{table}" has no such columns:',
            differences=missing,
            hint=f"It has {', '.join(known)}.",
        )
    try:
        dependents = _dependents(connection, schema, table, (table,))
    except PortraitMismatch:
        if merging:
            raise
        dependents = ()
    return UniqueIdentity(
        name=table,
        table=table,
        id=_primary_key(connection, schema, table),
        alternatives=tuple(
            Alternative(
                column=column, constraint=fitted(f"uq_{table}_{column}"), text=known[column].text
            )
            for column in identities
        ),
        scope=tuple(scope),
        required=fitted(f"ck_{table}_identity"),
        status=status,
        dependents=dependents,
    )


def ranking(text: str | None, *, keep: Keep = Keep.SURVIVOR) -> Ranking | None:
    """Parse ``column=best,next,worst`` into a ranking."""
    if not text:
        return None
    column, _, values = text.partition("=")
    return Ranking(column=column, order=tuple(v for v in values.split(",") if v), keep=keep)


def _dependents(
    connection: Connection, schema: str, table: str, above: tuple[str, ...]
) -> tuple[Dependent, ...]:
    # Only the table's name matters here.
    names = IdentityNames(
        UniqueIdentity(
            name="any", table=table, alternatives=(Alternative(column="any"),), scope=()
        ),
        schema,
    )
    found = []
    referring = foreign_keys_to(names, table, _primary_key(connection, schema, table))
    for of_schema, name, parent, constraint in rows(connection, referring):
        if parent is None:
            raise PortraitMismatch(
                f'foreign key "{constraint}" of {of_schema}.{name} refers to {schema}.{table} by '
                "other columns than its primary key: a merge cannot move its rows.",
                hint="Drop the foreign key, or merge these rows by hand.",
            )
        if of_schema != schema or name in above:
            raise PortraitMismatch(
                f'foreign key "{constraint}" of {of_schema}.{name} refers to {schema}.{table}: '
                "a merge cannot move rows of another schema or of the table itself.",
                hint="Write a plan, or drop the foreign key first.",
            )
        found.append(dependent_from_catalog(connection, schema, name, parent, (*above, name)))
    return tuple(found)


def dependent_from_catalog(
    connection: Connection, schema: str, table: str, parent: str, above: tuple[str, ...] = ()
) -> Dependent:
    """Return the table whose column ``parent`` holds ids, with the tables that refer to it."""
    known = _columns(connection, schema, table)
    if parent not in known:
        raise PortraitMismatch(
            f'table "{schema}.{table}" has no column "{parent}".',
            hint=f"It has {', '.join(known)}.",
        )
    id_ = _primary_key(connection, schema, table)
    unique: tuple[str, ...] | None = None
    for primary, columns in rows(connection, _UNIQUE, qualified(schema, table)):
        if parent in columns and not primary and unique is None:
            unique = tuple(column for column in columns if column != parent)
    taken = {id_, parent, *(unique or ())}
    unite = tuple(c for c, column in known.items() if c not in taken and not column.generated)
    if not known[id_].made:
        # A key that is not generated is a value like any other, and must not get lost.
        unite = (id_, *unite)
    return Dependent(
        table=table,
        parent=parent,
        id=id_,
        unique=unique,
        unite=unite if unique is not None else (),
        dependents=_dependents(connection, schema, table, above),
    )


def _columns(connection: Connection, schema: str, table: str) -> dict[str, _Column]:
    there = rows(
        connection,
        f"SELECT pg_catalog.to_regclass({literal(qualified(schema, table))}) IS NOT NULL",
    )
    if not there[0][0]:
        raise PortraitMismatch(
            f'there is no table "{table}" in schema "{schema}".',
            hint="Name the schema with -x schema=NAME.",
        )
    found = rows(connection, _COLUMNS, qualified(schema, table))
    return {name: _Column(*rest) for name, *rest in found}


def _primary_key(connection: Connection, schema: str, table: str) -> str:
    for primary, columns in rows(connection, _UNIQUE, qualified(schema, table)):
        if primary and len(columns) == 1:
            return str(columns[0])
    raise PortraitMismatch(
        f'table "{schema}.{table}" needs a primary key of one column.',
        hint="Add one, or merge these rows by hand.",
    )
