"""The catalog queries of a portrait: one for each kind of object, for all tables at once.

Each takes ``tables``, an array of OIDs, and returns the table's OID as ``owner_oid``. Every role
may run them, without extensions.
"""

from __future__ import annotations

# An ACL is returned as JSON, so one row of a table has all of its grants. NULL stays NULL.
_ACL = """(
    SELECT coalesce(json_agg(json_build_object(
        'grantee', CASE WHEN x.grantee = 0 THEN '' ELSE pg_get_userbyid(x.grantee) END,
        'privilege', x.privilege_type,
        'grantable', x.is_grantable,
        'grantor', pg_get_userbyid(x.grantor)
    ) ORDER BY x.ordinality), '[]'::json)
    FROM aclexplode({acl}) WITH ORDINALITY AS x WHERE {acl} IS NOT NULL
)"""


def acl_as_json(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN {_ACL.format(acl=column)} END"


def _columns_it_depends_on(catalog: str, oid: str, table: str) -> str:
    return f"""ARRAY(
        SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = {table} AND a.attnum > 0 AND EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid}
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = {table}
            AND d.refobjsubid = a.attnum)
        ORDER BY a.attnum)"""


def options(kept: str) -> str:
    """Storage options as people set them, without those that PostgreSQL keeps for itself: 15.20
    stamps each column with ``pg_attver``, another number in each table."""
    return f"ARRAY(SELECT o FROM unnest({kept}) AS o WHERE NOT starts_with(o, 'pg_'))"


TABLES = f"""
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       c.relpersistence::text AS persistence, pg_get_userbyid(c.relowner)::text AS owner,
       {acl_as_json("c.relacl")} AS grants,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security,
       c.relreplident::text AS replica_identity, {options("c.reloptions")} AS options,
       {options("(SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid)")}
           AS toast_options,
       (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       coalesce((SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam), '') AS access_method,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid) AS subscribed,
       obj_description(c.oid, 'pg_class') AS comment,
       CASE WHEN c.relkind = 'p' THEN (
           SELECT sum(l.reltuples)::bigint FROM pg_partition_tree(c.oid) AS p
           JOIN pg_class l ON l.oid = p.relid WHERE l.relkind <> 'p' AND l.reltuples >= 0)
           WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS rows,
       CASE WHEN c.relkind = 'p' THEN (
           SELECT sum(pg_total_relation_size(p.relid))::bigint FROM pg_partition_tree(c.oid) AS p)
           WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END AS bytes,
       ARRAY(SELECT format('%%I.%%I', pn.nspname, p.relname)
             FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
             JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS inherits,
       ARRAY(SELECT format('%%I.%%I', kn.nspname, k.relname)
             FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid
             JOIN pg_namespace kn ON kn.oid = k.relnamespace
             WHERE i.inhparent = c.oid ORDER BY 1) AS children,
       ARRAY(SELECT p.pubname::text FROM pg_publication p
             WHERE p.puballtables OR EXISTS (
                 SELECT FROM pg_publication_namespace pn
                 WHERE pn.pnpubid = p.oid AND pn.pnnspid = c.relnamespace)
             ORDER BY 1) AS published_by_schema,
       (SELECT coalesce(json_agg(json_build_array(l.provider, l.label)
                                 ORDER BY l.objsubid, l.provider), '[]'::json)
        FROM pg_seclabel l
        WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid) AS security_labels,
       (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s)
AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY array_position(%(names)s::text[], c.relname::text)
"""

_NOT_NULL = """(SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = a.attrelid
        AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND k.conname"""

COLUMNS = f"""
SELECT a.attrelid AS owner_oid, a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
       {_NOT_NULL} !~ '_not_null[0-9]*$') AS not_null_name,
       {_NOT_NULL} ~ '_not_null[0-9]*$') AS not_null_by_default,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default",
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END
           AS identity,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated,
       a.attgenerated = 'v' AS virtual,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
            THEN format('%%I.%%I', cn.nspname, co.collname) END AS collation,
       coalesce(co.collisdeterministic, true) AS deterministic,
       CASE WHEN t.typtype = 'd' THEN base.named END AS base_type,
       base.enum, base.refuses_null,
       CASE WHEN a.attstorage <> t.typstorage THEN
           CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
               WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END END AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
       nullif(a.attstattarget, -1)::integer AS statistics,
       {options("a.attoptions")} AS options,
       col_description(a.attrelid, a.attnum) AS comment,
       {acl_as_json("a.attacl")} AS grants,
       coalesce(
           (SELECT f.oid FROM pg_depend p
            JOIN pg_class f ON f.oid = p.refobjid AND f.relkind = 'S'
            WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
            AND p.refclassid = 'pg_class'::regclass LIMIT 1),
           (SELECT f.oid FROM pg_depend p
            JOIN pg_class f ON f.oid = p.objid AND f.relkind = 'S'
            WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
            AND p.refobjsubid = a.attnum AND p.classid = 'pg_class'::regclass
            AND p.deptype IN ('a', 'i') LIMIT 1)) AS sequence_oid
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (
    WITH RECURSIVE rests_on (oid, typmod) AS (
        SELECT a.atttypid, a.atttypmod
        UNION ALL
        SELECT b.typbasetype, b.typtypmod
        FROM rests_on r JOIN pg_type b ON b.oid = r.oid AND b.typtype = 'd')
    SELECT max(format_type(r.oid, r.typmod)) FILTER (WHERE b.typtype <> 'd') AS named,
           bool_or(b.typtype = 'e') AS enum,
           -- Only domains have such constraints: else the definition of every one may be read.
           bool_or(b.typnotnull OR EXISTS (SELECT FROM pg_constraint k
               WHERE k.contypid = b.oid AND k.contypid <> 0
               AND pg_get_constraintdef(k.oid) ILIKE '%%value is not null%%')) AS refuses_null
    FROM rests_on r JOIN pg_type b ON b.oid = r.oid) AS base
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY (%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

SEQUENCES = f"""
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
       format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment,
       s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache, s.seqcycle AS cycle,
       (SELECT d.refobjid FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        LIMIT 1) AS owned_by,
       {acl_as_json("c.relacl")} AS grants,
       obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.oid = ANY (%(sequences)s)
"""

# NOT NULL constraints (contype n, PostgreSQL 18) are left out: the column has NOT NULL and a name
# that was chosen.
CONSTRAINTS = """
SELECT k.conrelid AS owner_oid, k.conname::text AS name, k.contype::text AS kind,
       pg_get_constraintdef(k.oid) AS definition, k.convalidated AS validated,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (num, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
             ORDER BY u.place) AS columns,
       CASE WHEN k.contype = 'f' THEN ARRAY[fn.nspname::text, f.relname::text] END AS "references",
       CASE WHEN k.contype = 'f' THEN k.confdeltype::text ELSE '' END AS on_delete,
       CASE WHEN k.contype = 'f' THEN k.confupdtype::text ELSE '' END AS on_update,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN
           (SELECT i.relname::text FROM pg_class i WHERE i.oid = k.conindid) END AS "index",
       k.condeferrable AS deferrable,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
       obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint k
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.conrelid = ANY (%(tables)s) AND k.contype IN ('p', 'u', 'c', 'f', 'x')
ORDER BY k.conrelid, k.conname
"""

INCOMING = """
SELECT k.confrelid AS owner_oid, n.nspname::text AS schema, c.relname::text AS "table",
       k.conname::text AS name, pg_get_constraintdef(k.oid) AS definition,
       k.convalidated AS validated,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (num, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
             ORDER BY u.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (num, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num
             ORDER BY u.place) AS "references",
       c.relkind::text AS kind, pg_get_userbyid(c.relowner)::text AS owner,
       obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.confrelid = ANY (%(tables)s) AND k.contype = 'f' AND k.conparentid = 0
AND k.conrelid <> k.confrelid
ORDER BY k.confrelid, n.nspname, c.relname, k.conname
"""

INDEXES = f"""
SELECT i.indrelid AS owner_oid, c.relname::text AS name, pg_get_indexdef(c.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND (
                 a.attnum = ANY (i.indkey) OR a.attname::text = ANY (
                     {_columns_it_depends_on("pg_class", "c.oid", "i.indrelid")}))
             ORDER BY array_position(i.indkey::smallint[], a.attnum), a.attnum) AS columns,
       i.indisunique AS "unique", i.indisvalid AS valid,
       (SELECT k.conname::text FROM pg_constraint k
        WHERE k.conindid = c.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))
           AS "constraint",
       i.indisclustered AS clustered, i.indisreplident AS replica_identity,
       (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       {options("c.reloptions")} AS options,
       obj_description(c.oid, 'pg_class') AS comment,
       (SELECT coalesce(json_agg(json_build_array(a.attnum, a.attstattarget)
                                 ORDER BY a.attnum), '[]'::json)
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND nullif(a.attstattarget, -1) IS NOT NULL) AS statistics
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%(tables)s)
ORDER BY i.indrelid, c.relname
"""

TRIGGERS = f"""
SELECT t.tgrelid AS owner_oid, t.tgname::text AS name, pg_get_triggerdef(t.oid) AS definition,
       t.tgenabled::text AS enabled,
       CASE WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF'
            WHEN t.tgtype & 2 <> 0 THEN 'BEFORE' ELSE 'AFTER' END AS timing,
       t.tgtype & 1 <> 0 AS "row",
       t.tgfoid::regprocedure::text AS function,
       {_columns_it_depends_on("pg_trigger", "t.oid", "t.tgrelid")} AS columns,
       t.tgconstraint <> 0 AS "constraint",
       obj_description(t.oid, 'pg_trigger') AS comment
FROM pg_trigger t
WHERE t.tgrelid = ANY (%(tables)s) AND NOT t.tgisinternal
AND NOT EXISTS (SELECT FROM unnest(%(own)s::text[]) AS o (prefix)
                WHERE starts_with(t.tgname::text, o.prefix))
ORDER BY t.tgrelid, t.tgname
"""

RULES = """
SELECT r.ev_class AS owner_oid, r.rulename::text AS name, pg_get_ruledef(r.oid) AS definition,
       r.ev_enabled::text AS enabled, obj_description(r.oid, 'pg_rewrite') AS comment
FROM pg_rewrite r
WHERE r.ev_class = ANY (%(tables)s) AND r.rulename <> '_RETURN'
ORDER BY r.ev_class, r.rulename
"""

POLICIES = f"""
SELECT p.polrelid AS owner_oid, p.polname::text AS name, p.polpermissive AS permissive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
           WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       ARRAY(SELECT CASE WHEN u.role = 0 THEN '' ELSE pg_get_userbyid(u.role)::text END
             FROM unnest(p.polroles) AS u (role) ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS "using",
       pg_get_expr(p.polwithcheck, p.polrelid) AS "check",
       {_columns_it_depends_on("pg_policy", "p.oid", "p.polrelid")} AS columns,
       obj_description(p.oid, 'pg_policy') AS comment
FROM pg_policy p WHERE p.polrelid = ANY (%(tables)s)
ORDER BY p.polrelid, p.polname
"""

STATISTICS = f"""
SELECT s.stxrelid AS owner_oid, n.nspname::text AS schema, s.stxname::text AS name,
       pg_get_statisticsobjdef(s.oid) AS definition,
       {_columns_it_depends_on("pg_statistic_ext", "s.oid", "s.stxrelid")} AS columns,
       nullif(s.stxstattarget, -1)::integer AS target,
       pg_get_userbyid(s.stxowner)::text AS owner,
       obj_description(s.oid, 'pg_statistic_ext') AS comment
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY (%(tables)s)
ORDER BY s.stxrelid, n.nspname, s.stxname
"""

PUBLICATIONS = """
SELECT r.prrelid AS owner_oid, p.pubname::text AS name,
       CASE WHEN r.prattrs IS NOT NULL THEN
           ARRAY(SELECT a.attname::text FROM unnest(r.prattrs::smallint[]) AS u (num)
                 JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = u.num
                 ORDER BY a.attnum) END AS columns,
       pg_get_expr(r.prqual, r.prrelid) AS "where",
       pg_get_userbyid(p.pubowner)::text AS owner
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = ANY (%(tables)s)
ORDER BY r.prrelid, p.pubname
"""
