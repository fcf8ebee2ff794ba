-- 0008 link_children up

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0008 up', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'link_children' AND s.direction = 'up' AND s.state = 'done') AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'link_children' AND s.direction = 'up' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0008 link_children: up already, nothing to do'
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
    AND (s.step, s.direction) <> ('link_children', 'up');
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
  VALUES ('programme_membership', 'link_children', 'up', 'every row is seen', broken, keys,
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
\warn '0008 link_children: resumed'
\else
\warn '0008 link_children up'
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
  VALUES ('programme_membership', 'link_children', 'up', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'up', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'up', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'up', 'no subscription writes', broken, keys,
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
  FROM (VALUES (0, 'legacy_baseline', '0001'), (1, 'enrollment_identity', '0002'), (2, 'copy_table', '0003'), (3, 'dual_write', '0004'), (4, 'retire_source', '0005'), (5, 'create_parent', '0006'), (6, 'rebuild_parent', '0007')) AS o (n, step, label)
  WHERE NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0008 link_children cannot go up: ' || wrong || ' has not been applied, according to the ledger',
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
  VALUES ('programme_membership', 'link_children', 'up', 'deprecated columns have no default', broken, keys,
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
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'link_children';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'link_children', 'up', 'open', p.now, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'link_children', 'up', 'begun', '{"revision": "0008"}');
COMMIT;
\endif

-- Create functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'create_functions')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create functions'
BEGIN;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_replaced" (
  "child id" bigint PRIMARY KEY,
  "lost_rotation" boolean NOT NULL DEFAULT false, "was_rotation" text, "by_rotation" text,
  "lost_rotation_id" boolean NOT NULL DEFAULT false, "was_rotation_id" bigint, "by_rotation_id" bigint,
  "lost_training_number_id" boolean NOT NULL DEFAULT false, "was_training_number_id" bigint, "by_training_number_id" bigint,
  "lost_training_pathway" boolean NOT NULL DEFAULT false, "was_training_pathway" text, "by_training_pathway" text,
  "lost_leaving_reason" boolean NOT NULL DEFAULT false, "was_leaving_reason" text, "by_leaving_reason" text,
  "lost_leaving_destination" boolean NOT NULL DEFAULT false, "was_leaving_destination" text, "by_leaving_destination" text,
  "lost_amended_date" boolean NOT NULL DEFAULT false, "was_amended_date" timestamp(3) with time zone, "by_amended_date" timestamp(3) with time zone,
  under uuid
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_losers" (
  "child id" bigint PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_uuid_map" (
  "child id" bigint PRIMARY KEY,
  "kept uuid" uuid NOT NULL,
  "person_id" bigint,
  "programme_id" bigint,
  "programme_membership_type" text,
  "programme_start_date" date,
  "programme_end_date" date
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_born" (
  xid xid8 NOT NULL,
  uuid uuid NOT NULL,
  PRIMARY KEY (xid, uuid)
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_emptied" (
  uuid uuid PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_newer" (
  uuid uuid PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_unsettled" (
  uuid uuid PRIMARY KEY,
  xid xid8 NOT NULL
);
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_silence"(tables pg_catalog.regclass[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  own_table record; own_waited text := pg_catalog.current_setting('lock_timeout');
  own_text text := '';
