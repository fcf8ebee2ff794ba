-- 0008 link_children down

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0008 down', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'link_children' AND (s.direction = 'up' OR s.state = 'open')) AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'link_children' AND s.direction = 'down' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0008 link_children: down already, nothing to do'
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
    AND (s.step, s.direction) <> ('link_children', 'down');
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
  VALUES ('programme_membership', 'link_children', 'down', 'every row is seen', broken, keys,
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
\warn '0008 link_children down'
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
  VALUES ('programme_membership', 'link_children', 'down', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'down', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'down', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'link_children', 'down', 'no subscription writes', broken, keys,
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
  FROM (VALUES (0, 'stop_parallel_save', '0009'), (1, 'drop_deprecated_columns', '0010'), (2, 'drop_retired_table', '0011')) AS o (n, step, label)
  WHERE  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0008 link_children cannot go down: ' || wrong || ' is still applied, according to the ledger',
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
SELECT pg_catalog.concat_ws(', ', p."uuid"::text, coalesce(p."person_id"::text, 'NULL'), coalesce(p."programme_id"::text, 'NULL'), coalesce(p."programme_membership_type"::text, 'NULL'), coalesce(p."programme_start_date"::text, 'NULL'), coalesce(p."programme_end_date"::text, 'NULL'))
FROM "public"."curriculum_membership" AS c
FULL JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
WHERE c."programme_membership_uuid" IS NULL AND p."uuid" IS NOT NULL
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'link_children', 'down', 'parents have children', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'parents have children', 'every parent has a child; the old table cannot hold a parent without one',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Delete those parents or give each a child, then run the same command again.';
  END IF;
END
$body$;
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'link_children';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'link_children', 'down', 'open', NULL, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'link_children', 'down', 'begun', '{"revision": "0008"}');
COMMIT;
\endif

-- Revoke all privileges on the parent
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'close_parent')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Revoke all privileges on the parent'
BEGIN;
DO $body$
DECLARE
  given record;
BEGIN
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."programme_membership"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."programme_membership"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'close_parent') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'create_functions')) AS refactor_to_do \gset
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
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_settle"(uuids pg_catalog.uuid[], shared pg_catalog.bool) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  own_gone pg_catalog.uuid[];
BEGIN
  IF shared THEN
    PERFORM FROM "public"."programme_membership" AS p WHERE p."uuid" = ANY (uuids)
      ORDER BY p."uuid" FOR NO KEY UPDATE;
    UPDATE "public"."programme_membership" AS p SET "uuid" = p."uuid" WHERE p."uuid" = ANY (uuids);
  END IF;
  own_gone := ARRAY(SELECT p."uuid" FROM "public"."programme_membership" AS p WHERE p."uuid" = ANY (uuids)
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = p."uuid"));
  IF pg_catalog.cardinality(own_gone) > 0 THEN
    IF pg_catalog.cardinality("public_refactor"."programme_membership_referred"(own_gone)) > 0 THEN
      RAISE foreign_key_violation USING MESSAGE = 'the last child of a parent in programme_membership would go while other rows refer to it', HINT = 'Write the rows that refer to it first, or leave a child in curriculum_membership. Until both tables are saved in parallel a parent cannot stay without children.',
        SCHEMA = 'public', TABLE = 'programme_membership';
    END IF;
    DELETE FROM "public"."programme_membership" AS p WHERE p."uuid" = ANY (own_gone);
  END IF;
  INSERT INTO "public"."programme_membership" AS p ("uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date")
