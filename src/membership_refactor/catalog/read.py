"""Reads portraits and the server from the catalog, without changing the session's settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias, cast

import psycopg
from psycopg.rows import DictRow, dict_row
from sqlalchemy import Connection
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random,
)

from membership_refactor.catalog import citus, dependent_queries, queries, server_queries
from membership_refactor.catalog.partition_queries import PARTITIONS
from membership_refactor.catalog.read_functions import read_routines
from membership_refactor.errors import RefactorError
from membership_refactor.portrait.document import vanished
from membership_refactor.portrait.partitions import Member, Partitioning
from membership_refactor.portrait.server_facts import Citus, CitusTable, ReplicationSlot, Server
from membership_refactor.portrait.table_parts import (
    Column,
    ColumnUse,
    Constraint,
    Dependent,
    Grant,
    IncomingKey,
    Index,
    Policy,
    Publication,
    Rule,
    Statistics,
    Trigger,
)
from membership_refactor.portrait.table_parts import Sequence as IdSequence
from membership_refactor.portrait.tables import Portrait, Table
from membership_refactor.sql.column_uses import column_uses
from membership_refactor.sql.names import OWN_PREFIXES, ledger_schema
from membership_refactor.sql.old_shape.reading import own_views

_RowsByTable: TypeAlias = dict[int, list[DictRow]]
Reader: TypeAlias = psycopg.Connection[Any] | Connection
"""A session of psycopg's, or SQLAlchemy's connection that holds one."""

_ATTEMPTS = 10


class _Vanished(Exception):
    """An object was dropped between two queries."""


def read_portrait(connection: Reader, schema: str, names: Sequence[str]) -> Portrait:
    """The portrait of those of ``names`` that exist in ``schema``, in the order of ``names``.

    It works inside and outside a transaction and under AUTOCOMMIT. Where an object is dropped
    meanwhile, it reads again; raises RefactorError if that does not end.
    """
    retried = Retrying(
        retry=retry_if_exception_type(
            (_Vanished, psycopg.errors.InternalError_, psycopg.errors.DeadlockDetected)
        ),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random(0, 0.2),
    )
    try:
        return retried(_read_once, connection, schema, names)
    except RetryError as error:
        raise RefactorError(
            f'the tables of "{schema}" changed each of the {_ATTEMPTS} times that the catalog was '
            f"read ({error.last_attempt.exception()}).",
            hint="Wait until nobody changes them, then run the same command again.",
        ) from None


def _read_once(connection: Reader, schema: str, names: Sequence[str]) -> Portrait:
    with _own_settings(connection) as cursor:
        version = cursor.connection.info.server_version
        found = _rows(cursor, queries.TABLES, {"schema": schema, "names": list(names)})
        if not found:
            return Portrait(schema=schema, tables=(), server_version=version)
        parts = _read_parts(cursor, found, ledger_schema(schema))
        routines = read_routines(
            partial(_rows, cursor),
            [row["oid"] for row in found],
            schema,
            own=OWN_PREFIXES,
            ledger=ledger_schema(schema),
        )
        for row in found:
            row["routines"], row["path"] = routines[row["oid"]]
    portrait = Portrait(
        schema=schema,
        tables=tuple(_table(row, parts) for row in found),
        server_version=version,
    )
    if place := vanished(portrait):
        raise _Vanished(f"{place} is gone")
    return portrait


def read_server(connection: Reader, schema: str, role: str | None = None) -> Server:
    """The server, what the login may do, and the names in use in ``schema``. ``role`` is the one
    that will create; without it the login."""
    with _own_settings(connection) as cursor:
        (row,) = _rows(cursor, server_queries.SERVER, {"schema": schema, "role": role})
        slots = _rows(cursor, server_queries.SLOTS, {})
        known = _read_citus(cursor, schema) if row["has_citus"] else None
    return Server(
        **_values(row, "has_citus"),
        citus=known,
        slots=tuple(ReplicationSlot(**_values(row)) for row in slots),
    )


def _read_citus(cursor: psycopg.Cursor[DictRow], schema: str) -> Citus:
    (of_schemas,) = _rows(cursor, citus.HAS_SCHEMAS, {})
    found = _rows(cursor, citus.SCHEMA, {"schema": schema}) if of_schemas["there"] else []
    tables = _rows(cursor, citus.TABLES, {"schema": schema})
    return Citus(
        tables=tuple(CitusTable(**_values(row)) for row in tables),
        of_schema=any(row["there"] for row in found),
    )


@contextmanager
def _own_settings(connection: Reader) -> Iterator[psycopg.Cursor[DictRow]]:
    # Only rolling back restores every setting, including the caller's SET LOCAL. psycopg begins a
    # transaction if there is none, otherwise a savepoint.
    driver = connection
    if isinstance(driver, Connection):
        driver = cast("psycopg.Connection[Any]", driver.connection.driver_connection)
    with (
        driver.transaction(force_rollback=True),
        driver.cursor(row_factory=dict_row) as cursor,
    ):
        cursor.execute(server_queries.SETTINGS)
        yield cursor


def _rows(cursor: psycopg.Cursor[DictRow], query: str, values: dict[str, Any]) -> list[DictRow]:
    return cursor.execute(query.encode(), values).fetchall()


_PARTS = {
    "constraints": queries.CONSTRAINTS,
    "incoming": queries.INCOMING,
    "indexes": queries.INDEXES,
    "triggers": queries.TRIGGERS,
    "rules": queries.RULES,
    "policies": queries.POLICIES,
    "statistics": queries.STATISTICS,
    "publications": queries.PUBLICATIONS,
    "views": dependent_queries.VIEWS,
    "functions": dependent_queries.FUNCTIONS,
    "others": dependent_queries.OTHERS,
    "by_text": dependent_queries.BY_TEXT,
    "uses": column_uses(
        "%(tables)s",
        "%(own)s::text[]",
        own_views=own_views("%(ledger)s"),
        family="%(family)s",
    ),
}


def _read_parts(
    cursor: psycopg.Cursor[DictRow], found: list[DictRow], ledger: str
) -> dict[str, _RowsByTable]:
    tables = [row["oid"] for row in found]
    values: dict[str, Any] = {"tables": tables, "own": list(OWN_PREFIXES), "ledger": ledger}
    columns = _rows(cursor, queries.COLUMNS, values)
    sequences = {
        row["oid"]: row
        for row in _rows(
            cursor,
            queries.SEQUENCES,
            {"sequences": [row["sequence_oid"] for row in columns if row["sequence_oid"]]},
        )
    }
    for row in columns:
        row["sequence"] = _sequence(sequences.get(row.pop("sequence_oid")), row["owner_oid"])
    partitioned = any(row["kind"] == "p" for row in found)
    # To plan this query takes longer than any other, also where there is nothing to find.
    partitions = _rows(cursor, PARTITIONS, values) if partitioned else []
    values["family"] = [*tables, *(row["oid"] for row in partitions)]
    parts = {"columns": _by_table(columns), "partitions": _by_table(partitions)}
    for part, query in _PARTS.items():
        parts[part] = _by_table(_rows(cursor, query, values))
    return parts


def _by_table(rows: list[DictRow]) -> _RowsByTable:
    found: _RowsByTable = defaultdict(list)
    for row in rows:
        found[row["owner_oid"]].append(row)
    return found


def _values(row: DictRow, *leave_out: str) -> dict[str, Any]:
    """The row as keyword arguments: lists become tuples, OIDs are left out."""
    return {
        name: _frozen(value)
        for name, value in row.items()
        if name not in ("oid", "owner_oid", *leave_out)
    }


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def _grants(acl: list[dict[str, Any]] | None, column: str = "") -> tuple[Grant, ...] | None:
    if acl is None:
        return None
    grants = (Grant(**item, column=column) for item in acl)
    return tuple(sorted(grants, key=lambda g: (g.grantee, g.privilege, g.grantor)))


def _sequence(row: DictRow | None, table: int) -> IdSequence | None:
    if row is None:
        return None
    values = _values(row, "owned_by", "grants")
    owned = row["owned_by"] == table
    return IdSequence(**values, owned=owned, grants=_grants(row["grants"]))


def _partitioning(rows: list[DictRow]) -> Partitioning | None:
    """The first row is the root."""
    if not rows:
        return None
    root, *members = rows
    return Partitioning(
        by=root["by"],
        columns=_frozen(root["columns"]),
        by_expression=root["by_expression"],
        members=tuple(
            Member(**_values(m, "grants", "level"), grants=_grants(m["grants"])) for m in members
        ),
    )


def _table(row: DictRow, parts: dict[str, _RowsByTable]) -> Table:
    oid = row["oid"]

    def of(part: str) -> list[DictRow]:
        return parts[part].get(oid, [])

    columns = of("columns")
    column_grants = (
        grant for c in columns for grant in _grants(c["grants"], column=c["name"]) or ()
    )
    return Table(
        **_values(row, "grants"),
        grants=_grants(row["grants"]),
        column_grants=tuple(column_grants),
        columns=tuple(Column(**_values(c, "grants")) for c in columns),
        constraints=tuple(Constraint(**_values(c)) for c in of("constraints")),
        incoming=tuple(IncomingKey(**_values(c)) for c in of("incoming")),
        indexes=tuple(Index(**_values(c)) for c in of("indexes")),
        triggers=tuple(Trigger(**_values(c)) for c in of("triggers")),
        rules=tuple(Rule(**_values(c)) for c in of("rules")),
        policies=tuple(Policy(**_values(c)) for c in of("policies")),
        statistics=tuple(Statistics(**_values(c)) for c in of("statistics")),
        publications=tuple(Publication(**_values(c)) for c in of("publications")),
        partitioning=_partitioning(of("partitions")),
        uses=tuple(ColumnUse(**_values(c)) for c in of("uses")),
        dependents=(
            *(Dependent(**_values(c, "grants"), grants=_grants(c["grants"])) for c in of("views")),
            *(Dependent(**_values(c)) for c in of("functions")),
            *(Dependent(**_values(c)) for c in of("others")),
            *(Dependent(**_values(c), by_text=True) for c in of("by_text")),
        ),
    )
