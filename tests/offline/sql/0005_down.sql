-- 0005 retire_source down

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0005 down', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'retire_source' AND (s.direction = 'up' OR s.state = 'open')) AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'retire_source' AND s.direction = 'down' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0005 retire_source: down already, nothing to do'
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
    AND (s.step, s.direction) <> ('retire_source', 'down');
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
  VALUES ('programme_membership', 'retire_source', 'down', 'every row is seen', broken, keys,
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
\warn '0005 retire_source: resumed'
\else
\warn '0005 retire_source down'
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
  VALUES ('programme_membership', 'retire_source', 'down', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'retire_source', 'down', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'retire_source', 'down', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'retire_source', 'down', 'no subscription writes', broken, keys,
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
  FROM (VALUES (0, 'create_parent', '0006'), (1, 'rebuild_parent', '0007'), (2, 'link_children', '0008'), (3, 'stop_parallel_save', '0009'), (4, 'drop_deprecated_columns', '0010'), (5, 'drop_retired_table', '0011')) AS o (n, step, label)
  WHERE  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0005 retire_source cannot go down: ' || wrong || ' is still applied, according to the ledger',
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
SELECT pg_catalog.format('REVOKE %s%s ON %s FROM %s', g.privilege_type,
  CASE WHEN g.attname IS NOT NULL THEN pg_catalog.format(' (%I)', g.attname) END,
  '"public"."programme_membership_retired"', g.grantee)
FROM (
SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
    pg_catalog.pg_get_userbyid(g.grantee)::text) END AS grantee, g.privilege_type,
    x.attname FROM (
  SELECT c.relacl AS acl, c.relowner, NULL::name AS attname FROM pg_catalog.pg_class AS c
  WHERE c.oid = pg_catalog.to_regclass('"public"."programme_membership_retired"')
  UNION ALL
  SELECT a.attacl, c.relowner, a.attname FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.oid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND a.attnum > 0 AND NOT a.attisdropped) AS x
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS g WHERE g.grantee <> x.relowner
EXCEPT
SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
    pg_catalog.pg_get_userbyid(g.grantee)::text) END AS grantee, g.privilege_type,
    x.attname FROM (
  SELECT c.relacl AS acl, c.relowner, NULL::name AS attname FROM pg_catalog.pg_class AS c
  WHERE c.oid = pg_catalog.to_regclass('"public"."curriculum_membership"')
  UNION ALL
  SELECT a.attacl, c.relowner, a.attname FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.oid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND a.attnum > 0 AND NOT a.attisdropped) AS x
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS g WHERE g.grantee <> x.relowner
) AS g
WHERE g.attname IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND a.attname = g.attname AND NOT a.attisdropped)
AND NOT EXISTS (SELECT FROM (
SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
    pg_catalog.pg_get_userbyid(g.grantee)::text) END AS grantee, g.privilege_type,
    x.attname FROM (
  SELECT c.relacl AS acl, c.relowner, NULL::name AS attname FROM pg_catalog.pg_class AS c
  WHERE c.oid = pg_catalog.to_regclass('"public"."curriculum_membership"')
  UNION ALL
  SELECT a.attacl, c.relowner, a.attname FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.oid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND a.attnum > 0 AND NOT a.attisdropped) AS x
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS g WHERE g.grantee <> x.relowner
) AS c
  WHERE c.attname IS NULL AND c.grantee = g.grantee
  AND c.privilege_type = g.privilege_type)
UNION ALL
SELECT 'ALTER TABLE ' || '"public"."programme_membership_retired"' || ' ENABLE ROW LEVEL SECURITY'
FROM pg_catalog.pg_class AS a, pg_catalog.pg_class AS c
WHERE a.oid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND c.oid = pg_catalog.to_regclass('"public"."curriculum_membership"')
AND c.relrowsecurity AND NOT a.relrowsecurity
UNION ALL
SELECT pg_catalog.format('CREATE POLICY %I ON %s as on %s', p.polname,
  '"public"."programme_membership_retired"', '"public"."curriculum_membership"')
FROM (
SELECT p.polname, p.polcmd, p.polpermissive, p.polroles FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = pg_catalog.to_regclass('"public"."curriculum_membership"')
EXCEPT
SELECT p.polname, p.polcmd, p.polpermissive, p.polroles FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"')
) AS p
WHERE pg_catalog.to_regclass('"public"."programme_membership_retired"') IS NOT NULL
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'retire_source', 'down', 'the archive admits nobody else', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'the archive admits nobody else', 'nobody may use "public"."programme_membership_retired" who may not use "public"."curriculum_membership"',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Run each of these statements, then run the same command again.';
  END IF;
END
$body$;
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'retire_source';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'retire_source', 'down', 'open', NULL, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'retire_source', 'down', 'begun', '{"revision": "0005"}');
COMMIT;
\endif

-- Create functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'create_functions')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create functions'
BEGIN;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_retired_log" (
  keys bigint[], n pg_catalog.int4 NOT NULL DEFAULT 0);
