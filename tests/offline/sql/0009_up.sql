-- 0009 stop_parallel_save up

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0009 up', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
END
$body$;

SELECT pg_catalog.set_config('role', coalesce((SELECT pg_catalog.max(pg_catalog.pg_get_userbyid(c.relowner)::text)
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired')),
    pg_catalog.current_setting('role')), false) AS refactor_owner \gset

DO $body$
DECLARE
  recorded text;
BEGIN
  INSERT INTO "public_refactor"."plan" (plan, fingerprint) VALUES ('programme_membership', 'f6c6d02e1ff80c3dbd8f4a92dc024ca8617db87030e6c610b4535ef7b78a2bb0')
  ON CONFLICT DO NOTHING;
  SELECT p.fingerprint INTO recorded FROM "public_refactor"."plan" AS p WHERE p.plan = 'programme_membership';
  IF recorded <> 'f6c6d02e1ff80c3dbd8f4a92dc024ca8617db87030e6c610b4535ef7b78a2bb0' THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('plan "%s" is not the one the chain began with (ledger %s, '
        'script %s)', 'programme_membership', pg_catalog.left(recorded, 12),
        'f6c6d02e1ff8'),
      HINT = 'Give a changed plan another name, or put the old text back.';
  END IF;
END
$body$;

SELECT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'stop_parallel_save' AND s.direction = 'up' AND s.state = 'done') AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'stop_parallel_save' AND s.direction = 'up' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0009 stop_parallel_save: up already, nothing to do'
\else

DO $body$
DECLARE
  half record;
BEGIN
  SELECT coalesce(k.label, s.step) AS label, s.direction, s.started_at,
    CASE s.direction WHEN 'up' THEN k.up ELSE k.down END AS command
  INTO half FROM "public_refactor"."step" AS s
  LEFT JOIN (VALUES
    ('legacy_baseline', '0001 legacy_baseline', 'alembic upgrade 0001', 'alembic downgrade base'),
    ('enrollment_identity', '0002 enrollment_identity', 'alembic upgrade 0002', 'alembic downgrade 0001'),
    ('copy_table', '0003 copy_table', 'alembic upgrade 0003', 'alembic downgrade 0002'),
    ('dual_write', '0004 dual_write', 'alembic upgrade 0004', 'alembic downgrade 0003'),
    ('retire_source', '0005 retire_source', 'alembic upgrade 0005', 'alembic downgrade 0004'),
    ('create_parent', '0006 create_parent', 'alembic upgrade 0006', 'alembic downgrade 0005'),
    ('rebuild_parent', '0007 rebuild_parent', 'alembic upgrade 0007', 'alembic downgrade 0006'),
    ('link_children', '0008 link_children', 'alembic upgrade 0008', 'alembic downgrade 0007'),
    ('stop_parallel_save', '0009 stop_parallel_save', 'alembic upgrade 0009', 'alembic downgrade 0008'),
    ('drop_deprecated_columns', '0010 drop_deprecated_columns', 'alembic upgrade 0010', 'alembic downgrade 0009'),
    ('drop_retired_table', '0011 drop_retired_table', 'alembic upgrade 0011', 'alembic downgrade 0010')) AS k (step, label, up, down) ON k.step = s.step
  WHERE s.plan = 'programme_membership' AND s.state = 'open'
    AND (s.step, s.direction) <> ('stop_parallel_save', 'up');
  IF FOUND THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('step %s is open: it went %s and has not finished (begun %s UTC)',
        half.label, half.direction, pg_catalog.to_char(half.started_at, 'YYYY-MM-DD HH24:MI')),
      HINT = pg_catalog.format('Finish it with: %s   or take it back with: %s', half.command,
        'membership-refactor abandon');
  END IF;
END
$body$;

DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
WITH own AS (
  SELECT c.oid FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired')),
joined AS (
  SELECT k.confrelid AS oid FROM pg_catalog.pg_constraint AS k JOIN own AS o ON o.oid = k.conrelid
  WHERE k.contype = 'f'
  UNION
  SELECT k.conrelid FROM pg_catalog.pg_constraint AS k JOIN own AS o ON o.oid = k.confrelid
  WHERE k.contype = 'f'),
asked AS (
  SELECT o.oid FROM own AS o
  UNION
  SELECT c.oid FROM joined AS j JOIN pg_catalog.pg_class AS c ON c.oid = j.oid
  WHERE c.relforcerowsecurity AND pg_catalog.pg_has_role(c.relowner, 'USAGE'))
SELECT pg_catalog.format('%s: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t.name, t.name)
FROM (
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM asked AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE pg_catalog.row_security_active(c.oid)) AS t
ORDER BY t.name
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'every row is seen', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'every row is seen', 'row security hides no row of these tables from their owner',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Run the statement of each table, or give the owner BYPASSRLS, then run the same command again.';
  END IF;
END
$body$;
DO $body$BEGIN IF coalesce(NOT pg_catalog.pg_visible_in_snapshot(pg_catalog.substring(
  pg_catalog.pg_get_function_sqlbody(pg_catalog.to_regprocedure('"public_refactor"."programme_membership_fence"()')), '[0-9]+')::pg_catalog.xid8,
  pg_catalog.pg_current_snapshot()), false) THEN EXECUTE 'DO $fence$ BEGIN EXECUTE pg_catalog.format(''CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot(%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())'', pg_catalog.pg_current_xact_id()); END $fence$'; END IF; END$body$;

\if :refactor_open
\warn '0009 stop_parallel_save: resumed'
\else
\warn '0009 stop_parallel_save up'
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
WITH own AS (
  SELECT c.oid, c.relnamespace, c.relowner FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
    AND c.relkind IN ('r', 'p') AND c.relname IN ('programme_membership', 'curriculum_membership')),
needed AS (
  SELECT o.relowner, o.oid, u.privilege FROM own AS o,
    pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS u (privilege)
  UNION
  SELECT o.relowner, k.confrelid, 'REFERENCES'
  FROM own AS o JOIN pg_catalog.pg_constraint AS k ON k.conrelid = o.oid AND k.contype = 'f'),
reached AS (
  SELECT n.relowner, c.relnamespace FROM needed AS n
  JOIN pg_catalog.pg_class AS c ON c.oid = n.oid GROUP BY n.relowner, c.relnamespace)
SELECT pg_catalog.format('GRANT %s ON %I.%I TO %I',
  pg_catalog.string_agg(n.privilege, ', '), s.nspname, c.relname,
  pg_catalog.pg_get_userbyid(n.relowner))
FROM needed AS n JOIN pg_catalog.pg_class AS c ON c.oid = n.oid
JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
WHERE NOT pg_catalog.has_table_privilege(n.relowner, n.oid, n.privilege)
  AND NOT (n.privilege = 'REFERENCES'
    AND pg_catalog.has_any_column_privilege(n.relowner, n.oid, 'REFERENCES'))
GROUP BY n.relowner, s.nspname, c.relname
UNION ALL
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname,
  pg_catalog.pg_get_userbyid(r.relowner))
FROM reached AS r JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace
WHERE NOT pg_catalog.has_schema_privilege(r.relowner, s.oid, 'USAGE')
ORDER BY 1
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'the owner may write', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'the owner may write', 'the owner of the tables may read and write them',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'What carries writes from one table to the other works as the owner, which lacks these privileges. Run the statements that are named, then run the same command again.';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT pg_catalog.format('ALTER TRIGGER %I ON %I.%I RENAME TO %I', t.tgname,
  n.nspname, c.relname, pg_catalog.concat('z_', t.tgname)::pg_catalog.name)
FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
  AND c.relname IN ('programme_membership', 'curriculum_membership') AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')
  AND t.tgname > '~refactor_'::pg_catalog.name
ORDER BY 1
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'own triggers come last', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'own triggers come last', 'no trigger of the application changes a row after the tool has seen it',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Triggers fire in the order of their names, byte by byte, and these come after those of this tool. Run the statements that are named. What these triggers have written may be on one side only: run membership-refactor verify   then the same command again.';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT pg_catalog.format('%s %s %s', r.kind, r.name, CASE WHEN f.name IS NULL
  THEN 'is missing' WHEN f.definition <> r.definition THEN 'has another text'
  WHEN f.state = 'D' THEN 'is disabled'
  ELSE 'does not fire for replicated and bulk-loaded rows (ENABLE ALWAYS)' END)
