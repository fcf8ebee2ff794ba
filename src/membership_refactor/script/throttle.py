"""Kindness in a script: batches wait while replicas lag, WAL runs fast, others are busy, or a DBA
says so in the ledger's ``control``, whose row goes before the options."""

from __future__ import annotations

from membership_refactor.script.pace import Pace
from membership_refactor.script.records import Records

VARIABLES = """\
  look_at timestamptz := '-infinity'; control record; waits boolean;
  wal_at timestamptz; wal_lsn pg_lsn; wal_rate double precision;"""


def waiting(records: Records, pace: Pace) -> str:
    """plpgsql between two batches; the server is asked once a second."""

    def limit(column: str, value: int | None) -> str:
        return f"coalesce(c.{column}, {value if value is not None else 'NULL'}) AS {column}"

    limits = ",\n          ".join(
        (
            limit("max_lag_bytes", pace.max_lag_bytes),
            limit("max_wal_bytes_per_second", pace.max_wal_rate),
            limit("max_active_sessions", pace.max_active),
            limit("batch_rows", pace.batch_rows),
        )
    )
    return f"""\
    IF pg_catalog.clock_timestamp() >= look_at THEN
      LOOP
        SELECT coalesce(c.paused, false) AS paused,
          {limits}
        INTO work.control FROM (SELECT) AS always
        LEFT JOIN {records.table("control")} AS c ON c.plan = {records.plan};
        fixed := work.control.batch_rows;
        size := coalesce(fixed, size);
        wal_rate := pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), work.wal_lsn)
          / nullif(extract(epoch FROM pg_catalog.clock_timestamp() - work.wal_at), 0);
        wal_lsn := pg_catalog.pg_current_wal_lsn(); wal_at := pg_catalog.clock_timestamp();
        -- Bytes, not replay_lag: that said 0.25 s for a replica whose replay stood still.
        waits := work.control.paused
          OR coalesce(work.wal_rate > work.control.max_wal_bytes_per_second, false)
          OR work.control.max_lag_bytes < (SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(
            pg_catalog.pg_current_wal_lsn(), r.replay_lsn))
            FROM pg_catalog.pg_stat_replication AS r WHERE r.replay_lsn IS NOT NULL)
          OR work.control.max_active_sessions < (SELECT pg_catalog.count(*)
            FROM pg_catalog.pg_stat_activity AS a
            WHERE a.state = 'active' AND a.backend_type = 'client backend'
              AND a.application_name NOT LIKE 'membership!_refactor%' ESCAPE '!');
        EXIT WHEN NOT coalesce(waits, false);
        COMMIT;
        PERFORM pg_catalog.pg_sleep(1);
      END LOOP;
      look_at := pg_catalog.clock_timestamp() + interval '1 s';
    END IF;"""