ALTER TABLE "public_refactor"."programme_membership_retired_log" ALTER COLUMN keys SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_log_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_retired_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "id" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_log_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_log_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_retired_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "id" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_log_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_log_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_retired_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "id" AS k FROM o) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_log_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_log_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_retired_log" (keys) VALUES (NULL);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_log_truncate"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_log_moved"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_retired_log" (keys, n) VALUES (ARRAY[OLD."id"], 1);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_log_moved"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_build"(first bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  written bigint;
BEGIN
  BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    DELETE FROM "public"."programme_membership_retired" AS b WHERE b."id" BETWEEN first AND last AND NOT EXISTS (
    SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public"."programme_membership_retired" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
  FROM "public"."curriculum_membership" AS a WHERE a."id" BETWEEN first AND last AND NOT EXISTS (SELECT FROM "public"."programme_membership_retired" AS b WHERE b."id" = a."id");
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    DELETE FROM "public"."programme_membership_retired" AS b WHERE b."id" BETWEEN first AND last AND NOT EXISTS (
    SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public_refactor"."programme_membership_retired_log" (keys, n)
    SELECT pg_catalog.array_agg(w.k), pg_catalog.count(*) FROM (
      SELECT a."id" AS k FROM "public"."curriculum_membership" AS a WHERE a."id" BETWEEN first AND last AND NOT EXISTS (SELECT FROM "public"."programme_membership_retired" AS b WHERE b."id" = a."id")) AS w
    HAVING pg_catalog.count(*) > 0;
  END;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_build" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_retired_drain"(entries bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  taken bigint[]; marks bigint; consumed bigint; before bigint[]; earlier bigint;
BEGIN
  WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_retired_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_retired_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT k.k)
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k (k)),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
  IF marks > 0 THEN
    DELETE FROM "public"."programme_membership_retired" AS b WHERE NOT EXISTS (
      SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id");
  END IF;
  BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    DELETE FROM "public"."programme_membership_retired" AS b WHERE b."id" = ANY (taken) AND NOT EXISTS (
    SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public"."programme_membership_retired" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
  FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (taken) AND NOT EXISTS (SELECT FROM "public"."programme_membership_retired" AS b WHERE b."id" = a."id");
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    before := taken; earlier := consumed; entries := NULL;
    WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_retired_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_retired_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT k.k)
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k (k)),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
    taken := before || taken; consumed := earlier + consumed;
    DELETE FROM "public"."programme_membership_retired" AS b WHERE b."id" = ANY (taken);
    DELETE FROM "public"."programme_membership_retired" AS b WHERE b."id" = ANY (taken) AND NOT EXISTS (
    SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND NOT (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
    INSERT INTO "public"."programme_membership_retired" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
  OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
  FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (taken) AND NOT EXISTS (SELECT FROM "public"."programme_membership_retired" AS b WHERE b."id" = a."id");
  END;
  RETURN consumed;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_retired_drain" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_reconciling"() RETURNS trigger LANGUAGE plpgsql
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
    MESSAGE = 'table "programme_membership_retired" is being reconciled and cannot be written',
    HINT = 'Write to "curriculum_membership"; the old table comes back.';
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_reconciling"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids bigint[]; own_rows int; own_mass boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."programme_membership" AS a WHERE a."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT n."id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN n."id" END
      FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."id" = n."id"
  WHERE (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
FROM "public"."programme_membership" AS a WHERE a."id" IN (SELECT n."id" FROM n)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
FROM "public"."programme_membership" AS a WHERE a."id" = own_ids[1]
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
FROM "public"."programme_membership" AS a WHERE a."id" = ANY (own_ids)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
  own_ids bigint[]; own_rows int; own_mass boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."programme_membership" AS a WHERE a."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT n."id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN n."id" END
      FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."curriculum_membership" AS b ON b."id" = n."id"
  WHERE (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    EXECUTE $body$UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."programme_membership" AS a, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN ((o."person_id" IS DISTINCT FROM w."person_id")) THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN ((o."programme_id" IS DISTINCT FROM w."programme_id")) THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN ((o."curriculum_id" IS DISTINCT FROM w."curriculum_id")) THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."programme_membership" AS a, n AS w JOIN o ON o."id" = w."id"
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" = own_ids[1]
  AND ((((o."person_id" IS DISTINCT FROM w."person_id")) AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (((o."programme_id" IS DISTINCT FROM w."programme_id")) AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (((o."curriculum_id" IS DISTINCT FROM w."curriculum_id")) AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."programme_membership" AS a, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" = ANY (own_ids)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
  own_ids bigint[]; own_rows int; own_mass boolean; own_count bigint; own_first bigint; own_last bigint;
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
    own_ids := ARRAY(SELECT o."id" FROM o LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN b."id" IS NOT NULL THEN o."id" END
      FROM o LEFT JOIN "public"."curriculum_membership" AS b ON b."id" = o."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_mass THEN
    SELECT pg_catalog.min(o."id"), pg_catalog.max(o."id"), pg_catalog.count(DISTINCT o."id")
    INTO own_first, own_last, own_count FROM o;
    IF own_last::pg_catalog.numeric - own_first = own_count - 1 THEN
      IF pg_catalog.pg_trigger_depth() > 1 AND NOT (SELECT b."id" FROM "public"."curriculum_membership" AS b WHERE b."id" BETWEEN own_first AND own_last ORDER BY b."id" LIMIT 1) IS NOT NULL THEN
        RETURN NULL;
      ELSIF (SELECT a."id" FROM "public"."programme_membership" AS a WHERE a."id" BETWEEN own_first AND own_last ORDER BY a."id" LIMIT 1) IS NOT NULL THEN
        EXECUTE $body$DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id")$body$;
      ELSE
        DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" BETWEEN own_first AND own_last;
      END IF;
    ELSIF own_count <= 100000 THEN
      own_ids := ARRAY(SELECT o."id" FROM o);
      IF pg_catalog.pg_trigger_depth() > 1 AND NOT ((SELECT b."id" FROM "public"."curriculum_membership" AS b WHERE b."id" BETWEEN own_first AND own_last ORDER BY b."id" LIMIT 1) IS NOT NULL AND EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_ids))) THEN
        RETURN NULL;
      ELSIF ((SELECT a."id" FROM "public"."programme_membership" AS a WHERE a."id" BETWEEN own_first AND own_last ORDER BY a."id" LIMIT 1) IS NOT NULL AND EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = ANY (own_ids))) THEN
        EXECUTE $body$DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id")$body$;
      ELSE
        DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_ids);
      END IF;
    ELSE
      IF pg_catalog.pg_trigger_depth() > 1 THEN
        EXECUTE $body$SELECT pg_catalog.count(*) > 0 FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)$body$ INTO own_mass;
        IF NOT own_mass THEN
          RETURN NULL;
        END IF;
      END IF;
      EXECUTE $body$DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id")$body$;
    END IF;
  ELSIF own_rows = 0 THEN
    RETURN NULL;
  ELSIF own_rows = 1 THEN
    DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" = own_ids[1]
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
  ELSE
    DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_ids)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
  END IF;
  
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_copy_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_copy_moved"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
own_olds bigint[]; own_news bigint[]; own_masks text[]; own_there bigint[]; own_join text;
BEGIN
  IF pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."programme_membership" or "public"."curriculum_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."programme_membership" AS a WHERE a."id" = NEW."id" FOR KEY SHARE;
  END IF;
  IF EXISTS (SELECT FROM "public"."programme_membership" AS a JOIN "public"."curriculum_membership" AS b ON b."id" = a."id"
    WHERE a."id" = NEW."id" AND NOT (a."id" IS DISTINCT FROM b."id"
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
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."id" = OLD."id"
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = OLD."id")) THEN
    RETURN NULL;
  END IF;
  SELECT pg_catalog.array_agg(x."id" ORDER BY x.own_place), pg_catalog.array_agg(y."id" ORDER BY x.own_place), pg_catalog.array_agg(CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_id" IS DISTINCT FROM y."curriculum_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END ORDER BY x.own_place)
    INTO own_olds, own_news, own_masks
    FROM (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)
    WHERE x."id" IS DISTINCT FROM y."id";
  IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news), pg_catalog.unnest(own_masks)) AS m (own_old, own_new, own_mask), "public"."curriculum_membership" AS b, "public"."programme_membership" AS a
    WHERE b."id" = m.own_old AND a."id" = m.own_new AND pg_catalog.age(b.xmin) <= 0 AND ((pg_catalog.substr(m.own_mask, 1, 1) = '0' AND (b."person_id" IS DISTINCT FROM a."person_id"))
      OR (pg_catalog.substr(m.own_mask, 2, 1) = '0' AND (b."programme_id" IS DISTINCT FROM a."programme_id"))
      OR (pg_catalog.substr(m.own_mask, 3, 1) = '0' AND (b."curriculum_id" IS DISTINCT FROM a."curriculum_id"))
      OR (pg_catalog.substr(m.own_mask, 4, 1) = '0' AND (b."programme_membership_type" IS DISTINCT FROM a."programme_membership_type"))
      OR (pg_catalog.substr(m.own_mask, 5, 1) = '0' AND (b."programme_start_date" IS DISTINCT FROM a."programme_start_date"))
      OR (pg_catalog.substr(m.own_mask, 6, 1) = '0' AND (b."programme_end_date" IS DISTINCT FROM a."programme_end_date"))
      OR (pg_catalog.substr(m.own_mask, 7, 1) = '0' AND (b."rotation" IS DISTINCT FROM a."rotation"))
      OR (pg_catalog.substr(m.own_mask, 8, 1) = '0' AND (b."rotation_id" IS DISTINCT FROM a."rotation_id"))
      OR (pg_catalog.substr(m.own_mask, 9, 1) = '0' AND (b."training_number_id" IS DISTINCT FROM a."training_number_id"))
      OR (pg_catalog.substr(m.own_mask, 10, 1) = '0' AND (b."training_pathway" IS DISTINCT FROM a."training_pathway"))
      OR (pg_catalog.substr(m.own_mask, 11, 1) = '0' AND (b."leaving_reason" IS DISTINCT FROM a."leaving_reason"))
      OR (pg_catalog.substr(m.own_mask, 12, 1) = '0' AND (b."leaving_destination" IS DISTINCT FROM a."leaving_destination"))
      OR (pg_catalog.substr(m.own_mask, 13, 1) = '0' AND (b."curriculum_start_date" IS DISTINCT FROM a."curriculum_start_date"))
      OR (pg_catalog.substr(m.own_mask, 14, 1) = '0' AND (b."curriculum_end_date" IS DISTINCT FROM a."curriculum_end_date"))
      OR (pg_catalog.substr(m.own_mask, 15, 1) = '0' AND (b."curriculum_completion_date" IS DISTINCT FROM a."curriculum_completion_date"))
      OR (pg_catalog.substr(m.own_mask, 16, 1) = '0' AND (b."period_of_grace" IS DISTINCT FROM a."period_of_grace"))
      OR (pg_catalog.substr(m.own_mask, 17, 1) = '0' AND (b."intrepid_id" IS DISTINCT FROM a."intrepid_id"))
      OR (pg_catalog.substr(m.own_mask, 18, 1) = '0' AND (b."amended_date" IS DISTINCT FROM a."amended_date")))) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a row got another id in "public"."programme_membership" while the same statement wrote it in "public"."curriculum_membership"',
      HINT = 'Write only one of the two tables, or use two statements.';
  END IF;
  -- Row by row in the order of the statement: in another order an id may still be in use.
  own_join := pg_catalog.concat_ws(' ', pg_catalog.current_setting('enable_hashjoin'),
    pg_catalog.current_setting('enable_mergejoin'), pg_catalog.current_setting('enable_material'));
  own_there := ARRAY(SELECT a."id"
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."programme_membership" AS a, "public"."curriculum_membership" AS b
    WHERE a."id" = m.own_new AND b."id" = a."id"
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."id" = m.own_old)
    AND (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
  PERFORM pg_catalog.set_config(s.s, 'off', true)
  FROM pg_catalog.unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_material']) AS s (s);
  UPDATE "public"."curriculum_membership" AS b SET ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      m.own_new, a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date")
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."programme_membership" AS a
    WHERE b."id" = m.own_old AND a."id" = m.own_new;
  PERFORM pg_catalog.set_config('enable_hashjoin', pg_catalog.split_part(own_join, ' ', 1), true),
    pg_catalog.set_config('enable_mergejoin', pg_catalog.split_part(own_join, ' ', 2), true),
    pg_catalog.set_config('enable_material', pg_catalog.split_part(own_join, ' ', 3), true);
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_olds)
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id")) THEN
    IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."curriculum_membership" AS b,
        "public"."programme_membership" AS a WHERE b."id" = m.own_old AND a."id" = m.own_new
      AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS z WHERE z."id" = b."id")) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a BEFORE trigger of "public"."curriculum_membership" keeps a row from getting its new id',
        HINT = 'Let the trigger accept the new id, or change the id in the other table.';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
      WHERE c.confrelid = '"public"."curriculum_membership"'::pg_catalog.regclass AND c.contype = 'f'
        AND c.confdeltype NOT IN ('a', 'r')) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a trigger of "public"."programme_membership" deleted a row, or changed its id again, before the statement that changed its id had ended',
        HINT = 'Delete the row, or change its id, in one statement after the other.';
    END IF;
    DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_olds)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
  END IF;
  -- An INSERT without rows would fire triggers for each statement.
  IF EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = ANY (own_news) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."id" = a."id")) THEN
    INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE a."id" = ANY (own_news) AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."id" = a."id")
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
      SELECT own_place, x."id" AS own_old, y."id" AS own_new,
      CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_id" IS DISTINCT FROM y."curriculum_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END AS own_mask
      FROM (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)),
    c AS (
      SELECT v.own_new AS own_last, v.* FROM v WHERE v.own_new = ANY (own_there)
      AND NOT EXISTS (SELECT FROM v AS z WHERE z.own_new = v.own_new AND z.own_place > v.own_place)
      UNION ALL
      SELECT c.own_last, p.* FROM c, LATERAL (SELECT v.* FROM v WHERE v.own_new = c.own_old
        AND v.own_place < c.own_place ORDER BY v.own_place DESC LIMIT 1) AS p)
    UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
      CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
      CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 3, 1) = '1') AS "curriculum_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 4, 1) = '1') AS "programme_membership_type",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 5, 1) = '1') AS "programme_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 6, 1) = '1') AS "programme_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 7, 1) = '1') AS "rotation",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 8, 1) = '1') AS "rotation_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 9, 1) = '1') AS "training_number_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 10, 1) = '1') AS "training_pathway",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 11, 1) = '1') AS "leaving_reason",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 12, 1) = '1') AS "leaving_destination",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 13, 1) = '1') AS "curriculum_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 14, 1) = '1') AS "curriculum_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 15, 1) = '1') AS "curriculum_completion_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 16, 1) = '1') AS "period_of_grace",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 17, 1) = '1') AS "intrepid_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 18, 1) = '1') AS "amended_date"
      FROM c GROUP BY c.own_last) AS w
    WHERE w.own_last = a."id" AND b."id" = a."id"
      AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
      OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
      OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
  own_ids bigint[]; own_rows int; own_mass boolean;
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
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_source_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids bigint[]; own_rows int; own_mass boolean; own_set record; own_watched boolean; own_touches boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT n."id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN n."id" END
      FROM n LEFT JOIN "public"."programme_membership" AS b ON b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
    IF pg_catalog.current_setting('vacuum_cost_page_hit') <> '7129' AND EXISTS (SELECT FROM n JOIN "public"."programme_membership" AS b ON b."id" = n."id"
      WHERE pg_catalog.age(b.xmin) <= 0 AND (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    OR n."amended_date" IS DISTINCT FROM b."amended_date")))
    THEN
      RAISE unique_violation USING
        MESSAGE = 'a row with the same id was inserted into "public"."curriculum_membership" and into "public"."programme_membership" by one statement',
        HINT = 'Insert into one table only; the other follows when the statement ends.';
    END IF;
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."programme_membership" AS b ON b."id" = n."id"
  WHERE (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 17 = 16 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
    FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT b."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN (a."person_id" IS DISTINCT FROM b."person_id") THEN 'person_id' END,
      CASE WHEN (a."programme_id" IS DISTINCT FROM b."programme_id") THEN 'programme_id' END,
      CASE WHEN (a."curriculum_id" IS DISTINCT FROM b."curriculum_id") THEN 'curriculum_id' END,
      CASE WHEN (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN (a."programme_start_date" IS DISTINCT FROM b."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN (a."programme_end_date" IS DISTINCT FROM b."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN (a."rotation" IS DISTINCT FROM b."rotation") THEN 'rotation' END,
      CASE WHEN (a."rotation_id" IS DISTINCT FROM b."rotation_id") THEN 'rotation_id' END,
      CASE WHEN (a."training_number_id" IS DISTINCT FROM b."training_number_id") THEN 'training_number_id' END,
      CASE WHEN (a."training_pathway" IS DISTINCT FROM b."training_pathway") THEN 'training_pathway' END,
      CASE WHEN (a."leaving_reason" IS DISTINCT FROM b."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN (a."leaving_destination" IS DISTINCT FROM b."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date") THEN 'curriculum_start_date' END,
      CASE WHEN (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date") THEN 'curriculum_end_date' END,
      CASE WHEN (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date") THEN 'curriculum_completion_date' END,
      CASE WHEN (a."period_of_grace" IS DISTINCT FROM b."period_of_grace") THEN 'period_of_grace' END,
      CASE WHEN (a."intrepid_id" IS DISTINCT FROM b."intrepid_id") THEN 'intrepid_id' END,
      CASE WHEN (a."amended_date" IS DISTINCT FROM b."amended_date") THEN 'amended_date' END], NULL)
    FROM "public"."curriculum_membership" AS a, "public"."programme_membership" AS b
    WHERE b."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS b SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = a."person_id"'), ('programme_id', '"programme_id" = a."programme_id"'), ('curriculum_id', '"curriculum_id" = a."curriculum_id"'), ('programme_membership_type', '"programme_membership_type" = a."programme_membership_type"'), ('programme_start_date', '"programme_start_date" = a."programme_start_date"'), ('programme_end_date', '"programme_end_date" = a."programme_end_date"'), ('rotation', '"rotation" = a."rotation"'), ('rotation_id', '"rotation_id" = a."rotation_id"'), ('training_number_id', '"training_number_id" = a."training_number_id"'), ('training_pathway', '"training_pathway" = a."training_pathway"'), ('leaving_reason', '"leaving_reason" = a."leaving_reason"'), ('leaving_destination', '"leaving_destination" = a."leaving_destination"'), ('curriculum_start_date', '"curriculum_start_date" = a."curriculum_start_date"'), ('curriculum_end_date', '"curriculum_end_date" = a."curriculum_end_date"'), ('curriculum_completion_date', '"curriculum_completion_date" = a."curriculum_completion_date"'), ('period_of_grace', '"period_of_grace" = a."period_of_grace"'), ('intrepid_id', '"intrepid_id" = a."intrepid_id"'), ('amended_date', '"amended_date" = a."amended_date"')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND b."id" = ANY ($1)') USING own_set.ids;
  END LOOP;
    IF own_mass THEN
      EXECUTE $body$INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" IN (SELECT n."id" FROM n)
ON CONFLICT ("id") DO NOTHING$body$;
    ELSE
      INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (own_ids)
ON CONFLICT ("id") DO NOTHING;
    END IF;
  ELSIF own_mass THEN
    EXECUTE $body$INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" IN (SELECT n."id" FROM n)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
    INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" = own_ids[1]
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
    INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (own_ids)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
      UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date")
FROM "public"."programme_membership" AS a
WHERE b."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)
  AND (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date");
      DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT n."id" FROM n)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
    END IF;
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_source_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_source_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids bigint[]; own_rows int; own_mass boolean; own_set record; own_watched boolean; own_touches boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM n) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (ARRAY(SELECT n."id" FROM n)) FOR KEY SHARE;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT n."id" FROM n LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
    OR n."amended_date" IS DISTINCT FROM b."amended_date")) THEN n."id" END
      FROM n LEFT JOIN "public"."programme_membership" AS b ON b."id" = n."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE $body$SELECT EXISTS (SELECT FROM n LEFT JOIN "public"."programme_membership" AS b ON b."id" = n."id"
  WHERE (b."id" IS NULL OR (n."person_id" IS DISTINCT FROM b."person_id"
    OR n."programme_id" IS DISTINCT FROM b."programme_id"
    OR n."curriculum_id" IS DISTINCT FROM b."curriculum_id"
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
  own_watched := EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 16 = 16 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_'));
  own_touches := false;
  IF own_watched THEN
    own_touches := pg_catalog.pg_trigger_depth() = 1 AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 16 = 16 AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) = 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_'));
    own_watched := EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_'));
  END IF;
  IF own_watched THEN
    IF own_mass THEN
      FOR own_set IN EXECUTE $body$SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT b."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id") THEN 'person_id' END,
      CASE WHEN w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id") THEN 'programme_id' END,
      CASE WHEN w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id") THEN 'curriculum_id' END,
      CASE WHEN w."programme_membership_type" AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN w."programme_start_date" AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN w."programme_end_date" AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN w."rotation" AND (a."rotation" IS DISTINCT FROM b."rotation") THEN 'rotation' END,
      CASE WHEN w."rotation_id" AND (a."rotation_id" IS DISTINCT FROM b."rotation_id") THEN 'rotation_id' END,
      CASE WHEN w."training_number_id" AND (a."training_number_id" IS DISTINCT FROM b."training_number_id") THEN 'training_number_id' END,
      CASE WHEN w."training_pathway" AND (a."training_pathway" IS DISTINCT FROM b."training_pathway") THEN 'training_pathway' END,
      CASE WHEN w."leaving_reason" AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN w."leaving_destination" AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN w."curriculum_start_date" AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date") THEN 'curriculum_start_date' END,
      CASE WHEN w."curriculum_end_date" AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date") THEN 'curriculum_end_date' END,
      CASE WHEN w."curriculum_completion_date" AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date") THEN 'curriculum_completion_date' END,
      CASE WHEN w."period_of_grace" AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace") THEN 'period_of_grace' END,
      CASE WHEN w."intrepid_id" AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id") THEN 'intrepid_id' END,
      CASE WHEN w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date") THEN 'amended_date' END,
      CASE WHEN $1 AND NOT (w."person_id" OR w."programme_id" OR w."curriculum_id" OR w."programme_membership_type" OR w."programme_start_date" OR w."programme_end_date" OR w."rotation" OR w."rotation_id" OR w."training_number_id" OR w."training_pathway" OR w."leaving_reason" OR w."leaving_destination" OR w."curriculum_start_date" OR w."curriculum_end_date" OR w."curriculum_completion_date" OR w."period_of_grace" OR w."intrepid_id" OR w."amended_date") THEN 'id' END], NULL)
    FROM "public"."curriculum_membership" AS a, "public"."programme_membership" AS b, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
    WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names$body$ USING own_touches LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS b SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = a."person_id"'), ('programme_id', '"programme_id" = a."programme_id"'), ('curriculum_id', '"curriculum_id" = a."curriculum_id"'), ('programme_membership_type', '"programme_membership_type" = a."programme_membership_type"'), ('programme_start_date', '"programme_start_date" = a."programme_start_date"'), ('programme_end_date', '"programme_end_date" = a."programme_end_date"'), ('rotation', '"rotation" = a."rotation"'), ('rotation_id', '"rotation_id" = a."rotation_id"'), ('training_number_id', '"training_number_id" = a."training_number_id"'), ('training_pathway', '"training_pathway" = a."training_pathway"'), ('leaving_reason', '"leaving_reason" = a."leaving_reason"'), ('leaving_destination', '"leaving_destination" = a."leaving_destination"'), ('curriculum_start_date', '"curriculum_start_date" = a."curriculum_start_date"'), ('curriculum_end_date', '"curriculum_end_date" = a."curriculum_end_date"'), ('curriculum_completion_date', '"curriculum_completion_date" = a."curriculum_completion_date"'), ('period_of_grace', '"period_of_grace" = a."period_of_grace"'), ('intrepid_id', '"intrepid_id" = a."intrepid_id"'), ('amended_date', '"amended_date" = a."amended_date"'), ('id', '"id" = b."id"')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND b."id" = ANY ($1)') USING own_set.ids;
  END LOOP;
    ELSE
      FOR own_set IN SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids
    FROM (SELECT b."id", pg_catalog.array_remove(ARRAY[
      CASE WHEN w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id") THEN 'person_id' END,
      CASE WHEN w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id") THEN 'programme_id' END,
      CASE WHEN w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id") THEN 'curriculum_id' END,
      CASE WHEN w."programme_membership_type" AND (a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type") THEN 'programme_membership_type' END,
      CASE WHEN w."programme_start_date" AND (a."programme_start_date" IS DISTINCT FROM b."programme_start_date") THEN 'programme_start_date' END,
      CASE WHEN w."programme_end_date" AND (a."programme_end_date" IS DISTINCT FROM b."programme_end_date") THEN 'programme_end_date' END,
      CASE WHEN w."rotation" AND (a."rotation" IS DISTINCT FROM b."rotation") THEN 'rotation' END,
      CASE WHEN w."rotation_id" AND (a."rotation_id" IS DISTINCT FROM b."rotation_id") THEN 'rotation_id' END,
      CASE WHEN w."training_number_id" AND (a."training_number_id" IS DISTINCT FROM b."training_number_id") THEN 'training_number_id' END,
      CASE WHEN w."training_pathway" AND (a."training_pathway" IS DISTINCT FROM b."training_pathway") THEN 'training_pathway' END,
      CASE WHEN w."leaving_reason" AND (a."leaving_reason" IS DISTINCT FROM b."leaving_reason") THEN 'leaving_reason' END,
      CASE WHEN w."leaving_destination" AND (a."leaving_destination" IS DISTINCT FROM b."leaving_destination") THEN 'leaving_destination' END,
      CASE WHEN w."curriculum_start_date" AND (a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date") THEN 'curriculum_start_date' END,
      CASE WHEN w."curriculum_end_date" AND (a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date") THEN 'curriculum_end_date' END,
      CASE WHEN w."curriculum_completion_date" AND (a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date") THEN 'curriculum_completion_date' END,
      CASE WHEN w."period_of_grace" AND (a."period_of_grace" IS DISTINCT FROM b."period_of_grace") THEN 'period_of_grace' END,
      CASE WHEN w."intrepid_id" AND (a."intrepid_id" IS DISTINCT FROM b."intrepid_id") THEN 'intrepid_id' END,
      CASE WHEN w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date") THEN 'amended_date' END,
      CASE WHEN own_touches AND NOT (w."person_id" OR w."programme_id" OR w."curriculum_id" OR w."programme_membership_type" OR w."programme_start_date" OR w."programme_end_date" OR w."rotation" OR w."rotation_id" OR w."training_number_id" OR w."training_pathway" OR w."leaving_reason" OR w."leaving_destination" OR w."curriculum_start_date" OR w."curriculum_end_date" OR w."curriculum_completion_date" OR w."period_of_grace" OR w."intrepid_id" OR w."amended_date") THEN 'id' END], NULL)
    FROM "public"."curriculum_membership" AS a, "public"."programme_membership" AS b, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
    WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" = ANY (own_ids)) AS z (own_id, own_names)
    WHERE z.own_names <> '{}' GROUP BY z.own_names LOOP
    EXECUTE pg_catalog.concat('UPDATE "public"."programme_membership" AS b SET ',
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES ('person_id', '"person_id" = a."person_id"'), ('programme_id', '"programme_id" = a."programme_id"'), ('curriculum_id', '"curriculum_id" = a."curriculum_id"'), ('programme_membership_type', '"programme_membership_type" = a."programme_membership_type"'), ('programme_start_date', '"programme_start_date" = a."programme_start_date"'), ('programme_end_date', '"programme_end_date" = a."programme_end_date"'), ('rotation', '"rotation" = a."rotation"'), ('rotation_id', '"rotation_id" = a."rotation_id"'), ('training_number_id', '"training_number_id" = a."training_number_id"'), ('training_pathway', '"training_pathway" = a."training_pathway"'), ('leaving_reason', '"leaving_reason" = a."leaving_reason"'), ('leaving_destination', '"leaving_destination" = a."leaving_destination"'), ('curriculum_start_date', '"curriculum_start_date" = a."curriculum_start_date"'), ('curriculum_end_date', '"curriculum_end_date" = a."curriculum_end_date"'), ('curriculum_completion_date', '"curriculum_completion_date" = a."curriculum_completion_date"'), ('period_of_grace', '"period_of_grace" = a."period_of_grace"'), ('intrepid_id', '"intrepid_id" = a."intrepid_id"'), ('amended_date', '"amended_date" = a."amended_date"'), ('id', '"id" = b."id"')) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), '
      FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id" AND b."id" = ANY ($1)') USING own_set.ids;
  END LOOP;
    END IF;
  ELSIF own_mass THEN
    EXECUTE $body$UPDATE "public"."programme_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."curriculum_membership" AS a, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
    OR (w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date"))
    OR ($1 AND NOT (w."person_id" OR w."programme_id" OR w."curriculum_id" OR w."programme_membership_type" OR w."programme_start_date" OR w."programme_end_date" OR w."rotation" OR w."rotation_id" OR w."training_number_id" OR w."training_pathway" OR w."leaving_reason" OR w."leaving_destination" OR w."curriculum_start_date" OR w."curriculum_end_date" OR w."curriculum_completion_date" OR w."period_of_grace" OR w."intrepid_id" OR w."amended_date")))$body$ USING own_touches;
  ELSIF own_rows = 1 AND pg_catalog.pg_trigger_depth() = 1 THEN
    UPDATE "public"."programme_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN ((o."person_id" IS DISTINCT FROM w."person_id")) THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN ((o."programme_id" IS DISTINCT FROM w."programme_id")) THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN ((o."curriculum_id" IS DISTINCT FROM w."curriculum_id")) THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."curriculum_membership" AS a, n AS w JOIN o ON o."id" = w."id"
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" = own_ids[1]
  AND ((((o."person_id" IS DISTINCT FROM w."person_id")) AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (((o."programme_id" IS DISTINCT FROM w."programme_id")) AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (((o."curriculum_id" IS DISTINCT FROM w."curriculum_id")) AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
    OR (((o."amended_date" IS DISTINCT FROM w."amended_date")) AND (a."amended_date" IS DISTINCT FROM b."amended_date"))
    OR (own_touches AND NOT (o."person_id" IS DISTINCT FROM w."person_id"
    OR o."programme_id" IS DISTINCT FROM w."programme_id"
    OR o."curriculum_id" IS DISTINCT FROM w."curriculum_id"
    OR o."programme_membership_type" IS DISTINCT FROM w."programme_membership_type"
    OR o."programme_start_date" IS DISTINCT FROM w."programme_start_date"
    OR o."programme_end_date" IS DISTINCT FROM w."programme_end_date"
    OR o."rotation" IS DISTINCT FROM w."rotation"
    OR o."rotation_id" IS DISTINCT FROM w."rotation_id"
    OR o."training_number_id" IS DISTINCT FROM w."training_number_id"
    OR o."training_pathway" IS DISTINCT FROM w."training_pathway"
    OR o."leaving_reason" IS DISTINCT FROM w."leaving_reason"
    OR o."leaving_destination" IS DISTINCT FROM w."leaving_destination"
    OR o."curriculum_start_date" IS DISTINCT FROM w."curriculum_start_date"
    OR o."curriculum_end_date" IS DISTINCT FROM w."curriculum_end_date"
    OR o."curriculum_completion_date" IS DISTINCT FROM w."curriculum_completion_date"
    OR o."period_of_grace" IS DISTINCT FROM w."period_of_grace"
    OR o."intrepid_id" IS DISTINCT FROM w."intrepid_id"
    OR o."amended_date" IS DISTINCT FROM w."amended_date")));
  ELSE
    UPDATE "public"."programme_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."curriculum_membership" AS a, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" = ANY (own_ids)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
    OR (w."amended_date" AND (a."amended_date" IS DISTINCT FROM b."amended_date"))
    OR (own_touches AND NOT (w."person_id" OR w."programme_id" OR w."curriculum_id" OR w."programme_membership_type" OR w."programme_start_date" OR w."programme_end_date" OR w."rotation" OR w."rotation_id" OR w."training_number_id" OR w."training_pathway" OR w."leaving_reason" OR w."leaving_destination" OR w."curriculum_start_date" OR w."curriculum_end_date" OR w."curriculum_completion_date" OR w."period_of_grace" OR w."intrepid_id" OR w."amended_date")));
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
      UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
    CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
    CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
    CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
FROM "public"."programme_membership" AS a, (SELECT n."id",
    pg_catalog.bool_or((o."person_id" IS DISTINCT FROM n."person_id")) AS "person_id",
    pg_catalog.bool_or((o."programme_id" IS DISTINCT FROM n."programme_id")) AS "programme_id",
    pg_catalog.bool_or((o."curriculum_id" IS DISTINCT FROM n."curriculum_id")) AS "curriculum_id",
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
  FROM o JOIN n ON o."id" = n."id" GROUP BY n."id") AS w
WHERE b."id" = a."id" AND w."id" = a."id" AND a."id" IN (SELECT n."id" FROM n)
  AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
    OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
    OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
      DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" IN (SELECT n."id" FROM n)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
    END IF;
  RETURN NULL;
END
$body1$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_source_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_source_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body1$
#variable_conflict use_variable
DECLARE
  own_ids bigint[]; own_rows int; own_mass boolean; own_set record; own_watched boolean; own_touches boolean; own_count bigint; own_first bigint; own_last bigint;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() AND EXISTS (SELECT FROM o) THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
  END IF;
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT o."id" FROM o LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN b."id" IS NOT NULL THEN o."id" END
      FROM o LEFT JOIN "public"."programme_membership" AS b ON b."id" = o."id" LIMIT 101);
    own_mass := pg_catalog.cardinality(own_ids) > 100;
    own_ids := pg_catalog.array_remove(own_ids, NULL);
  END IF;
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_mass THEN
    SELECT pg_catalog.min(o."id"), pg_catalog.max(o."id"), pg_catalog.count(DISTINCT o."id")
    INTO own_first, own_last, own_count FROM o;
    IF own_last::pg_catalog.numeric - own_first = own_count - 1 THEN
      IF pg_catalog.pg_trigger_depth() > 1 AND NOT (SELECT b."id" FROM "public"."programme_membership" AS b WHERE b."id" BETWEEN own_first AND own_last ORDER BY b."id" LIMIT 1) IS NOT NULL THEN
        RETURN NULL;
      ELSIF (SELECT a."id" FROM "public"."curriculum_membership" AS a WHERE a."id" BETWEEN own_first AND own_last ORDER BY a."id" LIMIT 1) IS NOT NULL THEN
        EXECUTE $body$DELETE FROM "public"."programme_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id")$body$;
      ELSE
        DELETE FROM "public"."programme_membership" AS b WHERE b."id" BETWEEN own_first AND own_last;
      END IF;
    ELSIF own_count <= 100000 THEN
      own_ids := ARRAY(SELECT o."id" FROM o);
      IF pg_catalog.pg_trigger_depth() > 1 AND NOT ((SELECT b."id" FROM "public"."programme_membership" AS b WHERE b."id" BETWEEN own_first AND own_last ORDER BY b."id" LIMIT 1) IS NOT NULL AND EXISTS (SELECT FROM "public"."programme_membership" AS b WHERE b."id" = ANY (own_ids))) THEN
        RETURN NULL;
      ELSIF ((SELECT a."id" FROM "public"."curriculum_membership" AS a WHERE a."id" BETWEEN own_first AND own_last ORDER BY a."id" LIMIT 1) IS NOT NULL AND EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (own_ids))) THEN
        EXECUTE $body$DELETE FROM "public"."programme_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id")$body$;
      ELSE
        DELETE FROM "public"."programme_membership" AS b WHERE b."id" = ANY (own_ids);
      END IF;
    ELSE
      IF pg_catalog.pg_trigger_depth() > 1 THEN
        EXECUTE $body$SELECT pg_catalog.count(*) > 0 FROM "public"."programme_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)$body$ INTO own_mass;
        IF NOT own_mass THEN
          RETURN NULL;
        END IF;
      END IF;
      EXECUTE $body$DELETE FROM "public"."programme_membership" AS b WHERE b."id" IN (SELECT o."id" FROM o)
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id")$body$;
    END IF;
  ELSIF own_rows = 0 THEN
    RETURN NULL;
  ELSIF own_rows = 1 THEN
    DELETE FROM "public"."programme_membership" AS b WHERE b."id" = own_ids[1]
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id");
  ELSE
    DELETE FROM "public"."programme_membership" AS b WHERE b."id" = ANY (own_ids)
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id");
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
      INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE a."id" IN (SELECT o."id" FROM o)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_source_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_source_moved"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
own_olds bigint[]; own_news bigint[]; own_masks text[]; own_there bigint[]; own_join text; own_set record; own_watched boolean; own_touches boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    IF NOT "public_refactor"."programme_membership_fence"() THEN
      RAISE serialization_failure USING MESSAGE = 'this transaction''s snapshot is older than the switch to synchronous capture', HINT = 'Retry the transaction.';
    END IF;
    PERFORM 1 FROM "public"."curriculum_membership" AS a WHERE a."id" = NEW."id" FOR KEY SHARE;
  END IF;
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS a JOIN "public"."programme_membership" AS b ON b."id" = a."id"
    WHERE a."id" = NEW."id" AND NOT (a."id" IS DISTINCT FROM b."id"
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
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS b WHERE b."id" = OLD."id"
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = OLD."id")) THEN
    RETURN NULL;
  END IF;
  SELECT pg_catalog.array_agg(x."id" ORDER BY x.own_place), pg_catalog.array_agg(y."id" ORDER BY x.own_place), pg_catalog.array_agg(CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_id" IS DISTINCT FROM y."curriculum_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END ORDER BY x.own_place)
    INTO own_olds, own_news, own_masks
    FROM (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)
    WHERE x."id" IS DISTINCT FROM y."id";
  IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news), pg_catalog.unnest(own_masks)) AS m (own_old, own_new, own_mask), "public"."programme_membership" AS b, "public"."curriculum_membership" AS a
    WHERE b."id" = m.own_old AND a."id" = m.own_new AND pg_catalog.age(b.xmin) <= 0 AND ((pg_catalog.substr(m.own_mask, 1, 1) = '0' AND (b."person_id" IS DISTINCT FROM a."person_id"))
      OR (pg_catalog.substr(m.own_mask, 2, 1) = '0' AND (b."programme_id" IS DISTINCT FROM a."programme_id"))
      OR (pg_catalog.substr(m.own_mask, 3, 1) = '0' AND (b."curriculum_id" IS DISTINCT FROM a."curriculum_id"))
      OR (pg_catalog.substr(m.own_mask, 4, 1) = '0' AND (b."programme_membership_type" IS DISTINCT FROM a."programme_membership_type"))
      OR (pg_catalog.substr(m.own_mask, 5, 1) = '0' AND (b."programme_start_date" IS DISTINCT FROM a."programme_start_date"))
      OR (pg_catalog.substr(m.own_mask, 6, 1) = '0' AND (b."programme_end_date" IS DISTINCT FROM a."programme_end_date"))
      OR (pg_catalog.substr(m.own_mask, 7, 1) = '0' AND (b."rotation" IS DISTINCT FROM a."rotation"))
      OR (pg_catalog.substr(m.own_mask, 8, 1) = '0' AND (b."rotation_id" IS DISTINCT FROM a."rotation_id"))
      OR (pg_catalog.substr(m.own_mask, 9, 1) = '0' AND (b."training_number_id" IS DISTINCT FROM a."training_number_id"))
      OR (pg_catalog.substr(m.own_mask, 10, 1) = '0' AND (b."training_pathway" IS DISTINCT FROM a."training_pathway"))
      OR (pg_catalog.substr(m.own_mask, 11, 1) = '0' AND (b."leaving_reason" IS DISTINCT FROM a."leaving_reason"))
      OR (pg_catalog.substr(m.own_mask, 12, 1) = '0' AND (b."leaving_destination" IS DISTINCT FROM a."leaving_destination"))
      OR (pg_catalog.substr(m.own_mask, 13, 1) = '0' AND (b."curriculum_start_date" IS DISTINCT FROM a."curriculum_start_date"))
      OR (pg_catalog.substr(m.own_mask, 14, 1) = '0' AND (b."curriculum_end_date" IS DISTINCT FROM a."curriculum_end_date"))
      OR (pg_catalog.substr(m.own_mask, 15, 1) = '0' AND (b."curriculum_completion_date" IS DISTINCT FROM a."curriculum_completion_date"))
      OR (pg_catalog.substr(m.own_mask, 16, 1) = '0' AND (b."period_of_grace" IS DISTINCT FROM a."period_of_grace"))
      OR (pg_catalog.substr(m.own_mask, 17, 1) = '0' AND (b."intrepid_id" IS DISTINCT FROM a."intrepid_id"))
      OR (pg_catalog.substr(m.own_mask, 18, 1) = '0' AND (b."amended_date" IS DISTINCT FROM a."amended_date")))) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a row got another id in "public"."curriculum_membership" while the same statement wrote it in "public"."programme_membership"',
      HINT = 'Write only one of the two tables, or use two statements.';
  END IF;
  -- Row by row in the order of the statement: in another order an id may still be in use.
  own_join := pg_catalog.concat_ws(' ', pg_catalog.current_setting('enable_hashjoin'),
    pg_catalog.current_setting('enable_mergejoin'), pg_catalog.current_setting('enable_material'));
  own_there := ARRAY(SELECT a."id"
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."curriculum_membership" AS a, "public"."programme_membership" AS b
    WHERE a."id" = m.own_new AND b."id" = a."id"
    AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS z WHERE z."id" = m.own_old)
    AND (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date"));
  PERFORM pg_catalog.set_config(s.s, 'off', true)
  FROM pg_catalog.unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_material']) AS s (s);
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
  EXECUTE pg_catalog.concat(
      'UPDATE "public"."programme_membership" AS b SET "id" = m.own_new',
      (SELECT pg_catalog.concat(
        CASE WHEN pg_catalog.bool_or((a."person_id" IS DISTINCT FROM b."person_id")) THEN ', "person_id" = a."person_id"' END,
        CASE WHEN pg_catalog.bool_or((a."programme_id" IS DISTINCT FROM b."programme_id")) THEN ', "programme_id" = a."programme_id"' END,
        CASE WHEN pg_catalog.bool_or((a."curriculum_id" IS DISTINCT FROM b."curriculum_id")) THEN ', "curriculum_id" = a."curriculum_id"' END,
        CASE WHEN pg_catalog.bool_or((a."programme_membership_type" IS DISTINCT FROM b."programme_membership_type")) THEN ', "programme_membership_type" = a."programme_membership_type"' END,
        CASE WHEN pg_catalog.bool_or((a."programme_start_date" IS DISTINCT FROM b."programme_start_date")) THEN ', "programme_start_date" = a."programme_start_date"' END,
        CASE WHEN pg_catalog.bool_or((a."programme_end_date" IS DISTINCT FROM b."programme_end_date")) THEN ', "programme_end_date" = a."programme_end_date"' END,
        CASE WHEN pg_catalog.bool_or((a."rotation" IS DISTINCT FROM b."rotation")) THEN ', "rotation" = a."rotation"' END,
        CASE WHEN pg_catalog.bool_or((a."rotation_id" IS DISTINCT FROM b."rotation_id")) THEN ', "rotation_id" = a."rotation_id"' END,
        CASE WHEN pg_catalog.bool_or((a."training_number_id" IS DISTINCT FROM b."training_number_id")) THEN ', "training_number_id" = a."training_number_id"' END,
        CASE WHEN pg_catalog.bool_or((a."training_pathway" IS DISTINCT FROM b."training_pathway")) THEN ', "training_pathway" = a."training_pathway"' END,
        CASE WHEN pg_catalog.bool_or((a."leaving_reason" IS DISTINCT FROM b."leaving_reason")) THEN ', "leaving_reason" = a."leaving_reason"' END,
        CASE WHEN pg_catalog.bool_or((a."leaving_destination" IS DISTINCT FROM b."leaving_destination")) THEN ', "leaving_destination" = a."leaving_destination"' END,
        CASE WHEN pg_catalog.bool_or((a."curriculum_start_date" IS DISTINCT FROM b."curriculum_start_date")) THEN ', "curriculum_start_date" = a."curriculum_start_date"' END,
        CASE WHEN pg_catalog.bool_or((a."curriculum_end_date" IS DISTINCT FROM b."curriculum_end_date")) THEN ', "curriculum_end_date" = a."curriculum_end_date"' END,
        CASE WHEN pg_catalog.bool_or((a."curriculum_completion_date" IS DISTINCT FROM b."curriculum_completion_date")) THEN ', "curriculum_completion_date" = a."curriculum_completion_date"' END,
        CASE WHEN pg_catalog.bool_or((a."period_of_grace" IS DISTINCT FROM b."period_of_grace")) THEN ', "period_of_grace" = a."period_of_grace"' END,
        CASE WHEN pg_catalog.bool_or((a."intrepid_id" IS DISTINCT FROM b."intrepid_id")) THEN ', "intrepid_id" = a."intrepid_id"' END,
        CASE WHEN pg_catalog.bool_or((a."amended_date" IS DISTINCT FROM b."amended_date")) THEN ', "amended_date" = a."amended_date"' END)
      FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."curriculum_membership" AS a, "public"."programme_membership" AS b WHERE b."id" = m.own_old AND a."id" = m.own_new),
      ' FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS m (own_old, own_new), "public"."curriculum_membership" AS a WHERE b."id" = m.own_old AND a."id" = m.own_new') USING own_olds, own_news;
  ELSE
  UPDATE "public"."programme_membership" AS b SET ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      m.own_new, a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date")
    FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."curriculum_membership" AS a
    WHERE b."id" = m.own_old AND a."id" = m.own_new;
  END IF;
  PERFORM pg_catalog.set_config('enable_hashjoin', pg_catalog.split_part(own_join, ' ', 1), true),
    pg_catalog.set_config('enable_mergejoin', pg_catalog.split_part(own_join, ' ', 2), true),
    pg_catalog.set_config('enable_material', pg_catalog.split_part(own_join, ' ', 3), true);
  IF EXISTS (SELECT FROM "public"."programme_membership" AS b WHERE b."id" = ANY (own_olds)
    AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id")) THEN
    IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(own_olds), pg_catalog.unnest(own_news)) AS m (own_old, own_new), "public"."programme_membership" AS b,
        "public"."curriculum_membership" AS a WHERE b."id" = m.own_old AND a."id" = m.own_new
      AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS z WHERE z."id" = b."id")) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a BEFORE trigger of "public"."programme_membership" keeps a row from getting its new id',
        HINT = 'Let the trigger accept the new id, or change the id in the other table.';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
      WHERE c.confrelid = '"public"."programme_membership"'::pg_catalog.regclass AND c.contype = 'f'
        AND c.confdeltype NOT IN ('a', 'r')) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = 'a trigger of "public"."curriculum_membership" deleted a row, or changed its id again, before the statement that changed its id had ended',
        HINT = 'Delete the row, or change its id, in one statement after the other.';
    END IF;
    DELETE FROM "public"."programme_membership" AS b WHERE b."id" = ANY (own_olds)
  AND NOT EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = b."id");
  END IF;
  -- An INSERT without rows would fire triggers for each statement.
  IF EXISTS (SELECT FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (own_news) AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS z WHERE z."id" = a."id")) THEN
    INSERT INTO "public"."programme_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."curriculum_membership" AS a WHERE a."id" = ANY (own_news) AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS z WHERE z."id" = a."id")
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
      SELECT own_place, x."id" AS own_old, y."id" AS own_new,
      CASE WHEN (x."person_id" IS DISTINCT FROM y."person_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_id" IS DISTINCT FROM y."programme_id") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_id" IS DISTINCT FROM y."curriculum_id") THEN '1' ELSE '0' END || CASE WHEN (x."programme_membership_type" IS DISTINCT FROM y."programme_membership_type") THEN '1' ELSE '0' END || CASE WHEN (x."programme_start_date" IS DISTINCT FROM y."programme_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."programme_end_date" IS DISTINCT FROM y."programme_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."rotation" IS DISTINCT FROM y."rotation") THEN '1' ELSE '0' END || CASE WHEN (x."rotation_id" IS DISTINCT FROM y."rotation_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_number_id" IS DISTINCT FROM y."training_number_id") THEN '1' ELSE '0' END || CASE WHEN (x."training_pathway" IS DISTINCT FROM y."training_pathway") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_reason" IS DISTINCT FROM y."leaving_reason") THEN '1' ELSE '0' END || CASE WHEN (x."leaving_destination" IS DISTINCT FROM y."leaving_destination") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_start_date" IS DISTINCT FROM y."curriculum_start_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_end_date" IS DISTINCT FROM y."curriculum_end_date") THEN '1' ELSE '0' END || CASE WHEN (x."curriculum_completion_date" IS DISTINCT FROM y."curriculum_completion_date") THEN '1' ELSE '0' END || CASE WHEN (x."period_of_grace" IS DISTINCT FROM y."period_of_grace") THEN '1' ELSE '0' END || CASE WHEN (x."intrepid_id" IS DISTINCT FROM y."intrepid_id") THEN '1' ELSE '0' END || CASE WHEN (x."amended_date" IS DISTINCT FROM y."amended_date") THEN '1' ELSE '0' END AS own_mask
      FROM (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM o) AS x
    JOIN (SELECT "id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date", pg_catalog.row_number() OVER () AS own_place FROM n) AS y USING (own_place)),
    c AS (
      SELECT v.own_new AS own_last, v.* FROM v WHERE v.own_new = ANY (own_there)
      AND NOT EXISTS (SELECT FROM v AS z WHERE z.own_new = v.own_new AND z.own_place > v.own_place)
      UNION ALL
      SELECT c.own_last, p.* FROM c, LATERAL (SELECT v.* FROM v WHERE v.own_new = c.own_old
        AND v.own_place < c.own_place ORDER BY v.own_place DESC LIMIT 1) AS p)
    UPDATE "public"."programme_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (
      CASE WHEN w."person_id" THEN a."person_id" ELSE b."person_id" END,
      CASE WHEN w."programme_id" THEN a."programme_id" ELSE b."programme_id" END,
      CASE WHEN w."curriculum_id" THEN a."curriculum_id" ELSE b."curriculum_id" END,
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
    FROM "public"."curriculum_membership" AS a, (SELECT c.own_last, pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 1, 1) = '1') AS "person_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 2, 1) = '1') AS "programme_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 3, 1) = '1') AS "curriculum_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 4, 1) = '1') AS "programme_membership_type",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 5, 1) = '1') AS "programme_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 6, 1) = '1') AS "programme_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 7, 1) = '1') AS "rotation",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 8, 1) = '1') AS "rotation_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 9, 1) = '1') AS "training_number_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 10, 1) = '1') AS "training_pathway",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 11, 1) = '1') AS "leaving_reason",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 12, 1) = '1') AS "leaving_destination",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 13, 1) = '1') AS "curriculum_start_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 14, 1) = '1') AS "curriculum_end_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 15, 1) = '1') AS "curriculum_completion_date",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 16, 1) = '1') AS "period_of_grace",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 17, 1) = '1') AS "intrepid_id",
      pg_catalog.bool_or(pg_catalog.substr(c.own_mask, 18, 1) = '1') AS "amended_date"
      FROM c GROUP BY c.own_last) AS w
    WHERE w.own_last = a."id" AND b."id" = a."id"
      AND ((w."person_id" AND (a."person_id" IS DISTINCT FROM b."person_id"))
      OR (w."programme_id" AND (a."programme_id" IS DISTINCT FROM b."programme_id"))
      OR (w."curriculum_id" AND (a."curriculum_id" IS DISTINCT FROM b."curriculum_id"))
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
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
      INSERT INTO "public"."curriculum_membership" AS b ("id", "person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date")
OVERRIDING SYSTEM VALUE SELECT a."id", a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date"
FROM "public"."programme_membership" AS a WHERE a."id" = ANY (own_olds)
ON CONFLICT ("id") DO UPDATE SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") =
  ROW (excluded."person_id", excluded."programme_id", excluded."curriculum_id", excluded."programme_membership_type", excluded."programme_start_date", excluded."programme_end_date", excluded."rotation", excluded."rotation_id", excluded."training_number_id", excluded."training_pathway", excluded."leaving_reason", excluded."leaving_destination", excluded."curriculum_start_date", excluded."curriculum_end_date", excluded."curriculum_completion_date", excluded."period_of_grace", excluded."intrepid_id", excluded."amended_date")
WHERE (b."person_id" IS DISTINCT FROM excluded."person_id"
    OR b."programme_id" IS DISTINCT FROM excluded."programme_id"
    OR b."curriculum_id" IS DISTINCT FROM excluded."curriculum_id"
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
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = '"public"."programme_membership"'::pg_catalog.regclass
        AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT pg_catalog.starts_with(t.tgname::text, 'AA_refactor_') AND NOT pg_catalog.starts_with(t.tgname::text, '~refactor_')) THEN
      UPDATE "public"."curriculum_membership" AS b SET ("person_id", "programme_id", "curriculum_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "curriculum_start_date", "curriculum_end_date", "curriculum_completion_date", "period_of_grace", "intrepid_id", "amended_date") = ROW (a."person_id", a."programme_id", a."curriculum_id", a."programme_membership_type", a."programme_start_date", a."programme_end_date", a."rotation", a."rotation_id", a."training_number_id", a."training_pathway", a."leaving_reason", a."leaving_destination", a."curriculum_start_date", a."curriculum_end_date", a."curriculum_completion_date", a."period_of_grace", a."intrepid_id", a."amended_date")
FROM "public"."programme_membership" AS a
WHERE b."id" = a."id" AND a."id" = ANY (own_news)
  AND (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date");
      DELETE FROM "public"."curriculum_membership" AS b WHERE b."id" = ANY (own_news)
  AND NOT EXISTS (SELECT FROM "public"."programme_membership" AS a WHERE a."id" = b."id");
    END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_source_moved"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_to_source_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
  own_ids bigint[]; own_rows int; own_mass boolean; own_set record; own_watched boolean; own_touches boolean;
BEGIN
  IF pg_catalog.row_security_active('"public"."curriculum_membership"'::pg_catalog.regclass) OR pg_catalog.row_security_active('"public"."programme_membership"'::pg_catalog.regclass) THEN
    RAISE insufficient_privilege USING MESSAGE = 'row security hides rows of "public"."curriculum_membership" or "public"."programme_membership" from the role that owns the tables, so this write cannot be carried to the other table',
      HINT = 'ALTER TABLE "public"."curriculum_membership" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "public"."programme_membership" NO FORCE ROW LEVEL SECURITY;';
  END IF;
  IF pg_catalog.pg_relation_size('"public"."programme_membership"'::pg_catalog.regclass) > 0 THEN
    TRUNCATE "public"."programme_membership";
  END IF;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_to_source_truncate"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'create_functions') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Record changes in the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'record_changes')) AS refactor_to_do \gset
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
      LOCK TABLE "public"."curriculum_membership" IN SHARE ROW EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme_membership_retired" IN ACCESS EXCLUSIVE MODE;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."programme_membership_retired"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_reconciling_insert_or_update_or_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_reconciling_insert_or_update_or_delete" BEFORE INSERT OR UPDATE OR DELETE ON "public"."programme_membership_retired"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_reconciling"()'; END IF;
IF 'AA_refactor_reconciling_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_reconciling_truncate" BEFORE TRUNCATE ON "public"."programme_membership_retired"
  FOR EACH STATEMENT
  WHEN (pg_catalog.current_setting(''vacuum_cost_page_hit'') <> ''7129'')
  EXECUTE FUNCTION "public_refactor"."programme_membership_reconciling"()'; END IF;
ALTER TABLE "public"."programme_membership_retired" ENABLE ALWAYS TRIGGER "AA_refactor_reconciling_insert_or_update_or_delete", ENABLE ALWAYS TRIGGER "AA_refactor_reconciling_truncate";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('~refactor_refuse_retired')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership_retired"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('~refactor_refuse_retired');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_refuse_retired"$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_retired_log_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_insert"()'; END IF;
IF 'AA_refactor_retired_log_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_update"()'; END IF;
IF 'AA_refactor_retired_log_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_delete"()'; END IF;
IF 'AA_refactor_retired_log_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_truncate"()'; END IF;
IF 'AA_refactor_retired_log_moved' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_moved" AFTER UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id")
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_moved"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_retired_log_insert", ENABLE ALWAYS TRIGGER "AA_refactor_retired_log_update", ENABLE ALWAYS TRIGGER "AA_refactor_retired_log_delete", ENABLE ALWAYS TRIGGER "AA_refactor_retired_log_truncate", ENABLE ALWAYS TRIGGER "AA_refactor_retired_log_moved";
END $own$$body$;
      EXECUTE $body$INSERT INTO "public_refactor"."programme_membership_retired_log" (keys) VALUES (NULL)$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'retire_source', 'down', 'record_changes', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."programme_membership_retired"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."programme_membership_retired"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Reconcile the archive with the child
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'reconcile')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Reconcile the archive with the child'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'retire_source down reconcile') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."id" IS NOT NULL ORDER BY t."id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile');
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
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'retire_source down reconcile', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_retired_build"(work.first_value::bigint, work.last_value::bigint);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') AND n = work.number;
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
VALUES ('programme_membership', 'retire_source', 'down', 'reconcile', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'retire_source down reconcile');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Rename the tables back: the source takes over
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'hand_back')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Rename the tables back: the source takes over'
DO $body2$
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
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_retired_log" LIMIT 1000) AS l) AS p;
      EXIT WHEN rounds > 0 AND marks = 0 AND NOT more AND keys <= least(greatest(rate * budget, 20), 2000) / 2;
      span := extract(epoch FROM pg_catalog.clock_timestamp() - since);
      IF span >= 120 THEN
        SELECT p.* INTO work.waiting FROM (SELECT coalesce(pg_catalog.sum(greatest(l.n, 1)), 0)::bigint
FROM "public_refactor"."programme_membership_retired_log" AS l) AS p;
        in_vain := CASE WHEN waiting >= left_before THEN in_vain + 1 ELSE 0 END;
        IF in_vain = 2 THEN
          RAISE lock_not_available USING MESSAGE = pg_catalog.format('changes of "public"."curriculum_membership" arrive faster than they can be replayed: in the last %s s %s keys a second came, %s a second were replayed, and %s wait',
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
        PERFORM "public_refactor"."programme_membership_retired_drain"(200);
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
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme_membership_retired" IN ACCESS EXCLUSIVE MODE;
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM (SELECT coalesce(pg_catalog.sum(l.n), 0)::bigint, pg_catalog.count(*) FILTER (WHERE l.keys IS NULL), pg_catalog.count(*),
  pg_catalog.count(*) = 1000
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_retired_log" LIMIT 1000) AS l) AS p;
      IF marks > 0 OR more OR keys > least(greatest(rate * budget, 20), 2000) THEN
        -- Too much came in the meantime. Release the locks and replay it without them.
        RAISE lock_not_available;
      END IF;
      PERFORM "public_refactor"."programme_membership_retired_drain"(NULL);
      EXECUTE $body$DO $fence$ BEGIN EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot(%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())', pg_catalog.pg_current_xact_id()); END $fence$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"')
AND t.tgname IN ('AA_refactor_retired_log_insert', 'AA_refactor_retired_log_update', 'AA_refactor_retired_log_delete', 'AA_refactor_retired_log_truncate', 'AA_refactor_retired_log_moved'));
IF pg_catalog.cardinality(there) < 5 THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody dropped triggers of this tool, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_retired_log_insert', 'AA_refactor_retired_log_update', 'AA_refactor_retired_log_delete', 'AA_refactor_retired_log_truncate', 'AA_refactor_retired_log_moved')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_retired_log_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_insert"()'; END IF;
IF 'AA_refactor_retired_log_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_update"()'; END IF;
IF 'AA_refactor_retired_log_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_delete"()'; END IF;
IF 'AA_refactor_retired_log_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_truncate"()'; END IF;
IF 'AA_refactor_retired_log_moved' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_retired_log_moved" AFTER UPDATE ON "public"."curriculum_membership"
  FOR EACH ROW
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_retired_log_moved"()'; END IF;
EXECUTE 'ALTER TABLE "public"."curriculum_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('AA_refactor_reconciling_insert_or_update_or_delete', 'AA_refactor_reconciling_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership_retired"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('AA_refactor_reconciling_insert_or_update_or_delete', 'AA_refactor_reconciling_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('~refactor_refuse_retired')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."programme_membership_retired"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."programme_membership_retired"') AND t.tgname IN ('~refactor_refuse_retired');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_refuse_retired"$body$;
      EXECUTE $body1$DO $body$
