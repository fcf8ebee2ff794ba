"""The queries of Citus's own catalog. They run only where its extension is installed."""

from __future__ import annotations

TABLES = """
SELECT c.relname::text AS name,
       CASE WHEN p.partmethod <> 'n' THEN 'distributed'
            WHEN p.repmodel = 't' THEN 'reference'
            WHEN p.colocationid <> 0 THEN 'single shard' ELSE 'local' END AS kind
FROM pg_catalog.pg_dist_partition AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.logicalrelid
WHERE c.relnamespace = to_regnamespace(quote_ident(%(schema)s)) ORDER BY c.relname
"""
"""The tables of a schema that Citus knows. ``kind`` is what it does with their rows."""

HAS_SCHEMAS = "SELECT to_regclass('pg_catalog.pg_dist_schema') IS NOT NULL AS there"
"""Sharding by schema came with Citus 12."""

SCHEMA = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_schema AS d
               WHERE d.schemaid = to_regnamespace(quote_ident(%(schema)s))) AS there
"""
