-- 0003 copy_table up

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0003 up', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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
  INSERT INTO "public_refactor"."plan" (plan, fingerprint) VALUES ('programme_membership', 'a35f3520191646c390ab329449e68d95ae26935388b005d2f92ac498e4fa45f9')
  ON CONFLICT DO NOTHING;
  SELECT p.fingerprint INTO recorded FROM "public_refactor"."plan" AS p WHERE p.plan = 'programme_membership';
  IF recorded <> 'a35f3520191646c390ab329449e68d95ae26935388b005d2f92ac498e4fa45f9' THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('plan "%s" is not the one the chain began with (ledger %s, '
        'script %s)', 'programme_membership', pg_catalog.left(recorded, 12),
        'a35f35201916'),
      HINT = 'Give a changed plan another name, or put the old text back.';
  END IF;
END
$body$;

SELECT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'copy_table' AND s.direction = 'up' AND s.state = 'done') AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'copy_table' AND s.direction = 'up' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0003 copy_table: up already, nothing to do'
\else

DO $body$
DECLARE
  half record;
BEGIN
  SELECT coalesce(k.label, s.step) AS label, s.direction, s.started_at,
    CASE s.direction WHEN 'up' THEN k.up ELSE k.down END AS command
  INTO half FROM "public_refactor"."step" AS s
  LEFT JOIN (VALUES
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
    AND (s.step, s.direction) <> ('copy_table', 'up');
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
  VALUES ('programme_membership', 'copy_table', 'up', 'every row is seen', broken, keys,
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
\warn '0003 copy_table: resumed'
\else
\warn '0003 copy_table up'
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
  VALUES ('programme_membership', 'copy_table', 'up', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'copy_table', 'up', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'copy_table', 'up', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'copy_table', 'up', 'no subscription writes', broken, keys,
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
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT pg_catalog.format('%I of %s fires on %s: ALTER EVENT TRIGGER %I DISABLE', e.evtname, pg_catalog.pg_get_userbyid(e.evtowner), e.evtevent, e.evtname)
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login' AND (e.evttags IS NULL
  OR e.evttags && ARRAY['ALTER FUNCTION', 'ALTER INDEX', 'ALTER PUBLICATION', 'ALTER SEQUENCE', 'ALTER STATISTICS', 'ALTER TABLE', 'COMMENT', 'CREATE FUNCTION', 'CREATE INDEX', 'CREATE POLICY', 'CREATE RULE', 'CREATE SCHEMA', 'CREATE SEQUENCE', 'CREATE STATISTICS', 'CREATE TABLE', 'CREATE TRIGGER', 'CREATE TYPE', 'CREATE VIEW', 'DROP FUNCTION', 'DROP INDEX', 'DROP POLICY', 'DROP RULE', 'DROP SCHEMA', 'DROP TABLE', 'DROP TRIGGER', 'GRANT', 'REVOKE']) ORDER BY 1
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'copy_table', 'up', 'event triggers', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'event triggers', 'no event trigger fires on the statements of the steps',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'It could refuse or change a statement of a step, and a step that is refused half-way waits until the trigger is gone. Its owner or a superuser can disable it until the last step. If it only watches, accept it and record why: alembic -x accept-event-triggers="REASON" upgrade 0003';
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
  VALUES ('programme_membership', 'copy_table', 'up', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'copy_table', 'up', 'own triggers come last', broken, keys,
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
SELECT pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::pg_catalog.regclass, k.conname)
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND k.contype = 'n' AND NOT k.convalidated
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'copy_table', 'up', 'NOT NULL is valid', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'NOT NULL is valid', 'every NOT NULL is validated',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Run the statements that are named, after you have filled those columns, or drop the constraint. Then run the same command again.';
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
SELECT ROW(t."curriculum_id", t."id")::text FROM "public"."programme_membership" AS t
WHERE coalesce(pg_catalog.pg_column_size(t."programme_membership_type"), 0) > 2632
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'copy_table', 'up', 'keys fit an index', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'keys fit an index', 'every key fits the parent''s unique key (2,704 bytes)',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Shorten the key columns of those rows, or choose a key without that column, then run the same command again.';
  END IF;
END
$body$;
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'copy_table';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'copy_table', 'up', 'open', p.now, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'copy_table', 'up', 'begun', '{"revision": "0003"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event)
SELECT 'programme_membership', 'copy_table', 'up', 'begun empty'
WHERE pg_catalog.pg_relation_size(pg_catalog.to_regclass('"public"."programme_membership"')) = 0;
COMMIT;
\endif

-- Create the empty copy, its log and the functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'prepare')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create the empty copy, its log and the functions'
BEGIN;
SET LOCAL search_path = '';
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool
LANGUAGE sql STABLE RETURN true;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_fence"() FROM PUBLIC;
DO $type$ BEGIN
IF pg_catalog.to_regtype('"public_refactor"."programme_membership_row_id"') IS NULL THEN
  CREATE TYPE "public_refactor"."programme_membership_row_id" AS ("curriculum_id" bigint, "id" bigint);
END IF; END $type$;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_uuid_bytes"(bigint, bigint, text, date, date)
RETURNS pg_catalog.bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    pg_catalog.set_byte(pg_catalog.set_byte(pg_catalog.substr(pg_catalog.sha256('\x70726f6772616d6d655f6d656d6265727368697000'::pg_catalog.bytea
    || coalesce('\x01'::pg_catalog.bytea || pg_catalog.int8send($1::pg_catalog.int8), '\x00'::pg_catalog.bytea)
    || coalesce('\x01'::pg_catalog.bytea || pg_catalog.int8send($2::pg_catalog.int8), '\x00'::pg_catalog.bytea)
    || coalesce('\x01'::pg_catalog.bytea || pg_catalog.int4send(pg_catalog.octet_length($3::pg_catalog.text)) || pg_catalog.replace($3::pg_catalog.text, E'\\', E'\\\\')::pg_catalog.bytea, '\x00'::pg_catalog.bytea)
    || coalesce('\x01'::pg_catalog.bytea || pg_catalog.date_send($4), '\x00'::pg_catalog.bytea)
    || coalesce('\x01'::pg_catalog.bytea || pg_catalog.date_send($5), '\x00'::pg_catalog.bytea)), 1, 16), 6, 128), 8, 128);
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_uuid_bytes"(bigint, bigint, text, date, date) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_uuid"(bigint, bigint, text, date, date)
RETURNS pg_catalog.uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    pg_catalog.encode("public_refactor"."programme_membership_uuid_bytes"($1, $2, $3, $4, $5), 'hex')::pg_catalog.uuid;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_uuid"(bigint, bigint, text, date, date) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_another_uuid"(pg_catalog.uuid)
RETURNS pg_catalog.uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    pg_catalog.encode(pg_catalog.set_byte(pg_catalog.set_byte(pg_catalog.substr(pg_catalog.sha256(pg_catalog.uuid_send($1) || '\x02'::pg_catalog.bytea), 1, 16), 6, 128), 8, 128), 'hex')::pg_catalog.uuid;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_another_uuid"(pg_catalog.uuid) FROM PUBLIC;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_kept" (key_uuid uuid PRIMARY KEY, uuid uuid NOT NULL UNIQUE);
DELETE FROM "public_refactor"."programme_membership_kept";
DO $kept$ BEGIN
IF pg_catalog.to_regclass('"public_refactor"."programme_membership_uuid_map"') IS NOT NULL THEN
INSERT INTO "public_refactor"."programme_membership_kept" (key_uuid, uuid)
SELECT DISTINCT ON (w.uuid) w.key_uuid, w.uuid FROM (
  SELECT DISTINCT ON (1) "public_refactor"."programme_membership_uuid"(m."person_id", m."programme_id", m."programme_membership_type", m."programme_start_date", m."programme_end_date") AS key_uuid, m."kept uuid" AS uuid,
    m."child id" AS child
  FROM "public_refactor"."programme_membership_uuid_map" AS m JOIN "public"."programme_membership" AS a ON a."curriculum_id" = (m."child id")."curriculum_id" AND a."id" = (m."child id")."id"
  WHERE "public_refactor"."programme_membership_uuid"(a."person_id", a."programme_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date") = "public_refactor"."programme_membership_uuid"(m."person_id", m."programme_id", m."programme_membership_type", m."programme_start_date", m."programme_end_date") ORDER BY 1, m."child id") AS w
ORDER BY w.uuid, w.child;
INSERT INTO "public_refactor"."programme_membership_kept" (key_uuid, uuid)
SELECT k.uuid, "public_refactor"."programme_membership_another_uuid"(k.uuid) FROM "public_refactor"."programme_membership_kept" AS k
WHERE (pg_catalog.get_byte(pg_catalog.uuid_send(k.uuid), 6) & 240) = 128
  AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_kept" AS j WHERE j.key_uuid = k.uuid)
ON CONFLICT DO NOTHING;
END IF;
END $kept$;
DO $link$ BEGIN
IF EXISTS (SELECT FROM "public_refactor"."programme_membership_kept") THEN EXECUTE 'CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) RETURNS pg_catalog.uuid
LANGUAGE sql STABLE PARALLEL SAFE RETURN coalesce((SELECT k.uuid FROM "public_refactor"."programme_membership_kept" AS k WHERE k.key_uuid = "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5)), "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5))';
ELSE EXECUTE 'CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) RETURNS pg_catalog.uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5)'; END IF;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) FROM PUBLIC;
END $link$;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_copy_log" (
  keys "public_refactor"."programme_membership_row_id"[], n pg_catalog.int4 NOT NULL DEFAULT 0);
