"""The query for everything that PostgreSQL ties to a column: what stops its drop or goes with it.

It walks pg_depend as PostgreSQL does when it drops a column, so it knows no list of kinds.
"""

from __future__ import annotations


def column_uses(tables: str, prefixes: str, *, own_views: str = "", family: str = "") -> str:
    """SELECT of owner_oid, kind, name, columns, stops and sequence.

    ``tables`` is an expression for the OIDs of the plan's tables, ``prefixes`` one for those that
    names of the tool's own triggers begin with. ``own_views`` is a SELECT of the OIDs of the tool's
    own views, which a step replaces. ``family`` are the tables with their partitions. The
    search_path must have pg_catalog alone.
    """
    not_own = (
        f"\n    AND (class <> 'pg_class'::regclass OR object NOT IN {own_views})"
        if own_views
        else ""
    )
    # Every column of a table is a start, and so is the sequence of an identity or serial column.
    # From there an edge of type n stops the drop, and every other edge goes along in silence. A
    # part stands for its whole: the rule of a view for the view, an index for its constraint. A
    # whole that is reached through a part is never dropped in silence. Where an object is reached
    # both ways, one silent way is enough. What hangs on a stopping object is not asked for.
    # OFFSET 0 lets each look-up use an index: the planner expects many more objects than there
    # are, and would read all of pg_depend, which is large where there are many tenants.
    return f"""
WITH RECURSIVE start AS (
    SELECT a.attrelid AS owner_oid, a.attnum, false AS sequence, 'pg_class'::regclass::oid AS class,
           a.attrelid AS object, a.attnum::integer AS sub
    FROM pg_attribute a
    WHERE a.attrelid = ANY ({tables}) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT d.refobjid, d.refobjsubid, true, d.classid, d.objid, 0
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ({tables})
    AND d.refobjsubid > 0 AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
), walk AS (
    SELECT s.*, false AS stops, false AS part, true AS first FROM start s
    UNION
    SELECT w.owner_oid, w.attnum, w.sequence, n.class, n.object, n.sub, n.stops, n.part, false
    FROM walk w CROSS JOIN LATERAL (
        SELECT d.classid, d.objid, d.objsubid, d.deptype = 'n', d.deptype = 'i'
        FROM pg_depend d
        WHERE NOT w.stops AND d.refclassid = w.class AND d.refobjid = w.object
        -- As a range, so that the index of pg_depend serves it; 0 is the whole object.
        AND d.refobjsubid BETWEEN w.sub AND CASE w.sub WHEN 0 THEN 32767 ELSE w.sub END
        UNION ALL
        SELECT d.refclassid, d.refobjid, d.refobjsubid, true, false
        FROM pg_depend d
        WHERE NOT w.first AND NOT w.part AND d.deptype = 'i'
        AND d.classid = w.class AND d.objid = w.object AND d.objsubid = w.sub
        UNION ALL
        SELECT 'pg_class'::regclass, x.adrelid, x.adnum::integer, w.stops, false
        FROM pg_attrdef x
        JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
        WHERE w.class = 'pg_attrdef'::regclass AND x.oid = w.object AND a.attgenerated <> ''
    ) n (class, object, sub, stops, part)
), met AS (
    SELECT owner_oid, attnum, sequence, class, object, sub, bool_and(stops) AS stops
    FROM walk w
    WHERE NOT first
    -- NOT NULL (18 has a constraint for it) is a part of its column.
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE w.class = 'pg_constraint'::regclass
        AND k.oid = w.object AND k.contype = 'n' OFFSET 0)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'i' AND d.classid = w.class
        AND d.objid = w.object AND d.objsubid = w.sub OFFSET 0)
    -- The table and its columns are no use of it, except a column generated from another.
    AND (class <> 'pg_class'::regclass OR object <> owner_oid OR sub <> 0 AND sub <> attnum)
    -- A default of a plan's own table draws from the sequence, or goes with its column. A
    -- generated column is named itself.
    AND NOT (class = 'pg_attrdef'::regclass AND EXISTS (
        SELECT FROM pg_attrdef x JOIN pg_attribute a
        ON a.attrelid = x.adrelid AND a.attnum = x.adnum
        WHERE x.oid = w.object AND (x.adrelid = ANY ({family or tables}) OR a.attgenerated <> '')
        OFFSET 0))
    AND NOT EXISTS (
        SELECT FROM pg_trigger t CROSS JOIN unnest({prefixes}) AS o (prefix)
        WHERE w.class = 'pg_trigger'::regclass AND t.oid = w.object
        AND starts_with(t.tgname::text, o.prefix) OFFSET 0){not_own}
    GROUP BY owner_oid, attnum, sequence, class, object, sub
)
SELECT m.owner_oid, (pg_identify_object(m.class, m.object, m.sub)).type AS kind,
       pg_describe_object(m.class, m.object, m.sub) AS name,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns, m.stops, m.sequence
FROM met m JOIN pg_attribute a ON a.attrelid = m.owner_oid AND a.attnum = m.attnum
GROUP BY m.owner_oid, m.class, m.object, m.sub, m.stops, m.sequence
ORDER BY m.owner_oid, kind, name, m.stops, m.sequence
"""
