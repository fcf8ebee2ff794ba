"""The settings that every session of the tool pins, the runner's and a script's alike."""

from __future__ import annotations

from membership_refactor.sql.quoting import literal

PINNED = {
    # Nobody's schema can put an object in the way of ours; every name is qualified besides.
    "search_path": "pg_catalog, pg_temp",
    # PostgreSQL raises where a policy would hide rows from us; nothing of ours may see less.
    "row_security": "off",
    "lock_timeout": "2s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "client_min_messages": "error",
    "jit": "off",
}

MEMORY = {
    # Batches sort and check joins hash a few ten MB; at the default of 4 MB they go to disk, and
    # the joins cost 1.5 times as much. A few sessions of ours are at work at a time, no more.
    "work_mem": "64MB",
    # An index on a million uuids or on the key sorts in memory instead of in runs on disk.
    "maintenance_work_mem": "256MB",
}
"""What a session may use at least; a server whose DBA allows more stays as it is."""


def pin_settings(application_name: str) -> str:
    """A list of expressions, for SELECT or PERFORM, that set them for the session."""
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
    return f"{calls}, {at_least}"