SELECT g.* FROM (SELECT DISTINCT ON (c."programme_membership_uuid") c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date"
FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" IN (SELECT pg_catalog.unnest(uuids))
ORDER BY c."programme_membership_uuid", c."amended_date" DESC NULLS LAST, c."id" DESC) AS g
WHERE NOT EXISTS (SELECT FROM "public"."programme_membership" AS q WHERE q."uuid" = g."programme_membership_uuid")
ORDER BY g."programme_membership_uuid"
ON CONFLICT ("uuid") DO UPDATE SET "uuid" = excluded."uuid";
  UPDATE "public"."programme_membership" AS p SET ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date") = ROW (g."person_id", g."programme_id", g."programme_membership_type", g."programme_start_date", g."programme_end_date", g."rotation", g."rotation_id", g."training_number_id", g."training_pathway", g."leaving_reason", g."leaving_destination", g."amended_date")
  FROM (SELECT DISTINCT ON (c."programme_membership_uuid") c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date"
FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" IN (SELECT pg_catalog.unnest(uuids))
ORDER BY c."programme_membership_uuid", c."amended_date" DESC NULLS LAST, c."id" DESC) AS g
  WHERE p."uuid" = g."programme_membership_uuid" AND (p."person_id" IS DISTINCT FROM g."person_id"
    OR p."programme_id" IS DISTINCT FROM g."programme_id"
    OR p."programme_membership_type" IS DISTINCT FROM g."programme_membership_type"
    OR p."programme_start_date" IS DISTINCT FROM g."programme_start_date"
    OR p."programme_end_date" IS DISTINCT FROM g."programme_end_date"
    OR p."rotation" IS DISTINCT FROM g."rotation"
    OR p."rotation_id" IS DISTINCT FROM g."rotation_id"
    OR p."training_number_id" IS DISTINCT FROM g."training_number_id"
    OR p."training_pathway" IS DISTINCT FROM g."training_pathway"
    OR p."leaving_reason" IS DISTINCT FROM g."leaving_reason"
    OR p."leaving_destination" IS DISTINCT FROM g."leaving_destination"
    OR p."amended_date" IS DISTINCT FROM g."amended_date");
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_settle"(pg_catalog.uuid[], pg_catalog.bool) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT n."programme_membership_uuid" AS k FROM n) AS z
  WHERE z.k IS NOT NULL AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_unsettled" AS u WHERE u.uuid = z.k
    AND u.xid = pg_catalog.pg_current_xact_id());
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c
    WHERE c."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT o."programme_membership_uuid" AS k FROM o UNION SELECT n."programme_membership_uuid" AS k FROM n) AS z
  WHERE z.k IS NOT NULL AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_unsettled" AS u WHERE u.uuid = z.k
    AND u.xid = pg_catalog.pg_current_xact_id());
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c
    WHERE c."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT o."programme_membership_uuid" AS k FROM o) AS z
  WHERE z.k IS NOT NULL AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_unsettled" AS u WHERE u.uuid = z.k
    AND u.xid = pg_catalog.pg_current_xact_id());
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  BEGIN
    TRUNCATE "public"."programme_membership";
  EXCEPTION WHEN feature_not_supported OR object_in_use THEN
    IF pg_catalog.current_setting('transaction_isolation')
      IN ('repeatable read', 'serializable') THEN
      RAISE serialization_failure USING
        MESSAGE = 'this transaction''s snapshot may be too old to delete all parents',
        HINT = 'Retry the transaction at READ COMMITTED.';
    END IF;
    DELETE FROM "public"."programme_membership";
  END;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_truncate"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_settle_noted"(lo pg_catalog.uuid, hi pg_catalog.uuid) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  SELECT pg_catalog.array_agg(u.uuid) INTO uuids
  FROM "public_refactor"."programme_membership_unsettled" AS u WHERE u.uuid BETWEEN lo AND hi;
  IF uuids IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN pg_catalog.cardinality(uuids);
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_settle_noted"(lo pg_catalog.uuid, hi pg_catalog.uuid) FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_delete_childless"(lo pg_catalog.uuid, hi pg_catalog.uuid) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  written bigint; own_silenced text;
BEGIN
  IF NOT EXISTS (SELECT FROM "public"."programme_membership" AS p WHERE p."uuid" BETWEEN lo AND hi AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = p."uuid")) THEN
    RETURN 0;
  END IF;
  own_silenced := "public_refactor"."programme_membership_silence"(ARRAY['"public"."programme_membership"'::pg_catalog.regclass]);
  PERFORM FROM "public"."programme_membership" AS p WHERE p."uuid" BETWEEN lo AND hi AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = p."uuid") ORDER BY p."uuid" FOR UPDATE;
  INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
  SELECT 'programme_membership', 'link_children', 'down', 'childless parent went',
    pg_catalog.to_jsonb(p.*)
  FROM "public"."programme_membership" AS p WHERE p."uuid" BETWEEN lo AND hi AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = p."uuid") AND NOT (pg_catalog.cardinality("public_refactor"."programme_membership_referred"(ARRAY[p."uuid"])) > 0);
  DELETE FROM "public"."programme_membership" AS p WHERE p."uuid" BETWEEN lo AND hi AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = p."uuid") AND NOT (pg_catalog.cardinality("public_refactor"."programme_membership_referred"(ARRAY[p."uuid"])) > 0);
  GET DIAGNOSTICS written = ROW_COUNT;
  PERFORM "public_refactor"."programme_membership_speak"(own_silenced);
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_delete_childless"(lo pg_catalog.uuid, hi pg_catalog.uuid) FROM PUBLIC;
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
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_closed"() RETURNS trigger LANGUAGE plpgsql
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
    MESSAGE = 'table "programme_membership" is being rebuilt and cannot be written yet',
    HINT = 'Write to it from revision 0008 on; until then write to "curriculum_membership".';
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_closed"() FROM PUBLIC;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_kept" (key_uuid uuid PRIMARY KEY, uuid uuid NOT NULL UNIQUE);
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_keep_uuid"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  IF TG_OP <> 'INSERT' AND OLD."uuid" <> "public_refactor"."programme_membership_uuid"(OLD."person_id", OLD."programme_id", OLD."programme_membership_type", OLD."programme_start_date", OLD."programme_end_date") THEN
    -- Put, then delete: an entry that a batch made after this transaction's snapshot cannot be
    -- seen, and so not be deleted; putting it again answers 40001.
    INSERT INTO "public_refactor"."programme_membership_kept" AS k (key_uuid, uuid) VALUES ("public_refactor"."programme_membership_uuid"(OLD."person_id", OLD."programme_id", OLD."programme_membership_type", OLD."programme_start_date", OLD."programme_end_date"), OLD."uuid")
    ON CONFLICT (key_uuid) DO UPDATE SET uuid = excluded.uuid;
    DELETE FROM "public_refactor"."programme_membership_kept" AS k WHERE k.key_uuid = "public_refactor"."programme_membership_uuid"(OLD."person_id", OLD."programme_id", OLD."programme_membership_type", OLD."programme_start_date", OLD."programme_end_date") AND k.uuid = OLD."uuid";
  END IF;
  IF TG_OP <> 'DELETE' THEN
    IF NEW."uuid" <> "public_refactor"."programme_membership_uuid"(NEW."person_id", NEW."programme_id", NEW."programme_membership_type", NEW."programme_start_date", NEW."programme_end_date") THEN
      BEGIN
        INSERT INTO "public_refactor"."programme_membership_kept" AS k (key_uuid, uuid) VALUES ("public_refactor"."programme_membership_uuid"(NEW."person_id", NEW."programme_id", NEW."programme_membership_type", NEW."programme_start_date", NEW."programme_end_date"), NEW."uuid")
        ON CONFLICT (key_uuid) DO UPDATE SET uuid = excluded.uuid;
      EXCEPTION WHEN unique_violation THEN
        -- A batch recorded the uuid under the old key after this transaction's snapshot, so the
        -- DELETE above did not see it. At READ COMMITTED it does: the batch locks the parent.
        IF pg_catalog.current_setting('transaction_isolation')
          NOT IN ('repeatable read', 'serializable') THEN
          RAISE;
        END IF;
        RAISE serialization_failure USING MESSAGE = 'this parent''s uuid was recorded after this transaction''s snapshot',
          HINT = 'Retry the transaction.';
      END;
    END IF;
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_keep_uuid"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fill_kept"(first uuid, last uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  written bigint;
BEGIN
  WITH held AS (
    SELECT "public_refactor"."programme_membership_uuid"(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date") AS key_uuid, p."uuid" AS uuid FROM "public"."programme_membership" AS p
    WHERE p."uuid" BETWEEN first AND last AND p."uuid" <> "public_refactor"."programme_membership_uuid"(p."person_id", p."programme_id", p."programme_membership_type", p."programme_start_date", p."programme_end_date") FOR SHARE)
  INSERT INTO "public_refactor"."programme_membership_kept" AS k (key_uuid, uuid) SELECT h.key_uuid, h.uuid FROM held AS h
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_fill_kept" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_note_child"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  saved record;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    -- Put, then delete: a note that a batch made after this transaction's snapshot cannot be seen,
    -- and so not be deleted; putting it again answers 40001.
    IF OLD."programme_membership_uuid" <> "public_refactor"."programme_membership_uuid"(OLD."person_id", OLD."programme_id", OLD."programme_membership_type", OLD."programme_start_date", OLD."programme_end_date") THEN
      INSERT INTO "public_refactor"."programme_membership_uuid_map" AS m ("child id", "kept uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date")
  VALUES (OLD."id", OLD."programme_membership_uuid", OLD."person_id", OLD."programme_id", OLD."programme_membership_type", OLD."programme_start_date", OLD."programme_end_date")
  ON CONFLICT ("child id") DO UPDATE SET ("kept uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date") = ROW (excluded."kept uuid", excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date");
    END IF;
    DELETE FROM "public_refactor"."programme_membership_uuid_map" AS m WHERE m."child id" = OLD."id";
  END IF;
  IF TG_OP <> 'DELETE' THEN
    SELECT c."id", c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date" INTO saved
    FROM "public"."curriculum_membership" AS c WHERE c."id" = NEW."id";
    IF FOUND AND saved."programme_membership_uuid" <> "public_refactor"."programme_membership_uuid"(saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date") THEN
      INSERT INTO "public_refactor"."programme_membership_uuid_map" AS m ("child id", "kept uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date")
  VALUES (saved."id", saved."programme_membership_uuid", saved."person_id", saved."programme_id", saved."programme_membership_type", saved."programme_start_date", saved."programme_end_date")
  ON CONFLICT ("child id") DO UPDATE SET ("kept uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date") = ROW (excluded."kept uuid", excluded."person_id", excluded."programme_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date");
    END IF;
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_note_child"() FROM PUBLIC;
DELETE FROM "public_refactor"."programme_membership_kept";
DELETE FROM "public_refactor"."programme_membership_uuid_map";
DELETE FROM "public_refactor"."programme_membership_unsettled";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'create_functions') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Record changes of uuids
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'record_uuids')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Record changes of uuids'
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
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_keep_uuid' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_keep_uuid" AFTER INSERT OR DELETE ON "public"."programme_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_uuid"()'; END IF;
IF 'AA_refactor_keep_uuid_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_keep_uuid_update" AFTER UPDATE ON "public"."programme_membership"
  FOR EACH ROW
  WHEN (OLD."person_id" IS DISTINCT FROM NEW."person_id" OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id" OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type" OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date" OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date" OR OLD."uuid" IS DISTINCT FROM NEW."uuid")
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_uuid"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_keep_uuid", ENABLE ALWAYS TRIGGER "AA_refactor_keep_uuid_update";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_note_child' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_note_child" AFTER INSERT OR DELETE ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_note_child"()'; END IF;
IF 'AA_refactor_note_child_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_note_child_update" AFTER UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN ((OLD."id" IS DISTINCT FROM NEW."id"
    OR OLD."programme_membership_uuid" IS DISTINCT FROM NEW."programme_membership_uuid"
    OR OLD."person_id" IS DISTINCT FROM NEW."person_id"
    OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id"
    OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type"
    OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date"
    OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date"))
  EXECUTE FUNCTION "public_refactor"."programme_membership_note_child"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_note_child", ENABLE ALWAYS TRIGGER "AA_refactor_note_child_update";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'record_uuids', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Keep the parents' uuids in the ledger
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'keep_parent_uuids')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Keep the parents'' uuids in the ledger'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children down keep_parent_uuids') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."uuid"::text FROM "public"."programme_membership" AS t
    WHERE t."uuid" IS NOT NULL ORDER BY t."uuid" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."uuid" FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid) ORDER BY t."uuid" LIMIT 1) AS first,
  (SELECT t."uuid" FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid) ORDER BY t."uuid" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."uuid"::text FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid)
      AND t."uuid" < x.later ORDER BY t."uuid" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children down keep_parent_uuids', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_fill_kept"(work.first_value::pg_catalog.uuid, work.last_value::pg_catalog.uuid);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') AND n = work.number;
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
VALUES ('programme_membership', 'link_children', 'down', 'keep_parent_uuids', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down keep_parent_uuids');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Keep the children's uuids in the ledger
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'keep_child_uuids')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Keep the children''s uuids in the ledger'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children down keep_child_uuids') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."id" IS NOT NULL ORDER BY t."id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."id" FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint) ORDER BY t."id" LIMIT 1) AS first,
  (SELECT t."id" FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint) ORDER BY t."id" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint)
      AND t."id" < x.later ORDER BY t."id" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children down keep_child_uuids', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_fill_uuid_map"(work.first_value::bigint, work.last_value::bigint);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') AND n = work.number;
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
VALUES ('programme_membership', 'link_children', 'down', 'keep_child_uuids', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down keep_child_uuids');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Derive the parents from their children
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'derive_parents')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Derive the parents from their children'
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
      LOCK TABLE "public"."programme_membership" IN ACCESS EXCLUSIVE MODE;
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
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "fk_curriculum_membership_programme_membership_uuid", DROP CONSTRAINT IF EXISTS "ck_curriculum_membership_programme_membership_uuid_not_null"$body$;
      EXECUTE $body$INSERT INTO "public_refactor"."programme_membership_kept" (key_uuid, uuid)
