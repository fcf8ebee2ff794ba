"""The queries for objects that depend on a table by OID or mention its name."""

from __future__ import annotations

from membership_refactor.catalog.queries import acl_as_json, options
from membership_refactor.sql.old_shape.reading import own_views

# pg_depend refers to the table, to one of its columns, or to its row type (a function that takes a
# row, a column of that type). The table's own parts are left out.
_HOLDS = """
WITH targets AS (
    SELECT 'pg_class'::regclass AS class, c.oid AS object, c.oid AS owner_oid
    FROM pg_class c WHERE c.oid = ANY (%(tables)s)
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, c.oid
    FROM pg_class c JOIN pg_type r ON r.oid = c.reltype
    JOIN pg_type t ON t.oid IN (r.oid, r.typarray)
    WHERE c.oid = ANY (%(tables)s)
), holds AS (
    SELECT t.owner_oid, d.classid, d.objid,
           array_agg(DISTINCT d.refobjsubid) FILTER (WHERE d.refobjsubid > 0) AS columns
    FROM targets t JOIN pg_depend d ON d.refclassid = t.class AND d.refobjid = t.object
    WHERE d.deptype IN ('n', 'a')
    GROUP BY t.owner_oid, d.classid, d.objid
)
"""

_COLUMNS = """ARRAY(SELECT a.attname::text FROM pg_attribute a
    WHERE a.attrelid = h.owner_oid AND a.attnum = ANY (h.columns) ORDER BY a.attnum)"""

VIEWS = f"""{_HOLDS}
SELECT h.owner_oid, CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind,
       format('%%I.%%I', n.nspname, v.relname) AS name,
       pg_get_viewdef(v.oid) AS definition, {_COLUMNS} AS columns,
       pg_get_userbyid(v.relowner)::text AS owner, {acl_as_json("v.relacl")} AS grants,
       {options("v.reloptions")} AS options, obj_description(v.oid, 'pg_class') AS comment,
       n.nspname::text AS schema, v.relname::text AS bare_name,
       ARRAY(SELECT DISTINCT pg_describe_object(u.classid, u.objid, 0)
             FROM pg_depend u
             LEFT JOIN pg_rewrite w ON u.classid = 'pg_rewrite'::regclass AND w.oid = u.objid
             WHERE u.refclassid = 'pg_class'::regclass AND u.refobjid = v.oid
             AND u.deptype = 'n' AND w.ev_class IS DISTINCT FROM v.oid
             UNION
             SELECT format('trigger %%I', g.tgname) FROM pg_trigger g WHERE g.tgrelid = v.oid
             UNION
             SELECT format('rule %%I', w.rulename) FROM pg_rewrite w
             WHERE w.ev_class = v.oid AND w.rulename <> '_RETURN'
             UNION
             SELECT format('index %%s', i.indexrelid::regclass) FROM pg_index i
             WHERE i.indrelid = v.oid
             UNION
             SELECT format('grant on column %%I', a.attname) FROM pg_attribute a
             WHERE a.attrelid = v.oid AND a.attacl IS NOT NULL
             UNION
             SELECT format('default of column %%I', a.attname) FROM pg_attribute a
             WHERE a.attrelid = v.oid AND a.atthasdef
             UNION
             SELECT format('comment on column %%I', a.attname)
             FROM pg_description c JOIN pg_attribute a
             ON a.attrelid = c.objoid AND a.attnum = c.objsubid
             WHERE c.classoid = 'pg_class'::regclass AND c.objoid = v.oid AND c.objsubid > 0
             ORDER BY 1) AS used_by
FROM holds h JOIN pg_rewrite r ON h.classid = 'pg_rewrite'::regclass AND r.oid = h.objid
JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE r.rulename = '_RETURN' AND v.oid NOT IN {own_views("%(ledger)s")}
ORDER BY h.owner_oid, name
"""

FUNCTIONS = f"""{_HOLDS}
SELECT h.owner_oid, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
           ELSE 'function' END AS kind,
       p.oid::regprocedure::text AS name,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
       {_COLUMNS} AS columns, pg_get_userbyid(p.proowner)::text AS owner,
       -- A function with a text body can depend on the table only through the row type.
       CASE WHEN p.prosqlbody IS NULL OR EXISTS (
           SELECT FROM targets t JOIN pg_depend d
           ON d.refclassid = t.class AND d.refobjid = t.object
           WHERE t.class = 'pg_type'::regclass AND d.classid = 'pg_proc'::regclass
           AND d.objid = p.oid)
           THEN ARRAY['its own signature or body uses the row type'] ELSE '{{}}' END AS used_by,
       n.nspname::text AS schema, p.proname::text AS bare_name
FROM holds h JOIN pg_proc p ON h.classid = 'pg_proc'::regclass AND p.oid = h.objid
JOIN pg_namespace n ON n.oid = p.pronamespace
ORDER BY h.owner_oid, name
"""

