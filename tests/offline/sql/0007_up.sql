-- 0007 rebuild_parent up

SELECT pg_catalog.current_setting('search_path') AS refactor_search_path,
  pg_catalog.current_setting('role') AS refactor_role \gset

DO $body$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('row_security', 'off', false), pg_catalog.set_config('lock_timeout', '2s', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), pg_catalog.set_config('idle_session_timeout', '0', false), pg_catalog.set_config('default_transaction_isolation', 'read committed', false), pg_catalog.set_config('DateStyle', 'ISO, YMD', false), pg_catalog.set_config('IntervalStyle', 'postgres', false), pg_catalog.set_config('TimeZone', 'UTC', false), pg_catalog.set_config('extra_float_digits', '1', false), pg_catalog.set_config('bytea_output', 'hex', false), pg_catalog.set_config('quote_all_identifiers', 'off', false), pg_catalog.set_config('array_nulls', 'on', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('client_min_messages', 'error', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('application_name', 'membership_refactor script 0007 up', false), CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN pg_catalog.set_config('transaction_timeout', '0', false) END, pg_catalog.set_config('work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) < pg_catalog.pg_size_bytes('64MB') THEN '64MB' ELSE pg_catalog.current_setting('work_mem') END, false), pg_catalog.set_config('maintenance_work_mem', CASE WHEN pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) < pg_catalog.pg_size_bytes('256MB') THEN '256MB' ELSE pg_catalog.current_setting('maintenance_work_mem') END, false), pg_catalog.set_config('quote_all_identifiers', 'off', false);
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

SELECT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'rebuild_parent' AND s.direction = 'up' AND s.state = 'done') AS refactor_stands,
  EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership' AND s.step = 'rebuild_parent' AND s.direction = 'up' AND s.state = 'open') AS refactor_open \gset

\if :refactor_stands
\warn '0007 rebuild_parent: up already, nothing to do'
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
    AND (s.step, s.direction) <> ('rebuild_parent', 'up');
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'every row is seen', broken, keys,
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
\warn '0007 rebuild_parent up'
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'the owner may write', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'own triggers come last', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'own triggers and functions stand', broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'no subscription writes', broken, keys,
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
  FROM (VALUES (0, 'legacy_baseline', '0001'), (1, 'enrollment_identity', '0002'), (2, 'copy_table', '0003'), (3, 'dual_write', '0004'), (4, 'retire_source', '0005'), (5, 'create_parent', '0006')) AS o (n, step, label)
  WHERE NOT EXISTS (SELECT FROM "public_refactor"."step" AS s WHERE s.plan = 'programme_membership'
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = '0007 rebuild_parent cannot go up: ' || wrong || ' has not been applied, according to the ledger',
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
SELECT t."id"::text FROM "public"."curriculum_membership" AS t
WHERE coalesce(pg_catalog.pg_column_size(t."programme_membership_type"), 0) > 2632
) AS z (key)) AS k) AS c;
  INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'keys fit an index', broken, keys,
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
DELETE FROM "public_refactor"."action" WHERE plan = 'programme_membership' AND step = 'rebuild_parent';
INSERT INTO "public_refactor"."step" AS s
  (plan, step, direction, state, portrait, now)
SELECT 'programme_membership', 'rebuild_parent', 'up', 'open', p.now, p.now
FROM (SELECT $body$(portrait)$body$::pg_catalog.jsonb) AS p (now)
ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,
  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,
  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now;
INSERT INTO "public_refactor"."event" (plan, step, direction, event, detail)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'begun', '{"revision": "0007"}');
COMMIT;
\endif

-- Create functions
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_functions')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create functions'
BEGIN;
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
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_build"(first bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  written bigint;
BEGIN
  INSERT INTO "public"."programme_membership" AS p ("uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date")
