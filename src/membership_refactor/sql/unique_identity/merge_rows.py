"""SQL of a merge: it finds and locks the rows of one learner, and what refers to them, and changes
them."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import Dependent
from membership_refactor.sql.quoting import columns, ident, literal
from membership_refactor.sql.unique_identity.detection import shared
from membership_refactor.sql.unique_identity.names import IdentityNames


def lock_rows(names: IdentityNames, *, lock: bool = True) -> str:
    """Read the rows ``$1`` in the order of ids: id, alternatives, scope, status, and with ``lock``
    the whole row."""
    plan = names.plan
    status = f"t.{ident(plan.status.column)}::text" if plan.status else "NULL::text"
    carried = columns((plan.id, *plan.identity_columns, *plan.scope), "t.")
    text = (
        f"SELECT {carried}, {status}, {'pg_catalog.to_jsonb(t)::text' if lock else 'NULL'}\n"
        f"FROM {names.table} AS t\n"
        f"WHERE t.{ident(plan.id)} = ANY($1)\nORDER BY t.{ident(plan.id)}"
    )
    return f"{text}\nFOR UPDATE OF t" if lock else text


def unindexed_identities(names: IdentityNames) -> str:
    """Return each identity column without an index: a search for it reads the whole table."""
    wanted = ", ".join(literal(column) for column in names.plan.identity_columns)
    return (
        f"SELECT w.name FROM pg_catalog.unnest(ARRAY[{wanted}]) AS w(name)\n"
        "WHERE NOT EXISTS (\n"
        "  SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a\n"
        "    ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]\n"
        f"  WHERE i.indrelid = {literal(names.table)}::pg_catalog.regclass\n"
        "    AND a.attname = w.name AND i.indisvalid)"
    )


def sharing_rows(names: IdentityNames) -> str:
    """Every row that shares an identity with one of ``$1``: alternative's place, its id, and the
    first of ``$1`` that has the identity. Joined by value: row by row it would be quadratic."""
    plan = names.plan
    id_ = ident(plan.id)
    parts = []
    for at, alternative in enumerate(plan.alternatives):
        key = (alternative.column, *plan.scope)
        equal = " AND ".join(f"o.{ident(column)} = m.{ident(column)}" for column in key)
        parts.append(
            f"SELECT {at}, o.{id_}, m.first\nFROM (\n"
            f"  SELECT {columns(key)}, (pg_catalog.array_agg({id_} ORDER BY {id_}))[1] AS first\n"
            f"  FROM {names.table}\n"
            f"  WHERE {id_} = ANY($1) AND {shared(names, alternative)}\n"
            f"  GROUP BY {columns(key)}\n) AS m\nJOIN {names.table} AS o ON {equal}"
        )
    return "\nUNION ALL\n".join(parts)


def delete_row(names: IdentityNames, table: str, id_column: str) -> str:
    """Delete the row ``$1``."""
    return f"DELETE FROM {names.within(table)} WHERE {ident(id_column)} = $1"


def update_row(
    names: IdentityNames,
    table: str,
    id_column: str,
    changed: Sequence[str],
    filled: Sequence[str] = (),
) -> str:
    """Give the row ``$1`` the values ``$2``, ``$3`` and so on.

    Return the whole row, and whether it has these values. Of a column in ``filled`` only whether
    it has one at all, because its type need not know equality.
    """
    assignments = ", ".join(f"{ident(c)} = ${at}" for at, c in enumerate(changed, start=2))
    taken = " AND ".join(
        f"t.{ident(c)} IS NOT NULL" if c in filled else f"t.{ident(c)} IS NOT DISTINCT FROM ${at}"
        for at, c in enumerate(changed, start=2)
    )
    return (
        f"UPDATE {names.within(table)} AS t SET {assignments}\n"
        f"WHERE t.{ident(id_column)} = $1\nRETURNING pg_catalog.to_jsonb(t)::text, {taken}"
    )


def still_pointing(names: IdentityNames, dependent: Dependent) -> str:
    """Count the dependent rows of ``$1``."""
    return (
        f"SELECT pg_catalog.count(*) FROM {names.within(dependent.table)}\n"
        f"WHERE {ident(dependent.parent)} = ANY($1)"
    )


def foreign_keys_to(names: IdentityNames, table: str, id_column: str) -> str:
    """Return every foreign key to a table: schema, table, the column that holds the id (NULL if
    none does), constraint."""
    return (
        "SELECT n.nspname, c.relname, a.attname, k.conname\n"
        "FROM pg_catalog.pg_constraint AS k\n"
        "JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid\n"
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
        "LEFT JOIN LATERAL (\n"
        "  SELECT o.attname FROM ROWS FROM (pg_catalog.unnest(k.conkey),"
        " pg_catalog.unnest(k.confkey)) AS p(own, other)\n"
        "  JOIN pg_catalog.pg_attribute AS o ON o.attrelid = k.conrelid AND o.attnum = p.own\n"
        "  JOIN pg_catalog.pg_attribute AS r ON r.attrelid = k.confrelid AND r.attnum = p.other\n"
        f"  WHERE r.attname = {literal(id_column)}) AS a ON true\n"
        "WHERE k.contype = 'f' AND k.conparentid = 0\n"
        f"  AND k.confrelid = {literal(names.within(table))}::pg_catalog.regclass\n"
        "ORDER BY 1, 2, 4"
    )


def any_deferrable() -> str:
    """Return whether anything in the database can be checked at COMMIT."""
    return "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgdeferrable)"


def may_lock(names: IdentityNames) -> str:
    """Fail if the session may not lock rows of the identity table. No row is locked."""
    return f"SELECT FROM {names.table} LIMIT 0 FOR UPDATE"


def label_rows(names: IdentityNames) -> str:
    """Lock the rows ``$1`` that still have no identity; return the key that each would get."""
    id_ = ident(names.plan.id)
    return (
        f"SELECT t.{id_}, $2::text || t.{id_}::text, pg_catalog.to_jsonb(t)::text\n"
        f"FROM {names.table} AS t\nWHERE t.{id_} = ANY($1) AND NOT ({names.known('t.')})\n"
        f"ORDER BY t.{id_}\nFOR UPDATE OF t"
    )
