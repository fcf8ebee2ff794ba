"""Reasons to wait before the next batch, as queries that the runner and a psql script share."""

from __future__ import annotations

from collections.abc import Callable

LOOK_SECONDS = 1
"""How often the server is asked. Between two looks batches go on as before."""

LIMITS = ("batch_rows", "max_lag_bytes", "max_wal_bytes_per_second", "max_active_sessions")
"""The columns of the control row that override options."""

NO_CONTROL = (
    "(SELECT NULL AS plan, NULL::pg_catalog.bool AS paused, NULL AS note, "
    + ", ".join(f"NULL::pg_catalog.int8 AS {name}" for name in LIMITS)
    + ")"
)
"""In place of the control table, before there is a ledger."""

Value = Callable[[str], str]
"""The SQL expression for a column of ``limits``: a literal, or a variable of plpgsql."""


def limits(control: str, plan: str, **options: int | None) -> str:
    """SELECT of (paused, note, and LIMITS). The control row overrides ``options``.

    ``control`` is the ledger's table, quoted and qualified; ``plan`` is a literal.
    """
    columns = ", ".join(
        f"coalesce(c.{name}, {options.get(name) or 'NULL'})::pg_catalog.int8 AS {name}"
        for name in LIMITS
    )
    return (
        f"SELECT coalesce(c.paused, false) AS paused, c.note, {columns}\n"
        f"FROM (SELECT) AS always LEFT JOIN {control} AS c ON c.plan = {plan}"
    )


def reason(value: Value, *, wal_lsn: str, wal_at: str) -> str:
    """SELECT of one row (wal_lsn, wal_at, reason, unseen, remedy).

    ``reason`` is NULL if the next batch may begin. ``unseen`` says which limit cannot be judged,
    ``remedy`` is the statement that helps. Run it as the role that logged in.
    ``wal_lsn`` and ``wal_at`` are those of the look before, or NULL.

    Lag is measured in bytes. replay_lag said 0.25 s for a replica whose replay stood still.
    """
    lag, wal, active = (f"{value(name)}::pg_catalog.int8" for name in LIMITS[1:])
    return f"""\
SELECT w.lsn AS wal_lsn, w.at AS wal_at,
  CASE WHEN {value("paused")}
      THEN 'paused in the ledger' || coalesce(': ' || {value("note")}::text, '')
    WHEN r.bytes > {lag} THEN pg_catalog.format('replica lag: %s is %s bytes behind, %s allowed',
      r.name, {_grouped("r.bytes")}, {_grouped(lag)})
    WHEN w.rate > {wal} THEN pg_catalog.format('WAL rate: %s bytes/s, %s allowed',
      {_grouped("w.rate")}, {_grouped(wal)})
    WHEN a.sessions > {active} THEN pg_catalog.format(
      'load: %s other sessions are active, %s allowed', a.sessions, {active})
  END AS reason,
  CASE WHEN s.sees THEN NULL
    WHEN {lag} IS NOT NULL THEN pg_catalog.format('role "%s" may not see how far replicas are '
      'behind, so it cannot keep the limit of replica lag', session_user)
    WHEN {active} IS NOT NULL THEN pg_catalog.format('role "%s" may not see which other '
      'sessions are active, so it cannot keep the limit of active sessions', session_user)
  END AS unseen, s.remedy
FROM (SELECT l.lsn, l.at, pg_catalog.pg_wal_lsn_diff(l.lsn, {wal_lsn})
      / nullif(extract(epoch FROM l.at - {wal_at}), 0) AS rate
    FROM (SELECT pg_catalog.pg_current_wal_lsn() AS lsn,
      pg_catalog.clock_timestamp() AS at) AS l) AS w
  -- PostgreSQL hides the rows of others from every other role. What is hidden is not zero.
  CROSS JOIN (SELECT pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'USAGE') AS sees,
    pg_catalog.format(CASE
      WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
      THEN 'GRANT pg_monitor TO %I WITH INHERIT TRUE; or leave that limit out.'
      WHEN pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'MEMBER')
      THEN 'ALTER ROLE %I INHERIT; or leave that limit out.'
      ELSE 'GRANT pg_monitor TO %I; or leave that limit out.' END, session_user) AS remedy) AS s
  LEFT JOIN (SELECT coalesce(nullif(r.application_name, ''), r.client_addr::text, r.pid::text)
      AS name, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn) AS bytes
    FROM pg_catalog.pg_stat_replication AS r WHERE r.replay_lsn IS NOT NULL
    ORDER BY bytes DESC LIMIT 1) AS r ON {lag} IS NOT NULL
  LEFT JOIN (SELECT pg_catalog.count(*) AS sessions FROM pg_catalog.pg_stat_activity AS a
    WHERE a.state = 'active' AND a.backend_type = 'client backend'
      AND a.application_name NOT LIKE 'membership!_refactor%' ESCAPE '!') AS a
    ON {active} IS NOT NULL"""


def noted(event: str, plan: str, *, before: str, seconds: str, now: str) -> str:
    """INSERT that records the end of one wait and the beginning of the next; each may be NULL."""
    kind = f"pg_catalog.split_part({before}::text, ':', 1)"
    ended = f"'reason', {kind}, 'seconds', pg_catalog.round({seconds}::numeric, 1)"
    return f"""\
INSERT INTO {event} (plan, event, detail)
SELECT {plan}, e.event, e.detail FROM (VALUES
  (1, 'waited', {before}::text, pg_catalog.jsonb_build_object({ended})),
  (2, 'waiting', {now}::text, pg_catalog.jsonb_build_object('reason', {now}::text)))
  AS e (n, event, why, detail) WHERE e.why IS NOT NULL ORDER BY e.n"""


def _grouped(number: str) -> str:
    """An expression: the number with a comma after each thousand."""
    return f"pg_catalog.btrim(pg_catalog.to_char({number}, 'FM999,999,999,999,999,990'))"