ALTER TABLE "public_refactor"."programme_membership_copy_log" ALTER COLUMN keys SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_log_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_copy_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_log_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_log_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_copy_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_log_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_log_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_copy_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT ROW(o."curriculum_id", o."id")::"public_refactor"."programme_membership_row_id" AS k FROM o) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_log_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_log_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_copy_log" (keys) VALUES (NULL);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_log_truncate"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_log_moved"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_copy_log" (keys, n) VALUES (ARRAY[ROW(OLD."curriculum_id", OLD."id")::"public_refactor"."programme_membership_row_id"], 1);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_log_moved"() FROM PUBLIC;
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."curriculum_membership" (
  "id" bigint DEFAULT nextval('"public"."programme_membership_id_seq"'::regclass) NOT NULL,
  "person_id" bigint NOT NULL,
  "programme_id" bigint NOT NULL,
  "curriculum_id" bigint NOT NULL,
  "programme_membership_type" text,
  "programme_start_date" date,
  "programme_end_date" date,
  "rotation" text,
  "rotation_id" bigint,
  "training_number_id" bigint,
  "training_pathway" text,
  "leaving_reason" text,
  "leaving_destination" text,
  "curriculum_start_date" date,
  "curriculum_end_date" date,
  "curriculum_completion_date" date,
  "period_of_grace" integer,
  "intrepid_id" text,
  "amended_date" timestamp(3) with time zone DEFAULT now() NOT NULL,
  "programme_membership_uuid" uuid
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."curriculum_membership"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."curriculum_membership"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_building"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  stack text; sender text;
BEGIN
  IF pg_catalog.pg_trigger_depth() > 1 THEN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    sender := pg_catalog.split_part(stack, E'\n', 2);
    IF pg_catalog.strpos(sender, ' ONLY "') > 0
      AND pg_catalog.strpos(sender, ' OPERATOR(pg_catalog.=) ') > 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'table "curriculum_membership" is being built and cannot be written yet',
    HINT = 'Write to it from revision 0004 on; until then write to "programme_membership".';
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_building"() FROM PUBLIC;
DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_building_insert_or_update_or_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_building_insert_or_update_or_delete" BEFORE INSERT OR UPDATE OR DELETE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_building"()'; END IF;
IF 'AA_refactor_building_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_building_truncate" BEFORE TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_building"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_building_insert_or_update_or_delete", ENABLE ALWAYS TRIGGER "AA_refactor_building_truncate";
END $own$;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_build"(first "public_refactor"."programme_membership_row_id", last "public_refactor"."programme_membership_row_id") RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
#variable_conflict use_variable
DECLARE
  written bigint;
BEGIN
  INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", "programme_membership_uuid")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date", "public_refactor"."programme_membership_link"(a."person_id", a."programme_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date")
  FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") >= ((first)."curriculum_id", (first)."id") AND (a."curriculum_id", a."id") <= ((last)."curriculum_id", (last)."id");
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_build" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_copy_drain"(entries bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
#variable_conflict use_variable
DECLARE
  taken "public_refactor"."programme_membership_row_id"[]; marks bigint; consumed bigint; before "public_refactor"."programme_membership_row_id"[]; earlier bigint;
BEGIN
  WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_copy_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_copy_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT ROW(k."curriculum_id", k."id")::"public_refactor"."programme_membership_row_id")
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
  IF marks > 0 THEN
    DELETE FROM "public"."curriculum_membership" AS b WHERE NOT EXISTS (
      SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id");
  END IF;
  BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(taken) AS k) AND NOT EXISTS (
    SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", "programme_membership_uuid")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date", "public_refactor"."programme_membership_link"(a."person_id", a."programme_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date")
  FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(taken) AS k) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = a."curriculum_id" AND b."id" = a."id");
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    before := taken; earlier := consumed; entries := NULL;
    WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_copy_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_copy_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT ROW(k."curriculum_id", k."id")::"public_refactor"."programme_membership_row_id")
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
    taken := before || taken; consumed := earlier + consumed;
    DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(taken) AS k);
    DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(taken) AS k) AND NOT EXISTS (
    SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", "programme_membership_uuid")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date", "public_refactor"."programme_membership_link"(a."person_id", a."programme_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date")
  FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(taken) AS k) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = a."curriculum_id" AND b."id" = a."id");
  END;
  RETURN consumed;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_copy_drain" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids "public_refactor"."programme_membership_row_id"[]; own_rows int; own_mass boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM n, LATERAL (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = n."curriculum_id" AND a."id" = n."id" FOR KEY SHARE) AS found;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."curriculum_id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR n."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR n."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR n."rotation" IS DISTINCT FROM b."rotation"
    OR n."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR n."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR n."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR n."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR n."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR n."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR n."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR n."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR n."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR n."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" END
      FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = n."curriculum_id" AND b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = n."curriculum_id" AND b."id" = n."id"
  WHERE (b."curriculum_id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR n."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR n."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR n."rotation" IS DISTINCT FROM b."rotation"
    OR n."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR n."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR n."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR n."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR n."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR n."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR n."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR n."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR n."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR n."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR n."amended_date" IS DISTINCT FROM b."amended_date")))$body$ INTO own_mass;
    END IF;
    IF NOT own_mass THEN
      RETURN NULL;
    END IF;
  END IF;
  IF own_mass THEN
    EXECUTE $body$INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT n."curriculum_id", n."id" FROM n)
ON CONFLICT ("curriculum_id", "id") DO UPDATE SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."programme_membership_type" IS DISTINCT FROM excluded."programme_membership_type"
    OR b."programme_start_date" IS DISTINCT FROM excluded."programme_start_date"
    OR b."programme_end_date" IS DISTINCT FROM excluded."programme_end_date"
    OR b."rotation" IS DISTINCT FROM excluded."rotation"
    OR b."rotation_id" IS DISTINCT FROM excluded."rotation_id"
    OR b."training_number_id" IS DISTINCT FROM excluded."training_number_id"
    OR b."training_pathway" IS DISTINCT FROM excluded."training_pathway"
    OR b."leaving_reason" IS DISTINCT FROM excluded."leaving_reason"
    OR b."leaving_destination" IS DISTINCT FROM excluded."leaving_destination"
    OR b."curriculum_start_date" IS DISTINCT FROM excluded."curriculum_start_date"
    OR b."curriculum_end_date" IS DISTINCT FROM excluded."curriculum_end_date"
    OR b."curriculum_completion_date" IS DISTINCT FROM excluded."curriculum_completion_date"
    OR b."period_of_grace" IS DISTINCT FROM excluded."period_of_grace"
    OR b."intrepid_id" IS DISTINCT FROM excluded."intrepid_id"
    OR b."amended_date" IS DISTINCT FROM excluded."amended_date")$body$;
  ELSIF own_rows = 1 THEN
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = (own_ids[1])."curriculum_id" AND a."id" = (own_ids[1])."id"
ON CONFLICT ("curriculum_id", "id") DO UPDATE SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."programme_membership_type" IS DISTINCT FROM excluded."programme_membership_type"
    OR b."programme_start_date" IS DISTINCT FROM excluded."programme_start_date"
    OR b."programme_end_date" IS DISTINCT FROM excluded."programme_end_date"
    OR b."rotation" IS DISTINCT FROM excluded."rotation"
    OR b."rotation_id" IS DISTINCT FROM excluded."rotation_id"
    OR b."training_number_id" IS DISTINCT FROM excluded."training_number_id"
    OR b."training_pathway" IS DISTINCT FROM excluded."training_pathway"
    OR b."leaving_reason" IS DISTINCT FROM excluded."leaving_reason"
    OR b."leaving_destination" IS DISTINCT FROM excluded."leaving_destination"
    OR b."curriculum_start_date" IS DISTINCT FROM excluded."curriculum_start_date"
    OR b."curriculum_end_date" IS DISTINCT FROM excluded."curriculum_end_date"
    OR b."curriculum_completion_date" IS DISTINCT FROM excluded."curriculum_completion_date"
    OR b."period_of_grace" IS DISTINCT FROM excluded."period_of_grace"
    OR b."intrepid_id" IS DISTINCT FROM excluded."intrepid_id"
    OR b."amended_date" IS DISTINCT FROM excluded."amended_date");
  ELSE
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k)
ON CONFLICT ("curriculum_id", "id") DO UPDATE SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."programme_membership_type" IS DISTINCT FROM excluded."programme_membership_type"
    OR b."programme_start_date" IS DISTINCT FROM excluded."programme_start_date"
    OR b."programme_end_date" IS DISTINCT FROM excluded."programme_end_date"
    OR b."rotation" IS DISTINCT FROM excluded."rotation"
    OR b."rotation_id" IS DISTINCT FROM excluded."rotation_id"
    OR b."training_number_id" IS DISTINCT FROM excluded."training_number_id"
    OR b."training_pathway" IS DISTINCT FROM excluded."training_pathway"
    OR b."leaving_reason" IS DISTINCT FROM excluded."leaving_reason"
    OR b."leaving_destination" IS DISTINCT FROM excluded."leaving_destination"
    OR b."curriculum_start_date" IS DISTINCT FROM excluded."curriculum_start_date"
    OR b."curriculum_end_date" IS DISTINCT FROM excluded."curriculum_end_date"
    OR b."curriculum_completion_date" IS DISTINCT FROM excluded."curriculum_completion_date"
    OR b."period_of_grace" IS DISTINCT FROM excluded."period_of_grace"
    OR b."intrepid_id" IS DISTINCT FROM excluded."intrepid_id"
    OR b."amended_date" IS DISTINCT FROM excluded."amended_date");
  END IF;
  
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids "public_refactor"."programme_membership_row_id"[]; own_rows int; own_mass boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM n, LATERAL (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = n."curriculum_id" AND a."id" = n."id" FOR KEY SHARE) AS found;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."curriculum_id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR n."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR n."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR n."rotation" IS DISTINCT FROM b."rotation"
    OR n."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR n."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR n."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR n."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR n."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR n."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR n."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR n."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR n."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR n."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN ROW(n."curriculum_id", n."id")::"public_refactor"."programme_membership_row_id" END
      FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = n."curriculum_id" AND b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = n."curriculum_id" AND b."id" = n."id"
  WHERE (b."curriculum_id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR n."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR n."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR n."rotation" IS DISTINCT FROM b."rotation"
    OR n."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR n."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR n."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR n."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR n."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR n."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR n."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR n."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR n."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR n."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR n."amended_date" IS DISTINCT FROM b."amended_date")))$body$ INTO own_mass;
    END IF;
    IF NOT own_mass THEN
      RETURN NULL;
    END IF;
  END IF;
  IF own_mass THEN
    EXECUTE $body$UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."programme_membership_type" THEN a."programme_membership_type" ELSE b."programme_membership_type" END,
    CASE WHEN w."programme_start_date" THEN a."programme_start_date" ELSE b."programme_start_date" END,
    CASE WHEN w."programme_end_date" THEN a."programme_end_date" ELSE b."programme_end_date" END,
    CASE WHEN w."rotation" THEN a."rotation" ELSE b."rotation" END,
    CASE WHEN w."rotation_id" THEN a."rotation_id" ELSE b."rotation_id" END,
    CASE WHEN w."training_number_id" THEN a."training_number_id" ELSE b."training_number_id" END,
    CASE WHEN w."training_pathway" THEN a."training_pathway" ELSE b."training_pathway" END,
    CASE WHEN w."leaving_reason" THEN a."leaving_reason" ELSE b."leaving_reason" END,
    CASE WHEN w."leaving_destination" THEN a."leaving_destination" ELSE b."leaving_destination" END,
    CASE WHEN w."curriculum_start_date" THEN a."curriculum_start_date" ELSE b."curriculum_start_date" END,
    CASE WHEN w."curriculum_end_date" THEN a."curriculum_end_date" ELSE b."curriculum_end_date" END,
    CASE WHEN w."curriculum_completion_date" THEN a."curriculum_completion_date" ELSE b."curriculum_completion_date" END,
    CASE WHEN w."period_of_grace" THEN a."period_of_grace" ELSE b."period_of_grace" END,
    CASE WHEN w."intrepid_id" THEN a."intrepid_id" ELSE b."intrepid_id" END,
    CASE WHEN w."amended_date" THEN a."amended_date" ELSE b."amended_date" END)
