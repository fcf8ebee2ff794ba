-- 0007 rebuild_parent down

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0007 down', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'rebuild_parent' AND (s.direction = 'up' OR s.state = 'open')) AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'rebuild_parent' AND s.direction = 'down' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0007 rebuild_parent: down already, nothing to do'
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
    AND (s.step, s.direction) <> ('rebuild_parent', 'down');
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'every row is seen', broken, keys,
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
\warn '0007 rebuild_parent: resumed'
\else
\warn '0007 rebuild_parent down'
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'no subscription writes', broken, keys,
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
  FROM (VALUES (0, 'link_children', '0008'), (1, 'stop_parallel_save', '0009'), (2, 'drop_deprecated_columns', '0010'), (3, 'drop_retired_table', '0011')) AS o (n, step, label)
  WHERE  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0007 rebuild_parent cannot go down: ' || wrong || ' is still applied, according to the ledger',
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
SELECT DISTINCT pg_catalog.pg_describe_object(CASE WHEN w.oid IS NULL THEN d.classid
    ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END, coalesce(w.ev_class, d.objid), 0)
FROM (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, f.oid, -1
  FROM (SELECT pg_catalog.to_regclass('"public"."programme_membership"')::pg_catalog.oid UNION SELECT m.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass('"public"."programme_membership"')) AS m) AS f (oid)
  UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, y.oid, -1
  FROM (SELECT pg_catalog.to_regclass('"public"."programme_membership"')::pg_catalog.oid UNION SELECT m.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass('"public"."programme_membership"')) AS m) AS f (oid)
  JOIN pg_catalog.pg_class AS c ON c.oid = f.oid
  JOIN pg_catalog.pg_type AS r ON r.oid = c.reltype
  JOIN pg_catalog.pg_type AS y ON y.oid IN (r.oid, r.typarray)) AS m (class, object, part)
JOIN pg_catalog.pg_depend AS d ON d.refclassid = m.class AND d.refobjid = m.object
  AND m.part IN (-1, d.refobjsubid)
LEFT JOIN pg_catalog.pg_rewrite AS w
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint AS k
  ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger AS t
  ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_policy AS p
  ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef AS x
  ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND x.oid = d.objid
LEFT JOIN pg_catalog.pg_proc AS f ON f.oid = coalesce(t.tgfoid, CASE
  WHEN d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN d.objid END)
WHERE d.deptype = 'n'
AND (coalesce(w.ev_class, k.conrelid, t.tgrelid, p.polrelid, x.adrelid) IN (SELECT pg_catalog.to_regclass('"public"."programme_membership"')::pg_catalog.oid UNION SELECT m.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass('"public"."programme_membership"')) AS m)) IS NOT TRUE
AND (k.conparentid <> 0 OR k.conrelid IN (SELECT pg_catalog.to_regclass('"public"."curriculum_membership"')::pg_catalog.oid UNION SELECT m.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass('"public"."curriculum_membership"')) AS m)) IS NOT TRUE
AND (f.pronamespace = pg_catalog.to_regnamespace('"public_refactor"')) IS NOT TRUE
AND (w.ev_class IN (SELECT w.ev_class FROM pg_catalog.pg_depend AS o
    JOIN pg_catalog.pg_rewrite AS w ON w.oid = o.objid
    JOIN pg_catalog.pg_proc AS f ON f.oid = o.refobjid
    JOIN pg_catalog.pg_namespace AS s ON s.oid = f.pronamespace
    WHERE o.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    AND o.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND s.nspname = 'public_refactor')) IS NOT TRUE
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'nothing stands on the parent', broken, keys,
    extract(epoch FROM pg_catalog.clock_timestamp() - began));
  COMMIT;
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        'nothing stands on the parent', 'no view, foreign key or other object uses "programme_membership", which this step takes away',
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = 'Drop these (a foreign key: ALTER TABLE … DROP CONSTRAINT) or let them use something else, then run the same command again.';
  END IF;
END
$body$;
BEGIN;
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'rebuild_parent';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'rebuild_parent', 'down', 'open', NULL, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'begun', '{"revision": "0007"}');
COMMIT;
\endif

-- Create the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'create_log')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create the log'
BEGIN;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_parent_log" (
  keys pg_catalog.uuid[], n pg_catalog.int4 NOT NULL DEFAULT 0);
