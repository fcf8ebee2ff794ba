"""Throttling in a script: batches wait for the same reasons as the runner's."""

from __future__ import annotations

from membership_refactor.script.options import Pace
from membership_refactor.script.psql import block
from membership_refactor.script.records import Records
from membership_refactor.sql.pacing.reasons import (
    LOOK_SECONDS,
    NO_CONTROL,
    limits,
    noted,
    reason,
)
from membership_refactor.sql.quoting import literal

VARIABLES = """\
  look_at timestamptz := '-infinity'; control record; look record; owner text;
  wal_at timestamptz; wal_lsn pg_lsn; why text; why_at timestamptz;"""


def waiting(records: Records, pace: Pace) -> str:
    """plpgsql between two batches; the server is asked once a second."""
    note = noted(
        records.table("event"),
        records.plan,
        before="work.why",
        seconds="extract(epoch FROM pg_catalog.clock_timestamp() - work.why_at)",
        now="work.look.reason",
    )
    return f"""\
    IF pg_catalog.clock_timestamp() >= look_at THEN
      LOOP
{_control(records.table("control"), records, pace)}
{_look()}
        fixed := work.control.batch_rows;
        size := coalesce(fixed, size);
        wal_lsn := work.look.wal_lsn; wal_at := work.look.wal_at;
        IF pg_catalog.split_part(why, ':', 1)
          IS DISTINCT FROM pg_catalog.split_part(work.look.reason, ':', 1) THEN
{note};
          why := work.look.reason; why_at := pg_catalog.clock_timestamp();
        END IF;
        EXIT WHEN why IS NULL;
        COMMIT;
        PERFORM pg_catalog.pg_sleep({LOOK_SECONDS});
      END LOOP;
      look_at := pg_catalog.clock_timestamp() + interval '{LOOK_SECONDS} s';
    END IF;"""


def judged(records: Records, pace: Pace, owner: str) -> str:
    """Return a block that raises if the login may not see what one of the limits measures.

    It comes before anything is changed. ``owner`` is a SELECT of the tables' owner.
    """
    control = records.table("control")
    return block(f"""
<<work>>
DECLARE
{VARIABLES}
BEGIN
  PERFORM pg_catalog.set_config('role', coalesce(({owner}),
    pg_catalog.current_setting('role')), true);
  IF pg_catalog.to_regclass({literal(control)}) IS NULL THEN
{_control(NO_CONTROL, records, pace)}
  ELSE
{_control(control, records, pace)}
  END IF;
{_look()}
END
""")


def _control(table: str, records: Records, pace: Pace) -> str:
    found = limits(
        table,
        records.plan,
        batch_rows=pace.batch_rows,
        max_lag_bytes=pace.max_lag_bytes,
        max_wal_bytes_per_second=pace.max_wal_rate,
        max_active_sessions=pace.max_active,
    )
    return f"        SELECT l.* INTO work.control FROM ({found}) AS l;"


def _look() -> str:
    """plpgsql that asks the server as the login, because the owner of the tables may see less."""
    asked = reason("work.control.{}".format, wal_lsn="work.wal_lsn", wal_at="work.wal_at")
    return f"""\
        owner := pg_catalog.current_setting('role');
        PERFORM pg_catalog.set_config('role', 'none', true);
        SELECT l.* INTO work.look FROM (
{asked}) AS l;
        PERFORM pg_catalog.set_config('role', owner, true);
        IF work.look.unseen IS NOT NULL THEN
          RAISE insufficient_privilege USING MESSAGE = work.look.unseen, HINT = work.look.remedy;
        END IF;"""