SELECT k.uuid, "public_refactor"."programme_membership_another_uuid"(k.uuid) FROM "public_refactor"."programme_membership_kept" AS k
WHERE (pg_catalog.get_byte(pg_catalog.uuid_send(k.uuid), 6) & 240) = 128
  AND NOT EXISTS (SELECT FROM "public_refactor"."programme_membership_kept" AS j WHERE j.key_uuid = k.uuid)
ON CONFLICT DO NOTHING$body$;
      EXECUTE $body$DO $link$ BEGIN
IF EXISTS (SELECT FROM "public_refactor"."programme_membership_kept") THEN EXECUTE 'CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) RETURNS pg_catalog.uuid
LANGUAGE sql STABLE PARALLEL SAFE RETURN coalesce((SELECT k.uuid FROM "public_refactor"."programme_membership_kept" AS k WHERE k.key_uuid = "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5)), "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5))';
ELSE EXECUTE 'CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) RETURNS pg_catalog.uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN "public_refactor"."programme_membership_uuid"($1, $2, $3, $4, $5)'; END IF;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_link"(bigint, bigint, text, date, date) FROM PUBLIC;
END $link$$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_keep_uuid', 'AA_refactor_keep_uuid_update')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_keep_uuid', 'AA_refactor_keep_uuid_update');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_note_child', 'AA_refactor_note_child_update')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_note_child', 'AA_refactor_note_child_update');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_derive_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_insert"()'; END IF;
IF 'AA_refactor_derive_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_update"()'; END IF;
IF 'AA_refactor_derive_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_delete"()'; END IF;
IF 'AA_refactor_derive_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_derive_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_derive_truncate"()'; END IF;
IF '~refactor_keep_link_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_insert" BEFORE INSERT ON "public"."curriculum_membership"
  FOR EACH ROW
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
IF '~refactor_keep_link_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "~refactor_keep_link_update" BEFORE UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (OLD."person_id" IS DISTINCT FROM NEW."person_id" OR OLD."programme_id" IS DISTINCT FROM NEW."programme_id" OR OLD."programme_membership_type" IS DISTINCT FROM NEW."programme_membership_type" OR OLD."programme_start_date" IS DISTINCT FROM NEW."programme_start_date" OR OLD."programme_end_date" IS DISTINCT FROM NEW."programme_end_date" OR OLD."programme_membership_uuid" IS DISTINCT FROM NEW."programme_membership_uuid")
  EXECUTE FUNCTION "public_refactor"."programme_membership_keep_link"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_derive_insert", ENABLE ALWAYS TRIGGER "AA_refactor_derive_update", ENABLE ALWAYS TRIGGER "AA_refactor_derive_delete", ENABLE ALWAYS TRIGGER "AA_refactor_derive_truncate", ENABLE ALWAYS TRIGGER "~refactor_keep_link_insert", ENABLE ALWAYS TRIGGER "~refactor_keep_link_update";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_closed_insert_or_update_or_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_closed_insert_or_update_or_delete" BEFORE INSERT OR UPDATE OR DELETE ON "public"."programme_membership"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_closed"()'; END IF;
