"""The shared job: how the command that runs a step offers its ranges to other processes.

The offer is an event of the ledger. It stands while it is the newest event of the plan's steps.
"""

from __future__ import annotations

from membership_refactor.sql.names import tenant_lock
from membership_refactor.sql.quoting import literal

OFFERED = "shares ranges"
"""The event of an offer."""
_EVENTS = ", ".join(map(literal, ("begun", "done", "abandoned", OFFERED)))

RELEASE_SOON = (
    "SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', '30s', false),\n"
    "  pg_catalog.set_config('tcp_keepalives_idle', '30', false),\n"
    "  pg_catalog.set_config('tcp_keepalives_interval', '10', false),\n"
    "  pg_catalog.set_config('tcp_keepalives_count', '3', false),\n"
    "  pg_catalog.set_config('tcp_user_timeout', '60000', false)"
)
"""Lets the server end the session of a worker that hangs, or whose host is gone. Then its range is
free again."""


def offer(event: str, key: str, detail: str, schema: str) -> str:
    """INSERT of an offer by the command that holds the lock of the schema. ``event`` is the
    ledger's table, ``key`` the literals of plan, step and direction, and ``detail`` is JSON."""
    return (
        f"INSERT INTO {event} (plan, step, direction, event, detail)\n"
        f"SELECT {key}, {literal(OFFERED)},\n"
        f"  {literal(detail)}::jsonb || pg_catalog.jsonb_build_object('pid', ({holder(schema)}))"
    )


def newest(event: str, plan: str) -> str:
    """SELECT of (n, event, step, direction, detail): the newest event of the plan's steps."""
    return (
        f"SELECT e.n, e.event, e.step, e.direction, e.detail FROM {event} AS e\n"
        f"WHERE e.plan = {plan} AND e.event IN ({_EVENTS}) ORDER BY e.n DESC LIMIT 1"
    )


def stands(event: str, plan: str, n: int) -> str:
    """A condition: the event of that number is the newest one."""
    return f"{n} = (SELECT f.n FROM ({newest(event, plan)}) AS f)"


def holder(schema: str) -> str:
    """SELECT of the pid of the session that holds the lock of the schema: that of the command that
    changes its tables now. No row where none runs."""
    key = tenant_lock(schema) & (2**64 - 1)
    return (
        "SELECT l.pid FROM pg_catalog.pg_locks AS l\n"
        "JOIN pg_catalog.pg_database AS d ON d.oid = l.database\n"
        "WHERE d.datname = pg_catalog.current_database() AND l.locktype = 'advisory'\n"
        f"  AND l.classid = {key >> 32} AND l.objid = {key & (2**32 - 1)} AND l.objsubid = 1\n"
        "  AND l.granted"
    )
