"""The settings that each session of the tool pins, in the runner and in a psql script."""

from __future__ import annotations

from membership_refactor.sql.quoting import literal

PINNED = {
    # No schema can put an object in front of ours; every name is qualified as well.
    "search_path": "pg_catalog, pg_temp",
    # PostgreSQL raises where a policy would hide rows from us; nothing of ours may see less.
    "row_security": "off",
    "lock_timeout": "2s",
    # A role or database may set these. Each would end a long step, or the idle session that holds
    # the lock of the migration, in the middle.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    # PostgreSQL prints the texts of functions and triggers by these, and we compare such texts.
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
    # These change how a literal of ours is read.
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "client_min_messages": "error",
    "jit": "off",
}

MEMORY = {
    # Batches and check joins need some ten MB. At the default of 4 MB they spill to disk, and the
    # joins take 1.5 times as long. Only a few of our sessions work at a time.
    "work_mem": "64MB",
    # Enough to sort a million uuids or keys in memory when an index is built.
    "maintenance_work_mem": "256MB",
}
"""The least that a session may use; a higher setting of the server is kept."""

NO_TRANSACTION_TIMEOUT = (
    "CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL "
    "THEN pg_catalog.set_config('transaction_timeout', '0', false) END"
)
"""The setting exists from PostgreSQL 17 on."""


READ_ONLY = "pg_catalog.set_config('default_transaction_read_only', 'on', false)"
"""For a session that looks only."""


def few_parallel_workers(most: int) -> str:
    """Return a list of expressions, for SELECT, after which no query and no index build of the
    session has more parallel workers than that. Where the server allows fewer, that is kept."""
    return ", ".join(
        f"pg_catalog.set_config('{name}', least({most}, "
        f"pg_catalog.current_setting('{name}')::pg_catalog.int4)::pg_catalog.text, false)"
        for name in ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers")
    )


def pin_settings(application_name: str) -> str:
    """Return a list of expressions, for SELECT or PERFORM, that pin the session's settings."""
    settings = {**PINNED, "application_name": application_name[:63]}
    calls = ", ".join(
        f"pg_catalog.set_config({literal(k)}, {literal(v)}, false)" for k, v in settings.items()
    )
    at_least = ", ".join(
        f"pg_catalog.set_config({literal(k)}, CASE WHEN pg_catalog.pg_size_bytes("
        f"pg_catalog.current_setting({literal(k)})) < pg_catalog.pg_size_bytes({literal(v)}) "
        f"THEN {literal(v)} ELSE pg_catalog.current_setting({literal(k)}) END, false)"
        for k, v in MEMORY.items()
    )
    return f"{calls}, {NO_TRANSACTION_TIMEOUT}, {at_least}"
