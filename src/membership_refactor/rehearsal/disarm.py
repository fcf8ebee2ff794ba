"""What a rolled-back statement would still do outside the database is taken out of the clone."""

from __future__ import annotations

import psycopg

from membership_refactor.sql.quoting import literal

# A port on which nothing listens.
_DEAD_PORT = "''1''"
_SERVERS = f"""
SELECT format('ALTER SERVER %I OPTIONS (%s port {_DEAD_PORT})', s.srvname,
  CASE WHEN EXISTS (SELECT FROM unnest(s.srvoptions) AS o WHERE starts_with(o, 'port='))
    THEN 'SET' ELSE 'ADD' END),
  format('foreign server %I', s.srvname)
FROM pg_catalog.pg_foreign_server AS s
JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
WHERE w.fdwname IN ('postgres_fdw', 'dblink_fdw')
ORDER BY s.srvname
"""
_CALLING_OUT = ("dblink", "http", "pg_net", "pg_background", "aws_lambda", "aws_s3", "plproxy")
"""Extensions whose functions reach other servers."""
_FUNCTIONS = r"""
SELECT format(
  'CREATE OR REPLACE %s %s(%s) %s LANGUAGE plpgsql AS '
  '$rehearsal$ BEGIN RAISE EXCEPTION ''it reaches outside, so a rehearsal does not run it''; '
  'END $rehearsal$',
  CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
  p.oid::regproc, pg_catalog.pg_get_function_arguments(p.oid),
  CASE p.prokind WHEN 'p' THEN ''
    ELSE 'RETURNS ' || pg_catalog.pg_get_function_result(p.oid) END),
  format('function %s', p.oid::regproc)
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::regclass
  AND d.objid = p.oid AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::regclass
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE p.prokind IN ('f', 'p') AND p.pronamespace <> 'pg_catalog'::regnamespace
  AND NOT pg_catalog.pg_get_function_arguments(p.oid) ~ '\m(internal|cstring)\M'
  AND NOT coalesce(pg_catalog.pg_get_function_result(p.oid), '')
    ~ '\m(internal|cstring|\w+_handler)\M'
  AND (e.extname = ANY (@CALLING@)
    -- Untrusted languages, and C of somebody's own.
    OR e.oid IS NULL AND NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'sql')
    OR e.oid IS NULL AND p.prosrc ~* '\m(program|lo_export|pg_file_\w+|pg_read_file)\M')
ORDER BY 2
"""


def disarm(connection: psycopg.Connection) -> tuple[str, ...]:
    """Point foreign servers at a dead port and make functions that reach outside raise.

    Returns what was changed, a name each. The connection is a superuser's, in the clone.
    """
    found = connection.execute(_SERVERS).fetchall()
    calling = "ARRAY[" + ", ".join(map(literal, _CALLING_OUT)) + "]"
    found += connection.execute(_FUNCTIONS.replace("@CALLING@", calling).encode()).fetchall()
    for statement, _ in found:
        connection.execute(statement.encode())
    return tuple(dict.fromkeys(name for _, name in found))
