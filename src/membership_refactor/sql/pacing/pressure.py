"""Pressure: what a running step and its surroundings do to each other now, as queries."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.quoting import literal


def queues(tables: Iterable[str]) -> str:
    """SELECT of (pid, who, waits, mode, relation, ours): sessions that wait for a lock on one of
    the quoted tables, the longest wait first. Reads pg_locks without a lock of its own."""
    listed = ", ".join(f"pg_catalog.to_regclass({literal(table)})" for table in tables)
    return f"""\
SELECT l.pid, coalesce(a.usename::text, '?') AS who,
  extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart)::pg_catalog.float8 AS waits,
  l.mode, l.relation::pg_catalog.regclass::text AS relation,
  coalesce(a.application_name LIKE 'membership!_refactor%' ESCAPE '!', false) AS ours
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE NOT l.granted AND l.relation IN ({listed})
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database())
ORDER BY waits DESC NULLS LAST"""


OWN_SESSIONS = """\
SELECT a.pid, a.application_name, coalesce(a.state, '?'),
  coalesce(a.wait_event_type || ': ' || a.wait_event, '')
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.application_name LIKE 'membership!_refactor%' ESCAPE '!'
ORDER BY a.application_name, a.pid"""
"""SELECT of (pid, application_name, state, wait) of this tool's sessions in this database."""

REPLICAS = """\
SELECT coalesce(nullif(r.application_name, ''), r.client_addr::text, r.pid::text),
  pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
    THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
    r.replay_lsn)::pg_catalog.int8
FROM pg_catalog.pg_stat_replication AS r ORDER BY 2 DESC NULLS LAST"""
"""SELECT of (name, bytes behind). The bytes are NULL where the login may not see them."""


FREE_SESSIONS = """\
SELECT least(pg_catalog.current_setting('max_connections')::int
    - pg_catalog.current_setting('superuser_reserved_connections')::int - s.clients,
  CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit - s.of_database END,
  CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit - s.of_role END)
FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d,
  (SELECT pg_catalog.count(*) AS clients,
    pg_catalog.count(*) FILTER (WHERE a.datname = pg_catalog.current_database()) AS of_database,
    pg_catalog.count(*) FILTER (WHERE a.usename = session_user) AS of_role
  FROM pg_catalog.pg_stat_activity AS a WHERE a.backend_type IS DISTINCT FROM 'walsender') AS s
WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()"""
"""SELECT of how many more sessions the login may open in this database, about."""


def waiting(event: str, plan: str) -> str:
    """SELECT of (event, reason, at): the newest wait of batches, over or not. ``event`` is the
    ledger's table, ``plan`` a literal."""
    return (
        f"SELECT e.event, e.detail ->> 'reason', e.at FROM {event} AS e\n"
        f"WHERE e.plan = {plan} AND e.event IN ('waiting', 'waited') ORDER BY e.n DESC LIMIT 1"
    )


def change_control(control: str, plan: str, setting: str) -> tuple[str, str]:
    """INSERT of the control row where there is none, and its UPDATE, which returns (paused,
    batch_rows).

    ``control`` is the ledger's table, ``plan`` a literal, ``setting`` an assignment such as
    ``paused = true``, in which ``c`` is the row as it was.
    """
    return (
        f"INSERT INTO {control} (plan) VALUES ({plan}) ON CONFLICT (plan) DO NOTHING",
        f"UPDATE {control} AS c SET {setting}, changed_at = pg_catalog.clock_timestamp()\n"
        f"WHERE c.plan = {plan} RETURNING c.paused, c.batch_rows",
    )