SELECT DISTINCT ON (c."person_id", c."programme_membership_uuid") c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date"
FROM "public"."curriculum_membership" AS c WHERE c."person_id" BETWEEN first AND last
ORDER BY c."person_id", c."programme_membership_uuid", c."amended_date" DESC NULLS LAST, c."id" DESC;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_build" FROM PUBLIC;
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_drain"(entries bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  taken pg_catalog.uuid[]; marks bigint; consumed bigint; before pg_catalog.uuid[]; earlier bigint;
BEGIN
  WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_parent_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_parent_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT k.k)
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k (k)),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
  IF marks > 0 THEN
    DELETE FROM "public"."programme_membership" AS b WHERE NOT EXISTS (
      SELECT FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" = b."uuid");
  END IF;
  BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM "public_refactor"."programme_membership_settle"(taken, false);
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    before := taken; earlier := consumed; entries := NULL;
    WITH gone AS (
    DELETE FROM "public_refactor"."programme_membership_parent_log" AS l WHERE l.ctid = ANY (ARRAY(
      SELECT m.ctid FROM "public_refactor"."programme_membership_parent_log" AS m LIMIT entries)) RETURNING l.keys)
  SELECT (SELECT pg_catalog.array_agg(DISTINCT k.k)
      FROM gone AS g, LATERAL pg_catalog.unnest(g.keys) AS k (k)),
    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),
    (SELECT pg_catalog.count(*) FROM gone AS g)
  INTO taken, marks, consumed;
    taken := before || taken; consumed := earlier + consumed;
    DELETE FROM "public"."programme_membership" AS b WHERE b."uuid" = ANY (taken);
    PERFORM "public_refactor"."programme_membership_settle"(taken, false);
  END;
  RETURN consumed;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_drain" FROM PUBLIC;
CREATE TABLE IF NOT EXISTS "public_refactor"."programme_membership_parent_popular" (value bigint);
CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_parent_build_popular"(first pg_catalog.uuid, last pg_catalog.uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET vacuum_cost_page_hit = 7129 AS $body$
#variable_conflict use_variable
DECLARE
  written bigint;
BEGIN
  INSERT INTO "public"."programme_membership" AS p ("uuid", "person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date", "rotation", "rotation_id", "training_number_id", "training_pathway", "leaving_reason", "leaving_destination", "amended_date")
SELECT DISTINCT ON (c."programme_membership_uuid") c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date"
FROM "public"."curriculum_membership" AS c WHERE c."programme_membership_uuid" BETWEEN first AND last
    AND (c."person_id" IN (SELECT l.value FROM "public_refactor"."programme_membership_parent_popular" AS l)
      OR c."person_id" IS NULL AND EXISTS (SELECT  FROM "public_refactor"."programme_membership_parent_popular" AS l WHERE l.value IS NULL))
ORDER BY c."programme_membership_uuid", c."amended_date" DESC NULLS LAST, c."id" DESC;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$body$;
REVOKE ALL ON FUNCTION "public_refactor"."programme_membership_parent_build_popular" FROM PUBLIC;
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
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_functions') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Build the parents
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'rebuild')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Build the parents'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'rebuild_parent up rebuild') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."person_id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" IS NOT NULL ORDER BY t."person_id" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild');
          first_value := NULL; last_value := NULL;
          INSERT INTO "public_refactor"."programme_membership_parent_popular" SELECT NULL