DECLARE
  position_now bigint;
  drawn boolean;
  grantee text;
BEGIN
  ALTER SEQUENCE "public"."programme_membership_id_seq" CACHE 1;
  SELECT s.last_value, s.is_called INTO position_now, drawn FROM "public"."programme_membership_id_seq" AS s;
  ALTER TABLE "public"."programme_membership_retired" ALTER COLUMN "id" DROP DEFAULT;
  ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "id" DROP IDENTITY;
  ALTER TABLE "public"."programme_membership_retired" ALTER COLUMN "id" ADD GENERATED BY DEFAULT AS IDENTITY
    (SEQUENCE NAME "public"."programme_membership_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE);
  PERFORM pg_catalog.setval('"public"."programme_membership_id_seq"'::pg_catalog.regclass, position_now, drawn);
  FOR grantee IN
    SELECT DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
    WHERE c.oid = '"public"."programme_membership_id_seq"'::pg_catalog.regclass AND x.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON SEQUENCE %s FROM %s CASCADE',
      '"public"."programme_membership_id_seq"', grantee);
  END LOOP;
  ALTER TABLE "public"."curriculum_membership" ALTER COLUMN "id" SET DEFAULT pg_catalog.nextval('"public"."programme_membership_id_seq"'::pg_catalog.regclass);
