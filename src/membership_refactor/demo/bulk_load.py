"""Take off a table's foreign keys for a large load, and validate them in one pass afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import sql


@contextmanager
def without_foreign_keys(cursor: Any, table: str) -> Iterator[None]:
    """Drop the keys for the load, because checking row by row costs as much as the load itself.

    Use it in a transaction. If the load fails, the keys come back with the rollback.
    """
    name = sql.Identifier(table)
    cursor.execute(
        """
        SELECT conname, pg_catalog.pg_get_constraintdef(oid),
            pg_catalog.obj_description(oid, 'pg_constraint')
        FROM pg_catalog.pg_constraint
        WHERE conrelid = %s::regclass AND contype = 'f' AND convalidated
        ORDER BY conname
        """,
        [name.as_string(cursor)],
    )
    keys = cursor.fetchall()
    for key, _, _ in keys:
        cursor.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(key))
        )
    yield
    for key, definition, comment in keys:
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(name, sql.Identifier(key))
            + sql.SQL(definition)
        )
        if comment is not None:
            cursor.execute(
                sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                    sql.Identifier(key), name, sql.Literal(comment)
                )
            )


def owns(cursor: Any, table: str) -> bool:
    """Whether the session may alter the table."""
    cursor.execute(
        """
        SELECT pg_catalog.pg_has_role(relowner, 'USAGE')
        FROM pg_catalog.pg_class WHERE oid = %s::regclass
        """,
        [sql.Identifier(table).as_string(cursor)],
    )
    return bool(cursor.fetchone()[0])
