"""Batches in a script: a loop that claims a range, fills it, and commits it with its checkpoint.

Job and ranges are the same rows as the runner's, so either goes on where the other was stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.script.pace import Pace
from membership_refactor.script.records import Records
from membership_refactor.script.throttle import VARIABLES, waiting
from membership_refactor.sql.pacing.pace import (
    BATCH_SECONDS,
    FIRST,
    LARGEST,
    LOCKING_FIRST,
    LOCKING_SMALLEST,
    LOCKING_TARGET_SECONDS,
    SMALLEST,
    TARGET_SECONDS,
)
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.steps.actions import Build, Ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A function called range by range along a column of a table."""

    table: str
    route: str
    route_type: str
    function: str
    null_function: str | None = None
    """For the rows whose route is NULL."""


def job_of(action: Build | Ranges) -> Job:
    """What the action's batches are made of."""
    if isinstance(action, Ranges):
        return Job(
            table=action.table,
            route=action.key_column,
            route_type=action.key_type,
            function=action.function,
        )
    build = action.build
    return Job(
        table=build.log.table,
        route=build.route,
        route_type=build.route_type,
        function=build.function("build"),
        null_function=build.function("build_null") if build.route_null else None,
    )


def batches(records: Records, action: Build | Ranges, pace: Pace) -> str:
    """The body of a block that does every range and then records the action as done."""
    job = job_of(action)
    name = literal(f"{records.step} {records.direction} {action.key}")
    mine = f"plan = {records.plan} AND job = {name}"
    jobs, ranges = records.table("job"), records.table("batch")
    route, kind = ident(job.route), job.route_type
    of_null = f"{job.null_function}()" if job.null_function else "0"
    target, smallest, first = (
        (LOCKING_TARGET_SECONDS, LOCKING_SMALLEST, LOCKING_FIRST)
        if isinstance(action, Ranges)
        else (TARGET_SECONDS, SMALLEST, FIRST)
    )
    within = f"t.{route} <= $1::{kind} AND ($2 IS NULL OR t.{route} > $2::{kind})"
    ordered = f"SELECT t.{route}::text FROM {job.table} AS t WHERE {within} ORDER BY t.{route}"
    following = f"SELECT ({ordered} LIMIT 1), coalesce(({ordered} OFFSET $3 LIMIT 1), $1)"
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
  size double precision := {pace.batch_rows or first}; fixed int := {pace.batch_rows or "NULL"};
  job record; number bigint; first_value text; last_value text; written bigint;
  began timestamptz; tries int; stuck timestamptz;
{VARIABLES}
BEGIN
  -- Half of deadlock_timeout at most: in a deadlock this session is the victim, and tries again.
  PERFORM pg_catalog.set_config('lock_timeout', least(2000, s.setting::int / 2)::text, false)
  FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout';
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  INSERT INTO {jobs} (plan, job) VALUES ({records.plan}, {name}) ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: whatever commits later is in the log.
  UPDATE {jobs} AS j SET bound = (SELECT t.{route}::text FROM {job.table} AS t
      WHERE t.{route} IS NOT NULL ORDER BY t.{route} DESC LIMIT 1),
    nulls_done = j.nulls_done OR {"false" if job.null_function else "true"}
  WHERE j.plan = {records.plan} AND j.job = {name} AND j.bound IS NULL AND NOT j.exhausted;
  COMMIT;
  <<ranges>>
  LOOP
{waiting(records, pace)}
    BEGIN
      SELECT j.claimed, j.bound, j.nulls_done, j.exhausted INTO work.job
      FROM {jobs} AS j WHERE {mine} FOR UPDATE;
      -- A range that was claimed and not finished, by whomever, goes first.
      SELECT b.n, b.first, b.last INTO work.number, work.first_value, work.last_value
      FROM {ranges} AS b WHERE {mine} AND NOT b.done ORDER BY b.n LIMIT 1;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE {jobs} SET nulls_done = true WHERE {mine};
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE {dollar_quoted(following)}
          INTO work.first_value, work.last_value
          USING work.job.bound, work.job.claimed, greatest(size::bigint - 1, 0);
          IF work.first_value IS NULL THEN
            UPDATE {jobs} SET exhausted = true WHERE {mine};
            EXIT ranges;
          END IF;
          UPDATE {jobs} SET claimed = work.last_value WHERE {mine};
        END IF;
        INSERT INTO {ranges} (plan, job, n, first, last, worker)
        SELECT {records.plan}, {name}, coalesce(pg_catalog.max(b.n), 0) + 1,
          work.first_value, work.last_value, 'script'
        FROM {ranges} AS b WHERE {mine} RETURNING n INTO work.number;
      END IF;
      stuck := NULL;
    EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
      -- As behind a writer's TRUNCATE.
      stuck := coalesce(stuck, pg_catalog.clock_timestamp());
      IF pg_catalog.clock_timestamp() >= stuck + interval '{BATCH_SECONDS} s' THEN RAISE; END IF;
    END;
    COMMIT;
    IF stuck IS NOT NULL THEN
      PERFORM pg_catalog.pg_sleep(pg_catalog.random() * 0.2);
      CONTINUE ranges;
    END IF;
    began := pg_catalog.clock_timestamp(); tries := 0;
    LOOP
      tries := tries + 1;
      BEGIN
        -- The row lock lets a killed client's backend, still at this range, finish first.
        IF NOT (SELECT b.done FROM {ranges} AS b WHERE {mine} AND b.n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := {of_null};
          ELSE
            written := {job.function}(work.first_value::{kind}, work.last_value::{kind});
          END IF;
          UPDATE {ranges} SET done = true, rows = coalesce(work.written, 0),
            done_at = pg_catalog.clock_timestamp() WHERE {mine} AND n = work.number;
        END IF;
        EXIT;
      EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
        IF pg_catalog.clock_timestamp() >= work.began + interval '{BATCH_SECONDS} s' THEN
          RAISE;
        END IF;
      END;
      COMMIT;
      PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(2, 0.05 * 2 ^ least(tries, 6)));
    END LOOP;
    COMMIT;
    IF fixed IS NULL THEN
      size := least(greatest(size * least(greatest({target} / greatest(
        extract(epoch FROM pg_catalog.clock_timestamp() - work.began), 0.0001), 0.5), 1.5),
        {smallest}), {LARGEST});
    END IF;
  END LOOP;
  COMMIT;
  INSERT INTO {records.table("action")} (plan, step, direction, key, rows)
  SELECT {records.key}, {literal(action.key)}, coalesce(pg_catalog.sum(b.rows), 0)
  FROM {ranges} AS b WHERE {mine} AND b.done ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM {ranges} WHERE {mine};
  DELETE FROM {jobs} WHERE {mine};
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
"""
