-- Made by membership_refactor for schema public.
-- Run it with: psql -X -f FILE. It commits as it goes. When it was interrupted, go on
-- with alembic, or with a script from the version reached.

\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set QUIET on
\encoding UTF8

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
END
$body$;

DO $body$
BEGIN
  IF pg_catalog.now() <> pg_catalog.statement_timestamp() THEN
    RAISE invalid_transaction_state USING
      MESSAGE = 'this script commits as it goes and cannot run inside a transaction',
      HINT = 'Run it with psql without -1 (--single-transaction) and without a BEGIN before it.';
  END IF;
  IF pg_catalog.current_setting('server_version_num')::int < 150000
    OR pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
    RAISE feature_not_supported USING
      MESSAGE = 'PostgreSQL 15 or newer with encoding UTF8 is needed',
      DETAIL = pg_catalog.format('This is PostgreSQL %s, encoding %s.',
        pg_catalog.current_setting('server_version'),
        pg_catalog.current_setting('server_encoding'));
  END IF;
  IF pg_catalog.to_regnamespace('"public"') IS NULL THEN
    RAISE invalid_schema_name USING
      MESSAGE = 'schema "public" does not exist',
      HINT = 'CREATE SCHEMA "public", or print the script for another one with -x schema=NAME.';
  END IF;
  IF (SELECT pg_catalog.count(DISTINCT c.relowner) FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired')) > 1 THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'the tables of plan "programme_membership" have several owners',
      HINT = 'Give them one owner with ALTER TABLE ... OWNER TO.';
  END IF;
  -- Only the trying form: a waiter would hold a snapshot that a concurrent index build waits for.
  IF NOT pg_catalog.pg_try_advisory_lock(-3472690312837395528) THEN
    RAISE lock_not_available USING
      MESSAGE = 'another migration of schema "public" is running',
      HINT = 'Wait until it ends. To see how far it is: membership-refactor status';
  END IF;
  -- When psql is killed, the server would otherwise go on with the loop of batches by itself.
  BEGIN
    PERFORM pg_catalog.set_config('client_connection_check_interval', '1s', false);
  EXCEPTION WHEN invalid_parameter_value THEN NULL;  -- not on every operating system
  END;
END
$body$;

DO $body$
DECLARE
  found int := 5;
BEGIN
  IF pg_catalog.to_regclass('"public_refactor"."form"') IS NOT NULL THEN
    SELECT pg_catalog.max(f.number) INTO found FROM "public_refactor"."form" AS f;
  ELSIF pg_catalog.to_regclass('"public_refactor"."step"') IS NOT NULL THEN
    found := 1;
  END IF;
  IF found <> 5 THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.replace('the ledger "public_refactor" has form %s; this script uses form 5', '%s', found::text),
      HINT = 'Print the script with the version of membership-refactor that made the ledger.';
  END IF;
END
$body$;

DO $body1$
DECLARE
  expected jsonb := $body${
"table \"programme_membership\"": "r",
"table \"programme_membership\": column \"id\"": "bigint NOT NULL",
"table \"programme_membership\": column \"person_id\"": "bigint NOT NULL",
"table \"programme_membership\": column \"programme_id\"": "bigint NOT NULL",
"table \"programme_membership\": column \"curriculum_id\"": "bigint NOT NULL",
"table \"programme_membership\": column \"programme_membership_type\"": "text",
"table \"programme_membership\": column \"programme_start_date\"": "date",
"table \"programme_membership\": column \"programme_end_date\"": "date",
"table \"programme_membership\": column \"rotation\"": "text",
"table \"programme_membership\": column \"rotation_id\"": "bigint",
"table \"programme_membership\": column \"training_number_id\"": "bigint",
"table \"programme_membership\": column \"training_pathway\"": "text",
"table \"programme_membership\": column \"leaving_reason\"": "text",
"table \"programme_membership\": column \"leaving_destination\"": "text",
"table \"programme_membership\": column \"curriculum_start_date\"": "date",
"table \"programme_membership\": column \"curriculum_end_date\"": "date",
"table \"programme_membership\": column \"curriculum_completion_date\"": "date",
"table \"programme_membership\": column \"period_of_grace\"": "integer",
"table \"programme_membership\": column \"intrepid_id\"": "text",
"table \"programme_membership\": column \"amended_date\"": "timestamp(3) with time zone NOT NULL",
"table \"programme_membership\": constraint \"fk_programme_membership_curriculum_id\"": "FOREIGN KEY (curriculum_id) REFERENCES public.curriculum(id)",
"table \"programme_membership\": constraint \"fk_programme_membership_person_id\"": "FOREIGN KEY (person_id) REFERENCES public.person(id)",
"table \"programme_membership\": constraint \"fk_programme_membership_programme_id\"": "FOREIGN KEY (programme_id) REFERENCES public.programme(id)",
"table \"programme_membership\": constraint \"fk_programme_membership_rotation_id\"": "FOREIGN KEY (rotation_id) REFERENCES public.rotation(id)",
"table \"programme_membership\": constraint \"fk_programme_membership_training_number_id\"": "FOREIGN KEY (training_number_id) REFERENCES public.training_number(id)",
"table \"programme_membership\": constraint \"pk_programme_membership\"": "PRIMARY KEY (id)",
"table \"programme_membership\": index \"ix_programme_membership_curriculum_id\"": "CREATE INDEX ix_programme_membership_curriculum_id ON public.programme_membership USING btree (curriculum_id)",
"table \"programme_membership\": index \"ix_programme_membership_person_id\"": "CREATE INDEX ix_programme_membership_person_id ON public.programme_membership USING btree (person_id)",
"table \"programme_membership\": index \"ix_programme_membership_programme_id\"": "CREATE INDEX ix_programme_membership_programme_id ON public.programme_membership USING btree (programme_id)",
"table \"programme_membership\": index \"ix_programme_membership_rotation_id\"": "CREATE INDEX ix_programme_membership_rotation_id ON public.programme_membership USING btree (rotation_id)",
"table \"programme_membership\": index \"ix_programme_membership_training_number_id\"": "CREATE INDEX ix_programme_membership_training_number_id ON public.programme_membership USING btree (training_number_id)",
"table \"programme_membership\": index \"pk_programme_membership\"": "CREATE UNIQUE INDEX pk_programme_membership ON public.programme_membership USING btree (id)"
}$body$::pg_catalog.jsonb;
  there jsonb; began jsonb; different text[];
BEGIN
  IF pg_catalog.to_regclass('"public_refactor"."step"') IS NOT NULL THEN
    SELECT s.now INTO began FROM "public_refactor"."step" AS s
    WHERE s.plan = 'programme_membership' AND s.step = 'copy_table'
      AND s.direction = 'up';
  END IF;
  IF began IS NULL THEN
    SELECT coalesce(pg_catalog.jsonb_object_agg(f.item, f.text), '{}') INTO there FROM (
  WITH tables AS (
    SELECT c.oid, c.relkind, pg_catalog.format('table "%s"', c.relname) AS name
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
      AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired') AND c.relkind IN ('r', 'p', 'f', 'v', 'm'))
  SELECT c.name AS item, c.relkind::text AS text FROM tables AS c
  UNION ALL
  SELECT pg_catalog.format('%s: column "%s"', c.name, a.attname),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), '"', ''), '\s+', ' ', 'g'))
      || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
  FROM tables AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT pg_catalog.format('%s: constraint "%s"', c.name, k.conname),
    pg_catalog.regexp_replace(pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid), '"', ''), '\s+', ' ', 'g')), ' NOT VALID$', '')
      || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END
  FROM tables AS c JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
  WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
  UNION ALL
  SELECT pg_catalog.format('%s: index "%s"', c.name, i.relname),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(pg_catalog.pg_get_indexdef(i.oid), '"', ''), '\s+', ' ', 'g'))
  FROM tables AS c JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid AND x.indisvalid
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  UNION ALL
  SELECT pg_catalog.format('%s: trigger "%s"', c.name, t.tgname),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(pg_catalog.pg_get_triggerdef(t.oid), '"', ''), '\s+', ' ', 'g'))
  FROM tables AS c JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = c.oid
  WHERE NOT t.tgisinternal AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')
    ) AS f;
  ELSE
    -- The first step has begun: the tables are on their way, and this is what they were.
    SELECT coalesce(pg_catalog.jsonb_object_agg(f.item, f.text), '{}') INTO there FROM (
  WITH tables AS (
    SELECT t.value, pg_catalog.format('table "%s"', t.value ->> 'name') AS name
    FROM pg_catalog.jsonb_array_elements(began -> 'portrait' -> 'tables') AS t
    WHERE t.value ->> 'name' IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired'))
  SELECT c.name AS item, c.value ->> 'kind' AS text FROM tables AS c
  UNION ALL
  SELECT pg_catalog.format('%s: column "%s"', c.name, x.value ->> 'name'),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(x.value ->> 'type', '"', ''), '\s+', ' ', 'g')) || CASE WHEN (x.value ->> 'not_null')::bool THEN ' NOT NULL' ELSE '' END
  FROM tables AS c, pg_catalog.jsonb_array_elements(c.value -> 'columns') AS x
  WHERE true
  UNION ALL
  SELECT pg_catalog.format('%s: constraint "%s"', c.name, x.value ->> 'name'),
    pg_catalog.regexp_replace(pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(x.value ->> 'definition', '"', ''), '\s+', ' ', 'g')), ' NOT VALID$', '')
      || CASE WHEN (x.value ->> 'validated')::bool THEN '' ELSE ' NOT VALID' END
  FROM tables AS c, pg_catalog.jsonb_array_elements(c.value -> 'constraints') AS x
  WHERE true
  UNION ALL
  SELECT pg_catalog.format('%s: index "%s"', c.name, x.value ->> 'name'),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(x.value ->> 'definition', '"', ''), '\s+', ' ', 'g'))
  FROM tables AS c, pg_catalog.jsonb_array_elements(c.value -> 'indexes') AS x
  WHERE (x.value ->> 'valid')::bool
  UNION ALL
  SELECT pg_catalog.format('%s: trigger "%s"', c.name, x.value ->> 'name'),
    pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace(x.value ->> 'definition', '"', ''), '\s+', ' ', 'g'))
  FROM tables AS c, pg_catalog.jsonb_array_elements(c.value -> 'triggers') AS x
  WHERE true
    ) AS f;
  END IF;
  WITH d AS (
    SELECT coalesce(e.key, f.key) AS item, e.value AS wanted, f.value AS got
    FROM pg_catalog.jsonb_each_text(expected) AS e
    FULL JOIN pg_catalog.jsonb_each_text(there) AS f ON f.key = e.key
    WHERE f.value IS DISTINCT FROM e.value)
  SELECT pg_catalog.array_agg(CASE
    WHEN d.got IS NULL THEN d.item || ' is missing'
    WHEN d.wanted IS NULL THEN d.item || ' is not expected'
    ELSE pg_catalog.format('%s is %s, expected %s', d.item, d.got, d.wanted) END
    ORDER BY d.item) INTO different
  FROM d
  -- Of a table that is missing or too many nothing more is said.
  WHERE NOT EXISTS (SELECT FROM d AS o WHERE pg_catalog.starts_with(d.item, o.item || ': '));
  IF different IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'these are not the tables that the script was made for; nothing has been changed',
      DETAIL = pg_catalog.array_to_string(different[1:10], E'\n') || CASE
        WHEN pg_catalog.cardinality(different) > 10
        THEN pg_catalog.format(E'\nand %s more', pg_catalog.cardinality(different) - 10)
        ELSE '' END,
      HINT = 'Write their portrait: membership-refactor plan --format json > FILE   and print the script for it: alembic -x portrait=FILE upgrade copy_table --sql';
  END IF;
