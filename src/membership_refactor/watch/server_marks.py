"""What every source asks of a server: who it is, and whether anything happened to it."""

from __future__ import annotations

from membership_refactor.sql.evidence_clock import CLOCK
from membership_refactor.sql.quoting import literal

MARKS = """\
SELECT m.name, m.value FROM (VALUES
  ('system identifier',
    (SELECT c.system_identifier::text FROM pg_catalog.pg_control_system() AS c)),
  ('database', (SELECT d.oid::text FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database())),
  ('in recovery', pg_catalog.pg_is_in_recovery()::text),
  ('timeline', CASE WHEN pg_catalog.pg_is_in_recovery()
    THEN (SELECT c.timeline_id::text FROM pg_catalog.pg_control_checkpoint() AS c)
    ELSE pg_catalog.ltrim(pg_catalog.substr(pg_catalog.pg_walfile_name(
      pg_catalog.pg_current_wal_insert_lsn()), 1, 8), '0') END),
  ('wal position', (CASE WHEN pg_catalog.pg_is_in_recovery()
    THEN pg_catalog.pg_last_wal_replay_lsn()
    ELSE pg_catalog.pg_current_wal_insert_lsn() END)::text),
  ('started', pg_catalog.pg_postmaster_start_time()::text)
) AS m (name, value) WHERE m.value IS NOT NULL"""
"""Name and value of each mark."""

NOW = f"SELECT {CLOCK}"

STANDBYS = """\
SELECT r.application_name, coalesce(s.slot_name, ''),
  coalesce(pg_catalog.host(r.client_addr), 'a local socket')
FROM pg_catalog.pg_stat_replication AS r
LEFT JOIN pg_catalog.pg_replication_slots AS s ON s.active_pid = r.pid
WHERE coalesce(s.slot_type, 'physical') = 'physical'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_subscription AS n WHERE n.subname = r.application_name)
  AND r.application_name NOT IN ('pg_basebackup', 'pg_receivewal')
UNION ALL
SELECT s.slot_name, s.slot_name, 'not connected'
FROM pg_catalog.pg_replication_slots AS s WHERE s.slot_type = 'physical' AND NOT s.active
ORDER BY 1, 2, 3"""
"""Application name, slot and address of whatever receives the whole WAL of this server. An
archiver looks the same as a standby that serves reads, so it has to be named."""


def role_settings(pattern: str) -> str:
    """SELECT of who has a setting of its own in this database, and of that setting: those whose
    ``NAME=VALUE`` matches the regular expression."""
    return f"""\
SELECT coalesce('role ' || pg_catalog.quote_ident(r.rolname), 'a database'), c.setting
FROM pg_catalog.pg_db_role_setting AS s
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
CROSS JOIN pg_catalog.unnest(s.setconfig) AS c (setting)
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()))
  AND c.setting ~ {literal(pattern)}
ORDER BY 1, 2"""