END
$body$$body1$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership_retired" RENAME TO "programme_membership"$body$;
      EXECUTE $body$ALTER INDEX "public"."ix_programme_membership_retired_curriculum_id" RENAME TO "ix_programme_membership_curriculum_id"$body$;
      EXECUTE $body$ALTER INDEX "public"."ix_programme_membership_retired_person_id" RENAME TO "ix_programme_membership_person_id"$body$;
      EXECUTE $body$ALTER INDEX "public"."ix_programme_membership_retired_programme_id" RENAME TO "ix_programme_membership_programme_id"$body$;
      EXECUTE $body$ALTER INDEX "public"."ix_programme_membership_retired_rotation_id" RENAME TO "ix_programme_membership_rotation_id"$body$;
      EXECUTE $body$ALTER INDEX "public"."ix_programme_membership_retired_training_number_id" RENAME TO "ix_programme_membership_training_number_id"$body$;
      EXECUTE $body$ALTER INDEX "public"."pk_programme_membership_retired" RENAME TO "pk_programme_membership"$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_curriculum_id" FOREIGN KEY (curriculum_id) REFERENCES public.curriculum(id) NOT VALID$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_person_id" FOREIGN KEY (person_id) REFERENCES public.person(id) NOT VALID$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id) NOT VALID$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_rotation_id" FOREIGN KEY (rotation_id) REFERENCES public.rotation(id) NOT VALID$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_training_number_id" FOREIGN KEY (training_number_id) REFERENCES public.training_number(id) NOT VALID$body$;
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
  WHEN (OLD."id" IS DISTINCT FROM NEW."id")
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_copy_moved"()'; END IF;
ALTER TABLE "public"."programme_membership" ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_insert", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_update", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_delete", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_truncate", ENABLE ALWAYS TRIGGER "AA_refactor_to_copy_moved";
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_to_source_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_source_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_source_insert"()'; END IF;
IF 'AA_refactor_to_source_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_source_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_source_update"()'; END IF;
IF 'AA_refactor_to_source_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_source_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_source_delete"()'; END IF;
IF 'AA_refactor_to_source_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_source_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_source_truncate"()'; END IF;
IF 'AA_refactor_to_source_moved' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_to_source_moved" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id")
  EXECUTE FUNCTION "public_refactor"."programme_membership_to_source_moved"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_to_source_insert", ENABLE ALWAYS TRIGGER "AA_refactor_to_source_update", ENABLE ALWAYS TRIGGER "AA_refactor_to_source_delete", ENABLE ALWAYS TRIGGER "AA_refactor_to_source_truncate", ENABLE ALWAYS TRIGGER "AA_refactor_to_source_moved";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries, rows)