WHERE (SELECT pg_catalog.count(*) FROM (SELECT FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" IS NULL LIMIT coalesce(work.fixed, 20000)::bigint + 1) AS n) > coalesce(work.fixed, 20000);
          listed := FOUND;
        ELSE
          EXIT ranges WHEN work.job.exhausted OR work.job.bound IS NULL;
          -- By EXECUTE, so that every range is planned with its own values.
          EXECUTE $body$WITH x AS MATERIALIZED (SELECT (SELECT t."person_id" FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" <= $2::bigint
      AND ($1 IS NULL OR t."person_id" > $1::bigint) ORDER BY t."person_id" LIMIT 1) AS first,
  (SELECT t."person_id" FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" <= $2::bigint
      AND ($1 IS NULL OR t."person_id" > $1::bigint) ORDER BY t."person_id" OFFSET $3::bigint LIMIT 1) AS later)
SELECT x.first::text, CASE WHEN x.later IS NULL THEN $2 WHEN x.later = x.first THEN x.first::text
  ELSE (SELECT t."person_id"::text FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" <= $2::bigint
      AND ($1 IS NULL OR t."person_id" > $1::bigint)
      AND t."person_id" < x.later ORDER BY t."person_id" DESC LIMIT 1) END,
  x.later = x.first AND (SELECT t."person_id" FROM "public"."curriculum_membership" AS t
    WHERE t."person_id" <= $2::bigint
      AND ($1 IS NULL OR t."person_id" > $1::bigint) ORDER BY t."person_id" OFFSET $4::bigint LIMIT 1) = x.first IS TRUE
FROM x$body$
          INTO work.first_value, work.last_value, work.listed
          USING work.job.claimed, work.job.bound, size::bigint, coalesce(work.fixed, 20000);
          IF work.first_value IS NULL THEN
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild');
          IF listed THEN INSERT INTO "public_refactor"."programme_membership_parent_popular" VALUES (work.first_value::bigint); END IF;
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'rebuild_parent up rebuild', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_parent_build"(work.first_value::bigint, work.last_value::bigint);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') AND n = work.number;
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
VALUES ('programme_membership', 'rebuild_parent', 'up', 'rebuild', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Build the parents whose first key value has too many rows for a batch
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'rebuild_popular')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Build the parents whose first key value has too many rows for a batch'
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
  INSERT INTO "public_refactor"."job" (plan, job) VALUES ('programme_membership', 'rebuild_parent up rebuild_popular') ON CONFLICT DO NOTHING;
  COMMIT;
  -- Read after capture is committed: what commits later is in the log.
  UPDATE "public_refactor"."job" AS j SET bound = (SELECT t."programme_membership_uuid"::text FROM "public"."curriculum_membership" AS t
    WHERE t."programme_membership_uuid" IS NOT NULL AND EXISTS (SELECT FROM "public_refactor"."programme_membership_parent_popular") ORDER BY t."programme_membership_uuid" DESC LIMIT 1),
  nulls_done = j.nulls_done OR true
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') AND j.bound IS NULL AND NOT j.exhausted;
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
FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') FOR UPDATE INTO work.job;
      -- A range that was claimed and not finished, by runner or script, goes first.
      SELECT n, first, last FROM "public_refactor"."batch"
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') AND NOT done AND n NOT IN (0) ORDER BY n LIMIT 1
      INTO work.number, work.first_value, work.last_value;
      IF NOT FOUND THEN
        IF NOT work.job.nulls_done THEN
          UPDATE "public_refactor"."job" SET nulls_done = true WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular');
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
            UPDATE "public_refactor"."job" SET exhausted = true WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular');
            EXIT ranges;
          END IF;
          UPDATE "public_refactor"."job" SET claimed = work.last_value WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular');
        END IF;
        IF NOT listed THEN
          INSERT INTO "public_refactor"."batch" (plan, job, n, first, last, worker)
SELECT 'programme_membership', 'rebuild_parent up rebuild_popular', coalesce(pg_catalog.max(b.n), 0) + 1, work.first_value, work.last_value,
  'script'
FROM "public_refactor"."batch" AS b WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') RETURNING n
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
        IF NOT (SELECT done FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') AND n = work.number FOR UPDATE) THEN
          IF work.first_value IS NULL THEN
            written := 0;
          ELSE
            written := "public_refactor"."programme_membership_parent_build_popular"(work.first_value::pg_catalog.uuid, work.last_value::pg_catalog.uuid);
          END IF;
          UPDATE "public_refactor"."batch" SET done = true, rows = coalesce(work.written, 0),
  done_at = pg_catalog.clock_timestamp() WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') AND n = work.number;
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
VALUES ('programme_membership', 'rebuild_parent', 'up', 'rebuild_popular', (SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM "public_refactor"."batch" AS b
WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular') AND b.done)) ON CONFLICT DO NOTHING;
  -- The same step may run again after a downgrade.
  DELETE FROM "public_refactor"."batch" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular');
  DELETE FROM "public_refactor"."job" WHERE (plan, job) = ('programme_membership', 'rebuild_parent up rebuild_popular');
  COMMIT;
  RESET synchronous_commit;
  PERFORM pg_catalog.set_config('lock_timeout', '2s', false);
END
$body1$;
\endif

-- Create index pk_programme_membership
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:pk_programme_membership')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index pk_programme_membership'
BEGIN;
SET LOCAL search_path = '';
CREATE UNIQUE INDEX "pk_programme_membership" ON "public"."programme_membership" USING btree ("uuid");
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:pk_programme_membership') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create the primary key
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_primary_key')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create the primary key'
BEGIN;
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "pk_programme_membership" PRIMARY KEY USING INDEX "pk_programme_membership";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_primary_key') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Replay the log before the unique key is built
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:uq_programme_membership_key')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Replay the log before the unique key is built'
BEGIN;
SELECT "public_refactor"."programme_membership_parent_drain"(NULL);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'replay') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index uq_programme_membership_key
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:uq_programme_membership_key')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index uq_programme_membership_key'
BEGIN;
SET LOCAL search_path = '';
CREATE UNIQUE INDEX "uq_programme_membership_key" ON "public"."programme_membership" USING btree ("person_id", "programme_id", "programme_membership_type", "programme_start_date", "programme_end_date") NULLS NOT DISTINCT;
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:uq_programme_membership_key') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_programme_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_programme_membership_person_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_programme_membership_person_id" ON public."programme_membership" USING btree (person_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_person_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_programme_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_programme_membership_programme_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_programme_membership_programme_id" ON public."programme_membership" USING btree (programme_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_programme_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_programme_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_programme_membership_rotation_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_programme_membership_rotation_id" ON public."programme_membership" USING btree (rotation_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_rotation_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create index ix_programme_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create index ix_programme_membership_training_number_id'
BEGIN;
SET LOCAL search_path = '';
CREATE INDEX "ix_programme_membership_training_number_id" ON public."programme_membership" USING btree (training_number_id);
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_index:ix_programme_membership_training_number_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Create keys and checks
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'create_constraints')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Create keys and checks'
BEGIN;
SET LOCAL search_path = '';
ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "uq_programme_membership_key" UNIQUE USING INDEX "uq_programme_membership_key";
ANALYZE "public"."programme_membership";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'create_constraints') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Switch to synchronous capture
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'switch')) AS refactor_to_do \gset
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
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_parent_log" LIMIT 1000) AS l) AS p;
      EXIT WHEN rounds > 0 AND marks = 0 AND NOT more AND keys <= least(greatest(rate * budget, 20), 2000) / 2;
      span := extract(epoch FROM pg_catalog.clock_timestamp() - since);
      IF span >= 120 THEN
        SELECT p.* INTO work.waiting FROM (SELECT coalesce(pg_catalog.sum(greatest(l.n, 1)), 0)::bigint
FROM "public_refactor"."programme_membership_parent_log" AS l) AS p;
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
        PERFORM "public_refactor"."programme_membership_parent_drain"(200);
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
      LOCK TABLE "public"."curriculum_membership" IN SHARE ROW EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme_membership" IN SHARE ROW EXCLUSIVE MODE;
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM (SELECT coalesce(pg_catalog.sum(l.n), 0)::bigint, pg_catalog.count(*) FILTER (WHERE l.keys IS NULL), pg_catalog.count(*),
  pg_catalog.count(*) = 1000
FROM (SELECT n, keys FROM "public_refactor"."programme_membership_parent_log" LIMIT 1000) AS l) AS p;
      IF marks > 0 OR more OR keys > least(greatest(rate * budget, 20), 2000) THEN
        -- Too much came in the meantime. Release the locks and replay it without them.
        RAISE lock_not_available;
      END IF;
      PERFORM "public_refactor"."programme_membership_parent_drain"(NULL);
      EXECUTE $body$DO $fence$ BEGIN EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION "public_refactor"."programme_membership_fence"() RETURNS pg_catalog.bool LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot(%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())', pg_catalog.pg_current_xact_id()); END $fence$$body$;
      EXECUTE $body$DO $own$ DECLARE
  there pg_catalog.text[];