ALTER TABLE "public_refactor"."programme_membership_parent_log" ALTER COLUMN keys SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_log_insert"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_parent_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "programme_membership_uuid" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_log_insert"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_log_update"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_parent_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "programme_membership_uuid" AS k FROM o
UNION ALL SELECT "programme_membership_uuid" AS k FROM n) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_log_update"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_log_delete"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_parent_log" (keys, n)
  SELECT g.keys, pg_catalog.cardinality(g.keys)
  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM (SELECT "programme_membership_uuid" AS k FROM o) AS c) AS g
  WHERE g.keys IS NOT NULL;
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_log_delete"() FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_log_truncate"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
BEGIN
  INSERT INTO "public_refactor"."programme_membership_parent_log" (keys) VALUES (NULL);
  RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_log_truncate"() FROM PUBLIC;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'create_log') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Record changes in the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'record_changes')) AS refactor_to_do \gset
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
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_derive_insert', 'AA_refactor_derive_update', 'AA_refactor_derive_delete', 'AA_refactor_derive_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = '"public"."curriculum_membership"'::pg_catalog.regclass
AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ');
IF 'AA_refactor_parent_log_insert' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_insert"()'; END IF;
IF 'AA_refactor_parent_log_update' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_update"()'; END IF;
IF 'AA_refactor_parent_log_delete' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_delete"()'; END IF;
IF 'AA_refactor_parent_log_truncate' <> ALL (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_truncate"()'; END IF;
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_parent_log_insert", ENABLE ALWAYS TRIGGER "AA_refactor_parent_log_update", ENABLE ALWAYS TRIGGER "AA_refactor_parent_log_delete", ENABLE ALWAYS TRIGGER "AA_refactor_parent_log_truncate";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'record_changes', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop foreign key fk_programme_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_programme_membership_person_id'
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
      LOCK TABLE "public"."person" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."programme_membership" DROP CONSTRAINT IF EXISTS "fk_programme_membership_person_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_person_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."person"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."person"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_programme_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_programme_membership_programme_id'
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
      LOCK TABLE "public"."programme" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."programme_membership" DROP CONSTRAINT IF EXISTS "fk_programme_membership_programme_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_programme_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_programme_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_programme_membership_rotation_id'
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
      LOCK TABLE "public"."rotation" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."programme_membership" DROP CONSTRAINT IF EXISTS "fk_programme_membership_rotation_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_rotation_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."rotation"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."rotation"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Drop foreign key fk_programme_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop foreign key fk_programme_membership_training_number_id'
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
      LOCK TABLE "public"."training_number" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$ALTER TABLE IF EXISTS "public"."programme_membership" DROP CONSTRAINT IF EXISTS "fk_programme_membership_training_number_id"$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'drop_foreign_key:fk_programme_membership_training_number_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."training_number"'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."training_number"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Empty the parent
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'down', 'empty_parent')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Empty the parent'
BEGIN;
SET LOCAL vacuum_cost_page_hit = 7129;
TRUNCATE "public"."programme_membership";
DELETE FROM "public_refactor"."programme_membership_parent_log";
ALTER TABLE "public"."programme_membership" DROP CONSTRAINT IF EXISTS "pk_programme_membership";
ALTER TABLE "public"."programme_membership" DROP CONSTRAINT IF EXISTS "uq_programme_membership_key";
DROP INDEX IF EXISTS "public"."pk_programme_membership";
DROP INDEX IF EXISTS "public"."uq_programme_membership_key";
DROP INDEX IF EXISTS "public"."ix_programme_membership_person_id";
DROP INDEX IF EXISTS "public"."ix_programme_membership_programme_id";
DROP INDEX IF EXISTS "public"."ix_programme_membership_rotation_id";
DROP INDEX IF EXISTS "public"."ix_programme_membership_training_number_id";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_drain";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build_null";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build_popular";
DROP TABLE IF EXISTS "public_refactor"."programme_membership_parent_popular";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_derive_insert";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_derive_update";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_derive_delete";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_derive_truncate";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_settle";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_referred";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'down', 'empty_parent') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'rebuild_parent', 'down', 'own triggers fire', broken, keys,
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
  ended_at = pg_catalog.clock_timestamp() WHERE plan = 'programme_membership' AND step = 'rebuild_parent';
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
VALUES ('programme_membership', 'rebuild_parent', 'down', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
