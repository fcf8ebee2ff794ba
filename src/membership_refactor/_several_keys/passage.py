"""Several keys come to a live table of enrollments, and go again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import psycopg
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from membership_refactor._several_keys import script, structure
from membership_refactor.checks.check import Check, Reach
from membership_refactor.checks.unique_identity import after_constraints
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.install import hold, owner_of
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.environment import Request
from membership_refactor.execution.locks import briefly
from membership_refactor.execution.sessions import Sessions
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.unique_identity.names import IdentityNames


def bring(context: MigrationContext) -> None:
    """The tables stand, and hold every key that an enrollment has; run again, it goes on."""
    schema = _request(context).schema
    names = IdentityNames(IDENTITY, schema)
    if context.as_sql:
        _print(context, [script.alone(schema)])
        _print(context, [c.raising.text for c in after_constraints(names)])
        with context.autocommit_block():
            _print(context, [structure.scope_index(schema)])
        _print(context, structure.tables(schema))
        # Not in the transaction of the filling: writers would queue until its end.
        with context.autocommit_block():
            mode = Lock.SHARE_ROW_EXCLUSIVE
            _print(context, [script.under_lock(schema, mode, structure.install_triggers(schema))])
            _print(context, [script.fill(schema)])
        return
    with context.autocommit_block(), _sessions(context, names).open(purpose="keys") as connection:
        for check in after_constraints(names):
            hold(connection, names, check)
        _index(connection, schema)
        with connection.transaction():
            for text in structure.tables(schema):
                rows(connection, text)
        hung = ";\n".join(structure.install_triggers(schema))
        briefly(connection, ((names.table, Lock.SHARE_ROW_EXCLUSIVE),), hung)
        _fill(connection, names)


def take_away(context: MigrationContext) -> None:
    """The tables are gone; no key is lost, because every one is some enrollment's own."""
    schema = _request(context).schema
    names = IdentityNames(IDENTITY, schema)
    spent = Check(
        name="no further keys",
        sentence="every key is the own key of an enrollment",
        query=structure.further_keys(schema),
        reach=Reach.TABLES,
        hint="Detach them first, or stay at k001.",
    )
    if context.as_sql:
        _print(context, [script.alone(schema), spent.raising.text])
        with context.autocommit_block():
            mode = Lock.ACCESS_EXCLUSIVE
            _print(context, [script.under_lock(schema, mode, structure.remove_triggers(schema))])
        _print(context, structure.drop_tables(schema))
        with context.autocommit_block():
            _print(context, [structure.drop_scope_index(schema)])
        return
    with context.autocommit_block(), _sessions(context, names).open(purpose="keys") as connection:
        if _there(connection, schema):
            hold(connection, names, spent)
        taken_down = ";\n".join(structure.remove_triggers(schema))
        briefly(connection, ((names.table, Lock.ACCESS_EXCLUSIVE),), taken_down)
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


def _index(connection: Pg, schema: str) -> None:
    """The index stands and is valid; an invalid left-over of an earlier run is built again."""
    rows(connection, "SET lock_timeout = 0")
    for _ in range(Patience().build_tries):
        state = rows(connection, structure.scope_index_state(schema))
        if state and state[0][0]:
            break
        if state:
            rows(connection, structure.drop_scope_index(schema))
        try:
            rows(connection, structure.scope_index(schema))
        except psycopg.errors.DeadlockDetected:
            continue
    rows(connection, "SET lock_timeout = '2s'")


def _fill(connection: Pg, names: IdentityNames) -> None:
    bounds = rows(connection, f"SELECT min(id), max(id) FROM {names.table}")[0]
    if bounds[0] is None:
        return
    # From here on the trigger takes care of every key that is written.
    for first in range(bounds[0], bounds[1] + 1, script.BATCH):
        batch: Callable[[], None] = partial(_batch, connection, names.schema, first)
        retried("taking keys over", batch, Patience())


def _batch(connection: Pg, schema: str, first: int) -> None:
    with connection.transaction():
        rows(
            connection,
            "SELECT pg_catalog.set_config('lock_timeout', (setting::integer / 2)::text || 'ms',"
            " true) FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'",
        )
        for text in structure.fill(schema):
            rows(connection, text, first, first + script.BATCH - 1)


def _print(context: MigrationContext, texts: Sequence[str]) -> None:
    for text in texts:
        context.impl.static_output(f"{text};")