FROM "public"."programme_membership" AS a, (SELECT n."curriculum_id", n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."programme_membership_type" IS DISTINCT FROM n."programme_membership_type")) AS "programme_membership_type",
    pg_catalog.bool_or((o."programme_start_date" IS DISTINCT FROM n."programme_start_date")) AS "programme_start_date",
    pg_catalog.bool_or((o."programme_end_date" IS DISTINCT FROM n."programme_end_date")) AS "programme_end_date",
    pg_catalog.bool_or((o."rotation" IS DISTINCT FROM n."rotation")) AS "rotation",
    pg_catalog.bool_or((o."rotation_id" IS DISTINCT FROM n."rotation_id")) AS "rotation_id",
    pg_catalog.bool_or((o."training_number_id" IS DISTINCT FROM n."training_number_id")) AS "training_number_id",
    pg_catalog.bool_or((o."training_pathway" IS DISTINCT FROM n."training_pathway")) AS "training_pathway",
    pg_catalog.bool_or((o."leaving_reason" IS DISTINCT FROM n."leaving_reason")) AS "leaving_reason",
    pg_catalog.bool_or((o."leaving_destination" IS DISTINCT FROM n."leaving_destination")) AS "leaving_destination",
    pg_catalog.bool_or((o."curriculum_start_date" IS DISTINCT FROM n."curriculum_start_date")) AS "curriculum_start_date",
    pg_catalog.bool_or((o."curriculum_end_date" IS DISTINCT FROM n."curriculum_end_date")) AS "curriculum_end_date",
    pg_catalog.bool_or((o."curriculum_completion_date" IS DISTINCT FROM n."curriculum_completion_date")) AS "curriculum_completion_date",
    pg_catalog.bool_or((o."period_of_grace" IS DISTINCT FROM n."period_of_grace")) AS "period_of_grace",
    pg_catalog.bool_or((o."intrepid_id" IS DISTINCT FROM n."intrepid_id")) AS "intrepid_id",
    pg_catalog.bool_or((o."amended_date" IS DISTINCT FROM n."amended_date")) AS "amended_date"
  FROM o JOIN n ON o."curriculum_id" = n."curriculum_id" AND o."id" = n."id" GROUP BY n."curriculum_id", n."id") AS w