BEGIN
there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"')
AND t.tgname IN ('AA_refactor_parent_log_insert', 'AA_refactor_parent_log_update', 'AA_refactor_parent_log_delete', 'AA_refactor_parent_log_truncate'));
IF pg_catalog.cardinality(there) < 4 THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody dropped triggers of this tool, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_parent_log_insert', 'AA_refactor_parent_log_update', 'AA_refactor_parent_log_delete', 'AA_refactor_parent_log_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
IF 'AA_refactor_parent_log_insert' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_insert" AFTER INSERT ON "public"."curriculum_membership"
  REFERENCING NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_insert"()'; END IF;
IF 'AA_refactor_parent_log_update' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_update" AFTER UPDATE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o NEW TABLE AS n
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_update"()'; END IF;
IF 'AA_refactor_parent_log_delete' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_delete" AFTER DELETE ON "public"."curriculum_membership"
  REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_delete"()'; END IF;
IF 'AA_refactor_parent_log_truncate' = ANY (there) THEN EXECUTE 'CREATE OR REPLACE TRIGGER "AA_refactor_parent_log_truncate" AFTER TRUNCATE ON "public"."curriculum_membership"
  FOR EACH STATEMENT
  WHEN (false)
  EXECUTE FUNCTION "public_refactor"."programme_membership_parent_log_truncate"()'; END IF;
