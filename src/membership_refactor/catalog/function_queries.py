"""The queries for functions that PostgreSQL runs when a table is written, and what they name."""

from __future__ import annotations

# A trigger that is disabled calls nothing.
CALLS = """
WITH RECURSIVE domain AS (
    SELECT a.attrelid AS rel, t.oid, t.typbasetype
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ANY (%(relations)s) AND a.attnum > 0 AND t.typtype = 'd'
    UNION
    SELECT d.rel, t.oid, t.typbasetype
    FROM domain d JOIN pg_type t ON t.oid = d.typbasetype WHERE t.typtype = 'd'
), part (rel, class, object, label, by_default) AS (
    SELECT t.tgrelid, 'pg_trigger'::regclass, t.oid, format('trigger %%I', t.tgname), false
    FROM pg_trigger t
    WHERE t.tgrelid = ANY (%(relations)s) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
    AND NOT EXISTS (SELECT FROM unnest(%(own)s::text[]) AS o (prefix)
                    WHERE starts_with(t.tgname::text, o.prefix))
    UNION ALL
    SELECT k.conrelid, 'pg_constraint'::regclass, k.oid, format('constraint %%I', k.conname), false
    FROM pg_constraint k WHERE k.conrelid = ANY (%(relations)s) AND k.contype = 'c'
    UNION ALL
    SELECT d.rel, 'pg_constraint'::regclass, k.oid, format('domain %%s', d.oid::regtype), false
    FROM domain d JOIN pg_constraint k ON k.contypid = d.oid
    UNION ALL
    SELECT x.adrelid, 'pg_attrdef'::regclass, x.oid, format('column %%I', a.attname),
           a.attgenerated = ''
    FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
    WHERE x.adrelid = ANY (%(relations)s)
    UNION ALL
    SELECT i.indrelid, 'pg_class'::regclass, c.oid, format('index %%I', c.relname), false
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%(relations)s)
)
SELECT DISTINCT p.rel, p.rel::regclass::text AS "table", p.label, p.by_default,
       coalesce(o.oprcode::oid, d.refobjid) AS function
-- OFFSET 0 lets the index of pg_depend serve it, which is large where there are many tenants.
FROM part p CROSS JOIN LATERAL (
    SELECT refclassid, refobjid FROM pg_depend
    WHERE classid = p.class AND objid = p.object OFFSET 0
) d
LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
WHERE o.oid IS NOT NULL OR d.refclassid = 'pg_proc'::regclass
ORDER BY p.label
"""

# PostgreSQL runs the action of a foreign key inside the statement that asks for it.
CASCADES = """
SELECT DISTINCT k.confrelid AS rel, k.conrelid AS writes FROM pg_constraint k
WHERE k.confrelid = ANY (%(relations)s) AND k.contype = 'f'
AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
"""

FUNCTIONS = """
SELECT p.oid, p.oid::regprocedure::text AS name, p.prosrc AS body,
       l.lanname IN ('c', 'internal') OR p.prosqlbody IS NOT NULL AS fixed,
       EXISTS (SELECT FROM unnest(p.proconfig) AS c (c) WHERE starts_with(c.c, 'search_path='))
           AS own_path
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid = ANY (%(functions)s) AND p.pronamespace <> 'pg_catalog'::regnamespace
ORDER BY name
"""

NAMED = """
WITH there AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%(schemas)s))
SELECT 'relation' AS kind, n.nspname::text AS schema, c.relname::text AS name, c.oid
FROM pg_class c JOIN there n ON n.oid = c.relnamespace
WHERE c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT 'type', n.nspname, t.typname, 0::oid
FROM pg_type t JOIN there n ON n.oid = t.typnamespace
WHERE t.typname = ANY (%(names)s) AND t.typrelid = 0
UNION ALL
SELECT 'function', n.nspname, p.proname, p.oid
FROM pg_proc p JOIN there n ON n.oid = p.pronamespace WHERE p.proname = ANY (%(names)s)
UNION ALL
SELECT 'operator', n.nspname, o.oprname, o.oprcode::oid
FROM pg_operator o JOIN there n ON n.oid = o.oprnamespace WHERE o.oprname = ANY (%(operators)s)
"""

# What the sessions of those who may write a table have as their search_path, most telling first.
# The last one is the server's, or that of the login.
PATHS = """
SELECT p.role, p.path FROM (
    SELECT 1 AS place, s.setrole <> c.relowner AS other, s.setdatabase = 0 AS everywhere,
           pg_get_userbyid(s.setrole)::text AS role, substr(x.x, 13) AS path
    FROM pg_class c, pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS x (x)
    WHERE c.oid = %(table)s AND s.setrole <> 0 AND starts_with(x.x, 'search_path=')
    AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND has_table_privilege(s.setrole, c.oid, 'INSERT, UPDATE, DELETE')
    UNION ALL
    SELECT 2, false, false, '', substr(x.x, 13)
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS x (x)
    WHERE s.setrole = 0 AND starts_with(x.x, 'search_path=')
    AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 3, false, false, current_user::text, reset_val FROM pg_settings
    WHERE name = 'search_path'
) p ORDER BY p.place, p.other, p.everywhere, p.role
"""

# Who belongs to the table's owner or to the schema's, or is a superuser, could do as much anyway.
SCHEMAS = """
SELECT n.nspname::text AS name, has_schema_privilege(c.relowner, n.oid, 'USAGE') AS usable,
       CASE WHEN EXISTS (SELECT FROM aclexplode(n.nspacl) AS x
                         WHERE x.grantee = 0 AND x.privilege_type = 'CREATE')
       THEN ARRAY['PUBLIC'] ELSE ARRAY(
           SELECT r.rolname::text FROM pg_roles r
           WHERE has_schema_privilege(r.oid, n.oid, 'CREATE') AND NOT r.rolsuper
           AND NOT pg_has_role(r.oid, c.relowner, 'MEMBER')
           AND NOT pg_has_role(r.oid, n.nspowner, 'MEMBER')
           ORDER BY 1) END AS makers
FROM pg_namespace n JOIN pg_class c ON c.oid = %(table)s
WHERE n.nspname = ANY (%(schemas)s) AND n.nspname <> ALL (%(hidden)s)
"""