WHERE b."curriculum_id" = a."curriculum_id" AND b."id" = a."id" AND w."curriculum_id" = a."curriculum_id" AND w."id" = a."id" AND (a."curriculum_id", a."id") IN (SELECT n."curriculum_id", n."id" FROM n)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."programme_membership_type" AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"))
    OR (w."programme_start_date" AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date"))
    OR (w."programme_end_date" AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date"))
    OR (w."rotation" AND (a."rotation" IS DISTINCT FROM b."rotation"))
    OR (w."rotation_id" AND (a."rotation_id" IS DISTINCT FROM b."rotation_id"))
    OR (w."training_number_id" AND (a."training_number_id" IS DISTINCT FROM b."training_number_id"))
    OR (w."training_pathway" AND (a."training_pathway" IS DISTINCT FROM b."training_pathway"))
    OR (w."leaving_reason" AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason"))
    OR (w."leaving_destination" AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination"))
    OR (w."curriculum_start_date" AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"))
    OR (w."curriculum_end_date" AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"))
    OR (w."curriculum_completion_date" AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"))
    OR (w."period_of_grace" AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace"))
    OR (w."intrepid_id" AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id"))
    OR (w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date")))$body$;
  ELSIF own_rows = 1 AND pg_catalog.pg_trigger_depth() = 1 THEN
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN ((o."person_id" IS DISTINCT FROM w."person_id")) THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN ((o."programme_id" IS DISTINCT FROM w."programme_id")) THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN ((o."programme_membership_type" IS DISTINCT FROM w."programme_membership_type")) THEN a."programme_membership_type" ELSE b."programme_membership_type" END,
    CASE WHEN ((o."programme_start_date" IS DISTINCT FROM w."programme_start_date")) THEN a."programme_start_date" ELSE b."programme_start_date" END,
    CASE WHEN ((o."programme_end_date" IS DISTINCT FROM w."programme_end_date")) THEN a."programme_end_date" ELSE b."programme_end_date" END,
    CASE WHEN ((o."rotation" IS DISTINCT FROM w."rotation")) THEN a."rotation" ELSE b."rotation" END,
    CASE WHEN ((o."rotation_id" IS DISTINCT FROM w."rotation_id")) THEN a."rotation_id" ELSE b."rotation_id" END,
    CASE WHEN ((o."training_number_id" IS DISTINCT FROM w."training_number_id")) THEN a."training_number_id" ELSE b."training_number_id" END,
    CASE WHEN ((o."training_pathway" IS DISTINCT FROM w."training_pathway")) THEN a."training_pathway" ELSE b."training_pathway" END,
    CASE WHEN ((o."leaving_reason" IS DISTINCT FROM w."leaving_reason")) THEN a."leaving_reason" ELSE b."leaving_reason" END,
    CASE WHEN ((o."leaving_destination" IS DISTINCT FROM w."leaving_destination")) THEN a."leaving_destination" ELSE b."leaving_destination" END,
    CASE WHEN ((o."curriculum_start_date" IS DISTINCT FROM w."curriculum_start_date")) THEN a."curriculum_start_date" ELSE b."curriculum_start_date" END,
    CASE WHEN ((o."curriculum_end_date" IS DISTINCT FROM w."curriculum_end_date")) THEN a."curriculum_end_date" ELSE b."curriculum_end_date" END,
    CASE WHEN ((o."curriculum_completion_date" IS DISTINCT FROM w."curriculum_completion_date")) THEN a."curriculum_completion_date" ELSE b."curriculum_completion_date" END,
    CASE WHEN ((o."period_of_grace" IS DISTINCT FROM w."period_of_grace")) THEN a."period_of_grace" ELSE b."period_of_grace" END,
    CASE WHEN ((o."intrepid_id" IS DISTINCT FROM w."intrepid_id")) THEN a."intrepid_id" ELSE b."intrepid_id" END,
    CASE WHEN ((o."amended_date" IS DISTINCT FROM w."amended_date")) THEN a."amended_date" ELSE b."amended_date" END)
FROM "public"."programme_membership" AS a, n AS w JOIN o ON o."curriculum_id" = w."curriculum_id" AND o."id" = w."id"
WHERE b."curriculum_id" = a."curriculum_id" AND b."id" = a."id" AND w."curriculum_id" = a."curriculum_id" AND w."id" = a."id" AND a."curriculum_id" = (own_ids[1])."curriculum_id" AND a."id" = (own_ids[1])."id"
  AND ((((o."person_id" IS DISTINCT FROM w."person_id")) AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (((o."programme_id" IS DISTINCT FROM w."programme_id")) AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (((o."programme_membership_type" IS DISTINCT FROM w."programme_membership_type")) AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"))
    OR (((o."programme_start_date" IS DISTINCT FROM w."programme_start_date")) AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date"))
    OR (((o."programme_end_date" IS DISTINCT FROM w."programme_end_date")) AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date"))
    OR (((o."rotation" IS DISTINCT FROM w."rotation")) AND (a."rotation" IS DISTINCT FROM b."rotation"))
    OR (((o."rotation_id" IS DISTINCT FROM w."rotation_id")) AND (a."rotation_id" IS DISTINCT FROM b."rotation_id"))
    OR (((o."training_number_id" IS DISTINCT FROM w."training_number_id")) AND (a."training_number_id" IS DISTINCT FROM b."training_number_id"))
    OR (((o."training_pathway" IS DISTINCT FROM w."training_pathway")) AND (a."training_pathway" IS DISTINCT FROM b."training_pathway"))
    OR (((o."leaving_reason" IS DISTINCT FROM w."leaving_reason")) AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason"))
    OR (((o."leaving_destination" IS DISTINCT FROM w."leaving_destination")) AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination"))
    OR (((o."curriculum_start_date" IS DISTINCT FROM w."curriculum_start_date")) AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"))
    OR (((o."curriculum_end_date" IS DISTINCT FROM w."curriculum_end_date")) AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"))
    OR (((o."curriculum_completion_date" IS DISTINCT FROM w."curriculum_completion_date")) AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"))
    OR (((o."period_of_grace" IS DISTINCT FROM w."period_of_grace")) AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace"))
    OR (((o."intrepid_id" IS DISTINCT FROM w."intrepid_id")) AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id"))
    OR (((o."amended_date" IS DISTINCT FROM w."amended_date")) AND (a."amended_date" IS DISTINCT FROM b."amended_date")));
  ELSE
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."programme_membership_type" THEN a."programme_membership_type" ELSE b."programme_membership_type" END,
    CASE WHEN w."programme_start_date" THEN a."programme_start_date" ELSE b."programme_start_date" END,
    CASE WHEN w."programme_end_date" THEN a."programme_end_date" ELSE b."programme_end_date" END,
    CASE WHEN w."rotation" THEN a."rotation" ELSE b."rotation" END,
    CASE WHEN w."rotation_id" THEN a."rotation_id" ELSE b."rotation_id" END,
    CASE WHEN w."training_number_id" THEN a."training_number_id" ELSE b."training_number_id" END,
    CASE WHEN w."training_pathway" THEN a."training_pathway" ELSE b."training_pathway" END,
    CASE WHEN w."leaving_reason" THEN a."leaving_reason" ELSE b."leaving_reason" END,
    CASE WHEN w."leaving_destination" THEN a."leaving_destination" ELSE b."leaving_destination" END,
    CASE WHEN w."curriculum_start_date" THEN a."curriculum_start_date" ELSE b."curriculum_start_date" END,
    CASE WHEN w."curriculum_end_date" THEN a."curriculum_end_date" ELSE b."curriculum_end_date" END,
    CASE WHEN w."curriculum_completion_date" THEN a."curriculum_completion_date" ELSE b."curriculum_completion_date" END,
    CASE WHEN w."period_of_grace" THEN a."period_of_grace" ELSE b."period_of_grace" END,
    CASE WHEN w."intrepid_id" THEN a."intrepid_id" ELSE b."intrepid_id" END,
    CASE WHEN w."amended_date" THEN a."amended_date" ELSE b."amended_date" END)
FROM "public"."programme_membership" AS a, (SELECT n."curriculum_id", n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."programme_membership_type" IS DISTINCT FROM n."programme_membership_type")) AS "programme_membership_type",
    pg_catalog.bool_or((o."programme_start_date" IS DISTINCT FROM n."programme_start_date")) AS "programme_start_date",
    pg_catalog.bool_or((o."programme_end_date" IS DISTINCT FROM n."programme_end_date")) AS "programme_end_date",
    pg_catalog.bool_or((o."rotation" IS DISTINCT FROM n."rotation")) AS "rotation",
    pg_catalog.bool_or((o."rotation_id" IS DISTINCT FROM n."rotation_id")) AS "rotation_id",
    pg_catalog.bool_or((o."training_number_id" IS DISTINCT FROM n."training_number_id")) AS "training_number_id",
    pg_catalog.bool_or((o."training_pathway" IS DISTINCT FROM n."training_pathway")) AS "training_pathway",
    pg_catalog.bool_or((o."leaving_reason" IS DISTINCT FROM n."leaving_reason")) AS "leaving_reason",
    pg_catalog.bool_or((o."leaving_destination" IS DISTINCT FROM n."leaving_destination")) AS "leaving_destination",
    pg_catalog.bool_or((o."curriculum_start_date" IS DISTINCT FROM n."curriculum_start_date")) AS "curriculum_start_date",
    pg_catalog.bool_or((o."curriculum_end_date" IS DISTINCT FROM n."curriculum_end_date")) AS "curriculum_end_date",
    pg_catalog.bool_or((o."curriculum_completion_date" IS DISTINCT FROM n."curriculum_completion_date")) AS "curriculum_completion_date",
    pg_catalog.bool_or((o."period_of_grace" IS DISTINCT FROM n."period_of_grace")) AS "period_of_grace",
    pg_catalog.bool_or((o."intrepid_id" IS DISTINCT FROM n."intrepid_id")) AS "intrepid_id",
    pg_catalog.bool_or((o."amended_date" IS DISTINCT FROM n."amended_date")) AS "amended_date"
  FROM o JOIN n ON o."curriculum_id" = n."curriculum_id" AND o."id" = n."id" GROUP BY n."curriculum_id", n."id") AS w
WHERE b."curriculum_id" = a."curriculum_id" AND b."id" = a."id" AND w."curriculum_id" = a."curriculum_id" AND w."id" = a."id" AND (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."programme_membership_type" AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"))
    OR (w."programme_start_date" AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date"))
    OR (w."programme_end_date" AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date"))
    OR (w."rotation" AND (a."rotation" IS DISTINCT FROM b."rotation"))
    OR (w."rotation_id" AND (a."rotation_id" IS DISTINCT FROM b."rotation_id"))
    OR (w."training_number_id" AND (a."training_number_id" IS DISTINCT FROM b."training_number_id"))
    OR (w."training_pathway" AND (a."training_pathway" IS DISTINCT FROM b."training_pathway"))
    OR (w."leaving_reason" AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason"))
    OR (w."leaving_destination" AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination"))
    OR (w."curriculum_start_date" AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"))
    OR (w."curriculum_end_date" AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"))
    OR (w."curriculum_completion_date" AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"))
    OR (w."period_of_grace" AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace"))
    OR (w."intrepid_id" AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id"))
    OR (w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date")));
  END IF;
  
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids "public_refactor"."programme_membership_row_id"[]; own_rows int; own_mass boolean; own_count bigint;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM o) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT ROW(o."curriculum_id", o."id")::"public_refactor"."programme_membership_row_id" FROM o LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN b."curriculum_id" IS NOT NULL THEN ROW(o."curriculum_id", o."id")::"public_refactor"."programme_membership_row_id" END
      FROM o LEFT JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = o."curriculum_id" AND b."id" = o."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_mass THEN
    own_count := (SELECT pg_catalog.count(*) FROM o);
    IF own_count <= 100000 THEN
      own_ids := ARRAY(SELECT ROW(o."curriculum_id", o."id")::"public_refactor"."programme_membership_row_id" FROM o);
      IF pg_catalog.pg_trigger_depth() > 1 AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k)) THEN
        RETURN NULL;
      ELSIF EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k)) THEN
        EXECUTE $body$DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT o."curriculum_id", o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id")$body$;
      ELSE
        DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k);
      END IF;
    ELSE
      IF pg_catalog.pg_trigger_depth() > 1 THEN
        EXECUTE $body$SELECT pg_catalog.count(*) > 0 FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT o."curriculum_id", o."id" FROM o)$body$ INTO own_mass;
        IF NOT own_mass THEN
          RETURN NULL;
        END IF;
      END IF;
      EXECUTE $body$DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT o."curriculum_id", o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id")$body$;
    END IF;
  ELSIF own_rows = 0 THEN
    RETURN NULL;
  ELSIF own_rows = 1 THEN
    DELETE FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = (own_ids[1])."curriculum_id" AND b."id" = (own_ids[1])."id"
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id");
  ELSE
    DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_ids) AS k)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id");
  END IF;
  
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_moved"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
own_olds "public_refactor"."programme_membership_row_id"[]; own_news "public_refactor"."programme_membership_row_id"[]; own_masks text[]; own_there "public_refactor"."programme_membership_row_id"[]; own_join text;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = NEW."curriculum_id" AND a."id" = NEW."id" FOR KEY SHARE;
  END IF;
  IF EXISTS (SELECT FROM "public"."programme_membership" AS a JOIN "public"."curriculum_membership" AS b ON b."curriculum_id" = a."curriculum_id" AND b."id" = a."id"
    WHERE a."curriculum_id" = NEW."curriculum_id" AND a."id" = NEW."id" AND NOT (a."id" IS DISTINCT FROM b."id"
    OR a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."curriculum_id" IS DISTINCT FROM b."curriculum_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date"))
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = OLD."curriculum_id" AND b."id" = OLD."id"
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = OLD."curriculum_id" AND a."id" = OLD."id")) THEN
    RETURN NULL;
  END IF;
  SELECT pg_catalog.array_agg(ROW(x."curriculum_id", x."id")::"public_refactor"."programme_membership_row_id" ORDER BY x.own_place), pg_catalog.array_agg(ROW(y."curriculum_id", y."id")::"public_refactor"."programme_membership_row_id" ORDER BY x.own_place), pg_catalog.array_agg(CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END ORDER BY x.own_place)
    INTO own_olds, own_news, own_masks
    FROM (SELECT "curriculum_id", "id", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "curriculum_id", "id", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)
    WHERE (x."curriculum_id" IS DISTINCT FROM y."curriculum_id" OR x."id" IS DISTINCT FROM y."id");
  IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news), pg_catalog.unnest(own_masks)) AS m (own_old_1, own_old_2, own_new_1, own_new_2, own_mask), "public"."curriculum_membership" AS b, "public"."programme_membership" AS a
    WHERE b."curriculum_id" = m.own_old_1 AND b."id" = m.own_old_2 AND a."curriculum_id" = m.own_new_1 AND a."id" = m.own_new_2 AND pg_catalog.age(b.xmin) <= 0 AND ((pg_catalog.substr(m.own_mask, 1, 1) = '0' AND (b."person_id" IS DISTINCT FROM a."person_id"))
      OR (pg_catalog.substr(m.own_mask, 2, 1) = '0' AND (b."programme_id" IS DISTINCT FROM a."programme_id"))
      OR (pg_catalog.substr(m.own_mask, 3, 1) = '0' AND (b."programme_membership_type" IS DISTINCT FROM a."programme_membership_type"))
      OR (pg_catalog.substr(m.own_mask, 4, 1) = '0' AND (b."programme_start_date" IS DISTINCT FROM a."programme_start_date"))
      OR (pg_catalog.substr(m.own_mask, 5, 1) = '0' AND (b."programme_end_date" IS DISTINCT FROM a."programme_end_date"))
      OR (pg_catalog.substr(m.own_mask, 6, 1) = '0' AND (b."rotation" IS DISTINCT FROM a."rotation"))
      OR (pg_catalog.substr(m.own_mask, 7, 1) = '0' AND (b."rotation_id" IS DISTINCT FROM a."rotation_id"))
      OR (pg_catalog.substr(m.own_mask, 8, 1) = '0' AND (b."training_number_id" IS DISTINCT FROM a."training_number_id"))
      OR (pg_catalog.substr(m.own_mask, 9, 1) = '0' AND (b."training_pathway" IS DISTINCT FROM a."training_pathway"))
      OR (pg_catalog.substr(m.own_mask, 10, 1) = '0' AND (b."leaving_reason" IS DISTINCT FROM a."leaving_reason"))
      OR (pg_catalog.substr(m.own_mask, 11, 1) = '0' AND (b."leaving_destination" IS DISTINCT FROM a."leaving_destination"))
      OR (pg_catalog.substr(m.own_mask, 12, 1) = '0' AND (b."curriculum_start_date" IS DISTINCT FROM a."curriculum_start_date"))
      OR (pg_catalog.substr(m.own_mask, 13, 1) = '0' AND (b."curriculum_end_date" IS DISTINCT FROM a."curriculum_end_date"))
      OR (pg_catalog.substr(m.own_mask, 14, 1) = '0' AND (b."curriculum_completion_date" IS DISTINCT FROM a."curriculum_completion_date"))
      OR (pg_catalog.substr(m.own_mask, 15, 1) = '0' AND (b."period_of_grace" IS DISTINCT FROM a."period_of_grace"))
      OR (pg_catalog.substr(m.own_mask, 16, 1) = '0' AND (b."intrepid_id" IS DISTINCT FROM a."intrepid_id"))
      OR (pg_catalog.substr(m.own_mask, 17, 1) = '0' AND (b."amended_date" IS DISTINCT FROM a."amended_date")))) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a row got another id in "public"."programme_membership" while the same statement wrote it in "public"."curriculum_membership"',
      HINT = 'Write only one of the two tables, or use two statements.';
  END IF;
  -- Row by row in the order of the statement: in another order an id may still be in use.
  own_join := pg_catalog.concat_ws(' ', pg_catalog.current_setting('enable_hashjoin'),
    pg_catalog.current_setting('enable_mergejoin'), pg_catalog.current_setting('enable_material'));
  own_there := ARRAY(SELECT ROW(a."curriculum_id", a."id")::"public_refactor"."programme_membership_row_id"
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old_1, own_old_2, own_new_1, own_new_2), "public"."programme_membership" AS a, "public"."curriculum_membership" AS b
    WHERE a."curriculum_id" = m.own_new_1 AND a."id" = m.own_new_2 AND b."curriculum_id" = a."curriculum_id" AND b."id" = a."id"
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."curriculum_id" = m.own_old_1 AND z."id" = m.own_old_2)
    AND (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
  PERFORM pg_catalog.set_config(s.s, 'off', true)
  FROM pg_catalog.unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_material']) AS s (s);
  UPDATE "public"."curriculum_membership" AS b SET ("curriculum_id", "id", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      m.own_new_1, m.own_new_2, a."person_id", a."programme_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date")
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old_1, own_old_2, own_new_1, own_new_2), "public"."programme_membership" AS a
    WHERE b."curriculum_id" = m.own_old_1 AND b."id" = m.own_old_2 AND a."curriculum_id" = m.own_new_1 AND a."id" = m.own_new_2;
  PERFORM pg_catalog.set_config('enable_hashjoin', pg_catalog.split_part(own_join, ' ', 1), true),
    pg_catalog.set_config('enable_mergejoin', pg_catalog.split_part(own_join, ' ', 2), true),
    pg_catalog.set_config('enable_material', pg_catalog.split_part(own_join, ' ', 3), true);
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_olds) AS k)
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id")) THEN
    IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old_1, own_old_2, own_new_1, own_new_2), "public"."curriculum_membership" AS b,
        "public"."programme_membership" AS a WHERE b."curriculum_id" = m.own_old_1 AND b."id" = m.own_old_2 AND a."curriculum_id" = m.own_new_1 AND a."id" = m.own_new_2
      AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS z WHERE z."curriculum_id" = b."curriculum_id" AND z."id" = b."id")) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a BEFORE trigger of "public"."curriculum_membership" keeps a row from getting its new id',
        HINT = 'Let the trigger accept the new id, or change the id in the other table.';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
      WHERE c.confrelid = '"public"."curriculum_membership"'::pg_catalog.regclass AND c.contype = 'f'
        AND c.confdeltype NOT IN ('a', 'r')) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a trigger of "public"."programme_membership" deleted a row, or changed its id again, before the statement that changed its id had ended',
        HINT = 'Delete the row, or change its id, in one statement after the other.';
    END IF;
    DELETE FROM "public"."curriculum_membership" AS b WHERE (b."curriculum_id", b."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_olds) AS k)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = b."curriculum_id" AND a."id" = b."id");
  END IF;
  -- An INSERT without rows would fire triggers for each statement.
  IF EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_news) AS k) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."curriculum_id" = a."curriculum_id" AND z."id" = a."id")) THEN
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE (a."curriculum_id", a."id") IN (SELECT k."curriculum_id", k."id" FROM pg_catalog.unnest(own_news) AS k) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."curriculum_id" = a."curriculum_id" AND z."id" = a."id")
ON CONFLICT ("curriculum_id", "id") DO UPDATE SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."programme_membership_type" IS DISTINCT FROM excluded."programme_membership_type"
    OR b."programme_start_date" IS DISTINCT FROM excluded."programme_start_date"
    OR b."programme_end_date" IS DISTINCT FROM excluded."programme_end_date"
    OR b."rotation" IS DISTINCT FROM excluded."rotation"
    OR b."rotation_id" IS DISTINCT FROM excluded."rotation_id"
    OR b."training_number_id" IS DISTINCT FROM excluded."training_number_id"
    OR b."training_pathway" IS DISTINCT FROM excluded."training_pathway"
    OR b."leaving_reason" IS DISTINCT FROM excluded."leaving_reason"
    OR b."leaving_destination" IS DISTINCT FROM excluded."leaving_destination"
    OR b."curriculum_start_date" IS DISTINCT FROM excluded."curriculum_start_date"
    OR b."curriculum_end_date" IS DISTINCT FROM excluded."curriculum_end_date"
    OR b."curriculum_completion_date" IS DISTINCT FROM excluded."curriculum_completion_date"
    OR b."period_of_grace" IS DISTINCT FROM excluded."period_of_grace"
    OR b."intrepid_id" IS DISTINCT FROM excluded."intrepid_id"
    OR b."amended_date" IS DISTINCT FROM excluded."amended_date");
  END IF;
  IF own_there <> '{}' THEN
    WITH RECURSIVE v AS MATERIALIZED (
      SELECT own_place, ROW(x."curriculum_id", x."id")::"public_refactor"."programme_membership_row_id" AS own_old, ROW(y."curriculum_id", y."id")::"public_refactor"."programme_membership_row_id" AS own_new,
      CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END AS own_mask
      FROM (SELECT "curriculum_id", "id", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "curriculum_id", "id", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)),
    c AS (
      SELECT v.own_new AS own_last, v.* FROM v WHERE v.own_new = ANY (own_there)
      AND NOT EXISTS (SELECT FROM v AS z WHERE z.own_new = v.own_new AND z.own_place > v.own_place)
      UNION ALL
      SELECT c.own_last, p.* FROM c, LATERAL (SELECT v.* FROM v WHERE v.own_new = c.own_old
        AND v.own_place < c.own_place ORDER BY v.own_place DESC LIMIT 1) AS p)
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
      CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
      CASE WHEN w."programme_membership_type" THEN a."programme_membership_type" ELSE b."programme_membership_type" END,
      CASE WHEN w."programme_start_date" THEN a."programme_start_date" ELSE b."programme_start_date" END,
      CASE WHEN w."programme_end_date" THEN a."programme_end_date" ELSE b."programme_end_date" END,
      CASE WHEN w."rotation" THEN a."rotation" ELSE b."rotation" END,
      CASE WHEN w."rotation_id" THEN a."rotation_id" ELSE b."rotation_id" END,
      CASE WHEN w."training_number_id" THEN a."training_number_id" ELSE b."training_number_id" END,
      CASE WHEN w."training_pathway" THEN a."training_pathway" ELSE b."training_pathway" END,
      CASE WHEN w."leaving_reason" THEN a."leaving_reason" ELSE b."leaving_reason" END,
      CASE WHEN w."leaving_destination" THEN a."leaving_destination" ELSE b."leaving_destination" END,
      CASE WHEN w."curriculum_start_date" THEN a."curriculum_start_date" ELSE b."curriculum_start_date" END,
      CASE WHEN w."curriculum_end_date" THEN a."curriculum_end_date" ELSE b."curriculum_end_date" END,
      CASE WHEN w."curriculum_completion_date" THEN a."curriculum_completion_date" ELSE b."curriculum_completion_date" END,
      CASE WHEN w."period_of_grace" THEN a."period_of_grace" ELSE b."period_of_grace" END,
      CASE WHEN w."intrepid_id" THEN a."intrepid_id" ELSE b."intrepid_id" END,
      CASE WHEN w."amended_date" THEN a."amended_date" ELSE b."amended_date" END)
    FROM "public"."programme_membership" AS a, (SELECT c.own_last, pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 1, 1) = '1') AS "person_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 2, 1) = '1') AS "programme_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 3, 1) = '1') AS "programme_membership_type",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 4, 1) = '1') AS "programme_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 5, 1) = '1') AS "programme_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 6, 1) = '1') AS "rotation",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 7, 1) = '1') AS "rotation_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 8, 1) = '1') AS "training_number_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 9, 1) = '1') AS "training_pathway",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 10, 1) = '1') AS "leaving_reason",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 11, 1) = '1') AS "leaving_destination",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 12, 1) = '1') AS "curriculum_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 13, 1) = '1') AS "curriculum_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 14, 1) = '1') AS "curriculum_completion_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 15, 1) = '1') AS "period_of_grace",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 16, 1) = '1') AS "intrepid_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 17, 1) = '1') AS "amended_date"
      FROM c GROUP BY c.own_last) AS w
    WHERE (w.own_last)."curriculum_id" = a."curriculum_id" AND (w.own_last)."id" = a."id" AND b."curriculum_id" = a."curriculum_id" AND b."id" = a."id"
      AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
      OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
      OR (w."programme_membership_type" AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"))
      OR (w."programme_start_date" AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date"))
      OR (w."programme_end_date" AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date"))
      OR (w."rotation" AND (a."rotation" IS DISTINCT FROM b."rotation"))
      OR (w."rotation_id" AND (a."rotation_id" IS DISTINCT FROM b."rotation_id"))
      OR (w."training_number_id" AND (a."training_number_id" IS DISTINCT FROM b."training_number_id"))
      OR (w."training_pathway" AND (a."training_pathway" IS DISTINCT FROM b."training_pathway"))
      OR (w."leaving_reason" AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason"))
      OR (w."leaving_destination" AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination"))
      OR (w."curriculum_start_date" AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"))
      OR (w."curriculum_end_date" AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"))
      OR (w."curriculum_completion_date" AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"))
      OR (w."period_of_grace" AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace"))
      OR (w."intrepid_id" AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id"))
      OR (w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date")));
  END IF;
  
  
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_moved"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  own_ids "public_refactor"."programme_membership_row_id"[]; own_rows int; own_mass boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.pg_relation_size('"public"."curriculum_membership"'::pg_catalog.regclass) > 0 THEN
    TRUNCATE "public"."curriculum_membership";
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_truncate"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_keep_link"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  IF NEW."programme_membership_uuid" IS NOT DISTINCT FROM OLD."programme_membership_uuid" THEN
    NEW."programme_membership_uuid" := "public_refactor"."programme_membership_link"(NEW."person_id", NEW."programme_id", NEW."programme_membership_type", NEW."programme_start_date", NEW."programme_end_date");
  ELSIF NEW."programme_membership_uuid" IS DISTINCT FROM "public_refactor"."programme_membership_link"(NEW."person_id", NEW."programme_id", NEW."programme_membership_type", NEW."programme_start_date", NEW."programme_end_date") THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'column "programme_membership_uuid" of curriculum_membership follows the key and cannot be written yet',
      HINT = 'Leave programme_membership_uuid out of the statement. An application may write it once parent and child are saved in parallel.', SCHEMA = 'public', TABLE = 'curriculum_membership',
      COLUMN = 'programme_membership_uuid';
  END IF;
  RETURN NEW;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_keep_link"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_refuse"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  looked "public_refactor"."programme_membership_row_id";
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF TG_OP <> 'INSERT' THEN
    looked := ROW(OLD."curriculum_id", OLD."id")::"public_refactor"."programme_membership_row_id";
    IF EXISTS (SELECT FROM (SELECT b.* FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = (looked)."curriculum_id" AND b."id" = (looked)."id") AS b
    FULL JOIN (SELECT a.* FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = (looked)."curriculum_id" AND a."id" = (looked)."id") AS a ON a."curriculum_id" = b."curriculum_id" AND a."id" = b."id"
    WHERE a."curriculum_id" IS NULL OR b."curriculum_id" IS NULL OR (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date")) THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = pg_catalog.format('%I.%I follows %I and cannot be written yet: this write would make them differ', 'public', 'curriculum_membership', 'programme_membership'),
    HINT = 'Write to the source table. The copy accepts writes from revision 0004 on.';
    END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    looked := ROW(NEW."curriculum_id", NEW."id")::"public_refactor"."programme_membership_row_id";
    IF EXISTS (SELECT FROM (SELECT b.* FROM "public"."curriculum_membership" AS b WHERE b."curriculum_id" = (looked)."curriculum_id" AND b."id" = (looked)."id") AS b
    FULL JOIN (SELECT a.* FROM "public"."programme_membership" AS a WHERE a."curriculum_id" = (looked)."curriculum_id" AND a."id" = (looked)."id") AS a ON a."curriculum_id" = b."curriculum_id" AND a."id" = b."id"
    WHERE a."curriculum_id" IS NULL OR b."curriculum_id" IS NULL OR (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date")) THEN
      RAISE object_not_in_prerequisite_state USING
    MESSAGE = pg_catalog.format('%I.%I follows %I and cannot be written yet: this write would make them differ', 'public', 'curriculum_membership', 'programme_membership'),
    HINT = 'Write to the source table. The copy accepts writes from revision 0004 on.';
    END IF;
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_refuse"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_refuse_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  IF pg_catalog.pg_relation_size('"public"."programme_membership"'::pg_catalog.regclass) > 0 THEN
    RAISE object_not_in_prerequisite_state USING
    MESSAGE = pg_catalog.format('%I.%I follows %I and cannot be written yet: this write would make them differ', 'public', 'curriculum_membership', 'programme_membership'),
    HINT = 'Write to the source table. The copy accepts writes from revision 0004 on.';
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_refuse_truncate"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'prepare') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Record changes in the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'record_changes')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Record changes in the log'
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
      LOCK TABLE "public"."programme_membership" IN SHARE ROW EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_copy_log_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_insert" AFTER INSERT ON "public"."programme_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_insert"()'; END IF;
IF 'AA_refactor_copy_log_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_update" AFTER UPDATE ON "public"."programme_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_update"()'; END IF;
IF 'AA_refactor_copy_log_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_delete" AFTER DELETE ON "public"."programme_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_delete"()'; END IF;
IF 'AA_refactor_copy_log_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_truncate" AFTER TRUNCATE ON "public"."programme_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_truncate"()'; END IF;
IF 'AA_refactor_copy_log_moved' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_moved" AFTER UPDATE ON "public"."programme_membership"
  FOR EACH ROW
  WHEN ((OLD."curriculum_id" IS DISTINCT FROM NEW."curriculum_id" OR OLD."id" IS DISTINCT FROM NEW."id"))
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_moved"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_copy_log_insert", ENABLE ALWAYS TRIGGER "AA_refactor_copy_log_update", ENABLE ALWAYS TRIGGER "AA_refactor_copy_log_delete", ENABLE ALWAYS TRIGGER "AA_refactor_copy_log_truncate", ENABLE ALWAYS TRIGGER "AA_refactor_copy_log_moved";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'record_changes', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
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

-- Copy the rows
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'copy')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Copy the rows'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  size double precision := 2000;
  fixed int := NULL;
  job record; number bigint; first_value text; last_value text; listed boolean; written bigint;
  began timestamptz; tries int; stuck timestamptz;
  look_at timestamptz := '-infinity'; control record; look record; owner text;
  wal_at timestamptz; wal_lsn pg_lsn; why text; why_at timestamptz;
BEGIN
  -- Half of deadlock_timeout at most: so this session, and not a writer, gives up in a deadlock.
  PERFORM pg_catalog.set_config('lock_timeout', least(2000, s.setting::int / 2)::text, false)
FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout';
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'copy_table up copy') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT ROW(t."curriculum_id", t."id")::text FROM "public"."programme_membership" AS t
    WHERE t."curriculum_id" IS NOT NULL ORDER BY t."curriculum_id" DESC, t."id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'copy_table up copy') AND j.bound IS NULL AND NOT j.exhausted;
  COMMIT;
  <<ranges>>
  LOOP
    IF pg_catalog.clock_timestamp() >= look_at THEN
      LOOP
        SELECT l.* INTO work.control FROM (SELECT coalesce(c.paused, false) AS paused, c.note, coalesce(c.batch_rows, NULL)::pg_catalog.int8 AS batch_rows, coalesce(c.max_lag_bytes, NULL)::pg_catalog.int8 AS max_lag_bytes, coalesce(c.max_wal_bytes_per_second, NULL)::pg_catalog.int8 AS max_wal_bytes_per_second, coalesce(c.max_active_sessions, NULL)::pg_catalog.int8 AS max_active_sessions
FROM (SELECT) AS always LEFT JOIN "public_refactor"."control" AS c ON c.plan = 'programme_membership') AS l;
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
        fixed := work.control.batch_rows;
        size := coalesce(fixed, size);
        wal_lsn := work.look.wal_lsn; wal_at := work.look.wal_at;
        IF pg_catalog.split_part(why, ':', 1)
          IS DISTINCT FROM pg_catalog.split_part(work.look.reason, ':', 1) THEN
INSERT INTO "public_refactor"."event" (plan, event, detail)
SELECT 'programme_membership', e.event, e.detail FROM (VALUES
  (1, 'waited', work.why::text, pg_catalog.jsonb_build_object('reason', pg_catalog.split_part(work.why::text, ':', 1), 'seconds', pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - work.why_at)::numeric, 1))),
  (2, 'waiting', work.look.reason::text, pg_catalog.jsonb_build_object('reason', work.look.reason::text)))
  AS e (n, event, why, detail) WHERE e.why IS NOT NULL ORDER BY e.n;
          why := work.look.reason; why_at := pg_catalog.clock_timestamp();
        END IF;
        EXIT WHEN why IS NULL;
        COMMIT;
        PERFORM pg_catalog.pg_sleep(1);
      END LOOP;
      look_at := pg_catalog.clock_timestamp() + interval '1 s';
    END IF;
    BEGIN
      listed := false;
      SELECT claimed, bound, nulls_done, exhausted
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'copy_table up copy') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'copy_table up copy') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'copy_table up copy');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT ROW(t."curriculum_id", t."id")::"public_refactor"."programme_membership_row_id" FROM "public"."programme_membership" AS t
    WHERE (t."curriculum_id", t."id") <= (($2::"public_refactor"."programme_membership_row_id")."curriculum_id", ($2::"public_refactor"."programme_membership_row_id")."id")
      AND ($1 IS NULL OR (t."curriculum_id", t."id") > (($1::"public_refactor"."programme_membership_row_id")."curriculum_id", ($1::"public_refactor"."programme_membership_row_id")."id")) ORDER BY t."curriculum_id", t."id" LIMIT 1) AS first,
  (SELECT ROW(t."curriculum_id", t."id")::"public_refactor"."programme_membership_row_id" FROM "public"."programme_membership" AS t
    WHERE (t."curriculum_id", t."id") <= (($2::"public_refactor"."programme_membership_row_id")."curriculum_id", ($2::"public_refactor"."programme_membership_row_id")."id")
      AND ($1 IS NULL OR (t."curriculum_id", t."id") > (($1::"public_refactor"."programme_membership_row_id")."curriculum_id", ($1::"public_refactor"."programme_membership_row_id")."id")) ORDER BY t."curriculum_id", t."id" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT ROW(t."curriculum_id", t."id")::text FROM "public"."programme_membership" AS t
    WHERE (t."curriculum_id", t."id") <= (($2::"public_refactor"."programme_membership_row_id")."curriculum_id", ($2::"public_refactor"."programme_membership_row_id")."id")
      AND ($1 IS NULL OR (t."curriculum_id", t."id") > (($1::"public_refactor"."programme_membership_row_id")."curriculum_id", ($1::"public_refactor"."programme_membership_row_id")."id"))
      AND (t."curriculum_id", t."id") < ((x.later)."curriculum_id", (x.later)."id") ORDER BY t."curriculum_id" DESC, t."id" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'copy_table up copy');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'copy_table up copy');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'copy_table up copy', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'copy_table up copy') RETURNING n
          INTO work.number;
        END IF;
      END IF;
      stuck := NULL;
    EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
      -- As behind a writer's TRUNCATE.
      stuck := coalesce(stuck, pg_catalog.clock_timestamp());
      IF pg_catalog.clock_timestamp() >= stuck + interval '300 s' THEN RAISE; END IF;
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'copy_table up copy') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_copy_build"(work.first_value::"public_refactor"."programme_membership_row_id", work.last_value::"public_refactor"."programme_membership_row_id");
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'copy_table up copy') AND n = work.number;
        END IF;
        EXIT;
      EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
        IF pg_catalog.clock_timestamp() >= work.began + interval '300 s' THEN
          RAISE;
        END IF;
      END;
      COMMIT;
      PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(2, 0.05 * 2 ^ least(tries, 6)));
    END LOOP;
    COMMIT;
    IF fixed IS NULL THEN
      size := least(greatest(size * least(greatest(0.1 / greatest(
        extract(epoch FROM pg_catalog.clock_timestamp() - work.began), 0.0001), 0.5), 1.5),
        500), 20000);
    END IF;
  END LOOP;
  COMMIT;
  INSERT INTO "public_refactor"."action" (plan, step, direction, key, rows)
VALUES ('programme_membership', 'copy_table', 'up', 'copy', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'copy_table up copy') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'copy_table up copy');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'copy_table up copy');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Create index ix_curriculum_membership_curriculum_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_curriculum_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_curriculum_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_curriculum_id" ON public."curriculum_membership" USING btree (curriculum_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_curriculum_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_curriculum_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_person_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_person_id" ON public."curriculum_membership" USING btree (person_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_person_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_curriculum_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_programme_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_programme_id" ON public."curriculum_membership" USING btree (programme_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_programme_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_curriculum_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_rotation_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_rotation_id" ON public."curriculum_membership" USING btree (rotation_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_rotation_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_curriculum_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_training_number_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_training_number_id" ON public."curriculum_membership" USING btree (training_number_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_training_number_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index pk_curriculum_membership
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:pk_curriculum_membership')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index pk_curriculum_membership'
BEGIN;
SET LOCAL search_path = '';
CREATE UNIQUE INDEX "pk_curriculum_membership" ON public."curriculum_membership" USING btree (curriculum_id, id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:pk_curriculum_membership') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_curriculum_membership_programme_membership_uuid
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_programme_membership_uuid')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_curriculum_membership_programme_membership_uuid'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_curriculum_membership_programme_membership_uuid" ON "public"."curriculum_membership" USING btree ("programme_membership_uuid");
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_index:ix_curriculum_membership_programme_membership_uuid') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create keys and checks
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'create_constraints')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create keys and checks'
BEGIN;
SET LOCAL search_path = '';
ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "pk_curriculum_membership" PRIMARY KEY USING INDEX "pk_curriculum_membership";
ANALYZE "public"."curriculum_membership";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'create_constraints') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Switch to synchronous capture
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'switch')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Switch to synchronous capture'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;
  keys bigint; marks bigint; entries bigint; more boolean; taken bigint;
  replayed bigint := 0; rounds int;
  round_began timestamptz; since timestamptz; came bigint; left_before bigint; waiting bigint;
  in_vain int; span double precision;
  stuck timestamptz; rate double precision := 0; budget double precision := 0.005;
