"""The catalog queries about the server, the connected role and the replication slots, and the
settings by which PostgreSQL prints constants."""

from __future__ import annotations

SETTINGS = """
SELECT set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true),
       set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true),
       set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '1', true),
       set_config('bytea_output', 'hex', true),
       -- Compiling these queries takes 0.3 s, running them 0.02 s.
       set_config('jit', 'off', true)
"""
"""PostgreSQL prints constants by these settings, so they are set before a portrait is read."""

SERVER = """
SELECT current_setting('server_version_num')::integer AS version, current_user::text AS "user",
       r.rolsuper AS superuser,
       ARRAY(SELECT o.rolname::text FROM pg_roles o
             WHERE o.rolsuper OR o.rolbypassrls ORDER BY 1) AS bypass_row_security,
       ARRAY(SELECT o.rolname::text FROM pg_roles o
             -- From 16 on a member may lack the right to SET ROLE.
             WHERE pg_has_role(current_user, o.oid, CASE
               WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER'
               ELSE 'SET' END) ORDER BY 1) AS acts_as,
       coalesce((SELECT has_schema_privilege(w.role, n.oid, 'CREATE') FROM pg_namespace n
                 WHERE n.nspname = %(schema)s), false) AS creates_in_schema,
       has_database_privilege(current_user, current_database(), 'CREATE')
         OR has_database_privilege(w.role, current_database(), 'CREATE') AS creates_in_database,
       EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus') AS has_citus,
       current_setting('max_locks_per_transaction')::integer AS locks_each,
       current_setting('max_connections')::integer
         + current_setting('max_prepared_transactions')::integer AS locking_sessions,
       -- A table has a row type of its name. PostgreSQL renames array types if needed.
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n
             ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s
             UNION
             SELECT t.typname::text FROM pg_type t JOIN pg_namespace n
             ON n.oid = t.typnamespace
             WHERE n.nspname = %(schema)s AND t.typcategory <> 'A'
             ORDER BY 1) AS relations
FROM pg_roles r, (SELECT coalesce(%(role)s, current_user)::name) AS w (role)
WHERE r.rolname = current_user
"""

SLOTS = """
SELECT slot_name::text AS name, plugin::text AS plugin, active,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint END AS kept
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() ORDER BY slot_name
"""
