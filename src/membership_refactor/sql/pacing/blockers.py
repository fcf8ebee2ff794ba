"""Blockers: which sessions hold tables against a lock that is wanted, as a query."""

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
"""The modes that each lock waits for, as pg_locks names them; empty means all."""


def referred(locks: Locks) -> str:
    """SELECT of the tables, quoted, to which foreign keys of those tables refer."""
    tables = ", ".join(f"pg_catalog.to_regclass({literal(table)})" for table, _ in locks)
    return f"""\
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conrelid IN ({tables or "NULL"})"""


def blockers(locks: Locks) -> str:
    """SELECT of one row: (named, advice). ``named`` is NULL if nothing is in the way any more.

    It names the oldest five: sessions by pid, prepared transactions by name. ``advice`` is what
    the DBA can do. An autovacuum that prevents transaction ID wraparound must be left alone.
    """
    return f"""\
SELECT pg_catalog.string_agg(pg_catalog.format('%s (%s, for %s)', b.who, b.described,
    coalesce(b.seconds || ' s', 'an unknown time')), '; ' ORDER BY b.seconds DESC NULLS LAST)
    AS named,
  coalesce('Wait until the autovacuum of '
      || nullif(pg_catalog.string_agg(DISTINCT b.wraparound, ', '), '')
      || ' has ended, and do not cancel it: it prevents transaction ID wraparound. '
      'pg_stat_progress_vacuum shows how far it is.',
    'End or wait for those transactions.') AS advice
FROM (
  SELECT DISTINCT coalesce('pid ' || a.pid, 'prepared transaction "' || p.gid || '"') AS who,
    CASE WHEN v.at_work THEN 'autovacuum of ' || l.relation::pg_catalog.regclass::text
        || CASE WHEN v.wraparound THEN ' to prevent wraparound' ELSE '' END
      ELSE pg_catalog.concat_ws(', ', coalesce(a.usename::text, p.owner::text, a.backend_type, '?'),
        nullif(a.application_name, ''), a.state) END AS described,
    CASE WHEN v.at_work AND v.wraparound THEN l.relation::pg_catalog.regclass::text END
      AS wraparound,
    extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::bigint
      AS seconds
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  -- A prepared transaction keeps the virtual id of the session that is long gone.
  LEFT JOIN pg_catalog.pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL
    AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = x.transactionid
  -- Without pg_monitor the kind of process and its query are hidden. Then it may be any autovacuum.
  CROSS JOIN LATERAL (SELECT a.backend_type = 'autovacuum worker' OR a.pid IS NOT NULL
      AND a.backend_type IS NULL AND a.usesysid IS NULL AS at_work,
    a.backend_type IS NULL OR a.query LIKE '%(to prevent wraparound)' AS wraparound) AS v
  WHERE ({" OR ".join(_against(*lock) for lock in locks) or "false"}) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b"""


def _against(table: str, mode: Lock) -> str:
    modes = _CONFLICTING.get(mode, "")
    only = f" AND l.mode IN ({modes})" if modes else ""
    return f"(l.relation = pg_catalog.to_regclass({literal(table)}){only})"
