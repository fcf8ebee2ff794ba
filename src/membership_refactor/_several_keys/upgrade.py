"""Add several keys to a live table of enrollments, and remove them; online or as a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from membership_refactor._several_keys import psql_text, structure
from membership_refactor.checks.check import Check, Reach
from membership_refactor.checks.unique_identity import after_constraints
from membership_refactor.enrollment.add_constraints import hold, owner_of
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.lock_rows import yield_to_deadlocks
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.environment import Request
from membership_refactor.execution.indexes import build_alone
from membership_refactor.execution.locks import briefly
from membership_refactor.execution.sessions import Sessions
from membership_refactor.plans.program_enrollment import IDENTITY, SCOPE_INDEX
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.unique_identity.names import IdentityNames


def add_keys(context: MigrationContext) -> None:
    """Create the tables and fill them with every key of an enrollment; a second run continues."""
    schema = _request(context).schema
    names = IdentityNames(IDENTITY, schema)
    if context.as_sql:
        _print(context, [psql_text.alone(schema)])
        _print(context, [c.raising.text for c in after_constraints(names)])
        with context.autocommit_block():
            _print(context, [structure.scope_index(schema)])
        _print(context, structure.tables(schema))
        # A commit of its own: in one with the filling, writers would wait until its end.
        with context.autocommit_block():
            mode = Lock.SHARE_ROW_EXCLUSIVE
            _print(
                context, [psql_text.under_lock(schema, mode, structure.install_triggers(schema))]
            )
            _print(context, [psql_text.fill(schema)])
        return
    with context.autocommit_block(), _sessions(context, names).open(purpose="keys") as connection:
        for check in after_constraints(names):
            hold(connection, names, check)
        index = qualified(schema, SCOPE_INDEX)
        build_alone(connection, Statement(structure.scope_index(schema)), index)
        with connection.transaction():
            for text in structure.tables(schema):
                rows(connection, text)
        text = in_one_message(structure.install_triggers(schema))
        briefly(connection, ((names.table, Lock.SHARE_ROW_EXCLUSIVE),), text)
        _fill(connection, names)


def remove_keys(context: MigrationContext) -> None:
    """Drop the tables. CheckFailed while there are further keys, because they would be lost."""
    schema = _request(context).schema
    names = IdentityNames(IDENTITY, schema)
    spent = Check(
        name="no further keys",
        sentence="every key is the own key of an enrollment",
        query=structure.further_keys(schema),
        reach=Reach.TABLES,
        hint="Detach these keys (detach_key), or stay at k001.",
    )
    if context.as_sql:
        _print(context, [psql_text.alone(schema), spent.raising.text])
        with context.autocommit_block():
            mode = Lock.ACCESS_EXCLUSIVE
            _print(context, [psql_text.under_lock(schema, mode, structure.remove_triggers(schema))])
        _print(context, structure.drop_tables(schema))
        with context.autocommit_block():
            _print(context, [structure.drop_scope_index(schema)])
        return
    with context.autocommit_block(), _sessions(context, names).open(purpose="keys") as connection:
        if _there(connection, schema):
            hold(connection, names, spent)
        text = in_one_message(structure.remove_triggers(schema))
        briefly(connection, ((names.table, Lock.ACCESS_EXCLUSIVE),), text)
        briefly(connection, (), partial(_all, texts=structure.drop_tables(schema)))
        rows(connection, "SET lock_timeout = 0")
        rows(connection, structure.drop_scope_index(schema))


def _request(context: MigrationContext) -> Request:
    request = context.opts["refactor"]
    assert isinstance(request, Request)
    return request


def _sessions(context: MigrationContext, names: IdentityNames) -> Sessions:
    assert context.connection is not None
    engine: Engine = context.connection.engine
    return Sessions(engine, role=owner_of(engine, names), label="several keys")


def _all(connection: Pg, texts: Sequence[str]) -> None:
    for text in texts:
        rows(connection, text)


def _there(connection: Pg, schema: str) -> bool:
    table = qualified(schema, "enrollment_key")
    return bool(rows(connection, "SELECT pg_catalog.to_regclass($1) IS NOT NULL", table)[0][0])


def _fill(connection: Pg, names: IdentityNames) -> None:
    bounds = rows(connection, f"SELECT min(id), max(id) FROM {names.table}")[0]
    if bounds[0] is None:
        return
    # The trigger handles every key that is written from now on.
    for first in range(bounds[0], bounds[1] + 1, psql_text.BATCH):
        batch: Callable[[], None] = partial(_batch, connection, names.schema, first)
        retried("copying keys", batch, Patience())


def _batch(connection: Pg, schema: str, first: int) -> None:
    with connection.transaction():
        yield_to_deadlocks(connection)
        for text in structure.fill(schema):
            rows(connection, text, first, first + psql_text.BATCH - 1)


def _print(context: MigrationContext, texts: Sequence[str]) -> None:
    for text in texts:
        context.impl.static_output(f"{text};")
