"""Blockers: who holds tables against a lock that is wanted, as a query."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Lock

Locks = Sequence[tuple[str, Lock]]
"""(quoted table, mode), in the order in which writers take them."""

_STRONGER = "'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'"
_WRITING = f"'RowExclusiveLock', 'ShareUpdateExclusiveLock', {_STRONGER}"
_CONFLICTING = {
    Lock.ACCESS_EXCLUSIVE: "",
    Lock.SHARE_ROW_EXCLUSIVE: _WRITING,
    Lock.SHARE: _WRITING.replace("'ShareLock', ", ""),
    Lock.SHARE_UPDATE_EXCLUSIVE: f"'ShareUpdateExclusiveLock', {_STRONGER}",
    Lock.ROW_EXCLUSIVE: _STRONGER,
}
"""The modes that each has to wait for, as pg_locks calls them; empty: all of them."""


def blockers(locks: Locks) -> str:
    """SELECT of (who, role, application, state, age): sessions by pid; prepared transactions by
    their name, which somebody has to end by hand. The oldest five."""
    return (
        "SELECT DISTINCT coalesce('pid ' || a.pid,\n"
        "    'prepared transaction \"' || p.gid || '\"') AS who,\n"
        "  coalesce(a.usename::text, p.owner::text, a.backend_type, '?') AS role,\n"
        "  coalesce(a.application_name, '') AS application, coalesce(a.state, '') AS state,\n"
        "  pg_catalog.date_trunc('second', pg_catalog.clock_timestamp()\n"
        "    - coalesce(a.xact_start, p.prepared)) AS age\n"
        "FROM pg_catalog.pg_locks AS l\n"
        "LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid\n"
        # A prepared transaction keeps the virtual id of the session that is long gone.
        "LEFT JOIN pg_catalog.pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL\n"
        "  AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction\n"
        "LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = x.transactionid\n"
        f"WHERE ({' OR '.join(_against(*lock) for lock in locks) or 'false'}) AND l.granted\n"
        "  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d\n"
        "    WHERE d.datname = pg_catalog.current_database())\n"
        "  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()\n"
        "ORDER BY age DESC NULLS LAST LIMIT 5"
    )


def _against(table: str, mode: Lock) -> str:
    modes = _CONFLICTING.get(mode, "")
    only = f" AND l.mode IN ({modes})" if modes else ""
    return f"(l.relation = pg_catalog.to_regclass({literal(table)}){only})"