END
$body1$;

DO $body$
<<work>>
DECLARE
  look_at timestamptz := '-infinity'; control record; look record; owner text;
  wal_at timestamptz; wal_lsn pg_lsn; why text; why_at timestamptz;
BEGIN
  PERFORM pg_catalog.set_config('role', coalesce((SELECT pg_catalog.max(pg_catalog.pg_get_userbyid(c.relowner)::text)
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired')),
    pg_catalog.current_setting('role')), true);
  IF pg_catalog.to_regclass('"public_refactor"."control"') IS NULL THEN
        SELECT l.* INTO work.control FROM (SELECT coalesce(c.paused, false) AS paused, c.note, coalesce(c.batch_rows, NULL)::pg_catalog.int8 AS batch_rows, coalesce(c.max_lag_bytes, NULL)::pg_catalog.int8 AS max_lag_bytes, coalesce(c.max_wal_bytes_per_second, NULL)::pg_catalog.int8 AS max_wal_bytes_per_second, coalesce(c.max_active_sessions, NULL)::pg_catalog.int8 AS max_active_sessions
FROM (SELECT) AS always LEFT JOIN (SELECT NULL AS plan, NULL::pg_catalog.bool AS paused, NULL AS note, NULL::pg_catalog.int8 AS batch_rows, NULL::pg_catalog.int8 AS max_lag_bytes, NULL::pg_catalog.int8 AS max_wal_bytes_per_second, NULL::pg_catalog.int8 AS max_active_sessions) AS c ON c.plan = 'programme_membership') AS l;
  ELSE
        SELECT l.* INTO work.control FROM (SELECT coalesce(c.paused, false) AS paused, c.note, coalesce(c.batch_rows, NULL)::pg_catalog.int8 AS batch_rows, coalesce(c.max_lag_bytes, NULL)::pg_catalog.int8 AS max_lag_bytes, coalesce(c.max_wal_bytes_per_second, NULL)::pg_catalog.int8 AS max_wal_bytes_per_second, coalesce(c.max_active_sessions, NULL)::pg_catalog.int8 AS max_active_sessions
FROM (SELECT) AS always LEFT JOIN "public_refactor"."control" AS c ON c.plan = 'programme_membership') AS l;
  END IF;
        owner := pg_catalog.current_setting('role');
        PERFORM pg_catalog.set_config('role', 'none', true);
        SELECT l.* INTO work.look FROM (
SELECT w.lsn AS wal_lsn, w.at AS wal_at,
  CASE WHEN work.control.paused
      THEN 'paused in the ledger' || coalesce(': ' || work.control.note::text, '')
    WHEN r.bytes > work.control.max_lag_bytes::pg_catalog.int8 THEN pg_catalog.format('replica lag: %s is %s bytes behind, %s allowed',
      r.name, pg_catalog.btrim(pg_catalog.to_char(r.bytes, 'FM999,999,999,999,999,990')), pg_catalog.btrim(pg_catalog.to_char(work.control.max_lag_bytes::pg_catalog.int8, 'FM999,999,999,999,999,990')))
    WHEN w.rate > work.control.max_wal_bytes_per_second::pg_catalog.int8 THEN pg_catalog.format('WAL rate: %s bytes/s, %s allowed',
      pg_catalog.btrim(pg_catalog.to_char(w.rate, 'FM999,999,999,999,999,990')), pg_catalog.btrim(pg_catalog.to_char(work.control.max_wal_bytes_per_second::pg_catalog.int8, 'FM999,999,999,999,999,990')))
    WHEN a.sessions > work.control.max_active_sessions::pg_catalog.int8 THEN pg_catalog.format(
      'load: %s other sessions are active, %s allowed', a.sessions, work.control.max_active_sessions::pg_catalog.int8)
  END AS reason,
  CASE WHEN s.sees THEN NULL
    WHEN work.control.max_lag_bytes::pg_catalog.int8 IS NOT NULL THEN pg_catalog.format('role "%s" may not see how far replicas are '
      'behind, so it cannot keep the limit of replica lag', session_user)
    WHEN work.control.max_active_sessions::pg_catalog.int8 IS NOT NULL THEN pg_catalog.format('role "%s" may not see which other '
      'sessions are active, so it cannot keep the limit of active sessions', session_user)
  END AS unseen, s.remedy
FROM (SELECT l.lsn, l.at, pg_catalog.pg_wal_lsn_diff(l.lsn, work.wal_lsn)
      / nullif(extract(epoch FROM l.at - work.wal_at), 0) AS rate
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
    ORDER BY bytes DESC LIMIT 1) AS r ON work.control.max_lag_bytes::pg_catalog.int8 IS NOT NULL
  LEFT JOIN (SELECT pg_catalog.count(*) AS sessions FROM pg_catalog.pg_stat_activity AS a
    WHERE a.state = 'active' AND a.backend_type = 'client backend'
      AND a.application_name NOT LIKE 'membership!_refactor%' ESCAPE '!') AS a
    ON work.control.max_active_sessions::pg_catalog.int8 IS NOT NULL) AS l;
        PERFORM pg_catalog.set_config('role', owner, true);
        IF work.look.unseen IS NOT NULL THEN
          RAISE insufficient_privilege USING MESSAGE = work.look.unseen, HINT = work.look.remedy;
        END IF;
END
$body$;

DO $body$
DECLARE
  owner text := (SELECT pg_catalog.max(pg_catalog.pg_get_userbyid(c.relowner)::text)
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired'));
BEGIN
  IF pg_catalog.to_regnamespace('"public_refactor"') IS NULL THEN
    EXECUTE 'CREATE SCHEMA "public_refactor"'
      || coalesce(' AUTHORIZATION ' || pg_catalog.quote_ident(owner), '');
  END IF;
END
$body$;

SELECT pg_catalog.set_config('role', coalesce((SELECT pg_catalog.max(pg_catalog.pg_get_userbyid(c.relowner)::text)
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired')),
    pg_catalog.current_setting('role')), false) AS refactor_owner \gset

BEGIN;
REVOKE ALL ON SCHEMA "public_refactor" FROM PUBLIC;
CREATE TABLE IF NOT EXISTS "public_refactor"."form" (
  number integer PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS "public_refactor"."plan" (
  plan text PRIMARY KEY,
  fingerprint text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."step" (
  plan text NOT NULL,
  step text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  state text NOT NULL CHECK (state IN ('open', 'done')),
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  ended_at timestamptz,
  portrait jsonb,
  now jsonb,
  PRIMARY KEY (plan, step)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."action" (
  plan text NOT NULL,
  step text NOT NULL,
  direction text NOT NULL,
  key text NOT NULL,
  done_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  rows bigint,
  lock_waited_ms double precision,
  lock_held_ms double precision,
  tries integer,
  triggers jsonb,
  PRIMARY KEY (plan, step, direction, key)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."job" (
  plan text NOT NULL,
  job text NOT NULL,
  bound text,
  claimed text,
  nulls_done boolean NOT NULL DEFAULT false,
  exhausted boolean NOT NULL DEFAULT false,
  PRIMARY KEY (plan, job)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."batch" (
  plan text NOT NULL,
  job text NOT NULL,
  n bigint NOT NULL,
  first text,
  last text,
  done boolean NOT NULL DEFAULT false,
  rows bigint,
  worker text,
  claimed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  done_at timestamptz,
  PRIMARY KEY (plan, job, n)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."check_result" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text,
  direction text,
  name text NOT NULL,
  broken bigint NOT NULL,
  keys text[] NOT NULL DEFAULT '{}',
  seconds double precision NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."proof" (
  plan text NOT NULL,
  name text NOT NULL,
  digest text NOT NULL,
  step text NOT NULL,
  snapshot xid8 NOT NULL,
  tables jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (plan, name)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."event" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text,
  direction text,
  event text NOT NULL,
  detail jsonb,
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."acceptance" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text NOT NULL,
  option text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."usage_interval" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  target text NOT NULL,
  source text NOT NULL,
  began timestamptz NOT NULL,
  ended timestamptz NOT NULL,
  uses bigint NOT NULL,
  covered boolean NOT NULL,
  detail jsonb
);
CREATE TABLE IF NOT EXISTS "public_refactor"."usage_sample" (
  plan text NOT NULL,
  server text NOT NULL,
  source text NOT NULL,
  taken_at timestamptz NOT NULL,
  state jsonb NOT NULL,
  PRIMARY KEY (plan, server, source)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."usage" (
  plan text NOT NULL,
  target text NOT NULL,
  digest text NOT NULL,
  source text NOT NULL,
  server text NOT NULL,
  role text NOT NULL,
  application text NOT NULL,
  statement text NOT NULL,
  columns text[] NOT NULL,
  why text NOT NULL,
  before bigint NOT NULL,
  uses bigint NOT NULL,
  first_at timestamptz,
  last_at timestamptz,
  PRIMARY KEY (plan, target, digest)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."scan_outcome" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  stage text NOT NULL,
  consumer text NOT NULL,
  clear boolean NOT NULL,
  findings integer NOT NULL,
  detail jsonb,
  scanned_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."control" (
  plan text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  batch_rows integer CHECK (batch_rows > 0),
  max_lag_bytes bigint,
  max_wal_bytes_per_second bigint,
  max_active_sessions integer,
  note text,
  changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE TABLE IF NOT EXISTS "public_refactor"."own_object" (
  plan text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  definition text NOT NULL,
  at text NOT NULL,
  bare text NOT NULL,
  PRIMARY KEY (plan, kind, name)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."repair" (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  comparison text NOT NULL,
  key text NOT NULL,
  difference text NOT NULL,
  columns text[],
  was jsonb,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO "public_refactor"."form" (number) VALUES (5) ON CONFLICT DO NOTHING;
CREATE INDEX IF NOT EXISTS batch_open ON "public_refactor"."batch" (plan, job) WHERE NOT done;
COMMIT;

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
