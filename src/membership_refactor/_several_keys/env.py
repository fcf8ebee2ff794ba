"""Alembic's entry for several keys: the same database and tenant, a version table of its own."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from alembic import context
from sqlalchemy import Connection

from membership_refactor.environment import (
    bound_or_found,
    clear_errors,
    request_from,
    x_values,
)
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.models.several_keys import SeveralKeysBase

VERSION_TABLE = "alembic_version_several_keys"


def _run() -> None:
    request = request_from(x_values(context.get_x_argument()))
    common: dict[str, Any] = {
        "target_metadata": SeveralKeysBase.metadata,
        "version_table": VERSION_TABLE,
        "version_table_schema": request.schema,
        "transaction_per_migration": True,
        "refactor": request,
    }
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, **common)
        out = context.config.output_buffer or sys.stdout
        out.write("\\set ON_ERROR_STOP on\n\n")
        with context.begin_transaction():
            context.run_migrations()
        return
    bound = bound_or_found(request)
    engine = bound.engine if isinstance(bound, Connection) else bound
    with engine.connect() as connection:
        connection.dialect.default_schema_name = request.schema
        context.configure(connection=connection, **common)
        # Of `current` and `history` there is none, and they wait for nobody.
        moving = context.get_context().opts.get("destination_rev") is not None
        # The main chain's own lock: 0002 must not take away what the keys stand on.
        lock = alone(engine, request.schema, label="several keys") if moving else nullcontext()
        with lock, context.begin_transaction():
            context.run_migrations()


with clear_errors():
    _run()