IF 'AA_refactor_closed_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_closed_truncate" BEFORE TRUNCATE ON "public"."programme_membership"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_closed"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_closed_insert_or_update_or_delete", ENABLE ALWAYS TRIGGER "AA_refactor_closed_truncate";
END $own$$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "programme_membership_uuid" DROP NOT NULL$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'derive_parents', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."programme_membership"'))) AND l.granted
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

-- Choose the own values that can be restored
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'choose_values')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Choose the own values that can be restored'
BEGIN;
UPDATE "public_refactor"."programme_membership_replaced" AS r SET "lost_rotation" = r."lost_rotation" AND f."lost_rotation" IS TRUE, "lost_rotation_id" = r."lost_rotation_id" AND f."lost_rotation_id" IS TRUE, "lost_training_number_id" = r."lost_training_number_id" AND f."lost_training_number_id" IS TRUE, "lost_training_pathway" = r."lost_training_pathway" AND f."lost_training_pathway" IS TRUE, "lost_leaving_reason" = r."lost_leaving_reason" AND f."lost_leaving_reason" IS TRUE, "lost_leaving_destination" = r."lost_leaving_destination" AND f."lost_leaving_destination" IS TRUE, "lost_amended_date" = r."lost_amended_date" AND f."lost_amended_date" IS TRUE
FROM (SELECT c."id",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_rotation",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_rotation_id",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_training_number_id",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_training_pathway",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_leaving_reason",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_leaving_destination",
      pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY CASE WHEN (r."lost_amended_date" AND ROW(c."amended_date")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(r."by_amended_date")::pg_catalog.record) THEN r."was_amended_date" ELSE c."amended_date" END DESC NULLS LAST, c."own place" DESC) > 1 AS "lost_amended_date"
    FROM (SELECT c."id", c."programme_membership_uuid", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date",
        pg_catalog.row_number() OVER (PARTITION BY c."programme_membership_uuid" ORDER BY c."id") AS "own place"
      FROM "public"."curriculum_membership" AS c
      WHERE c."programme_membership_uuid" IN (SELECT d."programme_membership_uuid" FROM "public"."curriculum_membership" AS d
        JOIN "public_refactor"."programme_membership_replaced" AS e ON e."child id" = d."id")) AS c
    LEFT JOIN "public_refactor"."programme_membership_replaced" AS r ON r."child id" = c."id") AS f