EXECUTE 'ALTER TABLE "public"."curriculum_membership" ' || (SELECT pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', own), ', ')
FROM pg_catalog.unnest(there) AS own);
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
ALTER TABLE "public"."curriculum_membership" ENABLE ALWAYS TRIGGER "AA_refactor_derive_insert", ENABLE ALWAYS TRIGGER "AA_refactor_derive_update", ENABLE ALWAYS TRIGGER "AA_refactor_derive_delete", ENABLE ALWAYS TRIGGER "AA_refactor_derive_truncate";
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries, rows)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'switch', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries, work.replayed) ON CONFLICT DO NOTHING;
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
  RESET synchronous_commit;
END
$body1$;
\endif

-- Drop the log's triggers
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'drop_log_triggers')) AS refactor_to_do \gset
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
      LOCK TABLE "public"."curriculum_membership" IN ACCESS EXCLUSIVE MODE;
      got := pg_catalog.clock_timestamp();
      EXECUTE $body$DO $own$ DECLARE
  what pg_catalog.text;
BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_parent_log_insert', 'AA_refactor_parent_log_update', 'AA_refactor_parent_log_delete', 'AA_refactor_parent_log_truncate')
AND t.tgenabled <> 'A' AND (t.tgconstraint = 0 OR t.tgenabled <> 'D') AND t.tgtype & 64 = 0 AND NOT pg_catalog.pg_get_triggerdef(t.oid) ~ ' WHEN [(]false[)] EXECUTE FUNCTION ') THEN
RAISE object_not_in_prerequisite_state USING MESSAGE = 'somebody turned triggers of this tool off, and writes may have slipped past',
HINT = 'Take the step back (abandon), then run it again.';
END IF;
SELECT pg_catalog.string_agg(pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, '"public"."curriculum_membership"'), '; ') INTO what FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = pg_catalog.to_regclass('"public"."curriculum_membership"') AND t.tgname IN ('AA_refactor_parent_log_insert', 'AA_refactor_parent_log_update', 'AA_refactor_parent_log_delete', 'AA_refactor_parent_log_truncate');
IF what IS NOT NULL THEN EXECUTE what; END IF;
END $own$$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'drop_log_triggers', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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

-- Drop the log
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'drop_log')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Drop the log'
BEGIN;
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_drain";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build_null";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_build_popular";
DROP TABLE IF EXISTS "public_refactor"."programme_membership_parent_popular";
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_log_insert"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_log_update"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_log_delete"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_log_truncate"();
DROP FUNCTION IF EXISTS "public_refactor"."programme_membership_parent_log_moved"();
DROP TABLE IF EXISTS "public_refactor"."programme_membership_parent_log";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'drop_log') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_programme_membership_person_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_programme_membership_person_id (NOT VALID)'
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
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."person" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_person_id" FOREIGN KEY (person_id) REFERENCES public.person(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_person_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."person"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."person"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Validate foreign key fk_programme_membership_person_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_person_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_programme_membership_person_id'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_person_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_person_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_programme_membership_programme_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_programme_membership_programme_id (NOT VALID)'
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
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."programme" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_programme_id" FOREIGN KEY (programme_id) REFERENCES public.programme(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_programme_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."programme"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."programme"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Validate foreign key fk_programme_membership_programme_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_programme_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_programme_membership_programme_id'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_programme_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_programme_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_programme_membership_rotation_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_programme_membership_rotation_id (NOT VALID)'
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
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."rotation" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_rotation_id" FOREIGN KEY (rotation_id) REFERENCES public.rotation(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_rotation_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."rotation"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."rotation"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Validate foreign key fk_programme_membership_rotation_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_rotation_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_programme_membership_rotation_id'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_rotation_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_rotation_id') ON CONFLICT DO NOTHING;
COMMIT;
\endif

