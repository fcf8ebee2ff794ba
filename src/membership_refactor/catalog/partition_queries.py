"""The catalog query of the partitions of tables: the root first, then its members by level."""

from __future__ import annotations

from membership_refactor.catalog.queries import acl_as_json, options


def _own(what: str, name: str, rest: str) -> str:
    return f"SELECT '{what} \"' || {name} || '\"' {rest}"


# What a member has without the root. Each SELECT gives one text a thing, with the member as ``c``.
_OWN = "\n    UNION ALL ".join(
    (
        _own(
            "index",
            "i.relname",
            "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid\n"
            "      AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.indexrelid)",
        ),
        _own(
            "constraint",
            "k.conname",
            "FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conparentid = 0\n"
            "      AND (k.contype IN ('p', 'u', 'x', 'f')\n"
            "        OR k.contype = 'c' AND k.coninhcount = 0)",
        ),
        _own(
            "foreign key",
            "k.conname",
            "|| ' of ' || k.conrelid::regclass\n"
            "      FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f'\n"
            "      AND k.conparentid = 0 AND k.conrelid <> c.oid",
        ),
        _own(
            "trigger",
            "t.tgname",
            "FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal\n"
            "      AND t.tgparentid = 0 AND NOT EXISTS (SELECT FROM unnest(%(own)s::text[]) o (p)\n"
            "        WHERE starts_with(t.tgname::text, o.p))",
        ),
        _own(
            "state of the trigger",
            "t.tgname",
            "FROM pg_trigger t JOIN pg_trigger r ON r.oid = t.tgparentid\n"
            "      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> r.tgenabled\n"
            "      AND NOT EXISTS (SELECT FROM unnest(%(own)s::text[]) o (p)\n"
            "        WHERE starts_with(t.tgname::text, o.p))",
        ),
        _own("rule", "r.rulename", "FROM pg_rewrite r WHERE r.ev_class = c.oid"),
        _own(
            "publication",
            "p.pubname",
            "FROM pg_publication_rel q JOIN pg_publication p ON p.oid = q.prpubid\n"
            "      WHERE q.prrelid = c.oid",
        ),
        _own(
            "subscription",
            "s.subname",
            "FROM pg_subscription_rel q JOIN pg_subscription s ON s.oid = q.srsubid\n"
            "      WHERE q.srrelid = c.oid",
        ),
        _own("statistics object", "s.stxname", "FROM pg_statistic_ext s WHERE s.stxrelid = c.oid"),
        _own(
            "view",
            "v.ev_class::regclass",
            "FROM (SELECT DISTINCT r.ev_class FROM pg_depend d\n"
            "        JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid\n"
            "        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid\n"
            "        AND r.ev_class <> c.oid) v",
        ),
        _own(
            "default of column",
            "a.attname",
            "FROM pg_attribute a JOIN pg_attribute b ON b.attrelid = t.root\n"
            "        AND b.attname = a.attname AND NOT b.attisdropped\n"
            "      LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum\n"
            "      LEFT JOIN pg_attrdef f ON f.adrelid = b.attrelid AND f.adnum = b.attnum\n"
            "      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
            "      AND pg_get_expr(e.adbin, e.adrelid)\n"
            "        IS DISTINCT FROM pg_get_expr(f.adbin, f.adrelid)",
        ),
        _own(
            "NOT NULL of column",
            "a.attname",
            "FROM pg_attribute a JOIN pg_attribute b ON b.attrelid = t.root\n"
            "        AND b.attname = a.attname AND NOT b.attisdropped\n"
            "      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
            "      AND a.attnotnull AND NOT b.attnotnull",
        ),
        # PostgreSQL 17 and 18 give it to a partition that is attached, and not to those below it.
        _own(
            "identity of column",
            "a.attname",
            "|| ', which it lacks: detach it, and attach it again'\n"
            "      FROM pg_attribute a JOIN pg_attribute b ON b.attrelid = t.root\n"
            "        AND b.attname = a.attname AND NOT b.attisdropped\n"
            "      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
            "      AND a.attidentity <> b.attidentity\n"
            "      AND current_setting('server_version_num')::int >= 170000",
        ),
        "SELECT 'row security' WHERE c.relrowsecurity OR c.relforcerowsecurity\n"
        "      OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)",
        "SELECT 'replica identity' WHERE c.relreplident <> 'd'",
        "SELECT 'grants on columns' WHERE EXISTS (SELECT FROM pg_attribute a\n"
        "      WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)",
        "SELECT 'security label' WHERE EXISTS (SELECT FROM pg_seclabel l\n"
        "      WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid)",
    )
)

# pg_partition_tree leaves out a partition whose DETACH CONCURRENTLY was not finished.
PARTITIONS = f"""
WITH RECURSIVE tree AS (
    SELECT c.oid AS root, c.oid, NULL::oid AS parent, 0 AS level, false AS detaching
    FROM pg_class c WHERE c.oid = ANY (%(tables)s) AND c.relkind = 'p'
    UNION ALL
    SELECT t.root, i.inhrelid, t.oid, t.level + 1, t.detaching OR i.inhdetachpending
    FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
    JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind <> 'I')
SELECT t.root AS owner_oid, t.oid, t.level, n.nspname::text AS schema, c.relname::text AS name,
       (SELECT format('"%%s"."%%s"', replace(pn.nspname, '"', '""'), replace(p.relname, '"', '""'))
        FROM pg_class p
        JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE p.oid = t.parent) AS parent,
       pg_get_expr(c.relpartbound, c.oid) AS bound,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS by,
       ARRAY(SELECT a.attname::text FROM pg_partitioned_table k,
                  unnest(k.partattrs::smallint[]) WITH ORDINALITY AS u (num, place)
             JOIN pg_attribute a ON a.attnum = u.num
             WHERE k.partrelid = c.oid AND a.attrelid = c.oid ORDER BY u.place) AS columns,
       EXISTS (SELECT FROM pg_partitioned_table k
               WHERE k.partrelid = c.oid AND 0 = ANY (k.partattrs::smallint[])) AS by_expression,
       c.relkind::text AS kind, pg_get_userbyid(c.relowner)::text AS owner,
       {acl_as_json("c.relacl")} AS grants, c.relpersistence::text AS persistence,
       {options("c.reloptions")} AS options,
       (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       coalesce((SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam), '') AS access_method,
       obj_description(c.oid, 'pg_class') AS comment, t.detaching,
       CASE WHEN t.level > 0 THEN ARRAY(
    {_OWN}
    ORDER BY 1) ELSE '{{}}' END AS own
FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY t.root, t.level, n.nspname, c.relname
"""
