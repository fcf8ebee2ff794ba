-- 0001 legacy_baseline up

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0001 up', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'legacy_baseline' AND s.direction = 'up' AND s.state = 'done') AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'legacy_baseline' AND s.direction = 'up' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0001 legacy_baseline: up already, nothing to do'
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
    AND (s.step, s.direction) <> ('legacy_baseline', 'up');
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'every row is seen', broken, keys,
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
\warn '0001 legacy_baseline: resumed'
\else
\warn '0001 legacy_baseline up'
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'no subscription writes', broken, keys,
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

BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'legacy_baseline';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'legacy_baseline', 'up', 'open', p.now, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'legacy_baseline', 'up', 'begun', '{"revision": "0001"}');
COMMIT;
\endif

-- Create missing tables
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'legacy_baseline', 'up', 'create_tables')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create missing tables'
BEGIN;
SET LOCAL search_path = '';
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."person" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."person_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "forenames" text,
  "surname" text,
  "status" text
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."person"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."person"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_person ON public.person USING btree (id);
ALTER TABLE "public"."person" ADD CONSTRAINT "pk_person" PRIMARY KEY USING INDEX "pk_person";
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."programme" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."programme_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "programme_name" text,
  "programme_number" text,
  "owner" text,
  "status" text
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."programme"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."programme"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_programme ON public.programme USING btree (id);
ALTER TABLE "public"."programme" ADD CONSTRAINT "pk_programme" PRIMARY KEY USING INDEX "pk_programme";
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."curriculum" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."curriculum_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "name" text NOT NULL,
  "curriculum_sub_type" text
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."curriculum"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."curriculum"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_curriculum ON public.curriculum USING btree (id);
ALTER TABLE "public"."curriculum" ADD CONSTRAINT "pk_curriculum" PRIMARY KEY USING INDEX "pk_curriculum";
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."rotation" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."rotation_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "programme_id" bigint NOT NULL,
  "name" text NOT NULL
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."rotation"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."rotation"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_rotation ON public.rotation USING btree (id);
CREATE UNIQUE INDEX uq_rotation_programme_id_name ON public.rotation USING btree (programme_id, name);
ALTER TABLE "public"."rotation" ADD CONSTRAINT "pk_rotation" PRIMARY KEY USING INDEX "pk_rotation";
ALTER TABLE "public"."rotation" ADD CONSTRAINT "uq_rotation_programme_id_name" UNIQUE USING INDEX "uq_rotation_programme_id_name";
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."training_number" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."training_number_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "training_number" text,
  "programme_id" bigint
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."training_number"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."training_number"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE INDEX ix_training_number_programme_id ON public.training_number USING btree (programme_id);
CREATE UNIQUE INDEX pk_training_number ON public.training_number USING btree (id);
ALTER TABLE "public"."training_number" ADD CONSTRAINT "pk_training_number" PRIMARY KEY USING INDEX "pk_training_number";
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."programme_membership" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."programme_membership_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
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
  "amended_date" timestamp(3) with time zone DEFAULT now() NOT NULL
) USING "heap";
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
CREATE INDEX ix_programme_membership_curriculum_id ON public.programme_membership USING btree (curriculum_id);
CREATE INDEX ix_programme_membership_person_id ON public.programme_membership USING btree (person_id);
CREATE INDEX ix_programme_membership_programme_id ON public.programme_membership USING btree (programme_id);
CREATE INDEX ix_programme_membership_rotation_id ON public.programme_membership USING btree (rotation_id);
CREATE INDEX ix_programme_membership_training_number_id ON public.programme_membership USING btree (training_number_id);
CREATE UNIQUE INDEX pk_programme_membership ON public.programme_membership USING btree (id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "pk_programme_membership" PRIMARY KEY USING INDEX "pk_programme_membership";
ALTER TABLE "public"."rotation" ADD CONSTRAINT "fk_rotation_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id);
ALTER TABLE "public"."training_number" ADD CONSTRAINT "fk_training_number_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_curriculum_id" FOREIGN KEY (curriculum_id) REFERENCES public.curriculum(id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_person_id" FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_rotation_id" FOREIGN KEY (rotation_id) REFERENCES public.rotation(id);
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_training_number_id" FOREIGN KEY (training_number_id) REFERENCES public.training_number(id);
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "person"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "programme"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "curriculum"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "rotation"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "training_number"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "programme_membership"}');
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."program_enrollment" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."program_enrollment_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "user_id" bigint,
  "external_user_key" text,
  "program_uuid" uuid NOT NULL,
  "curriculum_uuid" uuid NOT NULL,
  "status" text NOT NULL,
  "created" timestamp with time zone DEFAULT now() NOT NULL,
  "modified" timestamp with time zone DEFAULT now() NOT NULL
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."program_enrollment"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."program_enrollment"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_program_enrollment ON public.program_enrollment USING btree (id);
ALTER TABLE "public"."program_enrollment" ADD CONSTRAINT "pk_program_enrollment" PRIMARY KEY USING INDEX "pk_program_enrollment";
ALTER TABLE "public"."program_enrollment" ADD CONSTRAINT "ck_program_enrollment_key_blank" CHECK (((external_user_key = btrim(external_user_key, ' 	
'::text)) AND (external_user_key <> ''::text)));
ALTER TABLE "public"."program_enrollment" ADD CONSTRAINT "ck_program_enrollment_status" CHECK ((status = ANY (ARRAY['enrolled'::text, 'pending'::text, 'suspended'::text, 'ended'::text, 'canceled'::text])));
DO $body$
DECLARE
  given record;
BEGIN
CREATE TABLE "public"."program_course_enrollment" (
  "id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."program_course_enrollment_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
  "program_enrollment_id" bigint NOT NULL,
  "course_enrollment_id" bigint,
  "course_key" text NOT NULL,
  "status" text NOT NULL
) USING "heap";
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = '"public"."program_course_enrollment"'::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = '"public"."program_course_enrollment"'::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;
END
$body$;
CREATE UNIQUE INDEX pk_program_course_enrollment ON public.program_course_enrollment USING btree (id);
CREATE UNIQUE INDEX uq_program_course_enrollment_program_enrollment_id_course_key ON public.program_course_enrollment USING btree (program_enrollment_id, course_key);
ALTER TABLE "public"."program_course_enrollment" ADD CONSTRAINT "pk_program_course_enrollment" PRIMARY KEY USING INDEX "pk_program_course_enrollment";
ALTER TABLE "public"."program_course_enrollment" ADD CONSTRAINT "uq_program_course_enrollment_program_enrollment_id_course_key" UNIQUE USING INDEX "uq_program_course_enrollment_program_enrollment_id_course_key";
ALTER TABLE "public"."program_course_enrollment" ADD CONSTRAINT "fk_program_course_enrollment_program_enrollment_id" FOREIGN KEY (program_enrollment_id) REFERENCES public.program_enrollment(id);
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "program_enrollment"}');
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail) VALUES ('programme_membership', 'legacy_baseline', 'up', 'created', '{"table": "program_course_enrollment"}');
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'legacy_baseline', 'up', 'create_tables') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'legacy_baseline', 'up', 'own triggers fire', broken, keys,
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
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'legacy_baseline';
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
VALUES ('programme_membership', 'legacy_baseline', 'up', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