-- Add foreign key fk_programme_membership_training_number_id (NOT VALID)
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Add foreign key fk_programme_membership_training_number_id (NOT VALID)'
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
      PERFORM pg_catalog.set_config('lock_timeout', '10', true);
      LOCK TABLE "public"."training_number" IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE $body$SET LOCAL search_path = ''$body$;
      EXECUTE $body$ALTER TABLE "public"."programme_membership" ADD CONSTRAINT "fk_programme_membership_training_number_id" FOREIGN KEY (training_number_id) REFERENCES public.training_number(id) NOT VALID$body$;
      INSERT INTO "public_refactor"."action" (plan, step, direction, key, lock_waited_ms, lock_held_ms, tries)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'add_foreign_key:fk_programme_membership_training_number_id', 1000 * extract(epoch FROM got - asked), 1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries) ON CONFLICT DO NOTHING;
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
  WHERE ((l.relation = pg_catalog.to_regclass('"public"."programme_membership"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) OR (l.relation = pg_catalog.to_regclass('"public"."training_number"') AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AND l.granted
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database())
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  ORDER BY seconds DESC NULLS LAST LIMIT 5) AS b) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over 120 s; %s',
          '"public"."programme_membership", "public"."training_number"', tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || ' Then go on with alembic or with a script from the version reached. To take the step back: membership-refactor abandon';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));
  END LOOP;
END
$body1$;
\endif