FROM "public_refactor"."own_object" AS r LEFT JOIN (
  SELECT 'trigger' AS kind, pg_catalog.format('%I on %I.%I', t.tgname, n.nspname, c.relname) AS name,
    pg_catalog.pg_get_triggerdef(t.oid) AS definition, t.tgenabled::pg_catalog.text AS state,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS at, t.tgname::pg_catalog.text AS bare
  FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired') AND (pg_catalog.starts_with(t.tgname::pg_catalog.text, 'AA_refactor_') OR pg_catalog.starts_with(t.tgname::pg_catalog.text, '~refactor_'))
  AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION '
  UNION ALL
  SELECT 'function', p.oid::pg_catalog.regprocedure::pg_catalog.text,
    pg_catalog.pg_get_functiondef(p.oid), '', '', p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = pg_catalog.to_regnamespace('"public_refactor"')
    AND p.prokind = 'f' AND p.proname <> 'programme_membership_fence'
    AND pg_catalog.starts_with(p.proname::pg_catalog.text, 'programme_membership_')
  ) AS f
  ON f.kind = r.kind AND f.name = r.name
WHERE r.plan = 'programme_membership' AND (f.name IS NULL
  OR f.definition <> r.definition OR f.state NOT IN ('', 'A')) ORDER BY r.kind DESC, r.name
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'own triggers and functions stand', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'own triggers and functions stand', 'the triggers and functions of this tool are as the last step left them',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Writes may have slipped past. Run: membership-refactor repair --apply   then run the same command again.';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT pg_catalog.format('%s: ALTER SUBSCRIPTION %I DISABLE', c.relname, s.subname)
FROM pg_catalog.pg_subscription_rel AS r
JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid AND s.subenabled
JOIN pg_catalog.pg_class AS c ON c.oid = r.srrelid
WHERE c.relnamespace = pg_catalog.to_regnamespace('"public"')
AND c.relname IN ('programme_membership', 'curriculum_membership')
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'no subscription writes', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'no subscription writes', 'no subscription writes to these tables, which capture could not follow',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Run the statement of each table, or take the table out of the publication. Then run: membership-refactor verify';
  END IF;
END
$body$;
DO $body$
DECLARE
  wrong text;