BEGIN
  FOR own_table IN
    SELECT pg_catalog.format('ALTER TABLE %s ', t.tgrelid::pg_catalog.regclass) AS "alter",
      pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', t.tgname), ', ') AS off,
      pg_catalog.string_agg(pg_catalog.format('ENABLE %s TRIGGER %I',
        CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END, t.tgname), ', ') AS "on"
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid = ANY (tables) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
      AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')
    GROUP BY t.tgrelid ORDER BY t.tgrelid
  LOOP
    PERFORM pg_catalog.set_config('lock_timeout', '50ms', true);
    EXECUTE own_table."alter" || own_table.off;
    own_text := own_text || own_table."alter" || own_table."on" || '; ';
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', own_waited, true);
  RETURN own_text;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_silence"(pg_catalog.regclass[]) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_speak"(given text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF given <> '' THEN
    -- A deferred event of this batch would stop the ALTER TABLE.
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE given;
  END IF;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_speak"(text) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fill_uuid_map"(lo bigint, hi bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  written bigint;
BEGIN
  WITH held AS (
    SELECT c."id", c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date" FROM "public"."curriculum_membership" AS c
    WHERE c."id" BETWEEN lo AND hi AND c."programme_membership_uuid" <> "public_refactor"."programme_membership_uuid"(c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date") FOR SHARE)
  INSERT INTO "public_refactor"."programme_membership_uuid_map" AS m ("child id", "kept uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date")
  SELECT h.* FROM held AS h
  ON CONFLICT ("child id") DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_fill_uuid_map"(lo bigint, hi bigint) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_replace_listed"(lo bigint, hi bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  written bigint; own_silenced text; mine bigint[];
BEGIN
  SELECT pg_catalog.array_agg(z."child id") INTO mine
  FROM "public_refactor"."programme_membership_losers" AS z WHERE z."child id" BETWEEN lo AND hi;
  IF mine IS NULL THEN
    RETURN 0;
  END IF;
  own_silenced := "public_refactor"."programme_membership_silence"(ARRAY['"public"."curriculum_membership"'::pg_catalog.regclass, '"public"."programme_membership"'::pg_catalog.regclass]);
  PERFORM 1 FROM "public"."programme_membership" AS q WHERE q."uuid" IN (
    SELECT p."uuid" FROM "public"."curriculum_membership" AS c
    JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."id" = ANY (mine) AND (c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination"))
  ORDER BY q."uuid" FOR NO KEY UPDATE;
  INSERT INTO "public_refactor"."programme_membership_replaced" AS r ("child id", "lost_rotation", "was_rotation", "by_rotation", "lost_rotation_id", "was_rotation_id", "by_rotation_id", "lost_training_number_id", "was_training_number_id", "by_training_number_id", "lost_training_pathway", "was_training_pathway", "by_training_pathway", "lost_leaving_reason", "was_leaving_reason", "by_leaving_reason", "lost_leaving_destination", "was_leaving_destination", "by_leaving_destination", "lost_amended_date", "was_amended_date", "by_amended_date")
    SELECT c."id", ((c."rotation" IS DISTINCT FROM p."rotation")), CASE WHEN ((c."rotation" IS DISTINCT FROM p."rotation")) THEN c."rotation" END, CASE WHEN ((c."rotation" IS DISTINCT FROM p."rotation")) THEN p."rotation" END, ((c."rotation_id" IS DISTINCT FROM p."rotation_id")), CASE WHEN ((c."rotation_id" IS DISTINCT FROM p."rotation_id")) THEN c."rotation_id" END, CASE WHEN ((c."rotation_id" IS DISTINCT FROM p."rotation_id")) THEN p."rotation_id" END, ((c."training_number_id" IS DISTINCT FROM p."training_number_id")), CASE WHEN ((c."training_number_id" IS DISTINCT FROM p."training_number_id")) THEN c."training_number_id" END, CASE WHEN ((c."training_number_id" IS DISTINCT FROM p."training_number_id")) THEN p."training_number_id" END, ((c."training_pathway" IS DISTINCT FROM p."training_pathway")), CASE WHEN ((c."training_pathway" IS DISTINCT FROM p."training_pathway")) THEN c."training_pathway" END, CASE WHEN ((c."training_pathway" IS DISTINCT FROM p."training_pathway")) THEN p."training_pathway" END, ((c."leaving_reason" IS DISTINCT FROM p."leaving_reason")), CASE WHEN ((c."leaving_reason" IS DISTINCT FROM p."leaving_reason")) THEN c."leaving_reason" END, CASE WHEN ((c."leaving_reason" IS DISTINCT FROM p."leaving_reason")) THEN p."leaving_reason" END, ((c."leaving_destination" IS DISTINCT FROM p."leaving_destination")), CASE WHEN ((c."leaving_destination" IS DISTINCT FROM p."leaving_destination")) THEN c."leaving_destination" END, CASE WHEN ((c."leaving_destination" IS DISTINCT FROM p."leaving_destination")) THEN p."leaving_destination" END, true, c."amended_date", GREATEST(c."amended_date", p."amended_date")
    FROM "public"."curriculum_membership" AS c JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."id" = ANY (mine)
      AND (((c."rotation" IS DISTINCT FROM p."rotation")) OR ((c."rotation_id" IS DISTINCT FROM p."rotation_id")) OR ((c."training_number_id" IS DISTINCT FROM p."training_number_id")) OR ((c."training_pathway" IS DISTINCT FROM p."training_pathway")) OR ((c."leaving_reason" IS DISTINCT FROM p."leaving_reason")) OR ((c."leaving_destination" IS DISTINCT FROM p."leaving_destination")))
    ON CONFLICT ("child id") DO UPDATE SET "lost_rotation" = r."lost_rotation" OR excluded."lost_rotation", "was_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."was_rotation" ELSE r."was_rotation" END, "by_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."by_rotation" ELSE r."by_rotation" END, "lost_rotation_id" = r."lost_rotation_id" OR excluded."lost_rotation_id", "was_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."was_rotation_id" ELSE r."was_rotation_id" END, "by_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."by_rotation_id" ELSE r."by_rotation_id" END, "lost_training_number_id" = r."lost_training_number_id" OR excluded."lost_training_number_id", "was_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."was_training_number_id" ELSE r."was_training_number_id" END, "by_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."by_training_number_id" ELSE r."by_training_number_id" END, "lost_training_pathway" = r."lost_training_pathway" OR excluded."lost_training_pathway", "was_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."was_training_pathway" ELSE r."was_training_pathway" END, "by_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."by_training_pathway" ELSE r."by_training_pathway" END, "lost_leaving_reason" = r."lost_leaving_reason" OR excluded."lost_leaving_reason", "was_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."was_leaving_reason" ELSE r."was_leaving_reason" END, "by_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."by_leaving_reason" ELSE r."by_leaving_reason" END, "lost_leaving_destination" = r."lost_leaving_destination" OR excluded."lost_leaving_destination", "was_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."was_leaving_destination" ELSE r."was_leaving_destination" END, "by_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."by_leaving_destination" ELSE r."by_leaving_destination" END, "lost_amended_date" = true, "was_amended_date" = CASE WHEN r."lost_amended_date" AND r."by_amended_date" = excluded."was_amended_date" THEN r."was_amended_date" ELSE excluded."was_amended_date" END, "by_amended_date" = excluded."by_amended_date";
  UPDATE "public"."curriculum_membership" AS c SET "rotation" = p."rotation", "rotation_id" = p."rotation_id", "training_number_id" = p."training_number_id", "training_pathway" = p."training_pathway", "leaving_reason" = p."leaving_reason", "leaving_destination" = p."leaving_destination", "amended_date" = GREATEST(c."amended_date", p."amended_date")
  FROM "public"."programme_membership" AS p
  WHERE p."uuid" = c."programme_membership_uuid" AND c."id" = ANY (mine) AND (c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination");
  GET DIAGNOSTICS written = ROW_COUNT;
  PERFORM "public_refactor"."programme_membership_speak"(own_silenced);
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_replace_listed"(lo bigint, hi bigint) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_restore_own"(lo bigint, hi bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  written bigint; own_silenced text;
BEGIN
  IF NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_replaced" AS r WHERE r."child id" BETWEEN lo AND hi) THEN
    RETURN 0;
  END IF;
  own_silenced := "public_refactor"."programme_membership_silence"(ARRAY['"public"."curriculum_membership"'::pg_catalog.regclass, '"public"."programme_membership"'::pg_catalog.regclass]);
  WITH back AS (
    UPDATE "public"."curriculum_membership" AS c SET "rotation" = CASE WHEN (r."lost_rotation" AND ROW(c."rotation")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_rotation")::pg_catalog.record) THEN r."was_rotation" ELSE c."rotation" END, "rotation_id" = CASE WHEN (r."lost_rotation_id" AND ROW(c."rotation_id")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_rotation_id")::pg_catalog.record) THEN r."was_rotation_id" ELSE c."rotation_id" END, "training_number_id" = CASE WHEN (r."lost_training_number_id" AND ROW(c."training_number_id")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_training_number_id")::pg_catalog.record) THEN r."was_training_number_id" ELSE c."training_number_id" END, "training_pathway" = CASE WHEN (r."lost_training_pathway" AND ROW(c."training_pathway")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_training_pathway")::pg_catalog.record) THEN r."was_training_pathway" ELSE c."training_pathway" END, "leaving_reason" = CASE WHEN (r."lost_leaving_reason" AND ROW(c."leaving_reason")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_leaving_reason")::pg_catalog.record) THEN r."was_leaving_reason" ELSE c."leaving_reason" END, "leaving_destination" = CASE WHEN (r."lost_leaving_destination" AND ROW(c."leaving_destination")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_leaving_destination")::pg_catalog.record) THEN r."was_leaving_destination" ELSE c."leaving_destination" END, "amended_date" = CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END
    FROM "public_refactor"."programme_membership_replaced" AS r
    WHERE r."child id" = c."id" AND r."child id" BETWEEN lo AND hi
      AND ((r."lost_rotation" AND ROW(c."rotation")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_rotation")::pg_catalog.record) OR (r."lost_rotation_id" AND ROW(c."rotation_id")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_rotation_id")::pg_catalog.record) OR (r."lost_training_number_id" AND ROW(c."training_number_id")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_training_number_id")::pg_catalog.record) OR (r."lost_training_pathway" AND ROW(c."training_pathway")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_training_pathway")::pg_catalog.record) OR (r."lost_leaving_reason" AND ROW(c."leaving_reason")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_leaving_reason")::pg_catalog.record) OR (r."lost_leaving_destination" AND ROW(c."leaving_destination")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_leaving_destination")::pg_catalog.record))
    RETURNING c."programme_membership_uuid" AS k),
  noted AS (
    INSERT INTO "public_refactor"."programme_membership_unsettled" AS u (uuid, xid)
    SELECT DISTINCT b.k, pg_catalog.pg_current_xact_id() FROM back AS b ORDER BY b.k
    ON CONFLICT (uuid) DO UPDATE SET xid = excluded.xid)
  SELECT pg_catalog.count(*) INTO written FROM back AS b;
  DELETE FROM "public_refactor"."programme_membership_replaced" AS r WHERE r."child id" BETWEEN lo AND hi;
  PERFORM "public_refactor"."programme_membership_speak"(own_silenced);
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_restore_own"(lo bigint, hi bigint) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_claim"(own_k1 bigint, own_k2 bigint, own_k3 text, own_k4 date, own_k5 date, own_values record, own_xid pg_catalog.xid, OUT own_claimed pg_catalog.uuid, OUT own_made boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  own_candidate pg_catalog.uuid; own_ours boolean;
BEGIN
  own_candidate := "public_refactor"."programme_membership_uuid"(own_k1, own_k2, own_k3, own_k4, own_k5);
  FOR try IN 1..100 LOOP
    SELECT ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date")::pg_catalog.record OPERATOR(pg_catalog.=) ROW(own_k1, own_k2, own_k3, own_k4, own_k5)::pg_catalog.record INTO own_ours FROM "public"."programme_membership" AS p WHERE p."uuid" = own_candidate;
    IF own_ours THEN
      UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid"
      WHERE p."uuid" = own_candidate AND ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date")::pg_catalog.record OPERATOR(pg_catalog.=) ROW(own_k1, own_k2, own_k3, own_k4, own_k5)::pg_catalog.record AND p.xmin OPERATOR(pg_catalog.<>) own_xid;
      IF NOT FOUND THEN
        PERFORM 1 FROM "public"."programme_membership" AS p
        WHERE p."uuid" = own_candidate AND ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date")::pg_catalog.record OPERATOR(pg_catalog.=) ROW(own_k1, own_k2, own_k3, own_k4, own_k5)::pg_catalog.record AND p.xmin OPERATOR(pg_catalog.=) own_xid;
      END IF;
      IF FOUND THEN
        own_claimed := own_candidate; own_made := false;
        RETURN;
      END IF;
      CONTINUE;
    END IF;
    IF NOT own_ours THEN
      -- This uuid belongs to a parent whose key was changed.
      own_candidate := "public_refactor"."programme_membership_another_uuid"(own_candidate);
      CONTINUE;
    END IF;
    INSERT INTO "public"."programme_membership" AS p ("uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date")
    VALUES (own_candidate, own_k1, own_k2, own_k3, own_k4, own_k5, own_values.f1, own_values.f2, own_values.f3, own_values.f4, own_values.f5, own_values.f6, own_values.f7)
    ON CONFLICT DO NOTHING RETURNING p."uuid" INTO own_claimed;
    IF own_claimed IS NOT NULL THEN
      -- An earlier parent with this uuid may be listed as emptied.
      DELETE FROM "public_refactor"."programme_membership_emptied" AS e WHERE e.uuid = own_claimed;
      own_made := true;
      RETURN;
    END IF;
    own_made := false;
    INSERT INTO "public"."programme_membership" AS p ("uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date")
    VALUES (own_candidate, own_k1, own_k2, own_k3, own_k4, own_k5, own_values.f1, own_values.f2, own_values.f3, own_values.f4, own_values.f5, own_values.f6, own_values.f7)
    ON CONFLICT ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date") DO UPDATE SET "uuid" = p."uuid"
    WHERE p.xmin OPERATOR(pg_catalog.<>) own_xid RETURNING p."uuid" INTO own_claimed;
    IF own_claimed IS NULL THEN
      -- This transaction updated it already. No index serves a NULL-safe comparison.
      EXECUTE 'SELECT p."uuid" FROM "public"."programme_membership" AS p WHERE ' || CASE WHEN own_k1 IS NULL THEN 'p."person_id" IS NULL' ELSE 'p."person_id" = $1' END || ' AND ' || CASE WHEN own_k2 IS NULL THEN 'p."programme_id" IS NULL' ELSE 'p."programme_id" = $2' END || ' AND ' || CASE WHEN own_k3 IS NULL THEN 'p."programme_membership_type" IS NULL' ELSE 'p."programme_membership_type" = $3' END || ' AND ' || CASE WHEN own_k4 IS NULL THEN 'p."programme_start_date" IS NULL' ELSE 'p."programme_start_date" = $4' END || ' AND ' || CASE WHEN own_k5 IS NULL THEN 'p."programme_end_date" IS NULL' ELSE 'p."programme_end_date" = $5' END || ' FOR NO KEY UPDATE'
      INTO own_claimed USING own_k1, own_k2, own_k3, own_k4, own_k5;
    END IF;
    IF own_claimed IS NOT NULL THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE serialization_failure USING
    MESSAGE = 'no row of programme_membership could be found or created for this key',
    HINT = 'Retry the transaction.';
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_claim"(own_k1 bigint, own_k2 bigint, own_k3 text, own_k4 date, own_k5 date, own_values record, own_xid pg_catalog.xid, OUT own_claimed pg_catalog.uuid, OUT own_made boolean) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_provisional"(k1 bigint, k2 bigint, k3 text, k4 date, k5 date) RETURNS pg_catalog.uuid
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  candidate pg_catalog.uuid;
BEGIN
  candidate := "public_refactor"."programme_membership_uuid"(k1, k2, k3, k4, k5);
  WHILE EXISTS (SELECT FROM "public"."programme_membership" AS p WHERE p."uuid" = candidate
      AND NOT (ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date")::pg_catalog.record OPERATOR(pg_catalog.=) ROW(k1, k2, k3, k4, k5)::pg_catalog.record)) LOOP
    candidate := "public_refactor"."programme_membership_another_uuid"(candidate);
  END LOOP;
  RETURN candidate;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_provisional"(k1 bigint, k2 bigint, k3 text, k4 date, k5 date) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_is_provisional"(given pg_catalog.uuid, k1 bigint, k2 bigint, k3 text, k4 date, k5 date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  candidate pg_catalog.uuid;
BEGIN
  candidate := "public_refactor"."programme_membership_uuid"(k1, k2, k3, k4, k5);
  WHILE candidate <> given LOOP
    IF NOT EXISTS (SELECT FROM "public"."programme_membership" AS p WHERE p."uuid" = candidate
      AND NOT (ROW(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date")::pg_catalog.record OPERATOR(pg_catalog.=) ROW(k1, k2, k3, k4, k5)::pg_catalog.record)) THEN
      RETURN false;
    END IF;
    candidate := "public_refactor"."programme_membership_another_uuid"(candidate);
  END LOOP;
  RETURN true;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_is_provisional"(given pg_catalog.uuid, k1 bigint, k2 bigint, k3 text, k4 date, k5 date) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_before"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  parent record;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF NEW."programme_membership_uuid" IS NULL THEN
    NEW."programme_membership_uuid" := "public_refactor"."programme_membership_provisional"(NEW."person_id", NEW."programme_id", NEW."programme_membership_type", NEW."programme_start_date", NEW."programme_end_date");
    RETURN NEW;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent
  FROM "public"."programme_membership" AS p WHERE p."uuid" = NEW."programme_membership_uuid" FOR NO KEY UPDATE;
  IF FOUND THEN
    IF (NEW."person_id" IS NOT NULL AND (NEW."person_id" IS DISTINCT FROM parent."person_id")) OR (NEW."programme_id" IS NOT NULL AND (NEW."programme_id" IS DISTINCT FROM parent."programme_id")) OR (NEW."programme_membership_type" IS NOT NULL AND (NEW."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) OR (NEW."programme_start_date" IS NOT NULL AND (NEW."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) OR (NEW."programme_end_date" IS NOT NULL AND (NEW."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) OR (NEW."rotation" IS NOT NULL AND (NEW."rotation" IS DISTINCT FROM parent."rotation")) OR (NEW."rotation_id" IS NOT NULL AND (NEW."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR (NEW."training_number_id" IS NOT NULL AND (NEW."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR (NEW."training_pathway" IS NOT NULL AND (NEW."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR (NEW."leaving_reason" IS NOT NULL AND (NEW."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR (NEW."leaving_destination" IS NOT NULL AND (NEW."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN
      RAISE check_violation USING
        MESSAGE = pg_catalog.format('%s %s refers to a %s with other values in: %s',
          'programme_membership_uuid', NEW."programme_membership_uuid", 'programme_membership',
          pg_catalog.array_to_string(ARRAY[CASE WHEN (NEW."person_id" IS NOT NULL AND (NEW."person_id" IS DISTINCT FROM parent."person_id")) THEN '"person_id"' END, CASE WHEN (NEW."programme_id" IS NOT NULL AND (NEW."programme_id" IS DISTINCT FROM parent."programme_id")) THEN '"programme_id"' END, CASE WHEN (NEW."programme_membership_type" IS NOT NULL AND (NEW."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) THEN '"programme_membership_type"' END, CASE WHEN (NEW."programme_start_date" IS NOT NULL AND (NEW."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) THEN '"programme_start_date"' END, CASE WHEN (NEW."programme_end_date" IS NOT NULL AND (NEW."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) THEN '"programme_end_date"' END, CASE WHEN (NEW."rotation" IS NOT NULL AND (NEW."rotation" IS DISTINCT FROM parent."rotation")) THEN '"rotation"' END, CASE WHEN (NEW."rotation_id" IS NOT NULL AND (NEW."rotation_id" IS DISTINCT FROM parent."rotation_id")) THEN '"rotation_id"' END, CASE WHEN (NEW."training_number_id" IS NOT NULL AND (NEW."training_number_id" IS DISTINCT FROM parent."training_number_id")) THEN '"training_number_id"' END, CASE WHEN (NEW."training_pathway" IS NOT NULL AND (NEW."training_pathway" IS DISTINCT FROM parent."training_pathway")) THEN '"training_pathway"' END, CASE WHEN (NEW."leaving_reason" IS NOT NULL AND (NEW."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) THEN '"leaving_reason"' END, CASE WHEN (NEW."leaving_destination" IS NOT NULL AND (NEW."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN '"leaving_destination"' END], ', ')),
        HINT = 'Give only programme_membership_uuid, or write the columns of programme_membership.',
        SCHEMA = 'public', TABLE = 'curriculum_membership';
    END IF;
    NEW."person_id" := parent."person_id";
    NEW."programme_id" := parent."programme_id";
    NEW."programme_membership_type" := parent."programme_membership_type";
    NEW."programme_start_date" := parent."programme_start_date";
    NEW."programme_end_date" := parent."programme_end_date";
    NEW."rotation" := parent."rotation";
    NEW."rotation_id" := parent."rotation_id";
    NEW."training_number_id" := parent."training_number_id";
    NEW."training_pathway" := parent."training_pathway";
    NEW."leaving_reason" := parent."leaving_reason";
    NEW."leaving_destination" := parent."leaving_destination";
  END IF;
  RETURN NEW;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_before"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_inserted"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  saved record; parent record; claimed pg_catalog.uuid; made boolean; own_set record;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c WHERE c."id" = NEW."id" FOR KEY SHARE;
  END IF;
  SELECT c.xmin, c."id", c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date" INTO saved
  FROM "public"."curriculum_membership" AS c WHERE c."id" = NEW."id";
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = saved."programme_membership_uuid" AND p.xmin OPERATOR(pg_catalog.<>) saved.xmin
  RETURNING p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent;
  IF NOT FOUND THEN
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date", p.xmin INTO parent
    FROM "public"."programme_membership" AS p WHERE p."uuid" = saved."programme_membership_uuid" FOR NO KEY UPDATE;
    IF parent.xmin OPERATOR(pg_catalog.<>) saved.xmin THEN
      UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = saved."programme_membership_uuid" AND p.xmin OPERATOR(pg_catalog.<>) saved.xmin;
    END IF;
  END IF;
  IF parent."uuid" IS NULL OR (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN
    IF saved."programme_membership_uuid" IS NULL OR "public_refactor"."programme_membership_is_provisional"(saved."programme_membership_uuid", saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date") THEN
      SELECT f.own_claimed, f.own_made INTO claimed, made FROM "public_refactor"."programme_membership_claim"(saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date", ROW(saved."rotation", saved."rotation_id", saved."training_number_id", saved."training_pathway", saved."leaving_reason", saved."leaving_destination", saved."amended_date"), saved.xmin) AS f;
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent
  FROM "public"."programme_membership" AS p WHERE p."uuid" = claimed;
    ELSIF parent."uuid" IS NULL THEN
      RETURN NULL;  -- the foreign key will refuse it
    ELSE
      IF (saved."person_id" IS NOT NULL AND (saved."person_id" IS DISTINCT FROM parent."person_id")) OR (saved."programme_id" IS NOT NULL AND (saved."programme_id" IS DISTINCT FROM parent."programme_id")) OR (saved."programme_membership_type" IS NOT NULL AND (saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) OR (saved."programme_start_date" IS NOT NULL AND (saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) OR (saved."programme_end_date" IS NOT NULL AND (saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) OR (saved."rotation" IS NOT NULL AND (saved."rotation" IS DISTINCT FROM parent."rotation")) OR (saved."rotation_id" IS NOT NULL AND (saved."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR (saved."training_number_id" IS NOT NULL AND (saved."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR (saved."training_pathway" IS NOT NULL AND (saved."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR (saved."leaving_reason" IS NOT NULL AND (saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR (saved."leaving_destination" IS NOT NULL AND (saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN
      RAISE check_violation USING
        MESSAGE = pg_catalog.format('%s %s refers to a %s with other values in: %s',
          'programme_membership_uuid', saved."programme_membership_uuid", 'programme_membership',
          pg_catalog.array_to_string(ARRAY[CASE WHEN (saved."person_id" IS NOT NULL AND (saved."person_id" IS DISTINCT FROM parent."person_id")) THEN '"person_id"' END, CASE WHEN (saved."programme_id" IS NOT NULL AND (saved."programme_id" IS DISTINCT FROM parent."programme_id")) THEN '"programme_id"' END, CASE WHEN (saved."programme_membership_type" IS NOT NULL AND (saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) THEN '"programme_membership_type"' END, CASE WHEN (saved."programme_start_date" IS NOT NULL AND (saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) THEN '"programme_start_date"' END, CASE WHEN (saved."programme_end_date" IS NOT NULL AND (saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) THEN '"programme_end_date"' END, CASE WHEN (saved."rotation" IS NOT NULL AND (saved."rotation" IS DISTINCT FROM parent."rotation")) THEN '"rotation"' END, CASE WHEN (saved."rotation_id" IS NOT NULL AND (saved."rotation_id" IS DISTINCT FROM parent."rotation_id")) THEN '"rotation_id"' END, CASE WHEN (saved."training_number_id" IS NOT NULL AND (saved."training_number_id" IS DISTINCT FROM parent."training_number_id")) THEN '"training_number_id"' END, CASE WHEN (saved."training_pathway" IS NOT NULL AND (saved."training_pathway" IS DISTINCT FROM parent."training_pathway")) THEN '"training_pathway"' END, CASE WHEN (saved."leaving_reason" IS NOT NULL AND (saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) THEN '"leaving_reason"' END, CASE WHEN (saved."leaving_destination" IS NOT NULL AND (saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN '"leaving_destination"' END], ', ')),
        HINT = 'Give only programme_membership_uuid, or write the columns of programme_membership.',
        SCHEMA = 'public', TABLE = 'curriculum_membership';
    END IF;
      IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (c."person_id" IS DISTINCT FROM parent."person_id") THEN 'person_id' END,
      CASE WHEN (c."programme_id" IS DISTINCT FROM parent."programme_id") THEN 'programme_id' END,
      CASE WHEN (c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (c."programme_start_date" IS DISTINCT FROM parent."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (c."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (c."rotation" IS DISTINCT FROM parent."rotation") THEN 'rotation' END,
      CASE WHEN (c."rotation_id" IS DISTINCT FROM parent."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (c."training_number_id" IS DISTINCT FROM parent."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (c."training_pathway" IS DISTINCT FROM parent."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN 'leaving_destination' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."id" = saved."id") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, parent."person_id", parent."programme_id", parent."programme_membership_type", parent."programme_start_date", parent."programme_end_date", parent."rotation", parent."rotation_id", parent."training_number_id", parent."training_pathway", parent."leaving_reason", parent."leaving_destination";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "person_id" = parent."person_id", "programme_id" = parent."programme_id", "programme_membership_type" = parent."programme_membership_type", "programme_start_date" = parent."programme_start_date", "programme_end_date" = parent."programme_end_date", "rotation" = parent."rotation", "rotation_id" = parent."rotation_id", "training_number_id" = parent."training_number_id", "training_pathway" = parent."training_pathway", "leaving_reason" = parent."leaving_reason", "leaving_destination" = parent."leaving_destination"
    WHERE c."id" = saved."id";
  END IF;
      RETURN NULL;
    END IF;
  END IF;
  IF made AND (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (c."person_id" IS DISTINCT FROM parent."person_id") THEN 'person_id' END,
      CASE WHEN (c."programme_id" IS DISTINCT FROM parent."programme_id") THEN 'programme_id' END,
      CASE WHEN (c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (c."programme_start_date" IS DISTINCT FROM parent."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (c."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (c."rotation" IS DISTINCT FROM parent."rotation") THEN 'rotation' END,
      CASE WHEN (c."rotation_id" IS DISTINCT FROM parent."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (c."training_number_id" IS DISTINCT FROM parent."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (c."training_pathway" IS DISTINCT FROM parent."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN 'leaving_destination' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."id" = saved."id") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, parent."person_id", parent."programme_id", parent."programme_membership_type", parent."programme_start_date", parent."programme_end_date", parent."rotation", parent."rotation_id", parent."training_number_id", parent."training_pathway", parent."leaving_reason", parent."leaving_destination";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "person_id" = parent."person_id", "programme_id" = parent."programme_id", "programme_membership_type" = parent."programme_membership_type", "programme_start_date" = parent."programme_start_date", "programme_end_date" = parent."programme_end_date", "rotation" = parent."rotation", "rotation_id" = parent."rotation_id", "training_number_id" = parent."training_number_id", "training_pathway" = parent."training_pathway", "leaving_reason" = parent."leaving_reason", "leaving_destination" = parent."leaving_destination"
    WHERE c."id" = saved."id";
  END IF;
  ELSIF (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT p."uuid", pg_catalog.array_remove(ARRAY[
      CASE WHEN (p."person_id" IS DISTINCT FROM saved."person_id") THEN 'person_id' END,
      CASE WHEN (p."programme_id" IS DISTINCT FROM saved."programme_id") THEN 'programme_id' END,
      CASE WHEN (p."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (p."programme_start_date" IS DISTINCT FROM saved."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (p."programme_end_date" IS DISTINCT FROM saved."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (p."rotation" IS DISTINCT FROM saved."rotation") THEN 'rotation' END,
      CASE WHEN (p."rotation_id" IS DISTINCT FROM saved."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (p."training_number_id" IS DISTINCT FROM saved."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (p."training_pathway" IS DISTINCT FROM saved."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (p."leaving_reason" IS DISTINCT FROM saved."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (p."leaving_destination" IS DISTINCT FROM saved."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN (p."amended_date" IS DISTINCT FROM saved."amended_date") THEN 'amended_date' END], NULL)
    FROM "public"."programme_membership" AS p WHERE (p."uuid" = parent."uuid") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS p SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12'), ('amended_date', '"amended_date" = $13')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND p."uuid" = ANY ($1)') USING own_set.ids, saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date", saved."rotation", saved."rotation_id", saved."training_number_id", saved."training_pathway", saved."leaving_reason", saved."leaving_destination", saved."amended_date";
  END LOOP;
  ELSE
    UPDATE "public"."programme_membership" AS p SET "person_id" = saved."person_id", "programme_id" = saved."programme_id", "programme_membership_type" = saved."programme_membership_type", "programme_start_date" = saved."programme_start_date", "programme_end_date" = saved."programme_end_date", "rotation" = saved."rotation", "rotation_id" = saved."rotation_id", "training_number_id" = saved."training_number_id", "training_pathway" = saved."training_pathway", "leaving_reason" = saved."leaving_reason", "leaving_destination" = saved."leaving_destination", "amended_date" = saved."amended_date"
    WHERE p."uuid" = parent."uuid";
  END IF;
  END IF;
  IF saved."programme_membership_uuid" IS DISTINCT FROM parent."uuid" THEN
    UPDATE "public"."curriculum_membership" AS c SET "programme_membership_uuid" = parent."uuid"
    WHERE c."id" = saved."id";
  END IF;
  IF (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM "public"."curriculum_membership" AS c
    JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."id" = saved."id" AND ((c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date"
    OR c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination"))) THEN
    RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'a row of curriculum_membership and its parent in programme_membership could not be made equal',
    HINT = 'A BEFORE trigger of curriculum_membership or programme_membership drops or undoes the write. Change it so that it accepts a value that the other table has.', SCHEMA = 'public', TABLE = 'curriculum_membership';
  END IF;
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_inserted"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_updated"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  saved record; parent record; claimed pg_catalog.uuid; made boolean; own_set record;
  former record; target record; result record; whole boolean; born boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c WHERE c."id" = NEW."id" FOR KEY SHARE;
  END IF;
  SELECT c.xmin, c."id", c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date" INTO saved
  FROM "public"."curriculum_membership" AS c WHERE c."id" = NEW."id";
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF NEW."id" <> OLD."id" THEN
    UPDATE "public_refactor"."programme_membership_replaced" AS r SET "child id" = NEW."id" WHERE r."child id" = OLD."id"
      AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_replaced" AS s WHERE s."child id" = NEW."id");
  END IF;
  UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = saved."programme_membership_uuid" AND p.xmin OPERATOR(pg_catalog.<>) saved.xmin
  RETURNING p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent;
  IF NOT FOUND THEN
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date", p.xmin INTO parent
    FROM "public"."programme_membership" AS p WHERE p."uuid" = saved."programme_membership_uuid" FOR NO KEY UPDATE;
    IF parent.xmin OPERATOR(pg_catalog.<>) saved.xmin THEN
      UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = saved."programme_membership_uuid" AND p.xmin OPERATOR(pg_catalog.<>) saved.xmin;
    END IF;
  END IF;
  IF parent."uuid" IS NULL THEN
    IF NEW."programme_membership_uuid" IS NOT NULL AND NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" THEN
      RETURN NULL;  -- the foreign key will refuse it
    END IF;
    SELECT f.own_claimed, f.own_made INTO claimed, made FROM "public_refactor"."programme_membership_claim"(saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date", ROW(saved."rotation", saved."rotation_id", saved."training_number_id", saved."training_pathway", saved."leaving_reason", saved."leaving_destination", saved."amended_date"), saved.xmin) AS f;
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent
  FROM "public"."programme_membership" AS p WHERE p."uuid" = claimed;
    IF made AND (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (c."person_id" IS DISTINCT FROM parent."person_id") THEN 'person_id' END,
      CASE WHEN (c."programme_id" IS DISTINCT FROM parent."programme_id") THEN 'programme_id' END,
      CASE WHEN (c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (c."programme_start_date" IS DISTINCT FROM parent."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (c."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (c."rotation" IS DISTINCT FROM parent."rotation") THEN 'rotation' END,
      CASE WHEN (c."rotation_id" IS DISTINCT FROM parent."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (c."training_number_id" IS DISTINCT FROM parent."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (c."training_pathway" IS DISTINCT FROM parent."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN 'leaving_destination' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."id" = saved."id") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, parent."person_id", parent."programme_id", parent."programme_membership_type", parent."programme_start_date", parent."programme_end_date", parent."rotation", parent."rotation_id", parent."training_number_id", parent."training_pathway", parent."leaving_reason", parent."leaving_destination";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "person_id" = parent."person_id", "programme_id" = parent."programme_id", "programme_membership_type" = parent."programme_membership_type", "programme_start_date" = parent."programme_start_date", "programme_end_date" = parent."programme_end_date", "rotation" = parent."rotation", "rotation_id" = parent."rotation_id", "training_number_id" = parent."training_number_id", "training_pathway" = parent."training_pathway", "leaving_reason" = parent."leaving_reason", "leaving_destination" = parent."leaving_destination"
    WHERE c."id" = saved."id";
  END IF;
  ELSIF (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT p."uuid", pg_catalog.array_remove(ARRAY[
      CASE WHEN (p."person_id" IS DISTINCT FROM saved."person_id") THEN 'person_id' END,
      CASE WHEN (p."programme_id" IS DISTINCT FROM saved."programme_id") THEN 'programme_id' END,
      CASE WHEN (p."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (p."programme_start_date" IS DISTINCT FROM saved."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (p."programme_end_date" IS DISTINCT FROM saved."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (p."rotation" IS DISTINCT FROM saved."rotation") THEN 'rotation' END,
      CASE WHEN (p."rotation_id" IS DISTINCT FROM saved."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (p."training_number_id" IS DISTINCT FROM saved."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (p."training_pathway" IS DISTINCT FROM saved."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (p."leaving_reason" IS DISTINCT FROM saved."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (p."leaving_destination" IS DISTINCT FROM saved."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN (p."amended_date" IS DISTINCT FROM saved."amended_date") THEN 'amended_date' END], NULL)
    FROM "public"."programme_membership" AS p WHERE (p."uuid" = parent."uuid") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS p SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12'), ('amended_date', '"amended_date" = $13')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND p."uuid" = ANY ($1)') USING own_set.ids, saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date", saved."rotation", saved."rotation_id", saved."training_number_id", saved."training_pathway", saved."leaving_reason", saved."leaving_destination", saved."amended_date";
  END LOOP;
  ELSE
    UPDATE "public"."programme_membership" AS p SET "person_id" = saved."person_id", "programme_id" = saved."programme_id", "programme_membership_type" = saved."programme_membership_type", "programme_start_date" = saved."programme_start_date", "programme_end_date" = saved."programme_end_date", "rotation" = saved."rotation", "rotation_id" = saved."rotation_id", "training_number_id" = saved."training_number_id", "training_pathway" = saved."training_pathway", "leaving_reason" = saved."leaving_reason", "leaving_destination" = saved."leaving_destination", "amended_date" = saved."amended_date"
    WHERE p."uuid" = parent."uuid";
  END IF;
  END IF;
  IF saved."programme_membership_uuid" IS DISTINCT FROM parent."uuid" THEN
    UPDATE "public"."curriculum_membership" AS c SET "programme_membership_uuid" = parent."uuid"
    WHERE c."id" = saved."id";
  END IF;
  IF (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    IF EXISTS (SELECT FROM "public"."curriculum_membership" AS c
    JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."id" = saved."id" AND ((c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date"
    OR c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination"))) THEN
    RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'a row of curriculum_membership and its parent in programme_membership could not be made equal',
    HINT = 'A BEFORE trigger of curriculum_membership or programme_membership drops or undoes the write. Change it so that it accepts a value that the other table has.', SCHEMA = 'public', TABLE = 'curriculum_membership';
  END IF;
  END IF;
  RETURN NULL;
  END IF;
  IF NOT (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date"
    OR saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
    RETURN NULL;
  END IF;
  IF NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" THEN
    IF ((NEW."person_id" IS DISTINCT FROM OLD."person_id") AND (saved."person_id" IS DISTINCT FROM parent."person_id")) OR ((NEW."programme_id" IS DISTINCT FROM OLD."programme_id") AND (saved."programme_id" IS DISTINCT FROM parent."programme_id")) OR ((NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type") AND (saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) OR ((NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date") AND (saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) OR ((NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) OR ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (saved."rotation" IS DISTINCT FROM parent."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (saved."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (saved."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (saved."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN
      RAISE check_violation USING
        MESSAGE = pg_catalog.format('%s %s refers to a %s with other values in: %s',
          'programme_membership_uuid', saved."programme_membership_uuid", 'programme_membership',
          pg_catalog.array_to_string(ARRAY[CASE WHEN ((NEW."person_id" IS DISTINCT FROM OLD."person_id") AND (saved."person_id" IS DISTINCT FROM parent."person_id")) THEN '"person_id"' END, CASE WHEN ((NEW."programme_id" IS DISTINCT FROM OLD."programme_id") AND (saved."programme_id" IS DISTINCT FROM parent."programme_id")) THEN '"programme_id"' END, CASE WHEN ((NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type") AND (saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type")) THEN '"programme_membership_type"' END, CASE WHEN ((NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date") AND (saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date")) THEN '"programme_start_date"' END, CASE WHEN ((NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) THEN '"programme_end_date"' END, CASE WHEN ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (saved."rotation" IS DISTINCT FROM parent."rotation")) THEN '"rotation"' END, CASE WHEN ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (saved."rotation_id" IS DISTINCT FROM parent."rotation_id")) THEN '"rotation_id"' END, CASE WHEN ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (saved."training_number_id" IS DISTINCT FROM parent."training_number_id")) THEN '"training_number_id"' END, CASE WHEN ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (saved."training_pathway" IS DISTINCT FROM parent."training_pathway")) THEN '"training_pathway"' END, CASE WHEN ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) THEN '"leaving_reason"' END, CASE WHEN ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN '"leaving_destination"' END], ', ')),
        HINT = 'Give only programme_membership_uuid, or write the columns of programme_membership.',
        SCHEMA = 'public', TABLE = 'curriculum_membership';
    END IF;
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO former
  FROM "public"."programme_membership" AS p WHERE p."uuid" = OLD."programme_membership_uuid";
    IF former."uuid" IS NOT NULL AND (saved."rotation" IS DISTINCT FROM former."rotation"
    OR saved."rotation_id" IS DISTINCT FROM former."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM former."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM former."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM former."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM former."leaving_destination") THEN
      INSERT INTO "public_refactor"."programme_membership_replaced" AS r ("child id", "lost_rotation", "was_rotation", "by_rotation", "lost_rotation_id", "was_rotation_id", "by_rotation_id", "lost_training_number_id", "was_training_number_id", "by_training_number_id", "lost_training_pathway", "was_training_pathway", "by_training_pathway", "lost_leaving_reason", "was_leaving_reason", "by_leaving_reason", "lost_leaving_destination", "was_leaving_destination", "by_leaving_destination", "lost_amended_date", "was_amended_date", "by_amended_date")
    SELECT c."id", ((c."rotation" IS DISTINCT FROM former."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")), CASE WHEN ((c."rotation" IS DISTINCT FROM former."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")) THEN c."rotation" END, CASE WHEN ((c."rotation" IS DISTINCT FROM former."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")) THEN parent."rotation" END, ((c."rotation_id" IS DISTINCT FROM former."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")), CASE WHEN ((c."rotation_id" IS DISTINCT FROM former."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")) THEN c."rotation_id" END, CASE WHEN ((c."rotation_id" IS DISTINCT FROM former."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")) THEN parent."rotation_id" END, ((c."training_number_id" IS DISTINCT FROM former."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")), CASE WHEN ((c."training_number_id" IS DISTINCT FROM former."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")) THEN c."training_number_id" END, CASE WHEN ((c."training_number_id" IS DISTINCT FROM former."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")) THEN parent."training_number_id" END, ((c."training_pathway" IS DISTINCT FROM former."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")), CASE WHEN ((c."training_pathway" IS DISTINCT FROM former."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")) THEN c."training_pathway" END, CASE WHEN ((c."training_pathway" IS DISTINCT FROM former."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")) THEN parent."training_pathway" END, ((c."leaving_reason" IS DISTINCT FROM former."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")), CASE WHEN ((c."leaving_reason" IS DISTINCT FROM former."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) THEN c."leaving_reason" END, CASE WHEN ((c."leaving_reason" IS DISTINCT FROM former."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) THEN parent."leaving_reason" END, ((c."leaving_destination" IS DISTINCT FROM former."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")), CASE WHEN ((c."leaving_destination" IS DISTINCT FROM former."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN c."leaving_destination" END, CASE WHEN ((c."leaving_destination" IS DISTINCT FROM former."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")) THEN parent."leaving_destination" END, true, c."amended_date", GREATEST(c."amended_date", parent."amended_date")
    FROM "public"."curriculum_membership" AS c WHERE c."id" = saved."id"
      AND (((c."rotation" IS DISTINCT FROM former."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")) OR ((c."rotation_id" IS DISTINCT FROM former."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR ((c."training_number_id" IS DISTINCT FROM former."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR ((c."training_pathway" IS DISTINCT FROM former."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR ((c."leaving_reason" IS DISTINCT FROM former."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR ((c."leaving_destination" IS DISTINCT FROM former."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")))
    ON CONFLICT ("child id") DO UPDATE SET "lost_rotation" = r."lost_rotation" OR excluded."lost_rotation", "was_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."was_rotation" ELSE r."was_rotation" END, "by_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."by_rotation" ELSE r."by_rotation" END, "lost_rotation_id" = r."lost_rotation_id" OR excluded."lost_rotation_id", "was_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."was_rotation_id" ELSE r."was_rotation_id" END, "by_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."by_rotation_id" ELSE r."by_rotation_id" END, "lost_training_number_id" = r."lost_training_number_id" OR excluded."lost_training_number_id", "was_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."was_training_number_id" ELSE r."was_training_number_id" END, "by_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."by_training_number_id" ELSE r."by_training_number_id" END, "lost_training_pathway" = r."lost_training_pathway" OR excluded."lost_training_pathway", "was_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."was_training_pathway" ELSE r."was_training_pathway" END, "by_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."by_training_pathway" ELSE r."by_training_pathway" END, "lost_leaving_reason" = r."lost_leaving_reason" OR excluded."lost_leaving_reason", "was_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."was_leaving_reason" ELSE r."was_leaving_reason" END, "by_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."by_leaving_reason" ELSE r."by_leaving_reason" END, "lost_leaving_destination" = r."lost_leaving_destination" OR excluded."lost_leaving_destination", "was_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."was_leaving_destination" ELSE r."was_leaving_destination" END, "by_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."by_leaving_destination" ELSE r."by_leaving_destination" END, "lost_amended_date" = true, "was_amended_date" = CASE WHEN r."lost_amended_date" AND r."by_amended_date" = excluded."was_amended_date" THEN r."was_amended_date" ELSE excluded."was_amended_date" END, "by_amended_date" = excluded."by_amended_date";
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (c."person_id" IS DISTINCT FROM parent."person_id") THEN 'person_id' END,
      CASE WHEN (c."programme_id" IS DISTINCT FROM parent."programme_id") THEN 'programme_id' END,
      CASE WHEN (c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (c."programme_start_date" IS DISTINCT FROM parent."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (c."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (c."rotation" IS DISTINCT FROM parent."rotation") THEN 'rotation' END,
      CASE WHEN (c."rotation_id" IS DISTINCT FROM parent."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (c."training_number_id" IS DISTINCT FROM parent."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (c."training_pathway" IS DISTINCT FROM parent."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN 'leaving_destination' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."id" = saved."id") AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, parent."person_id", parent."programme_id", parent."programme_membership_type", parent."programme_start_date", parent."programme_end_date", parent."rotation", parent."rotation_id", parent."training_number_id", parent."training_pathway", parent."leaving_reason", parent."leaving_destination";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "person_id" = parent."person_id", "programme_id" = parent."programme_id", "programme_membership_type" = parent."programme_membership_type", "programme_start_date" = parent."programme_start_date", "programme_end_date" = parent."programme_end_date", "rotation" = parent."rotation", "rotation_id" = parent."rotation_id", "training_number_id" = parent."training_number_id", "training_pathway" = parent."training_pathway", "leaving_reason" = parent."leaving_reason", "leaving_destination" = parent."leaving_destination"
    WHERE c."id" = saved."id";
  END IF;
  ELSIF ((NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") OR NEW."id" <> OLD."id") AND (saved."person_id" IS DISTINCT FROM parent."person_id"
    OR saved."programme_id" IS DISTINCT FROM parent."programme_id"
    OR saved."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR saved."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR saved."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN
    whole := NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c
      WHERE c."programme_membership_uuid" = parent."uuid" AND (c."person_id" IS DISTINCT FROM saved."person_id"
    OR c."programme_id" IS DISTINCT FROM saved."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM saved."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM saved."programme_end_date"));
    SELECT f.own_claimed, f.own_made INTO claimed, made FROM "public_refactor"."programme_membership_claim"(saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date", ROW(CASE WHEN ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") THEN saved."rotation" ELSE parent."rotation" END, CASE WHEN ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") THEN saved."rotation_id" ELSE parent."rotation_id" END, CASE WHEN ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") THEN saved."training_number_id" ELSE parent."training_number_id" END, CASE WHEN ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") THEN saved."training_pathway" ELSE parent."training_pathway" END, CASE WHEN ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") THEN saved."leaving_reason" ELSE parent."leaving_reason" END, CASE WHEN ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") THEN saved."leaving_destination" ELSE parent."leaving_destination" END, saved."amended_date"), saved.xmin) AS f;
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO target
  FROM "public"."programme_membership" AS p WHERE p."uuid" = claimed;
    SELECT CASE WHEN NOT made AND ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") THEN saved."rotation" ELSE target."rotation" END AS "rotation", CASE WHEN NOT made AND ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") THEN saved."rotation_id" ELSE target."rotation_id" END AS "rotation_id", CASE WHEN NOT made AND ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") THEN saved."training_number_id" ELSE target."training_number_id" END AS "training_number_id", CASE WHEN NOT made AND ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") THEN saved."training_pathway" ELSE target."training_pathway" END AS "training_pathway", CASE WHEN NOT made AND ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") THEN saved."leaving_reason" ELSE target."leaving_reason" END AS "leaving_reason", CASE WHEN NOT made AND ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") THEN saved."leaving_destination" ELSE target."leaving_destination" END AS "leaving_destination" INTO result;
    IF (saved."rotation" IS DISTINCT FROM parent."rotation"
    OR saved."rotation_id" IS DISTINCT FROM parent."rotation_id"
    OR saved."training_number_id" IS DISTINCT FROM parent."training_number_id"
    OR saved."training_pathway" IS DISTINCT FROM parent."training_pathway"
    OR saved."leaving_reason" IS DISTINCT FROM parent."leaving_reason"
    OR saved."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN
      INSERT INTO "public_refactor"."programme_membership_replaced" AS r ("child id", "lost_rotation", "was_rotation", "by_rotation", "lost_rotation_id", "was_rotation_id", "by_rotation_id", "lost_training_number_id", "was_training_number_id", "by_training_number_id", "lost_training_pathway", "was_training_pathway", "by_training_pathway", "lost_leaving_reason", "was_leaving_reason", "by_leaving_reason", "lost_leaving_destination", "was_leaving_destination", "by_leaving_destination", "lost_amended_date", "was_amended_date", "by_amended_date")
    SELECT c."id", (NOT ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM result."rotation")), CASE WHEN (NOT ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM result."rotation")) THEN c."rotation" END, CASE WHEN (NOT ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM result."rotation")) THEN result."rotation" END, (NOT ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM result."rotation_id")), CASE WHEN (NOT ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM result."rotation_id")) THEN c."rotation_id" END, CASE WHEN (NOT ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM result."rotation_id")) THEN result."rotation_id" END, (NOT ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM result."training_number_id")), CASE WHEN (NOT ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM result."training_number_id")) THEN c."training_number_id" END, CASE WHEN (NOT ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM result."training_number_id")) THEN result."training_number_id" END, (NOT ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM result."training_pathway")), CASE WHEN (NOT ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM result."training_pathway")) THEN c."training_pathway" END, CASE WHEN (NOT ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM result."training_pathway")) THEN result."training_pathway" END, (NOT ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM result."leaving_reason")), CASE WHEN (NOT ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM result."leaving_reason")) THEN c."leaving_reason" END, CASE WHEN (NOT ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM result."leaving_reason")) THEN result."leaving_reason" END, (NOT ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM result."leaving_destination")), CASE WHEN (NOT ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM result."leaving_destination")) THEN c."leaving_destination" END, CASE WHEN (NOT ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM result."leaving_destination")) THEN result."leaving_destination" END, true, c."amended_date", c."amended_date"
    FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = parent."uuid" AND (c."id" = saved."id" OR NOT (c."person_id" IS DISTINCT FROM saved."person_id"
    OR c."programme_id" IS DISTINCT FROM saved."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM saved."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM saved."programme_end_date"
    OR c."rotation" IS DISTINCT FROM saved."rotation"
    OR c."rotation_id" IS DISTINCT FROM saved."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM saved."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM saved."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM saved."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM saved."leaving_destination"))
      AND ((NOT ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM result."rotation")) OR (NOT ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM result."rotation_id")) OR (NOT ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM result."training_number_id")) OR (NOT ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM result."training_pathway")) OR (NOT ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM result."leaving_reason")) OR (NOT ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM result."leaving_destination")))
    ON CONFLICT ("child id") DO UPDATE SET "lost_rotation" = r."lost_rotation" OR excluded."lost_rotation", "was_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."was_rotation" ELSE r."was_rotation" END, "by_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."by_rotation" ELSE r."by_rotation" END, "lost_rotation_id" = r."lost_rotation_id" OR excluded."lost_rotation_id", "was_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."was_rotation_id" ELSE r."was_rotation_id" END, "by_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."by_rotation_id" ELSE r."by_rotation_id" END, "lost_training_number_id" = r."lost_training_number_id" OR excluded."lost_training_number_id", "was_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."was_training_number_id" ELSE r."was_training_number_id" END, "by_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."by_training_number_id" ELSE r."by_training_number_id" END, "lost_training_pathway" = r."lost_training_pathway" OR excluded."lost_training_pathway", "was_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."was_training_pathway" ELSE r."was_training_pathway" END, "by_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."by_training_pathway" ELSE r."by_training_pathway" END, "lost_leaving_reason" = r."lost_leaving_reason" OR excluded."lost_leaving_reason", "was_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."was_leaving_reason" ELSE r."was_leaving_reason" END, "by_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."by_leaving_reason" ELSE r."by_leaving_reason" END, "lost_leaving_destination" = r."lost_leaving_destination" OR excluded."lost_leaving_destination", "was_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."was_leaving_destination" ELSE r."was_leaving_destination" END, "by_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."by_leaving_destination" ELSE r."by_leaving_destination" END, "lost_amended_date" = true, "was_amended_date" = CASE WHEN r."lost_amended_date" AND r."by_amended_date" = excluded."was_amended_date" THEN r."was_amended_date" ELSE excluded."was_amended_date" END, "by_amended_date" = excluded."by_amended_date";
    END IF;
    IF claimed = parent."uuid" THEN
      -- The keys are equal but not identical, such as 1.0 and 1.00.
      UPDATE "public"."programme_membership" AS p SET "person_id" = saved."person_id", "programme_id" = saved."programme_id", "programme_membership_type" = saved."programme_membership_type", "programme_start_date" = saved."programme_start_date", "programme_end_date" = saved."programme_end_date", "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination", "amended_date" = CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END
      WHERE p."uuid" = claimed;
      RETURN NULL;
    END IF;
    born := made OR (whole AND EXISTS (SELECT FROM "public_refactor"."programme_membership_born" AS b
      WHERE b.xid = pg_catalog.pg_current_xact_id() AND b.uuid = claimed));
    IF whole AND born AND NOT (pg_catalog.cardinality("public_refactor"."programme_membership_referred"(ARRAY[claimed])) > 0) THEN
      -- The key is new in this transaction: the old parent takes it over and keeps its uuid.
      WITH gone AS (
        DELETE FROM "public"."programme_membership" AS p WHERE p."uuid" = claimed RETURNING p."uuid"),
      back AS (
        UPDATE "public"."curriculum_membership" AS c SET "programme_membership_uuid" = parent."uuid", "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination" WHERE c."programme_membership_uuid" = claimed),
      here AS (
        UPDATE "public"."curriculum_membership" AS c SET "programme_membership_uuid" = c."programme_membership_uuid", "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination" WHERE c."programme_membership_uuid" = parent."uuid" AND (c."id" = saved."id" OR NOT (c."person_id" IS DISTINCT FROM saved."person_id"
    OR c."programme_id" IS DISTINCT FROM saved."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM saved."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM saved."programme_end_date"
    OR c."rotation" IS DISTINCT FROM saved."rotation"
    OR c."rotation_id" IS DISTINCT FROM saved."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM saved."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM saved."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM saved."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM saved."leaving_destination"))
          AND (c."rotation" IS DISTINCT FROM result."rotation"
    OR c."rotation_id" IS DISTINCT FROM result."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM result."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM result."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM result."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM result."leaving_destination"))
      UPDATE "public"."programme_membership" AS p SET "person_id" = saved."person_id", "programme_id" = saved."programme_id", "programme_membership_type" = saved."programme_membership_type", "programme_start_date" = saved."programme_start_date", "programme_end_date" = saved."programme_end_date", "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination", "amended_date" = CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END
      FROM gone AS g WHERE p."uuid" = parent."uuid";
      DELETE FROM "public_refactor"."programme_membership_born" AS b
      WHERE b.xid = pg_catalog.pg_current_xact_id() AND b.uuid = claimed;
      RETURN NULL;
    END IF;
    IF made THEN
      IF pg_catalog.current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM "public_refactor"."programme_membership_born" AS b WHERE b.ctid = ANY (ARRAY(
          SELECT d.ctid FROM "public_refactor"."programme_membership_born" AS d
          WHERE d.xid < pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
          ORDER BY d.xid LIMIT 8 FOR UPDATE SKIP LOCKED));
      END IF;
      INSERT INTO "public_refactor"."programme_membership_born" AS b (xid, uuid)
      VALUES (pg_catalog.pg_current_xact_id(), claimed) ON CONFLICT DO NOTHING;
    END IF;
    IF (target."rotation" IS DISTINCT FROM result."rotation"
    OR target."rotation_id" IS DISTINCT FROM result."rotation_id"
    OR target."training_number_id" IS DISTINCT FROM result."training_number_id"
    OR target."training_pathway" IS DISTINCT FROM result."training_pathway"
    OR target."leaving_reason" IS DISTINCT FROM result."leaving_reason"
    OR target."leaving_destination" IS DISTINCT FROM result."leaving_destination") THEN
      IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT p."uuid", pg_catalog.array_remove(ARRAY[
      CASE WHEN (p."rotation" IS DISTINCT FROM result."rotation") THEN 'rotation' END,
      CASE WHEN (p."rotation_id" IS DISTINCT FROM result."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (p."training_number_id" IS DISTINCT FROM result."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (p."training_pathway" IS DISTINCT FROM result."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (p."leaving_reason" IS DISTINCT FROM result."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (p."leaving_destination" IS DISTINCT FROM result."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN p."amended_date" IS DISTINCT FROM CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END THEN 'amended_date' END], NULL)
    FROM "public"."programme_membership" AS p WHERE (p."uuid" = claimed) AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS p SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('rotation', '"rotation" = $2'), ('rotation_id', '"rotation_id" = $3'), ('training_number_id', '"training_number_id" = $4'), ('training_pathway', '"training_pathway" = $5'), ('leaving_reason', '"leaving_reason" = $6'), ('leaving_destination', '"leaving_destination" = $7'), ('amended_date', '"amended_date" = CASE WHEN $8 THEN $9 ELSE GREATEST(p."amended_date", $9) END')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND p."uuid" = ANY ($1)') USING own_set.ids, result."rotation", result."rotation_id", result."training_number_id", result."training_pathway", result."leaving_reason", result."leaving_destination", NEW."amended_date" IS DISTINCT FROM OLD."amended_date", saved."amended_date";
  END LOOP;
  ELSE
    UPDATE "public"."programme_membership" AS p SET "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination", "amended_date" = CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END
      WHERE p."uuid" = claimed;
  END IF;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN c."programme_membership_uuid" IS DISTINCT FROM claimed THEN 'programme_membership_uuid' END,
      CASE WHEN (c."rotation" IS DISTINCT FROM result."rotation") THEN 'rotation' END,
      CASE WHEN (c."rotation_id" IS DISTINCT FROM result."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (c."training_number_id" IS DISTINCT FROM result."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (c."training_pathway" IS DISTINCT FROM result."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (c."leaving_reason" IS DISTINCT FROM result."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (c."leaving_destination" IS DISTINCT FROM result."leaving_destination") THEN 'leaving_destination' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."programme_membership_uuid" = parent."uuid" AND (c."id" = saved."id" OR NOT (c."person_id" IS DISTINCT FROM saved."person_id"
    OR c."programme_id" IS DISTINCT FROM saved."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM saved."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM saved."programme_end_date"
    OR c."rotation" IS DISTINCT FROM saved."rotation"
    OR c."rotation_id" IS DISTINCT FROM saved."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM saved."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM saved."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM saved."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM saved."leaving_destination"))) AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('programme_membership_uuid', '"programme_membership_uuid" = $2'), ('rotation', '"rotation" = $3'), ('rotation_id', '"rotation_id" = $4'), ('training_number_id', '"training_number_id" = $5'), ('training_pathway', '"training_pathway" = $6'), ('leaving_reason', '"leaving_reason" = $7'), ('leaving_destination', '"leaving_destination" = $8')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, claimed, result."rotation", result."rotation_id", result."training_number_id", result."training_pathway", result."leaving_reason", result."leaving_destination";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "programme_membership_uuid" = claimed, "rotation" = result."rotation", "rotation_id" = result."rotation_id", "training_number_id" = result."training_number_id", "training_pathway" = result."training_pathway", "leaving_reason" = result."leaving_reason", "leaving_destination" = result."leaving_destination" WHERE c."programme_membership_uuid" = parent."uuid" AND (c."id" = saved."id" OR NOT (c."person_id" IS DISTINCT FROM saved."person_id"
    OR c."programme_id" IS DISTINCT FROM saved."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM saved."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM saved."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM saved."programme_end_date"
    OR c."rotation" IS DISTINCT FROM saved."rotation"
    OR c."rotation_id" IS DISTINCT FROM saved."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM saved."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM saved."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM saved."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM saved."leaving_destination"));
  END IF;
  ELSE
    IF NEW."id" <> OLD."id" THEN
      INSERT INTO "public_refactor"."programme_membership_replaced" AS r ("child id", "lost_rotation", "was_rotation", "by_rotation", "lost_rotation_id", "was_rotation_id", "by_rotation_id", "lost_training_number_id", "was_training_number_id", "by_training_number_id", "lost_training_pathway", "was_training_pathway", "by_training_pathway", "lost_leaving_reason", "was_leaving_reason", "by_leaving_reason", "lost_leaving_destination", "was_leaving_destination", "by_leaving_destination", "lost_amended_date", "was_amended_date", "by_amended_date")
    SELECT c."id", ((c."rotation" IS DISTINCT FROM saved."rotation")), CASE WHEN ((c."rotation" IS DISTINCT FROM saved."rotation")) THEN c."rotation" END, CASE WHEN ((c."rotation" IS DISTINCT FROM saved."rotation")) THEN saved."rotation" END, ((c."rotation_id" IS DISTINCT FROM saved."rotation_id")), CASE WHEN ((c."rotation_id" IS DISTINCT FROM saved."rotation_id")) THEN c."rotation_id" END, CASE WHEN ((c."rotation_id" IS DISTINCT FROM saved."rotation_id")) THEN saved."rotation_id" END, ((c."training_number_id" IS DISTINCT FROM saved."training_number_id")), CASE WHEN ((c."training_number_id" IS DISTINCT FROM saved."training_number_id")) THEN c."training_number_id" END, CASE WHEN ((c."training_number_id" IS DISTINCT FROM saved."training_number_id")) THEN saved."training_number_id" END, ((c."training_pathway" IS DISTINCT FROM saved."training_pathway")), CASE WHEN ((c."training_pathway" IS DISTINCT FROM saved."training_pathway")) THEN c."training_pathway" END, CASE WHEN ((c."training_pathway" IS DISTINCT FROM saved."training_pathway")) THEN saved."training_pathway" END, ((c."leaving_reason" IS DISTINCT FROM saved."leaving_reason")), CASE WHEN ((c."leaving_reason" IS DISTINCT FROM saved."leaving_reason")) THEN c."leaving_reason" END, CASE WHEN ((c."leaving_reason" IS DISTINCT FROM saved."leaving_reason")) THEN saved."leaving_reason" END, ((c."leaving_destination" IS DISTINCT FROM saved."leaving_destination")), CASE WHEN ((c."leaving_destination" IS DISTINCT FROM saved."leaving_destination")) THEN c."leaving_destination" END, CASE WHEN ((c."leaving_destination" IS DISTINCT FROM saved."leaving_destination")) THEN saved."leaving_destination" END, true, c."amended_date", GREATEST(c."amended_date", saved."amended_date")
    FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = parent."uuid" AND c."id" <> saved."id"
      AND (((c."rotation" IS DISTINCT FROM saved."rotation")) OR ((c."rotation_id" IS DISTINCT FROM saved."rotation_id")) OR ((c."training_number_id" IS DISTINCT FROM saved."training_number_id")) OR ((c."training_pathway" IS DISTINCT FROM saved."training_pathway")) OR ((c."leaving_reason" IS DISTINCT FROM saved."leaving_reason")) OR ((c."leaving_destination" IS DISTINCT FROM saved."leaving_destination")))
    ON CONFLICT ("child id") DO UPDATE SET "lost_rotation" = r."lost_rotation" OR excluded."lost_rotation", "was_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."was_rotation" ELSE r."was_rotation" END, "by_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."by_rotation" ELSE r."by_rotation" END, "lost_rotation_id" = r."lost_rotation_id" OR excluded."lost_rotation_id", "was_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."was_rotation_id" ELSE r."was_rotation_id" END, "by_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."by_rotation_id" ELSE r."by_rotation_id" END, "lost_training_number_id" = r."lost_training_number_id" OR excluded."lost_training_number_id", "was_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."was_training_number_id" ELSE r."was_training_number_id" END, "by_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."by_training_number_id" ELSE r."by_training_number_id" END, "lost_training_pathway" = r."lost_training_pathway" OR excluded."lost_training_pathway", "was_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."was_training_pathway" ELSE r."was_training_pathway" END, "by_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."by_training_pathway" ELSE r."by_training_pathway" END, "lost_leaving_reason" = r."lost_leaving_reason" OR excluded."lost_leaving_reason", "was_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."was_leaving_reason" ELSE r."was_leaving_reason" END, "by_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."by_leaving_reason" ELSE r."by_leaving_reason" END, "lost_leaving_destination" = r."lost_leaving_destination" OR excluded."lost_leaving_destination", "was_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."was_leaving_destination" ELSE r."was_leaving_destination" END, "by_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."by_leaving_destination" ELSE r."by_leaving_destination" END, "lost_amended_date" = true, "was_amended_date" = CASE WHEN r."lost_amended_date" AND r."by_amended_date" = excluded."was_amended_date" THEN r."was_amended_date" ELSE excluded."was_amended_date" END, "by_amended_date" = excluded."by_amended_date";
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT p."uuid", pg_catalog.array_remove(ARRAY[
      CASE WHEN (((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (saved."rotation" IS DISTINCT FROM p."rotation")) THEN 'rotation' END,
      CASE WHEN (((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (saved."rotation_id" IS DISTINCT FROM p."rotation_id")) THEN 'rotation_id' END,
      CASE WHEN (((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (saved."training_number_id" IS DISTINCT FROM p."training_number_id")) THEN 'training_number_id' END,
      CASE WHEN (((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (saved."training_pathway" IS DISTINCT FROM p."training_pathway")) THEN 'training_pathway' END,
      CASE WHEN (((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (saved."leaving_reason" IS DISTINCT FROM p."leaving_reason")) THEN 'leaving_reason' END,
      CASE WHEN (((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (saved."leaving_destination" IS DISTINCT FROM p."leaving_destination")) THEN 'leaving_destination' END,
      CASE WHEN p."amended_date" IS DISTINCT FROM CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END THEN 'amended_date' END], NULL)
    FROM "public"."programme_membership" AS p WHERE (p."uuid" = parent."uuid" AND ((((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (saved."rotation" IS DISTINCT FROM p."rotation")) OR (((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (saved."rotation_id" IS DISTINCT FROM p."rotation_id")) OR (((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (saved."training_number_id" IS DISTINCT FROM p."training_number_id")) OR (((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (saved."training_pathway" IS DISTINCT FROM p."training_pathway")) OR (((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (saved."leaving_reason" IS DISTINCT FROM p."leaving_reason")) OR (((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (saved."leaving_destination" IS DISTINCT FROM p."leaving_destination")))) AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS p SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('rotation', '"rotation" = $2'), ('rotation_id', '"rotation_id" = $3'), ('training_number_id', '"training_number_id" = $4'), ('training_pathway', '"training_pathway" = $5'), ('leaving_reason', '"leaving_reason" = $6'), ('leaving_destination', '"leaving_destination" = $7'), ('amended_date', '"amended_date" = CASE WHEN $8 THEN $9 ELSE GREATEST(p."amended_date", $9) END')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND p."uuid" = ANY ($1)') USING own_set.ids, saved."rotation", saved."rotation_id", saved."training_number_id", saved."training_pathway", saved."leaving_reason", saved."leaving_destination", NEW."amended_date" IS DISTINCT FROM OLD."amended_date", saved."amended_date";
  END LOOP;
  ELSE
    UPDATE "public"."programme_membership" AS p SET "rotation" = CASE WHEN ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") THEN saved."rotation" ELSE p."rotation" END, "rotation_id" = CASE WHEN ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") THEN saved."rotation_id" ELSE p."rotation_id" END, "training_number_id" = CASE WHEN ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") THEN saved."training_number_id" ELSE p."training_number_id" END, "training_pathway" = CASE WHEN ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") THEN saved."training_pathway" ELSE p."training_pathway" END, "leaving_reason" = CASE WHEN ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") THEN saved."leaving_reason" ELSE p."leaving_reason" END, "leaving_destination" = CASE WHEN ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") THEN saved."leaving_destination" ELSE p."leaving_destination" END, "amended_date" = CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN saved."amended_date" ELSE GREATEST(p."amended_date", saved."amended_date") END
    WHERE p."uuid" = parent."uuid" AND ((((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id") AND (saved."rotation" IS DISTINCT FROM p."rotation")) OR (((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id") AND (saved."rotation_id" IS DISTINCT FROM p."rotation_id")) OR (((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id") AND (saved."training_number_id" IS DISTINCT FROM p."training_number_id")) OR (((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id") AND (saved."training_pathway" IS DISTINCT FROM p."training_pathway")) OR (((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id") AND (saved."leaving_reason" IS DISTINCT FROM p."leaving_reason")) OR (((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id") AND (saved."leaving_destination" IS DISTINCT FROM p."leaving_destination")));
  END IF;
  END IF;
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS c
    JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."id" = saved."id" AND (((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."person_id" IS DISTINCT FROM OLD."person_id") OR NEW."id" <> OLD."id")) AND (c."person_id" IS DISTINCT FROM p."person_id")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."programme_id" IS DISTINCT FROM OLD."programme_id") OR NEW."id" <> OLD."id")) AND (c."programme_id" IS DISTINCT FROM p."programme_id")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type") OR NEW."id" <> OLD."id")) AND (c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date") OR NEW."id" <> OLD."id")) AND (c."programme_start_date" IS DISTINCT FROM p."programme_start_date")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") OR NEW."id" <> OLD."id")) AND (c."programme_end_date" IS DISTINCT FROM p."programme_end_date")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."rotation" IS DISTINCT FROM OLD."rotation") OR NEW."id" <> OLD."id")) AND (c."rotation" IS DISTINCT FROM p."rotation")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") OR NEW."id" <> OLD."id")) AND (c."rotation_id" IS DISTINCT FROM p."rotation_id")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") OR NEW."id" <> OLD."id")) AND (c."training_number_id" IS DISTINCT FROM p."training_number_id")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") OR NEW."id" <> OLD."id")) AND (c."training_pathway" IS DISTINCT FROM p."training_pathway")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") OR NEW."id" <> OLD."id")) AND (c."leaving_reason" IS DISTINCT FROM p."leaving_reason")) OR ((NEW."programme_membership_uuid" IS DISTINCT FROM OLD."programme_membership_uuid" OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") OR NEW."id" <> OLD."id")) AND (c."leaving_destination" IS DISTINCT FROM p."leaving_destination")))) THEN
    RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'a row of curriculum_membership and its parent in programme_membership could not be made equal',
    HINT = 'A BEFORE trigger of curriculum_membership or programme_membership drops or undoes the write. Change it so that it accepts a value that the other table has.', SCHEMA = 'public', TABLE = 'curriculum_membership';
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_updated"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_updated"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  parent record; own_set record;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."programme_membership" AS p WHERE p."uuid" = NEW."uuid" FOR KEY SHARE;
    PERFORM 1 FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = NEW."uuid" FOR NO KEY UPDATE;
  END IF;
  SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent
  FROM "public"."programme_membership" AS p WHERE p."uuid" = NEW."uuid";
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS c
    WHERE c."programme_membership_uuid" = parent."uuid" AND (((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM OLD."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM OLD."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM OLD."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM OLD."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM OLD."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM OLD."leaving_destination")))) THEN
    INSERT INTO "public_refactor"."programme_membership_replaced" AS r ("child id", "lost_rotation", "was_rotation", "by_rotation", "lost_rotation_id", "was_rotation_id", "by_rotation_id", "lost_training_number_id", "was_training_number_id", "by_training_number_id", "lost_training_pathway", "was_training_pathway", "by_training_pathway", "lost_leaving_reason", "was_leaving_reason", "by_leaving_reason", "lost_leaving_destination", "was_leaving_destination", "by_leaving_destination", "lost_amended_date", "was_amended_date", "by_amended_date")
    SELECT c."id", ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM OLD."rotation")), CASE WHEN ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM OLD."rotation")) THEN c."rotation" END, CASE WHEN ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM OLD."rotation")) THEN parent."rotation" END, ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM OLD."rotation_id")), CASE WHEN ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM OLD."rotation_id")) THEN c."rotation_id" END, CASE WHEN ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM OLD."rotation_id")) THEN parent."rotation_id" END, ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM OLD."training_number_id")), CASE WHEN ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM OLD."training_number_id")) THEN c."training_number_id" END, CASE WHEN ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM OLD."training_number_id")) THEN parent."training_number_id" END, ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM OLD."training_pathway")), CASE WHEN ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM OLD."training_pathway")) THEN c."training_pathway" END, CASE WHEN ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM OLD."training_pathway")) THEN parent."training_pathway" END, ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM OLD."leaving_reason")), CASE WHEN ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM OLD."leaving_reason")) THEN c."leaving_reason" END, CASE WHEN ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM OLD."leaving_reason")) THEN parent."leaving_reason" END, ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM OLD."leaving_destination")), CASE WHEN ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM OLD."leaving_destination")) THEN c."leaving_destination" END, CASE WHEN ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM OLD."leaving_destination")) THEN parent."leaving_destination" END, true, c."amended_date", CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN parent."amended_date" ELSE GREATEST(c."amended_date", parent."amended_date") END
    FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = parent."uuid"
      AND (((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") AND (c."rotation" IS DISTINCT FROM OLD."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") AND (c."rotation_id" IS DISTINCT FROM OLD."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") AND (c."training_number_id" IS DISTINCT FROM OLD."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") AND (c."training_pathway" IS DISTINCT FROM OLD."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM OLD."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM OLD."leaving_destination")))
    ON CONFLICT ("child id") DO UPDATE SET "lost_rotation" = r."lost_rotation" OR excluded."lost_rotation", "was_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."was_rotation" ELSE r."was_rotation" END, "by_rotation" = CASE WHEN excluded."lost_rotation" THEN excluded."by_rotation" ELSE r."by_rotation" END, "lost_rotation_id" = r."lost_rotation_id" OR excluded."lost_rotation_id", "was_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."was_rotation_id" ELSE r."was_rotation_id" END, "by_rotation_id" = CASE WHEN excluded."lost_rotation_id" THEN excluded."by_rotation_id" ELSE r."by_rotation_id" END, "lost_training_number_id" = r."lost_training_number_id" OR excluded."lost_training_number_id", "was_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."was_training_number_id" ELSE r."was_training_number_id" END, "by_training_number_id" = CASE WHEN excluded."lost_training_number_id" THEN excluded."by_training_number_id" ELSE r."by_training_number_id" END, "lost_training_pathway" = r."lost_training_pathway" OR excluded."lost_training_pathway", "was_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."was_training_pathway" ELSE r."was_training_pathway" END, "by_training_pathway" = CASE WHEN excluded."lost_training_pathway" THEN excluded."by_training_pathway" ELSE r."by_training_pathway" END, "lost_leaving_reason" = r."lost_leaving_reason" OR excluded."lost_leaving_reason", "was_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."was_leaving_reason" ELSE r."was_leaving_reason" END, "by_leaving_reason" = CASE WHEN excluded."lost_leaving_reason" THEN excluded."by_leaving_reason" ELSE r."by_leaving_reason" END, "lost_leaving_destination" = r."lost_leaving_destination" OR excluded."lost_leaving_destination", "was_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."was_leaving_destination" ELSE r."was_leaving_destination" END, "by_leaving_destination" = CASE WHEN excluded."lost_leaving_destination" THEN excluded."by_leaving_destination" ELSE r."by_leaving_destination" END, "lost_amended_date" = true, "was_amended_date" = CASE WHEN r."lost_amended_date" AND r."by_amended_date" = excluded."was_amended_date" THEN r."was_amended_date" ELSE excluded."was_amended_date" END, "by_amended_date" = excluded."by_amended_date";
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT c."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."person_id" IS DISTINCT FROM parent."person_id") THEN 'person_id' END,
      CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."programme_id" IS DISTINCT FROM parent."programme_id") THEN 'programme_id' END,
      CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."programme_start_date" IS DISTINCT FROM parent."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."programme_end_date" IS DISTINCT FROM parent."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation") THEN 'rotation' END,
      CASE WHEN (NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN c."amended_date" IS DISTINCT FROM CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN parent."amended_date" ELSE GREATEST(c."amended_date", parent."amended_date") END THEN 'amended_date' END], NULL)
    FROM "public"."curriculum_membership" AS c WHERE (c."programme_membership_uuid" = parent."uuid" AND (((NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."person_id" IS DISTINCT FROM parent."person_id"
    OR c."programme_id" IS DISTINCT FROM parent."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) OR ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")))) AND true) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."curriculum_membership" AS c SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = $2'), ('programme_id', '"programme_id" = $3'), ('programme_membership_type', '"programme_membership_type" = $4'), ('programme_start_date', '"programme_start_date" = $5'), ('programme_end_date', '"programme_end_date" = $6'), ('rotation', '"rotation" = $7'), ('rotation_id', '"rotation_id" = $8'), ('training_number_id', '"training_number_id" = $9'), ('training_pathway', '"training_pathway" = $10'), ('leaving_reason', '"leaving_reason" = $11'), ('leaving_destination', '"leaving_destination" = $12'), ('amended_date', '"amended_date" = CASE WHEN $13 THEN $14 ELSE GREATEST(c."amended_date", $14) END')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      WHERE true AND c."id" = ANY ($1)') USING own_set.ids, parent."person_id", parent."programme_id", parent."programme_membership_type", parent."programme_start_date", parent."programme_end_date", parent."rotation", parent."rotation_id", parent."training_number_id", parent."training_pathway", parent."leaving_reason", parent."leaving_destination", NEW."amended_date" IS DISTINCT FROM OLD."amended_date", parent."amended_date";
  END LOOP;
  ELSE
    UPDATE "public"."curriculum_membership" AS c SET "person_id" = CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN parent."person_id" ELSE c."person_id" END, "programme_id" = CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN parent."programme_id" ELSE c."programme_id" END, "programme_membership_type" = CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN parent."programme_membership_type" ELSE c."programme_membership_type" END, "programme_start_date" = CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN parent."programme_start_date" ELSE c."programme_start_date" END, "programme_end_date" = CASE WHEN (NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") THEN parent."programme_end_date" ELSE c."programme_end_date" END, "rotation" = CASE WHEN (NEW."rotation" IS DISTINCT FROM OLD."rotation") THEN parent."rotation" ELSE c."rotation" END, "rotation_id" = CASE WHEN (NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") THEN parent."rotation_id" ELSE c."rotation_id" END, "training_number_id" = CASE WHEN (NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") THEN parent."training_number_id" ELSE c."training_number_id" END, "training_pathway" = CASE WHEN (NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") THEN parent."training_pathway" ELSE c."training_pathway" END, "leaving_reason" = CASE WHEN (NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") THEN parent."leaving_reason" ELSE c."leaving_reason" END, "leaving_destination" = CASE WHEN (NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") THEN parent."leaving_destination" ELSE c."leaving_destination" END, "amended_date" = CASE WHEN NEW."amended_date" IS DISTINCT FROM OLD."amended_date" THEN parent."amended_date" ELSE GREATEST(c."amended_date", parent."amended_date") END
  WHERE c."programme_membership_uuid" = parent."uuid" AND (((NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."person_id" IS DISTINCT FROM parent."person_id"
    OR c."programme_id" IS DISTINCT FROM parent."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM parent."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM parent."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM parent."programme_end_date")) OR ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM parent."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM parent."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM parent."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM parent."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM parent."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM parent."leaving_destination")));
  END IF;
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS c
    JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
    WHERE c."programme_membership_uuid" = parent."uuid" AND (((NEW."person_id" IS DISTINCT FROM OLD."person_id"
    OR NEW."programme_id" IS DISTINCT FROM OLD."programme_id"
    OR NEW."programme_membership_type" IS DISTINCT FROM OLD."programme_membership_type"
    OR NEW."programme_start_date" IS DISTINCT FROM OLD."programme_start_date"
    OR NEW."programme_end_date" IS DISTINCT FROM OLD."programme_end_date") AND (c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date")) OR ((NEW."rotation" IS DISTINCT FROM OLD."rotation") AND (c."rotation" IS DISTINCT FROM p."rotation")) OR ((NEW."rotation_id" IS DISTINCT FROM OLD."rotation_id") AND (c."rotation_id" IS DISTINCT FROM p."rotation_id")) OR ((NEW."training_number_id" IS DISTINCT FROM OLD."training_number_id") AND (c."training_number_id" IS DISTINCT FROM p."training_number_id")) OR ((NEW."training_pathway" IS DISTINCT FROM OLD."training_pathway") AND (c."training_pathway" IS DISTINCT FROM p."training_pathway")) OR ((NEW."leaving_reason" IS DISTINCT FROM OLD."leaving_reason") AND (c."leaving_reason" IS DISTINCT FROM p."leaving_reason")) OR ((NEW."leaving_destination" IS DISTINCT FROM OLD."leaving_destination") AND (c."leaving_destination" IS DISTINCT FROM p."leaving_destination")))) THEN
    RAISE object_not_in_prerequisite_state USING
    MESSAGE = 'a row of curriculum_membership and its parent in programme_membership could not be made equal',
    HINT = 'A BEFORE trigger of curriculum_membership or programme_membership drops or undoes the write. Change it so that it accepts a value that the other table has.', SCHEMA = 'public', TABLE = 'curriculum_membership';
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_updated"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_referred"(uuids pg_catalog.uuid[]) RETURNS pg_catalog.uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  own_key record; own_some pg_catalog.uuid[]; own_found pg_catalog.uuid[] := '{}';
BEGIN
  PERFORM FROM "public"."programme_membership" AS p WHERE p."uuid" = ANY (uuids) ORDER BY p."uuid" FOR UPDATE;
  FOR own_key IN
    SELECT k.conrelid::pg_catalog.regclass AS referring,
      pg_catalog.has_table_privilege(k.conrelid, 'SELECT')
        AND NOT pg_catalog.row_security_active(k.conrelid) AS seen,
      (SELECT pg_catalog.string_agg(pg_catalog.format('r.%I = p.%I', a.attname, b.attname),
          ' AND ')
        FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS c (one, two)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.one
        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = c.two
      ) AS same
    FROM pg_catalog.pg_constraint AS k
    WHERE k.confrelid = '"public"."programme_membership"'::pg_catalog.regclass AND k.contype = 'f'
      AND k.conparentid = 0 AND NOT (k.conname = 'fk_curriculum_membership_programme_membership_uuid'
        AND k.conrelid = '"public"."curriculum_membership"'::pg_catalog.regclass)
  LOOP
    IF NOT own_key.seen THEN
      RETURN uuids;
    END IF;
    EXECUTE pg_catalog.format('SELECT pg_catalog.array_agg(DISTINCT p.%I) FROM %s AS p '
      'JOIN %s AS r ON %s WHERE p.%I = ANY ($1)', 'uuid', '"public"."programme_membership"',
      own_key.referring, own_key.same, 'uuid')
    INTO own_some USING uuids;
    own_found := own_found || coalesce(own_some, '{}');
  END LOOP;
  RETURN own_found;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_referred"(pg_catalog.uuid[]) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_collect"(uuids pg_catalog.uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  one pg_catalog.uuid; parent record;
BEGIN
  FOR one IN SELECT DISTINCT g.g FROM pg_catalog.unnest(uuids) AS g (g)
    WHERE g.g IS NOT NULL ORDER BY g.g LOOP
    UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = one AND p.xmin OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.xid
  RETURNING p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date" INTO parent;
  IF NOT FOUND THEN
    SELECT p."uuid", p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date", p."rotation", p."rotation_id", p."training_number_id", p."training_pathway", p."leaving_reason", p."leaving_destination", p."amended_date", p.xmin INTO parent
    FROM "public"."programme_membership" AS p WHERE p."uuid" = one FOR NO KEY UPDATE;
    IF parent.xmin OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.xid THEN
      UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = one AND p.xmin OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.xid;
    END IF;
  END IF;
    IF parent."uuid" IS NOT NULL AND (pg_catalog.get_byte(pg_catalog.uuid_send(one), 6) & 240) = 128 AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = one) THEN
      IF pg_catalog.cardinality("public_refactor"."programme_membership_referred"(ARRAY[one])) > 0 THEN
        INSERT INTO "public_refactor"."programme_membership_emptied" AS e (uuid) VALUES (one) ON CONFLICT DO NOTHING;
      ELSE
        DELETE FROM "public"."programme_membership" AS p WHERE p."uuid" = one;
        DELETE FROM "public_refactor"."programme_membership_emptied" AS e WHERE e.uuid = one;
      END IF;
    END IF;
  END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_collect"(uuids pg_catalog.uuid[]) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_left_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF (SELECT pg_catalog.array_agg(o."programme_membership_uuid") FROM o)
    OPERATOR(pg_catalog.=) (SELECT pg_catalog.array_agg(n."programme_membership_uuid") FROM n) THEN
    RETURN NULL;
  END IF;
  SELECT pg_catalog.array_agg(DISTINCT z.z) INTO uuids FROM (
    SELECT o."id", o."programme_membership_uuid" FROM o EXCEPT SELECT n."id", n."programme_membership_uuid" FROM n) AS z (i, z)
  WHERE z.z IS NOT NULL;
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  PERFORM "public_refactor"."programme_membership_collect"(uuids);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_left_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_left_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[]; ids bigint[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(DISTINCT o."programme_membership_uuid"), pg_catalog.array_agg(o."id")
  INTO uuids, ids FROM o;
  IF ids IS NULL THEN
    RETURN NULL;
  END IF;
  DELETE FROM "public_refactor"."programme_membership_replaced" AS r WHERE r."child id" = ANY (ids);
  DELETE FROM "public_refactor"."programme_membership_uuid_map" AS r WHERE r."child id" = ANY (ids);
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  PERFORM "public_refactor"."programme_membership_collect"(uuids);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_left_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_child_truncated"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation')
    IN ('repeatable read', 'serializable') THEN
    RAISE feature_not_supported USING MESSAGE = 'curriculum_membership cannot be truncated in a transaction with an old snapshot',
      HINT = 'Run TRUNCATE at READ COMMITTED, or use DELETE.';
  END IF;
  DELETE FROM "public_refactor"."programme_membership_replaced";
  DELETE FROM "public_refactor"."programme_membership_uuid_map";
  DELETE FROM "public_refactor"."programme_membership_emptied";
  DELETE FROM "public"."programme_membership" AS p WHERE (pg_catalog.get_byte(pg_catalog.uuid_send(p."uuid"), 6) & 240) = 128 AND p."uuid" <> ALL ("public_refactor"."programme_membership_referred"(ARRAY(SELECT p."uuid" FROM "public"."programme_membership" AS p WHERE (pg_catalog.get_byte(pg_catalog.uuid_send(p."uuid"), 6) & 240) = 128)));
  INSERT INTO "public_refactor"."programme_membership_emptied" AS e (uuid)
  SELECT p."uuid" FROM "public"."programme_membership" AS p WHERE (pg_catalog.get_byte(pg_catalog.uuid_send(p."uuid"), 6) & 240) = 128 ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_child_truncated"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'create_functions') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Start parallel saving
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'save_in_parallel')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Start parallel saving'
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
AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate', '~refactor_keep_link_insert', '~refactor_keep_link_update'));
IF there = '{}' THEN RETURN; END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate', '~refactor_keep_link_insert', '~refactor_keep_link_update')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_derive_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_insert"()'; END IF;
IF 'AA_refactor_derive_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_update"()'; END IF;
IF 'AA_refactor_derive_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_delete"()'; END IF;
IF 'AA_refactor_derive_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_truncate"()'; END IF;
IF '~refactor_keep_link_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_insert" BEFORE INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
IF '~refactor_keep_link_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_update" BEFORE UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
EXECUTE 'ALTER TABLE "public"."curriculum_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"')
AND t.tgname IN ('AA_refactor_closed_insert_or_update_or_delete', 'AA_refactor_closed_truncate'));
IF there = '{}' THEN RETURN; END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_closed_insert_or_update_or_delete', 'AA_refactor_closed_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_closed_insert_or_update_or_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_closed_insert_or_update_or_delete" BEFORE INSERT OR UPDATE OR DELETE ON "public"."programme_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_closed"()'; END IF;
IF 'AA_refactor_closed_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_closed_truncate" BEFORE TRUNCATE ON "public"."programme_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_closed"()'; END IF;
EXECUTE 'ALTER TABLE "public"."programme_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF '~refactor_parallel' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_parallel" BEFORE INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_before"()'; END IF;
IF 'AA_refactor_parallel_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_insert" AFTER INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_inserted"()'; END IF;
IF 'AA_refactor_parallel_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_update" AFTER UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (OLD."programme_membership_uuid" IS DISTINCT FROM NEW."programme_membership_uuid" OR (OLD."id" IS DISTINCT FROM NEW."id"
    OR OLD."person_id" IS DISTINCT FROM NEW."person_id"
    OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id"
    OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type"
    OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date"
    OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date"
    OR OLD."rotation" IS DISTINCT FROM NEW."rotation"
    OR OLD."rotation_id" IS DISTINCT FROM NEW."rotation_id"
    OR OLD."training_number_id" IS DISTINCT FROM NEW."training_number_id"
    OR OLD."training_pathway" IS DISTINCT FROM NEW."training_pathway"
    OR OLD."leaving_reason" IS DISTINCT FROM NEW."leaving_reason"
    OR OLD."leaving_destination" IS DISTINCT FROM NEW."leaving_destination"))
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_updated"()'; END IF;
IF 'AA_refactor_parallel_left_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_left_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_left_update"()'; END IF;
IF 'AA_refactor_parallel_left_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_left_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_left_delete"()'; END IF;
IF 'AA_refactor_parallel_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_child_truncated"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "~refactor_parallel", ENABLE ALWAYS TRIGGER "AA_refactor_parallel_insert", ENABLE ALWAYS TRIGGER "AA_refactor_parallel_update", ENABLE ALWAYS TRIGGER "AA_refactor_parallel_left_update", ENABLE ALWAYS TRIGGER "AA_refactor_parallel_left_delete", ENABLE ALWAYS TRIGGER "AA_refactor_parallel_truncate";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_parallel_parent' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parallel_parent" AFTER UPDATE ON "public"."programme_membership"
  FOR EACH ROW
  WHEN ((OLD."person_id" IS DISTINCT FROM NEW."person_id"
    OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id"
    OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type"
    OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date"
    OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date"
    OR OLD."rotation" IS DISTINCT FROM NEW."rotation"
    OR OLD."rotation_id" IS DISTINCT FROM NEW."rotation_id"
    OR OLD."training_number_id" IS DISTINCT FROM NEW."training_number_id"
    OR OLD."training_pathway" IS DISTINCT FROM NEW."training_pathway"
    OR OLD."leaving_reason" IS DISTINCT FROM NEW."leaving_reason"
    OR OLD."leaving_destination" IS DISTINCT FROM NEW."leaving_destination"))
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_updated"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_parallel_parent";
END $own$$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ADD CONSTRAINT "fk_curriculum_membership_programme_membership_uuid" FOREIGN KEY ("programme_membership_uuid") REFERENCES "public"."programme_membership"("uuid") ON DELETE RESTRICT NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'up', 'save_in_parallel', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Validate the foreign key of the link
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'validate_link')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate the foreign key of the link'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "fk_curriculum_membership_programme_membership_uuid";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'validate_link') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add the NOT NULL check on the link (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'add_link_check')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add the NOT NULL check on the link (NOT VALID)'
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
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "ck_curriculum_membership_programme_membership_uuid_not_null", ADD CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null" CHECK ("programme_membership_uuid" IS NOT NULL) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'up', 'add_link_check', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Validate the NOT NULL check on the link
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'validate_link_check')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate the NOT NULL check on the link'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'validate_link_check') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Set the link NOT NULL
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'set_link_not_null')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Set the link NOT NULL'
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
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "programme_membership_uuid" SET NOT NULL, ALTER COLUMN "person_id" DROP NOT NULL, ALTER COLUMN "programme_id" DROP NOT NULL$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" DROP CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'up', 'set_link_not_null', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- List the children whose values are replaced
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'list_losers')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  List the children whose values are replaced'
BEGIN;
DELETE FROM "public_refactor"."programme_membership_losers";
INSERT INTO "public_refactor"."programme_membership_losers" ("child id")
SELECT c."id" FROM "public"."curriculum_membership" AS c
JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
WHERE (c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination");
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'list_losers') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Write the winning values to those children
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'carry_values')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Write the winning values to those children'
DO $body1$
#variable_conflict use_column
<<work>>
DECLARE
  size double precision := 100;
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children up carry_values') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."child id"::text FROM "public_refactor"."programme_membership_losers" AS t
    WHERE t."child id" IS NOT NULL ORDER BY t."child id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children up carry_values');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."child id" FROM "public_refactor"."programme_membership_losers" AS t
    WHERE t."child id" <= $2::bigint
      AND ($1 IS NULL OR t."child id" > $1::bigint) ORDER BY t."child id" LIMIT 1) AS first,
  (SELECT t."child id" FROM "public_refactor"."programme_membership_losers" AS t
    WHERE t."child id" <= $2::bigint
      AND ($1 IS NULL OR t."child id" > $1::bigint) ORDER BY t."child id" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."child id"::text FROM "public_refactor"."programme_membership_losers" AS t
    WHERE t."child id" <= $2::bigint
      AND ($1 IS NULL OR t."child id" > $1::bigint)
      AND t."child id" < x.later ORDER BY t."child id" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children up carry_values');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children up carry_values');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children up carry_values', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_replace_listed"(work.first_value::bigint, work.last_value::bigint);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') AND n = work.number;
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
      size := least(greatest(size * least(greatest(0.02 / greatest(
        extract(epoch FROM pg_catalog.clock_timestamp() - work.began), 0.0001), 0.5), 1.5),
        50), 20000);
    END IF;
  END LOOP;
  COMMIT;
  INSERT INTO "public_refactor"."action" (plan, step, direction, key, rows)
VALUES ('programme_membership', 'link_children', 'up', 'carry_values', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children up carry_values') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children up carry_values');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children up carry_values');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Delete the list of those children
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'drop_list')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Delete the list of those children'
BEGIN;
DELETE FROM "public_refactor"."programme_membership_losers";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'drop_list') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Drop the earlier capture's triggers on the child
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'drop_child_capture')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the earlier capture''s triggers on the child'
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
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate', '~refactor_keep_link_insert', '~refactor_keep_link_update')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate', '~refactor_keep_link_insert', '~refactor_keep_link_update');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'up', 'drop_child_capture', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop the triggers that refuse writes to the parent
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'drop_parent_refusal')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the triggers that refuse writes to the parent'
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
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_closed_insert_or_update_or_delete', 'AA_refactor_closed_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_closed_insert_or_update_or_delete', 'AA_refactor_closed_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'up', 'drop_parent_refusal', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Open the parent: grants
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'up', 'open_parent')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Open the parent: grants'
BEGIN;
SET LOCAL search_path = '';
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'up', 'open_parent') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'link_children', 'up', 'own triggers fire', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'up', name, broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'up', 'keys are unique', broken, keys,
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
UPDATE "public_refactor"."step" SET state = 'done',
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'link_children';
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
VALUES ('programme_membership', 'link_children', 'up', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
