"""Batches in a script: a loop that claims a range, does it, and commits it with its record.

The rows of job and ranges are the runner's, so either goes on where the other stopped.
"""

from __future__ import annotations

from membership_refactor.script.options import Pace
from membership_refactor.script.psql import block
from membership_refactor.script.records import Records
from membership_refactor.script.throttle import VARIABLES, waiting
from membership_refactor.sql.build.ranges import VACUUMS, WAIT, RangeJob
from membership_refactor.sql.pacing.pace import BATCH_SECONDS, LARGEST
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.steps.actions import Build, Ranges
from membership_refactor.steps.range_job import range_job

ROWS_OF_PART = "NULL::bigint /* rows of a part */"


def in_parts(records: Records, action: Ranges, pace: Pace) -> str:
    """The same in parts, with VACUUM after each: no block can run it.

    psql runs each row of the query's result as a statement. The last part does what is left. A part
    that finds the action done does nothing.
    """
    job = _job(records, action)
    rows = f"({job.rows_to_vacuum()})"
    listed = dollar_quoted(block(batches(records, action, pace)))
    part = f"pg_catalog.replace({listed}, {literal(ROWS_OF_PART)}, s.rows)"
    return f"""\
WITH p AS (SELECT {rows} AS rows),
  n AS (SELECT p.rows, least(greatest(c.reltuples / p.rows, 1), {VACUUMS})::int AS parts
    FROM p, pg_catalog.pg_class AS c WHERE c.oid = {literal(job.table)}::pg_catalog.regclass),
  s AS (SELECT g.part, CASE WHEN g.part < n.parts THEN n.rows::text ELSE 'NULL' END AS rows
    FROM n, LATERAL pg_catalog.generate_series(1, n.parts) AS g (part))
SELECT t.text FROM s, LATERAL (VALUES (1, {part}),
  (2, {literal(job.vacuum_statement())})) AS t (n, text) ORDER BY s.part, t.n \\gexec"""


def _job(records: Records, action: Build | Ranges) -> RangeJob:
    return range_job(action, records.names, records.step, records.direction)


def batches(records: Records, action: Build | Ranges, pace: Pace) -> str:
    """The body of a block that does every range and then records the action as done."""
    job = _job(records, action)
    following = job.following(claimed="$1", bound="$2", size="$3", most="$4")
    most = f"coalesce(work.fixed, {LARGEST})"
    list_nulls = list_popular = ""
    if job.popular:
        list_nulls = f"\n          {job.list_nulls(most)};\n          listed := FOUND;"
        list_popular = f"\n          IF listed THEN {job.list_popular('work.first_value')}; END IF;"
    part = begin = end = ""
    if job.vacuum:
        part = f"\n  part bigint := {ROWS_OF_PART};"
        begin = f"\n  IF {records.rows.is_done(action.key)} THEN RETURN; END IF;"
        end = """
    part := part - coalesce(written, 0);
    IF part <= 0 THEN RETURN; END IF;"""
    close_ranges, close_job = job.close()
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
  size double precision := {pace.batch_rows or job.sizes.first};
  fixed int := {pace.batch_rows or "NULL"};
  job record; number bigint; first_value text; last_value text; listed boolean; written bigint;
  began timestamptz; tries int; stuck timestamptz;{part}
{VARIABLES}
BEGIN{begin}
  -- Half of deadlock_timeout at most: so this session, and not a writer, gives up in a deadlock.
  PERFORM {WAIT};
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  {job.begin()};
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  {job.read_bound()};
  COMMIT;
  <<ranges>>
  LOOP
{waiting(records, pace)}
    BEGIN
      listed := false;
      {job.state()} INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      {job.left_behind()}
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          {job.claim_nulls()};
          first_value := NULL; last_value := NULL;{list_nulls}
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE {dollar_quoted(following)}
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, {most};
          IF work.first_value IS NULL THEN
            {job.exhaust()};
            EXIT ranges;
          END IF;
          {job.claim("work.last_value")};{list_popular}
        END IF;
        IF NOT listed THEN
          {job.insert(first="work.first_value", last="work.last_value", worker="script")}
          INTO work.number;
        END IF;
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
    CONTINUE ranges WHEN listed;
    began := pg_catalog.clock_timestamp(); tries := 0;
    LOOP
      tries := tries + 1;
      BEGIN
        -- The row lock lets the backend of a killed client, still at this range, finish first.
        IF NOT ({job.is_done("work.number")}) THEN
          IF work.first_value IS NULL THEN
            written := {job.call_null()};
          ELSE
            written := {job.call("work.first_value", "work.last_value")};
          END IF;
          {job.finish("work.number", "coalesce(work.written, 0)")};
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
      size := least(greatest(size * least(greatest({job.sizes.seconds} / greatest(
        extract(epoch FROM pg_catalog.clock_timestamp() - work.began), 0.0001), 0.5), 1.5),
        {job.sizes.smallest}), {LARGEST});
    END IF;{end}
  END LOOP;
  COMMIT;
  {records.mark(action.key, rows=f"({job.rows()})")}
  -- The same step may run again after a downgrade.
  {close_ranges};
  {close_job};
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
"""