-- Validate foreign key fk_programme_membership_training_number_id
SELECT NOT EXISTS (SELECT FROM "public_refactor"."action" AS a WHERE (a.plan, a.step, a.direction, a.key) = ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_training_number_id')) AS refactor_to_do \gset
\if :refactor_to_do
\warn '  Validate foreign key fk_programme_membership_training_number_id'
BEGIN;
ALTER TABLE "public"."programme_membership" VALIDATE CONSTRAINT "fk_programme_membership_training_number_id";
INSERT INTO "public_refactor"."action" (plan, step, direction, key)
VALUES ('programme_membership', 'rebuild_parent', 'up', 'validate_foreign_key:fk_programme_membership_training_number_id') ON CONFLICT DO NOTHING;
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'own triggers fire', broken, keys,
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
  names text[] := ARRAY['parents follow the policies', 'every child has its parent'];
  sentences text[] := ARRAY['every parent has children, and the key and values that they and the policies give it', 'every child''s link is the uuid of a parent'];
  hints text[] := ARRAY['No later statement of this script has run.', 'No later statement of this script has run.'];
  name text; broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
  results jsonb[]; failed int;
BEGIN
  results := ARRAY(SELECT pg_catalog.jsonb_build_object('broken', r.broken, 'keys', r.keys)
    FROM (WITH apart AS MATERIALIZED (
  SELECT coalesce(c."programme_membership_uuid", p."uuid") AS uuid, pg_catalog.max(CASE WHEN p."uuid" IS NULL THEN 3
      WHEN c."programme_membership_uuid" IS NULL OR (c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date"
    OR c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination") THEN 2
      WHEN c."amended_date" > p."amended_date" OR (p."amended_date" IS NULL AND c."amended_date" IS NOT NULL) THEN 2
      WHEN c."amended_date" IS DISTINCT FROM p."amended_date" THEN 0 ELSE 1 END) = 3 AS alone
  FROM "public"."curriculum_membership" AS c FULL JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
  GROUP BY 1 HAVING pg_catalog.max(CASE WHEN p."uuid" IS NULL THEN 3
      WHEN c."programme_membership_uuid" IS NULL OR (c."person_id" IS DISTINCT FROM p."person_id"
    OR c."programme_id" IS DISTINCT FROM p."programme_id"
    OR c."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR c."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR c."programme_end_date" IS DISTINCT FROM p."programme_end_date"
    OR c."rotation" IS DISTINCT FROM p."rotation"
    OR c."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR c."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR c."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR c."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR c."leaving_destination" IS DISTINCT FROM p."leaving_destination") THEN 2
      WHEN c."amended_date" > p."amended_date" OR (p."amended_date" IS NULL AND c."amended_date" IS NOT NULL) THEN 2
      WHEN c."amended_date" IS DISTINCT FROM p."amended_date" THEN 0 ELSE 1 END) <> 1)
SELECT r.broken, r.keys FROM (
SELECT 0, c.* FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT coalesce(g."programme_membership_uuid"::text, p."uuid"::text, 'no link')
FROM (SELECT DISTINCT ON (c."programme_membership_uuid") c."programme_membership_uuid", c."person_id", c."programme_id", c."programme_membership_type", c."programme_start_date", c."programme_end_date", c."rotation", c."rotation_id", c."training_number_id", c."training_pathway", c."leaving_reason", c."leaving_destination", c."amended_date"
FROM "public"."curriculum_membership" AS c WHERE (c."programme_membership_uuid" = ANY (ARRAY (SELECT a.uuid FROM apart AS a)) OR c."programme_membership_uuid" IS NULL)
ORDER BY c."programme_membership_uuid", c."amended_date" DESC NULLS LAST, c."id" DESC) AS g
FULL JOIN (SELECT * FROM "public"."programme_membership" WHERE "uuid" = ANY (ARRAY (SELECT a.uuid FROM apart AS a))) AS p ON p."uuid" = g."programme_membership_uuid"
WHERE g."programme_membership_uuid" IS NULL OR p."uuid" IS NULL OR (g."person_id" IS DISTINCT FROM p."person_id"
    OR g."programme_id" IS DISTINCT FROM p."programme_id"
    OR g."programme_membership_type" IS DISTINCT FROM p."programme_membership_type"
    OR g."programme_start_date" IS DISTINCT FROM p."programme_start_date"
    OR g."programme_end_date" IS DISTINCT FROM p."programme_end_date"
    OR g."rotation" IS DISTINCT FROM p."rotation"
    OR g."rotation_id" IS DISTINCT FROM p."rotation_id"
    OR g."training_number_id" IS DISTINCT FROM p."training_number_id"
    OR g."training_pathway" IS DISTINCT FROM p."training_pathway"
    OR g."leaving_reason" IS DISTINCT FROM p."leaving_reason"
    OR g."leaving_destination" IS DISTINCT FROM p."leaving_destination"
    OR g."amended_date" IS DISTINCT FROM p."amended_date")
) AS z (key)) AS k) AS c
UNION ALL SELECT 1, c.* FROM (SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5], '{}'::pg_catalog.text[])
FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (
SELECT c."id"::text
FROM (SELECT * FROM "public"."curriculum_membership" WHERE ("programme_membership_uuid" = ANY (ARRAY (SELECT a.uuid FROM apart AS a WHERE a.alone)) OR "programme_membership_uuid" IS NULL)) AS c
FULL JOIN "public"."programme_membership" AS p ON p."uuid" = c."programme_membership_uuid"
WHERE p."uuid" IS NULL AND c."id" IS NOT NULL
) AS z (key)) AS k) AS c
) AS r (n, broken, keys) ORDER BY r.n) AS r (broken, keys));
  FOR n IN 1 .. pg_catalog.array_length(names, 1) LOOP
    name := names[n];
    broken := (results[n] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[n] -> 'keys'));
    INSERT INTO "public_refactor"."check_result"
    (plan, step, direction, name, broken, keys, seconds)
  VALUES ('programme_membership', 'rebuild_parent', 'up', name, broken, keys,
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
  VALUES ('programme_membership', 'rebuild_parent', 'up', 'keys are unique', broken, keys,
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
VALUES ('programme_membership', 'rebuild_parent', 'up', 'done');
COMMIT;

\endif

SELECT pg_catalog.set_config('search_path', :'refactor_search_path', false) AS refactor_search_path,
  pg_catalog.set_config('role', :'refactor_role', false) AS refactor_role \gset