BEGIN
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  LOOP
    -- Until little enough waits. Each round is a transaction of its own. There is always one
    -- round, so that the function is planned before the lock.
    rounds := 0; came := 0; left_before := NULL; in_vain := 0;
    since := pg_catalog.clock_timestamp();
    LOOP
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM (SELECT coalesce(pg_catalog.sum(l.n), 0)::bigint, pg_catalog.count(*) FILTER (WHERE l.keys IS NULL), pg_catalog.count(*),
  pg_catalog.count(*) = 1000
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_copy_log" LIMIT 1000) AS l) AS p;
      EXIT WHEN rounds > 0 AND marks = 0 AND NOT more AND keys <= least(greatest(rate * budget, 20), 2000) / 2;
      span := extract(epoch FROM pg_catalog.clock_timestamp() - since);
      IF span >= 120 THEN
        SELECT p.* INTO work.waiting FROM (SELECT coalesce(pg_catalog.sum(greatest(l.n, 1)), 0)::bigint
FROM "public_refactor"."programme_membership_copy_log" AS l) AS p;
        in_vain := CASE WHEN waiting >= left_before THEN in_vain + 1 ELSE 0 END;
        IF in_vain = 2 THEN
          RAISE lock_not_available USING MESSAGE = pg_catalog.format('changes of "public"."programme_membership" arrive faster than they can be replayed: in the last %s s %s keys a second came, %s a second were replayed, and %s wait',
            span::bigint, ((waiting - left_before + came) / span)::bigint,
            (came / span)::bigint, waiting), HINT = 'Reduce the writes for a while, mass changes above all. Then go on with alembic or with a script from the version reached. To take it back: membership-refactor abandon';
        END IF;
        left_before := waiting; came := 0;
        since := pg_catalog.clock_timestamp();
      END IF;
      rounds := rounds + 1;
      -- A round takes only its share of a long log.
      taken := CASE WHEN entries > 200 THEN keys * 200 / entries
        ELSE keys END;
      round_began := pg_catalog.clock_timestamp();
      BEGIN
        PERFORM "public_refactor"."programme_membership_copy_drain"(200);
        replayed := replayed + taken; came := came + taken; stuck := NULL;
        IF taken > 0 AND marks = 0 THEN
          -- The best rate: a round of few keys shows the cost of a round, not of a key.
          rate := greatest(rate, taken / greatest(
            extract(epoch FROM pg_catalog.clock_timestamp() - round_began), 0.000001));
        END IF;
      EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure
        -- A unique value moved to another row between two statements of the replay.
        OR unique_violation OR exclusion_violation THEN
        stuck := coalesce(stuck, round_began);
        IF pg_catalog.clock_timestamp() >= stuck + interval '120 s' THEN RAISE; END IF;
      END;
      COMMIT;
      IF rounds % 20 = 0 THEN
        budget := least(budget * 1.5, 0.012);
      END IF;
      IF stuck IS NOT NULL THEN
        PERFORM pg_catalog.pg_sleep(pg_catalog.random() * 0.1);
      END IF;
    END LOOP;
    COMMIT;
    tries := tries + 1;
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '50', true),
        pg_catalog.set_config('synchronous_commit', 'off', true);
      asked := pg_catalog.clock_timestamp();
      LOCK TABLE "public"."programme_membership" IN SHARE ROW EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."curriculum_membership" IN SHARE ROW EXCLUSIVE MODE;
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM (SELECT coalesce(pg_catalog.sum(l.n), 0)::bigint, pg_catalog.count(*) FILTER (WHERE l.keys IS NULL), pg_catalog.count(*),
  pg_catalog.count(*) = 1000
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_copy_log" LIMIT 1000) AS l) AS p;
      IF marks > 0 OR more OR keys > least(greatest(rate * budget, 20), 2000) THEN
        -- Too much came in the meantime. Release the locks and replay it without them.
        RAISE lock_not_available;
      END IF;
      PERFORM "public_refactor"."programme_membership_copy_drain"(NULL);
      EXECUTE $body$DO $fence$ BEGIN EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot(%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())', pg_catalog.pg_current_xact_id()); END $fence$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"')