# Rules, policies, defaults and generated columns of other tables, triggers whose FROM names the
# table, and any other object that PostgreSQL can describe.
OTHERS = f"""{_HOLDS}
SELECT h.owner_oid,
       CASE WHEN r.oid IS NOT NULL THEN 'rule' WHEN p.oid IS NOT NULL THEN 'policy'
            WHEN g.oid IS NOT NULL THEN 'trigger'
            WHEN ad.oid IS NOT NULL THEN
                CASE WHEN da.attgenerated <> '' THEN 'generated column' ELSE 'default' END
            ELSE (pg_identify_object(h.classid, h.objid, 0)).type END AS kind,
       CASE WHEN r.oid IS NOT NULL THEN format('%%I on %%s', r.rulename, r.ev_class::regclass)
            WHEN p.oid IS NOT NULL THEN format('%%I on %%s', p.polname, p.polrelid::regclass)
            WHEN g.oid IS NOT NULL THEN format('%%I on %%s', g.tgname, g.tgrelid::regclass)
            WHEN ad.oid IS NOT NULL THEN format('%%s.%%I', ad.adrelid::regclass, da.attname)
            ELSE pg_describe_object(h.classid, h.objid, 0) END AS name,
       CASE WHEN r.oid IS NOT NULL THEN pg_get_ruledef(r.oid)
            WHEN g.oid IS NOT NULL THEN pg_get_triggerdef(g.oid)
            WHEN ad.oid IS NOT NULL THEN pg_get_expr(ad.adbin, ad.adrelid) END AS definition,
       {_COLUMNS} AS columns
FROM holds h
LEFT JOIN pg_rewrite r ON h.classid = 'pg_rewrite'::regclass AND r.oid = h.objid
LEFT JOIN pg_policy p ON h.classid = 'pg_policy'::regclass AND p.oid = h.objid
LEFT JOIN pg_trigger g ON h.classid = 'pg_trigger'::regclass AND g.oid = h.objid
LEFT JOIN pg_attrdef ad ON h.classid = 'pg_attrdef'::regclass AND ad.oid = h.objid
LEFT JOIN pg_attribute da ON da.attrelid = ad.adrelid AND da.attnum = ad.adnum
LEFT JOIN pg_constraint k ON h.classid = 'pg_constraint'::regclass AND k.oid = h.objid
LEFT JOIN pg_class c ON h.classid = 'pg_class'::regclass AND c.oid = h.objid
LEFT JOIN pg_type y ON h.classid = 'pg_type'::regclass AND y.oid = h.objid
WHERE h.classid <> 'pg_proc'::regclass
AND h.classid <> ALL (ARRAY['pg_statistic_ext', 'pg_publication_rel']::regclass[])
AND r.rulename IS DISTINCT FROM '_RETURN'
AND coalesce(r.ev_class, p.polrelid, g.tgrelid, ad.adrelid) IS DISTINCT FROM h.owner_oid
AND (k.oid IS NULL OR k.contype NOT IN ('f', 't') AND k.conrelid <> h.owner_oid)
AND (c.oid IS NULL OR c.relkind NOT IN ('S', 'i', 'I', 't')
     AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
AND (y.oid IS NULL OR y.typrelid <> h.owner_oid)
ORDER BY h.owner_oid, kind, name
"""

# Searches text bodies for the bare name as a whole word, in any letter case. Bodies in C are only
# symbols and are left out, and so are the tool's own functions for this tenant and for any other:
# a ledger is known by its tables. Of hundreds of tenants each would keep those of all others.
BY_TEXT = """
WITH ledger AS MATERIALIZED (
    SELECT t.relnamespace AS oid FROM pg_class t
    WHERE t.relkind = 'r' AND t.relname IN ('step', 'action', 'job', 'batch', 'own_object')
    GROUP BY t.relnamespace HAVING count(*) = 5
)
SELECT c.oid AS owner_oid,
       CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
       p.oid::regprocedure::text AS name, p.prosrc AS definition,
       pg_get_userbyid(p.proowner)::text AS owner,
       n.nspname::text AS schema, p.proname::text AS bare_name
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
JOIN pg_class c ON c.oid = ANY (%(tables)s)
WHERE p.prosqlbody IS NULL AND l.lanname NOT IN ('c', 'internal')
AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(ledger)s)
AND p.pronamespace NOT IN (SELECT oid FROM ledger)
AND position(lower(c.relname) IN lower(p.prosrc)) > 0
AND p.prosrc ~* ('(^|[^[:alnum:]_$])'
    || regexp_replace(c.relname, '([][\\\\.^$*+?(){}|])', '\\\\\\1', 'g')
    || '($|[^[:alnum:]_$])')
ORDER BY c.oid, name
"""
