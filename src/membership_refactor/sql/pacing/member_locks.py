"""The lock on a table with all its partitions, waited for as long as one on a plain table."""

from __future__ import annotations

from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Lock


def lock_members(table: str, mode: Lock, wait_ms: int) -> str:
    """LOCK TABLE of a partitioned table, which is waited for ``wait_ms`` in all: lock_timeout by
    itself counts for each partition anew. A plain table is locked too."""
    last = f"'{wait_ms}', true"
    lock = f"'LOCK TABLE ONLY %s IN {mode} MODE'"
    left = "1000 * extract(epoch FROM own_until - pg_catalog.clock_timestamp())"
    return f"""DO $lock$ DECLARE
  own_until timestamptz := pg_catalog.clock_timestamp() + interval '{wait_ms} ms';
  own_member pg_catalog.regclass;
BEGIN
  PERFORM pg_catalog.set_config('lock_timeout', {last});
  LOCK TABLE ONLY {table} IN {mode} MODE;
  FOR own_member IN SELECT p.relid FROM pg_catalog.pg_partition_tree(
    {literal(table)}::pg_catalog.regclass) AS p WHERE p.level > 0
  LOOP
    PERFORM pg_catalog.set_config('lock_timeout',
      greatest(1, pg_catalog.ceil({left}))::bigint::text, true);
    BEGIN
      EXECUTE pg_catalog.format({lock}, own_member);
    EXCEPTION WHEN undefined_table OR syntax_error THEN
      -- It was dropped meanwhile. A dropped table is printed as its number.
      NULL;
    END;
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', {last});
END $lock$"""