AND t.tgname IN ('AA_refactor_copy_log_insert', 'AA_refactor_copy_log_update', 'AA_refactor_copy_log_delete', 'AA_refactor_copy_log_truncate', 'AA_refactor_copy_log_moved'));
IF pg_catalog.cardinality(there) < 5 THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody dropped triggers of this tool, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_copy_log_insert', 'AA_refactor_copy_log_update', 'AA_refactor_copy_log_delete', 'AA_refactor_copy_log_truncate', 'AA_refactor_copy_log_moved')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_copy_log_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_insert" AFTER INSERT ON "public"."programme_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_insert"()'; END IF;
IF 'AA_refactor_copy_log_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_update" AFTER UPDATE ON "public"."programme_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_update"()'; END IF;
IF 'AA_refactor_copy_log_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_delete" AFTER DELETE ON "public"."programme_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_delete"()'; END IF;
IF 'AA_refactor_copy_log_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_truncate" AFTER TRUNCATE ON "public"."programme_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_truncate"()'; END IF;
IF 'AA_refactor_copy_log_moved' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_copy_log_moved" AFTER UPDATE ON "public"."programme_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_copy_log_moved"()'; END IF;
EXECUTE 'ALTER TABLE "public"."programme_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_to_copy_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_copy_insert" AFTER INSERT ON "public"."programme_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_insert"()'; END IF;
IF 'AA_refactor_to_copy_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_copy_update" AFTER UPDATE ON "public"."programme_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_update"()'; END IF;
IF 'AA_refactor_to_copy_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_copy_delete" AFTER DELETE ON "public"."programme_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_delete"()'; END IF;
IF 'AA_refactor_to_copy_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_copy_truncate" AFTER TRUNCATE ON "public"."programme_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_truncate"()'; END IF;
IF 'AA_refactor_to_copy_moved' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_copy_moved" AFTER UPDATE ON "public"."programme_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH ROW
  WHEN ((OLD."curriculum_id" IS DISTINCT FROM NEW."curriculum_id" OR OLD."id" IS DISTINCT FROM NEW."id"))
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_moved"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_insert", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_update", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_delete", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_truncate", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_moved";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF '~refactor_keep_link_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_insert" BEFORE INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
IF '~refactor_keep_link_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_update" BEFORE UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (OLD."person_id" IS DISTINCT FROM NEW."person_id" OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id" OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type" OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date" OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date" OR OLD."programme_membership_uuid" IS DISTINCT FROM NEW."programme_membership_uuid")
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "~refactor_keep_link_insert", ENABLE ALWAYS TRIGGER "~refactor_keep_link_update";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_refuse_now' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_refuse_now" AFTER INSERT OR UPDATE OR DELETE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (pg_catalog.pg_trigger_depth() = 0)
  EXECUTE FUNCTION "public_refactor"."programme_membership_refuse"()'; END IF;