WHERE f."id" = r."child id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'choose_values') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Restore the children's own values
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'restore_values')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Restore the children''s own values'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children down restore_values') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."id" IS NOT NULL ORDER BY t."id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children down restore_values');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."id" FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint) ORDER BY t."id" LIMIT 1) AS first,
  (SELECT t."id" FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint) ORDER BY t."id" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."id" <= $2::bigint
      AND ($1 IS NULL OR t."id" > $1::bigint)
      AND t."id" < x.later ORDER BY t."id" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children down restore_values');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children down restore_values');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children down restore_values', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_restore_own"(work.first_value::bigint, work.last_value::bigint);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') AND n = work.number;
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
VALUES ('programme_membership', 'link_children', 'down', 'restore_values', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children down restore_values') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down restore_values');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down restore_values');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Derive the parents of those children again
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'settle_parents')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Derive the parents of those children again'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children down settle_parents') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."programme_membership_uuid"::text FROM "public"."curriculum_membership" AS t
    WHERE t."programme_membership_uuid" IS NOT NULL ORDER BY t."programme_membership_uuid" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."programme_membership_uuid" FROM "public"."curriculum_membership" AS t
    WHERE t."programme_membership_uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."programme_membership_uuid" > $1::pg_catalog.uuid) ORDER BY t."programme_membership_uuid" LIMIT 1) AS first,
  (SELECT t."programme_membership_uuid" FROM "public"."curriculum_membership" AS t
    WHERE t."programme_membership_uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."programme_membership_uuid" > $1::pg_catalog.uuid) ORDER BY t."programme_membership_uuid" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."programme_membership_uuid"::text FROM "public"."curriculum_membership" AS t
    WHERE t."programme_membership_uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."programme_membership_uuid" > $1::pg_catalog.uuid)
      AND t."programme_membership_uuid" < x.later ORDER BY t."programme_membership_uuid" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children down settle_parents', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_settle_noted"(work.first_value::pg_catalog.uuid, work.last_value::pg_catalog.uuid);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') AND n = work.number;
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
VALUES ('programme_membership', 'link_children', 'down', 'settle_parents', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down settle_parents');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Create the capture's functions without exceptions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'create_capture')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create the capture''s functions without exceptions'
BEGIN;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT n."programme_membership_uuid" AS k FROM n) AS z
  WHERE z.k IS NOT NULL;
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c
    WHERE c."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT o."programme_membership_uuid" AS k FROM o UNION SELECT n."programme_membership_uuid" AS k FROM n) AS z
  WHERE z.k IS NOT NULL;
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS c
    WHERE c."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  uuids pg_catalog.uuid[];
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM (SELECT o."programme_membership_uuid" AS k FROM o) AS z
  WHERE z.k IS NOT NULL;
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  PERFORM "public_refactor"."programme_membership_settle"(uuids, true);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_derive_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  BEGIN
    TRUNCATE "public"."programme_membership";
  EXCEPTION WHEN feature_not_supported OR object_in_use THEN
    IF pg_catalog.current_setting('transaction_isolation')
      IN ('repeatable read', 'serializable') THEN
      RAISE serialization_failure USING
        MESSAGE = 'this transaction''s snapshot may be too old to delete all parents',
        HINT = 'Retry the transaction at READ COMMITTED.';
    END IF;
    DELETE FROM "public"."programme_membership";
  END;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_derive_truncate"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'create_capture') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Delete parents that lost their last child
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'delete_childless')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Delete parents that lost their last child'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'link_children down delete_childless') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."uuid"::text FROM "public"."programme_membership" AS t
    WHERE t."uuid" IS NOT NULL ORDER BY t."uuid" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless');
          first_value := NULL; last_value := NULL;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."uuid" FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid) ORDER BY t."uuid" LIMIT 1) AS first,
  (SELECT t."uuid" FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid) ORDER BY t."uuid" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."uuid"::text FROM "public"."programme_membership" AS t
    WHERE t."uuid" <= $2::pg_catalog.uuid
      AND ($1 IS NULL OR t."uuid" > $1::pg_catalog.uuid)
      AND t."uuid" < x.later ORDER BY t."uuid" DESC LIMIT 1) END,
  x.later = x.first AND false IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'link_children down delete_childless', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_delete_childless"(work.first_value::pg_catalog.uuid, work.last_value::pg_catalog.uuid);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') AND n = work.number;
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
VALUES ('programme_membership', 'link_children', 'down', 'delete_childless', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'link_children down delete_childless');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Add the NOT NULL check on the deprecated columns (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'add_deprecated_columns_check')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add the NOT NULL check on the deprecated columns (NOT VALID)'
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
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" DROP CONSTRAINT IF EXISTS "ck_curriculum_membership_programme_membership_uuid_not_null", ADD CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null" CHECK ("person_id" IS NOT NULL AND "programme_id" IS NOT NULL) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'add_deprecated_columns_check', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Validate the NOT NULL check on the deprecated columns
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'validate_deprecated_columns_check')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate the NOT NULL check on the deprecated columns'
BEGIN;
ALTER TABLE "public"."curriculum_membership" VALIDATE CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'validate_deprecated_columns_check') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Set the deprecated columns NOT NULL
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'set_deprecated_columns_not_null')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Set the deprecated columns NOT NULL'
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
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "person_id" SET NOT NULL, ALTER COLUMN "programme_id" SET NOT NULL$body$;
      EXECUTE $body$ALTER TABLE "public"."curriculum_membership" DROP CONSTRAINT "ck_curriculum_membership_programme_membership_uuid_not_null"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'set_deprecated_columns_not_null', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop parallel saving's triggers on the child
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'drop_child_saving')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop parallel saving''s triggers on the child'
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
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate', '~refactor_frozen', '~refactor_refilling', 'AA_refactor_refresh_insert', 'AA_refactor_refresh_update', 'AA_refactor_refresh_left_update', 'AA_refactor_refresh_left_delete', 'AA_refactor_refresh_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('~refactor_parallel', 'AA_refactor_parallel_insert', 'AA_refactor_parallel_update', 'AA_refactor_parallel_left_update', 'AA_refactor_parallel_left_delete', 'AA_refactor_parallel_truncate', '~refactor_frozen', '~refactor_refilling', 'AA_refactor_refresh_insert', 'AA_refactor_refresh_update', 'AA_refactor_refresh_left_update', 'AA_refactor_refresh_left_delete', 'AA_refactor_refresh_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'drop_child_saving', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop parallel saving's triggers on the parent
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'drop_parent_saving')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop parallel saving''s triggers on the parent'
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
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_parallel_parent', 'AA_refactor_refresh_parent')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership"') AND t.tgname IN ('AA_refactor_parallel_parent', 'AA_refactor_refresh_parent');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'link_children', 'down', 'drop_parent_saving', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop functions that are no longer used
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'link_children', 'down', 'drop_functions')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop functions that are no longer used'
BEGIN;
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_before";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_inserted";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_updated";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_left_update";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_left_delete";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_truncated";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_child_filled";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_updated";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_refill";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_frozen";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_refilling";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_claim";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_provisional";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_is_provisional";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_collect";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_refresh";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_replace_listed";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_restore_own";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_fill_uuid_map";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_silence";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_speak";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_keep_uuid";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_fill_kept";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_note_child";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_settle_noted";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_delete_childless";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'link_children', 'down', 'drop_functions') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'link_children', 'down', 'own triggers fire', broken, keys,
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
VALUES ('programme_membership', 'link_children', 'down', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