VALUES ('programme_membership', 'retire_source', 'down', 'hand_back', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries, work.replayed) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."curriculum_membership"')) OR (l.relation = pg_catalog.to_regclass('"public"."programme_membership_retired"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."curriculum_membership", "public"."programme_membership_retired"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
  RESET synchronous_commit;
END
$body2$;
\endif

-- Drop the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'drop_log')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the log'
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
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_retired_log_insert', 'AA_refactor_retired_log_update', 'AA_refactor_retired_log_delete', 'AA_refactor_retired_log_truncate', 'AA_refactor_retired_log_moved')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_retired_log_insert', 'AA_refactor_retired_log_update', 'AA_refactor_retired_log_delete', 'AA_refactor_retired_log_truncate', 'AA_refactor_retired_log_moved');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_build"$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_drain"$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_build_null"$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_build_popular"$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_log_insert"()$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_log_update"()$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_log_delete"()$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_log_truncate"()$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_retired_log_moved"()$body$;
      EXECUTE $body$DROP TABLE IF EXISTS "public_refactor"."programme_membership_retired_log"$body$;
      EXECUTE $body$DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_reconciling"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'retire_source', 'down', 'drop_log', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Validate foreign key 1
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:1')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key 1'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_curriculum_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:1') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Validate foreign key 2
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:2')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key 2'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_person_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:2') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Validate foreign key 3
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:3')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key 3'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_programme_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:3') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Validate foreign key 4
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:4')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key 4'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_rotation_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:4') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Validate foreign key 5
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:5')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key 5'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_training_number_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'retire_source', 'down', 'validate_foreign_key:5') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'retire_source', 'down', 'own triggers fire', broken, keys,
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
FROM (SELECT (a."id" IS NULL OR b."id" IS NULL OR (a."person_id" IS DISTINCT FROM b."person_id"
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
    OR a."amended_date" IS DISTINCT FROM b."amended_date")) AS b0, coalesce(a."id", b."id")::text AS k0, (b."id" IS NOT NULL AND ((EXISTS (SELECT FROM "public_refactor"."programme_membership_kept")
    OR pg_catalog.uuid_send(b."programme_membership_uuid") IS DISTINCT FROM "public_refactor"."programme_membership_uuid_bytes"(b."person_id", b."programme_id", b."programme_membership_type", b."programme_start_date", b."programme_end_date"))
  AND b."programme_membership_uuid" IS DISTINCT FROM "public_refactor"."programme_membership_link"(b."person_id", b."programme_id", b."programme_membership_type", b."programme_start_date", b."programme_end_date"))) AS b1, b."id"::text AS k1
FROM "public"."programme_membership" AS a FULL JOIN "public"."curriculum_membership" AS b ON a."id" = b."id"
OFFSET 0) AS z
WHERE z.b0 OR z.b1) AS f,
LATERAL (VALUES (0, f.n0, coalesce(f.k0[1:5], '{}'::pg_catalog.text[])), (1, f.n1, coalesce(f.k1[1:5], '{}'::pg_catalog.text[]))) AS r (n, broken, keys) ORDER BY r.n) AS r (broken, keys));
  FOR n IN 1 .. pg_catalog.array_length(names, 1) LOOP
    name := names[n];
    broken := (results[n] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[n] -> 'keys'));
    INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'retire_source', 'down', name, broken, keys,
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
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'retire_source';
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
VALUES ('programme_membership', 'retire_source', 'down', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