IF 'AA_refactor_refuse_later' <> ALL (there) THEN EXECUTE 'CREATE CONSTRAINT TRIGGER "AA_refactor_refuse_later" AFTER INSERT OR UPDATE OR DELETE ON "public"."curriculum_membership"
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN (pg_catalog.pg_trigger_depth() > 0 AND pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_refuse"()'; END IF;
IF 'AA_refactor_refuse_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_refuse_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_refuse_truncate"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_refuse_now", ENABLE ALWAYS TRIGGER "AA_refactor_refuse_later", ENABLE ALWAYS TRIGGER "AA_refactor_refuse_truncate";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"')
AND t.tgname IN ('AA_refactor_building_insert_or_update_or_delete', 'AA_refactor_building_truncate'));
IF there = '{}' THEN RETURN; END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_building_insert_or_update_or_delete', 'AA_refactor_building_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_building_insert_or_update_or_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_building_insert_or_update_or_delete" BEFORE INSERT OR UPDATE OR DELETE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_building"()'; END IF;
IF 'AA_refactor_building_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_building_truncate" BEFORE TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_building"()'; END IF;
EXECUTE 'ALTER TABLE "public"."curriculum_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries, rows)
VALUES ('programme_membership', 'copy_table', 'up', 'switch', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries, work.replayed) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."curriculum_membership"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
  RESET synchronous_commit;