BEGIN
  SELECT o.label INTO wrong
  FROM (VALUES (0, 'legacy_baseline', '0001'), (1, 'enrollment_identity', '0002'), (2, 'copy_table', '0003'), (3, 'dual_write', '0004'), (4, 'retire_source', '0005'), (5, 'create_parent', '0006'), (6, 'rebuild_parent', '0007'), (7, 'link_children', '0008')) AS o (n, step, label)
  WHERE NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0009 stop_parallel_save cannot go up: ' || wrong || ' has not been applied, according to the ledger',
      HINT = 'Was the version stamped by hand? See: membership-refactor status';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT r.reason FROM ((SELECT 'no unbroken watch of 14 days on the deprecated columns of "curriculum_membership"' || coalesce((
SELECT coalesce(pg_catalog.format(': until %s it was not covered, because %s',
  pg_catalog.to_char(u.ended AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
  u.detail -> 'holes' ->> 0), '')
FROM "public_refactor"."usage_interval" AS u WHERE u.plan = 'programme_membership' AND u.target = 'deprecated columns of "curriculum_membership"' AND NOT u.covered AND u.ended >= (pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '14 days'
ORDER BY u.ended DESC LIMIT 1), '')
WHERE NOT (SELECT pg_catalog.tstzrange((pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '14 days', greatest((pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '14 days', (pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '1 day',
  (SELECT pg_catalog.max(u.ended) FROM "public_refactor"."usage_interval" AS u WHERE u.plan = 'programme_membership' AND u.target = 'deprecated columns of "curriculum_membership"'))) <@ coalesce(pg_catalog.range_agg(pg_catalog.tstzrange(u.began, u.ended, '[]')), '{}'::pg_catalog.tstzmultirange) FROM "public_refactor"."usage_interval" AS u WHERE u.plan = 'programme_membership' AND u.target = 'deprecated columns of "curriculum_membership"' AND u.covered))
UNION ALL (SELECT pg_catalog.format('%s used %s until %s%s (%s)', u.target, CASE u.uses WHEN 1 THEN 'once' ELSE u.uses || ' times' END, u.ended, ' by ' || (u.detail ->> 'who'), u.source)
FROM "public_refactor"."usage_interval" AS u WHERE u.plan = 'programme_membership' AND u.target = 'deprecated columns of "curriculum_membership"' AND u.uses > 0 AND u.ended >= (pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '14 days')
UNION ALL (SELECT 'the SQL of no consumer has been scanned'
WHERE NOT EXISTS (SELECT FROM (SELECT DISTINCT ON (o.consumer) o.*, o.stage IN ('copy', 'interim', 'current') AS fits
  FROM "public_refactor"."scan_outcome" AS o WHERE o.plan = 'programme_membership' ORDER BY o.consumer, o.stage IN ('copy', 'interim', 'current') DESC, o.scanned_at DESC) AS o))
UNION ALL (SELECT pg_catalog.format('consumer %s has %s references left', o.consumer,
  coalesce((o.detail -> 'in_the_way' ->> 'deprecated columns of "curriculum_membership"')::pg_catalog.int4, o.findings))
FROM (SELECT DISTINCT ON (o.consumer) o.*, o.stage IN ('copy', 'interim', 'current') AS fits
  FROM "public_refactor"."scan_outcome" AS o WHERE o.plan = 'programme_membership' ORDER BY o.consumer, o.stage IN ('copy', 'interim', 'current') DESC, o.scanned_at DESC) AS o WHERE o.fits AND NOT o.clear AND coalesce((o.detail -> 'in_the_way' ->> 'deprecated columns of "curriculum_membership"')::pg_catalog.int4, 1) > 0)
UNION ALL (SELECT pg_catalog.format('the newest scan of consumer %s is for another structure: scan it with --stage interim', o.consumer)
FROM (SELECT DISTINCT ON (o.consumer) o.*, o.stage IN ('copy', 'interim', 'current') AS fits
  FROM "public_refactor"."scan_outcome" AS o WHERE o.plan = 'programme_membership' ORDER BY o.consumer, o.stage IN ('copy', 'interim', 'current') DESC, o.scanned_at DESC) AS o WHERE NOT o.fits OR EXISTS (SELECT FROM "public_refactor"."scan_outcome" AS l WHERE l.plan = o.plan
  AND l.consumer = o.consumer AND l.scanned_at > o.scanned_at + interval '1 day'))
UNION ALL (SELECT 'a step went down after the newest sample, so others may use it again'
WHERE (SELECT pg_catalog.max((s.state -> 'marks' ->> 'downgrades')::pg_catalog.int8) FROM "public_refactor"."usage_sample" AS s WHERE s.plan = 'programme_membership') <> (SELECT pg_catalog.count(*) FROM "public_refactor"."event" AS e WHERE e.plan = 'programme_membership' AND e.direction = 'down' AND e.event IN ('begun', 'done')))
UNION ALL (SELECT 'the newest sample is older than 1 day'
WHERE (SELECT pg_catalog.max((s.state -> 'marks' ->> 'read at')::pg_catalog.float8) FROM "public_refactor"."usage_sample" AS s WHERE s.plan = 'programme_membership') < extract(epoch FROM pg_catalog.now() - interval '1 day'))
UNION ALL (SELECT pg_catalog.format('%s used at %s by %s (%s)', u.target, u.last_at, u.role, u.source)
FROM "public_refactor"."usage" AS u WHERE u.plan = 'programme_membership' AND u.target = 'deprecated columns of "curriculum_membership"' AND u.uses > 0 AND u.last_at >= (pg_catalog.now() + coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')::pg_catalog.interval, '0')) - interval '14 days'
AND NOT EXISTS (SELECT FROM "public_refactor"."usage_interval" AS i
  WHERE i.plan = u.plan AND i.target = u.target AND i.source = u.source))) AS r (reason) WHERE NOT EXISTS (SELECT FROM "public_refactor"."acceptance" AS a WHERE a.plan = 'programme_membership' AND a.step = 'stop_parallel_save'
  AND NOT EXISTS (SELECT FROM "public_refactor"."event" AS d WHERE d.plan = a.plan AND d.step = a.step
    AND d.direction = 'down' AND d.event = 'done' AND d.at > a.at)
  AND a.option = 'accept-usage') AND NOT ((EXISTS (SELECT FROM "public_refactor"."event" AS e WHERE e.plan = 'programme_membership' AND e.event = 'created') OR coalesce((SELECT e.event = 'begun empty'
    FROM "public_refactor"."event" AS e
    WHERE e.plan = 'programme_membership' AND e.step = 'copy_table' AND e.direction = 'up' AND e.event IN ('begun', 'begun empty')
    ORDER BY e.n DESC LIMIT 1)
  AND pg_catalog.pg_relation_size(pg_catalog.to_regclass('"public"."curriculum_membership"')) = 0
  AND pg_catalog.current_setting('track_counts')::pg_catalog.bool
  AND pg_catalog.pg_stat_get_tuples_inserted(pg_catalog.to_regclass('"public"."curriculum_membership"')) = 0, false))
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership"))
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'gate stop_parallel_save', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'gate stop_parallel_save', 'nobody uses the deprecated columns of "curriculum_membership" any more',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'See who uses it, and when this gate opens: membership-refactor usage. Wait for that, or accept the risk and record why: alembic -x accept-usage="REASON" upgrade 0009';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
  AND a.attname = ANY (ARRAY['person_id', 'programme_id', 'programme_membership_type', 'programme_start_date', 'programme_end_date', 'rotation', 'rotation_id', 'training_number_id', 'training_pathway', 'leaving_reason', 'leaving_destination']::pg_catalog.name[])
  AND NOT a.attisdropped AND a.attgenerated = ''
  AND (a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.typdefault) !~* '^NULL(::|$)')
ORDER BY a.attnum
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'deprecated columns have no default', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'deprecated columns have no default', 'no deprecated column of "public"."curriculum_membership" has a default or is an identity',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "person_id" DROP DEFAULT, ALTER COLUMN "programme_id" DROP DEFAULT, ALTER COLUMN "programme_membership_type" DROP DEFAULT, ALTER COLUMN "programme_start_date" DROP DEFAULT, ALTER COLUMN "programme_end_date" DROP DEFAULT, ALTER COLUMN "rotation" DROP DEFAULT, ALTER COLUMN "rotation_id" DROP DEFAULT, ALTER COLUMN "training_number_id" DROP DEFAULT, ALTER COLUMN "training_pathway" DROP DEFAULT, ALTER COLUMN "leaving_reason" DROP DEFAULT, ALTER COLUMN "leaving_destination" DROP DEFAULT;  Applications that need such a value have to write it to the parent.';
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  names text[] := ARRAY['every child has its parent', 'same key', 'same values', 'no abandoned parent'];
  sentences text[] := ARRAY['every child''s link is the uuid of a parent', 'every child has its parent''s key', 'every child has its parent''s values', 'every parent that the tool created has a child'];
  hints text[] := ARRAY['No later statement of this script has run.', 'No later statement of this script has run.', 'No later statement of this script has run.', 'No later statement of this script has run.'];
  name text; broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
  results jsonb[]; failed int;
BEGIN
  results := ARRAY(SELECT pg_catalog.jsonb_build_object('broken', r.broken, 'keys', r.keys)
    FROM (SELECT r.broken, r.keys FROM (
SELECT pg_catalog.count(*) FILTER (WHERE z.b0) AS n0, pg_catalog.array_agg(z.k0) FILTER (WHERE z.b0) AS k0, pg_catalog.count(*) FILTER (WHERE z.b1) AS n1, pg_catalog.array_agg(z.k1) FILTER (WHERE z.b1) AS k1, pg_catalog.count(*) FILTER (WHERE z.b2) AS n2, pg_catalog.array_agg(z.k2) FILTER (WHERE z.b2) AS k2, pg_catalog.count(*) FILTER (WHERE z.b3) AS n3, pg_catalog.array_agg(z.k3) FILTER (WHERE z.b3) AS k3
FROM (SELECT (p."uuid" IS NULL AND c."id" IS NOT NULL) AS b0, c."id"::text AS k0, (c."id" IS NOT NULL AND p."uuid" IS NOT NULL AND (c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date")) AS b1, c."id"::text AS k1, (c."id" IS NOT NULL AND p."uuid" IS NOT NULL AND (c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination")) AS b2, c."id"::text AS k2, (c."programme_membership_uuid" IS NULL AND p."uuid" IS NOT NULL AND (pg_catalog.get_byte(pg_catalog.uuid_send(p."uuid"), 6) & 240) = 128 AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_emptied" AS e WHERE e.uuid = p."uuid")) AS b3, p."uuid"::text AS k3
FROM "public"."curriculum_membership" AS c
FULL JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
OFFSET 0) AS z
WHERE z.b0 OR z.b1 OR z.b2 OR z.b3) AS f,
LATERAL (VALUES (0, f.n0, coalesce(f.k0[1:5], '{}'::pg_catalog.text[])), (1, f.n1, coalesce(f.k1[1:5], '{}'::pg_catalog.text[])), (2, f.n2, coalesce(f.k2[1:5], '{}'::pg_catalog.text[])), (3, f.n3, coalesce(f.k3[1:5], '{}'::pg_catalog.text[]))) AS r (n, broken, keys) ORDER BY r.n) AS r (broken, keys));
  FOR n IN 1 .. pg_catalog.array_length(names, 1) LOOP
    name := names[n];
    broken := (results[n] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[n] -> 'keys'));
    INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', name, broken, keys,
    coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - began), 0));
    began := NULL;
    IF broken > 0 AND failed IS NULL THEN
      failed := n;
    END IF;
  END LOOP;
  COMMIT;
  IF failed IS NOT NULL THEN
    broken := (results[failed] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[failed] -> 'keys'));
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        names[failed], sentences[failed],
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = hints[failed];
  END IF;
END
$body$;
DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT k.key
FROM (SELECT pg_catalog.concat_ws(', ', coalesce(p."person_id"::text, 'NULL'), coalesce(p."programme_id"::text, 'NULL'), coalesce(p."programme_membership_type"::text, 'NULL'), coalesce(p."programme_start_date"::text, 'NULL'), coalesce(p."programme_end_date"::text, 'NULL')) AS key FROM "public"."programme_membership" AS p
WHERE pg_catalog.hash_record_extended(ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date"), 0) IN (SELECT pg_catalog.unnest(ARRAY(SELECT pg_catalog.hash_record_extended(ROW(q."person_id", q."programme_id", q."programme_membership_type", q."programme_start_date", q."programme_end_date"), 0) FROM "public"."programme_membership" AS q GROUP BY 1 HAVING pg_catalog.count(*) > 1)))
GROUP BY p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date" HAVING pg_catalog.count(*) > 1) AS k
WHERE true
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'keys are unique', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'keys are unique', 'no two parents have the same key',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'No later statement of this script has run.';
  END IF;
END
$body$;
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'stop_parallel_save';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'stop_parallel_save', 'up', 'open', p.now, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'begun', '{"revision": "0009"}');
COMMIT;
\endif

-- Create functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'create_functions')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create functions'
BEGIN;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_frozen"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW."person_id" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "person_id" of curriculum_membership is frozen',
    HINT = 'Leave "person_id" out of the statement and give only programme_membership_uuid. Write "person_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'person_id';
    END IF;
    IF NEW."programme_id" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_id" of curriculum_membership is frozen',
    HINT = 'Leave "programme_id" out of the statement and give only programme_membership_uuid. Write "programme_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_id';
    END IF;
    IF NEW."programme_membership_type" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_membership_type" of curriculum_membership is frozen',
    HINT = 'Leave "programme_membership_type" out of the statement and give only programme_membership_uuid. Write "programme_membership_type" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_membership_type';
    END IF;
    IF NEW."programme_start_date" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_start_date" of curriculum_membership is frozen',
    HINT = 'Leave "programme_start_date" out of the statement and give only programme_membership_uuid. Write "programme_start_date" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_start_date';
    END IF;
    IF NEW."programme_end_date" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_end_date" of curriculum_membership is frozen',
    HINT = 'Leave "programme_end_date" out of the statement and give only programme_membership_uuid. Write "programme_end_date" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_end_date';
    END IF;
    IF NEW."rotation" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "rotation" of curriculum_membership is frozen',
    HINT = 'Leave "rotation" out of the statement and give only programme_membership_uuid. Write "rotation" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'rotation';
    END IF;
    IF NEW."rotation_id" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "rotation_id" of curriculum_membership is frozen',
    HINT = 'Leave "rotation_id" out of the statement and give only programme_membership_uuid. Write "rotation_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'rotation_id';
    END IF;
    IF NEW."training_number_id" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "training_number_id" of curriculum_membership is frozen',
    HINT = 'Leave "training_number_id" out of the statement and give only programme_membership_uuid. Write "training_number_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'training_number_id';
    END IF;
    IF NEW."training_pathway" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "training_pathway" of curriculum_membership is frozen',
    HINT = 'Leave "training_pathway" out of the statement and give only programme_membership_uuid. Write "training_pathway" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'training_pathway';
    END IF;
    IF NEW."leaving_reason" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "leaving_reason" of curriculum_membership is frozen',
    HINT = 'Leave "leaving_reason" out of the statement and give only programme_membership_uuid. Write "leaving_reason" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'leaving_reason';
    END IF;
    IF NEW."leaving_destination" IS NOT NULL THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "leaving_destination" of curriculum_membership is frozen',
    HINT = 'Leave "leaving_destination" out of the statement and give only programme_membership_uuid. Write "leaving_destination" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'leaving_destination';
    END IF;
  ELSE
    IF (NEW."person_id" IS DISTINCT FROM OLD."person_id") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "person_id" of curriculum_membership is frozen',
    HINT = 'Leave "person_id" out of the statement and give only programme_membership_uuid. Write "person_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'person_id';
    END IF;
    IF (NEW."programme_id" IS DISTINCT FROM OLD."programme_id") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_id" of curriculum_membership is frozen',
    HINT = 'Leave "programme_id" out of the statement and give only programme_membership_uuid. Write "programme_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_id';
    END IF;
    IF (NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_membership_type" of curriculum_membership is frozen',
    HINT = 'Leave "programme_membership_type" out of the statement and give only programme_membership_uuid. Write "programme_membership_type" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_membership_type';
    END IF;
    IF (NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_start_date" of curriculum_membership is frozen',
    HINT = 'Leave "programme_start_date" out of the statement and give only programme_membership_uuid. Write "programme_start_date" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_start_date';
    END IF;
    IF (NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "programme_end_date" of curriculum_membership is frozen',
    HINT = 'Leave "programme_end_date" out of the statement and give only programme_membership_uuid. Write "programme_end_date" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'programme_end_date';
    END IF;
    IF (NEW."rotation" IS DISTINCT FROM OLD."rotation") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "rotation" of curriculum_membership is frozen',
    HINT = 'Leave "rotation" out of the statement and give only programme_membership_uuid. Write "rotation" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'rotation';
    END IF;
    IF (NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "rotation_id" of curriculum_membership is frozen',
    HINT = 'Leave "rotation_id" out of the statement and give only programme_membership_uuid. Write "rotation_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'rotation_id';
    END IF;
    IF (NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "training_number_id" of curriculum_membership is frozen',
    HINT = 'Leave "training_number_id" out of the statement and give only programme_membership_uuid. Write "training_number_id" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'training_number_id';
    END IF;
    IF (NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "training_pathway" of curriculum_membership is frozen',
    HINT = 'Leave "training_pathway" out of the statement and give only programme_membership_uuid. Write "training_pathway" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'training_pathway';
    END IF;
    IF (NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "leaving_reason" of curriculum_membership is frozen',
    HINT = 'Leave "leaving_reason" out of the statement and give only programme_membership_uuid. Write "leaving_reason" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'leaving_reason';
    END IF;
    IF (NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'column "leaving_destination" of curriculum_membership is frozen',
    HINT = 'Leave "leaving_destination" out of the statement and give only programme_membership_uuid. Write "leaving_destination" of programme_membership.', SCHEMA = 'public', TABLE = 'curriculum_membership', COLUMN = 'leaving_destination';
    END IF;
  END IF;
  RETURN NEW;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_frozen"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'create_functions') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Freeze the deprecated columns
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'freeze')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Freeze the deprecated columns'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN SHARE ROW EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme_membership" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$DO $fence$ BEGIN EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot(%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())', pg_catalog.pg_current_xact_id()); END $fence$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"')
AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate'));
IF there = '{}' THEN RETURN; END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF '~refactor_parallel' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_parallel" BEFORE INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_before"()'; END IF;
IF 'AA_refactor_parallel_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_insert" AFTER INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_inserted"()'; END IF;
IF 'AA_refactor_parallel_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_update" AFTER UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_updated"()'; END IF;
IF 'AA_refactor_parallel_left_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_left_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_left_update"()'; END IF;
IF 'AA_refactor_parallel_left_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_left_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_left_delete"()'; END IF;
IF 'AA_refactor_parallel_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_truncated"()'; END IF;
EXECUTE 'ALTER TABLE "public"."curriculum_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"')
AND t.tgname IN ('AA_refactor_parallel_parent'));
IF there = '{}' THEN RETURN; END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_parallel_parent')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_parallel_parent' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_parent" AFTER UPDATE ON "public"."programme_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_updated"()'; END IF;
EXECUTE 'ALTER TABLE "public"."programme_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF '~refactor_frozen' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_frozen" BEFORE INSERT OR UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_frozen"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "~refactor_frozen";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'freeze', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."programme_membership"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Keep in the ledger whose values were replaced
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'keep_replaced')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Keep in the ledger whose values were replaced'
BEGIN;
DELETE FROM "public_refactor"."programme_membership_replaced" AS r
WHERE NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."id" = r."child id");
UPDATE "public_refactor"."programme_membership_replaced" AS r SET under = c."programme_membership_uuid"
FROM "public"."curriculum_membership" AS c WHERE c."id" = r."child id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'keep_replaced') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Drop the triggers of parallel saving on the child
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_child_triggers')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the triggers of parallel saving on the child'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_child_triggers', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop the triggers of parallel saving on the parent
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_parent_triggers')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the triggers of parallel saving on the parent'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."programme_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_parallel_parent')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_parallel_parent');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_parent_triggers', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_curriculum_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_curriculum_membership_person_id'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."person" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "fk_curriculum_membership_person_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_person_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."person"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."person"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_curriculum_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_curriculum_membership_programme_id'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "fk_curriculum_membership_programme_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_programme_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."programme"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."programme"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_curriculum_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_curriculum_membership_rotation_id'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."rotation" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "fk_curriculum_membership_rotation_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_rotation_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."rotation"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."rotation"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_curriculum_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_curriculum_membership_training_number_id'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."training_number" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "fk_curriculum_membership_training_number_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'drop_foreign_key:fk_curriculum_membership_training_number_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '120 s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."training_number"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."training_number"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

DO $body$
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT pg_catalog.format('%I on %I.%I', t.tgname, n.nspname, c.relname) FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired') AND (pg_catalog.starts_with(t.tgname::pg_catalog.text, 'AA_refactor_') OR pg_catalog.starts_with(t.tgname::pg_catalog.text, '~refactor_'))
  AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ' AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 ORDER BY 1
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'stop_parallel_save', 'up', 'own triggers fire', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'own triggers fire', 'the triggers of this tool fire for every write',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Somebody disabled, enabled or dropped them while the step was under way, and writes may have slipped past. Take the step back: membership-refactor abandon   then run the same command again.';
  END IF;
END
$body$;

BEGIN;
UPDATE "public_refactor"."step" SET state = 'done',
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'stop_parallel_save';
DELETE FROM "public_refactor"."own_object" AS r WHERE r.plan = 'programme_membership';
INSERT INTO "public_refactor"."own_object" (plan, kind, name, definition, at, bare)
SELECT 'programme_membership', f.kind, f.name, f.definition, f.at, f.bare FROM (
  SELECT 'trigger' AS kind, pg_catalog.format('%I on %I.%I', t.tgname, n.nspname, c.relname) AS name,
    pg_catalog.pg_get_triggerdef(t.oid) AS definition, t.tgenabled::pg_catalog.text AS state,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS at, t.tgname::pg_catalog.text AS bare
  FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relname IN ('programme_membership', 'curriculum_membership', 'programme_membership_retired') AND (pg_catalog.starts_with(t.tgname::pg_catalog.text, 'AA_refactor_') OR pg_catalog.starts_with(t.tgname::pg_catalog.text, '~refactor_'))
  AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION '
  UNION ALL
  SELECT 'function', p.oid::pg_catalog.regprocedure::pg_catalog.text,
    pg_catalog.pg_get_functiondef(p.oid), '', '', p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = pg_catalog.to_regnamespace('"public_refactor"')
    AND p.prokind = 'f' AND p.proname <> 'programme_membership_fence'
    AND pg_catalog.starts_with(p.proname::pg_catalog.text, 'programme_membership_')
  ) AS f;
INSERT INTO "public_refactor"."event" (plan, step, direction, event)
VALUES ('programme_membership', 'stop_parallel_save', 'up', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
