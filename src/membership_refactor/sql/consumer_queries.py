"""Queries for what a database holds that may use the plan's tables, and for its functions."""

# A view depends on columns through its rewrite rule; the rule's relation is what has a name.
DEPENDENTS = """
SELECT DISTINCT t.relname, coalesce(a.attname, ''), i.type, i.identity
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute a
  ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
LEFT JOIN pg_catalog.pg_rewrite r
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
  AND r.rulename = '_RETURN'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
  CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END,
  CASE WHEN r.oid IS NULL THEN d.objid ELSE r.ev_class END, 0) i
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.deptype IN ('n', 'a') AND n.nspname = %s AND t.relname = ANY (%s)
  AND (d.refobjsubid > 0 OR r.oid IS NOT NULL)
  AND i.type NOT IN ('type', 'toast table', 'sequence')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger g
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
    JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
    WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objid
      AND f.nspname = %s)
ORDER BY 3, 4, 1, 2
"""

BODIES = """
SELECT pg_catalog.format('%%I.%%I(%%s)', n.nspname, p.proname,
         pg_catalog.pg_get_function_identity_arguments(p.oid)),
       l.lanname, p.prosrc,
       ARRAY(SELECT DISTINCT c.relname::text FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        WHERE g.tgfoid = p.oid AND NOT g.tgisinternal ORDER BY 1),
       ARRAY(SELECT c.relname::text FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        WHERE g.tgfoid = p.oid AND coalesce(g.tgoldtable, g.tgnewtable) IS NOT NULL),
       p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('c', 'internal') AND p.prosqlbody IS NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY 1
"""

COLUMNS = """
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attgenerated::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""

FUNCTIONS = """
    SELECT p.proname::text, n.nspname::text, p.provolatile::text, l.lanname::text,
           p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE n.nspname <> 'information_schema' AND p.proname = ANY (%s)"""

RELATIONS = """
    SELECT c.relname::text FROM pg_catalog.pg_class c
    WHERE c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
      WHERE nspname IN ('pg_catalog', 'information_schema') OR nspname ~ '^(pg_toast|mr_compare_)')
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY (%s)"""