END
$body1$;
\endif

-- Drop the log's triggers
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'drop_log_triggers')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the log''s triggers'
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
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_copy_log_insert', 'AA_refactor_copy_log_update', 'AA_refactor_copy_log_delete', 'AA_refactor_copy_log_truncate', 'AA_refactor_copy_log_moved')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_copy_log_insert', 'AA_refactor_copy_log_update', 'AA_refactor_copy_log_delete', 'AA_refactor_copy_log_truncate', 'AA_refactor_copy_log_moved');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_building_insert_or_update_or_delete', 'AA_refactor_building_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_building_insert_or_update_or_delete', 'AA_refactor_building_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'drop_log_triggers', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."curriculum_membership"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'drop_log')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the log'
BEGIN;
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_build";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_drain";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_build_null";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_build_popular";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_log_insert"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_log_update"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_log_delete"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_log_truncate"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_copy_log_moved"();
DROP TABLE IF EXISTS "public_refactor"."programme_membership_copy_log";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_building";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'drop_log') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_curriculum_membership_curriculum_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_curriculum_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_curriculum_membership_curriculum_id (NOT VALID)'
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
      LOCK TABLE "public"."curriculum" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_curriculum_id" FOREIGN KEY (curriculum_id) REFERENCES public.curriculum(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_curriculum_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."curriculum"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."curriculum"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Validate foreign key fk_curriculum_membership_curriculum_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_curriculum_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_curriculum_membership_curriculum_id'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_curriculum_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_curriculum_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_curriculum_membership_person_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_curriculum_membership_person_id (NOT VALID)'
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
      LOCK TABLE "public"."person" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_person_id" FOREIGN KEY (person_id) REFERENCES public.person(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_person_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."person"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
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

-- Validate foreign key fk_curriculum_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_curriculum_membership_person_id'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_person_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_person_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_curriculum_membership_programme_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_curriculum_membership_programme_id (NOT VALID)'
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
      LOCK TABLE "public"."programme" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_programme_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."programme"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
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

-- Validate foreign key fk_curriculum_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_curriculum_membership_programme_id'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_programme_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_programme_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_curriculum_membership_rotation_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_curriculum_membership_rotation_id (NOT VALID)'
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
      LOCK TABLE "public"."rotation" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_rotation_id" FOREIGN KEY (rotation_id) REFERENCES public.rotation(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_rotation_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."rotation"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
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

-- Validate foreign key fk_curriculum_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_curriculum_membership_rotation_id'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_rotation_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_rotation_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_curriculum_membership_training_number_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_curriculum_membership_training_number_id (NOT VALID)'
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
      LOCK TABLE "public"."training_number" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_training_number_id" FOREIGN KEY (training_number_id) REFERENCES public.training_number(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'copy_table', 'up', 'add_foreign_key:fk_curriculum_membership_training_number_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."training_number"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
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

-- Validate foreign key fk_curriculum_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_curriculum_membership_training_number_id'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_training_number_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'validate_foreign_key:fk_curriculum_membership_training_number_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Open the copy to readers
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'copy_table', 'up', 'open_copy')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Open the copy to readers'
BEGIN;
SET LOCAL search_path = '';
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'copy_table', 'up', 'open_copy') ON CONFLICT DO NOTHING;
COMMIT;
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
  VALUES ('programme_membership', 'copy_table', 'up', 'own triggers fire', broken, keys,
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
DO $body$
#variable_conflict use_column
DECLARE
  names text[] := ARRAY['copy is exact', 'links match keys'];
  sentences text[] := ARRAY['the copy holds every row of the source, bit for bit, and nothing else', 'every link is the uuid of its row''s key'];
  hints text[] := ARRAY['membership-refactor verify shows rows and columns; membership-refactor repair corrects them.', 'Run membership-refactor repair.'];
  name text; broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
  results jsonb[]; failed int;
BEGIN
  results := ARRAY(SELECT pg_catalog.jsonb_build_object('broken', r.broken, 'keys', r.keys)
    FROM (SELECT r.broken, r.keys FROM (
SELECT pg_catalog.count(*) FILTER (WHERE z.b0) AS n0, pg_catalog.array_agg(z.k0) FILTER (WHERE z.b0) AS k0, pg_catalog.count(*) FILTER (WHERE z.b1) AS n1, pg_catalog.array_agg(z.k1) FILTER (WHERE z.b1) AS k1
FROM (SELECT (a."curriculum_id" IS NULL OR b."curriculum_id" IS NULL OR (a."person_id" IS DISTINCT FROM b."person_id"
    OR a."programme_id" IS DISTINCT FROM b."programme_id"
    OR a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type"
    OR a."programme_start_date" IS DISTINCT FROM b."programme_start_date"
    OR a."programme_end_date" IS DISTINCT FROM b."programme_end_date"
    OR a."rotation" IS DISTINCT FROM b."rotation"
    OR a."rotation_id" IS DISTINCT FROM b."rotation_id"
    OR a."training_number_id" IS DISTINCT FROM b."training_number_id"
    OR a."training_pathway" IS DISTINCT FROM b."training_pathway"
    OR a."leaving_reason" IS DISTINCT FROM b."leaving_reason"
    OR a."leaving_destination" IS DISTINCT FROM b."leaving_destination"
    OR a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date"
    OR a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date"
    OR a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date"
    OR a."period_of_grace" IS DISTINCT FROM b."period_of_grace"
    OR a."intrepid_id" IS DISTINCT FROM b."intrepid_id"
    OR a."amended_date" IS DISTINCT FROM b."amended_date")) AS b0, CASE WHEN a."curriculum_id" IS NULL THEN ROW(b."curriculum_id", b."id")::text ELSE ROW(a."curriculum_id", a."id")::text END AS k0, (b."curriculum_id" IS NOT NULL AND ((EXISTS (SELECT FROM "public_refactor"."programme_membership_kept")
    OR pg_catalog.uuid_send(b."programme_membership_uuid") IS DISTINCT FROM "public_refactor"."programme_membership_uuid_bytes"(b."person_id", b."programme_id", b."programme_membership_type", b."programme_start_date", b."programme_end_date"))
  AND b."programme_membership_uuid" IS DISTINCT FROM "public_refactor"."programme_membership_link"(b."person_id", b."programme_id", b."programme_membership_type", b."programme_start_date", b."programme_end_date"))) AS b1, ROW(b."curriculum_id", b."id")::text AS k1
FROM "public"."programme_membership" AS a FULL JOIN "public"."curriculum_membership" AS b ON a."curriculum_id" = b."curriculum_id" AND a."id" = b."id"
OFFSET 0) AS z
WHERE z.b0 OR z.b1) AS f,
LATERAL (VALUES (0, f.n0, coalesce(f.k0[1:5], '{}'::pg_catalog.text[])), (1, f.n1, coalesce(f.k1[1:5], '{}'::pg_catalog.text[]))) AS r (n, broken, keys) ORDER BY r.n) AS r (broken, keys));
  FOR n IN 1 .. pg_catalog.array_length(names, 1) LOOP
    name := names[n];
    broken := (results[n] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[n] -> 'keys'));
    INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'copy_table', 'up', name, broken, keys,
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

BEGIN;
UPDATE "public_refactor"."step" SET state = 'done',
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'copy_table';
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
VALUES ('programme_membership', 'copy_table', 'up', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
