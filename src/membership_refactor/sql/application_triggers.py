"""Disabling the application's triggers while a batch of the tool writes.

They are disabled and enabled again within the batch's transaction, so no other session sees them
disabled. The alternative, session_replication_role, needs a privilege and disables foreign keys
too.
"""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.sql.changed_columns import NOT_OWN
from membership_refactor.sql.names import Names
from membership_refactor.sql.pacing.pace import WAIT_MS
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement

VARIABLE = "own_silenced text;"


FIRED_BY_OTHER_COLUMNS = "t.tgtype & 16 <> 0 AND t.tgattr = ''::pg_catalog.int2vector"
"""A condition: an UPDATE of a column that no trigger of the application knows fires it."""


def silence_functions(names: Names, *, only: str = "") -> tuple[Statement, ...]:
    """``silence(tables)`` disables the application's enabled triggers and returns the statements
    that restore their state; ``speak(text)`` runs these statements.

    If a table has such triggers, ``silence`` takes SHARE ROW EXCLUSIVE until the transaction ends.
    It waits at most 50 ms, then raises 55P03, and the batch is retried. ``only`` is a condition on
    the row ``t`` of pg_trigger; empty for every trigger.
    """
    chosen = f"\n      AND {only}" if only else ""
    silence, speak = names.own("silence"), names.own("speak")
    silent = f"""
DECLARE
  own_table record; own_waited text := pg_catalog.current_setting('lock_timeout');
  own_text text := '';
BEGIN
  FOR own_table IN
    SELECT pg_catalog.format('ALTER TABLE %s ', t.tgrelid::pg_catalog.regclass) AS "alter",
      pg_catalog.string_agg(pg_catalog.format('DISABLE TRIGGER %I', t.tgname), ', ') AS off,
      pg_catalog.string_agg(pg_catalog.format('ENABLE %s TRIGGER %I',
        CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END, t.tgname), ', ') AS "on"
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid = ANY (tables) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
      AND {NOT_OWN}{chosen}
    GROUP BY t.tgrelid ORDER BY t.tgrelid
  LOOP
    PERFORM pg_catalog.set_config('lock_timeout', '{WAIT_MS}ms', true);
    EXECUTE own_table."alter" || own_table.off;
    own_text := own_text || own_table."alter" || own_table."on" || '; ';
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', own_waited, true);
  RETURN own_text;
END
"""
    spoken = """
BEGIN
  IF given <> '' THEN
    -- A deferred event of this batch would stop the ALTER TABLE.
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE given;
  END IF;
END
"""
    path = "SET search_path = pg_catalog, pg_temp"
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {silence}(tables pg_catalog.regclass[]) RETURNS text\n"
            f"LANGUAGE plpgsql {path} AS {dollar_quoted(silent)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {silence}(pg_catalog.regclass[]) FROM PUBLIC"),
        Statement(
            f"CREATE OR REPLACE FUNCTION {speak}(given text) RETURNS void\n"
            f"LANGUAGE plpgsql {path} AS {dollar_quoted(spoken)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {speak}(text) FROM PUBLIC"),
    )


def silently(names: Names, tables: Sequence[str], work: str) -> str:
    """plpgsql that runs ``work`` while no trigger of the application on ``tables`` (quoted) fires.
    The function has to declare ``VARIABLE``."""
    listed = ", ".join(f"{literal(table)}::pg_catalog.regclass" for table in tables)
    return f"""own_silenced := {names.own("silence")}(ARRAY[{listed}]);
  {work}
  PERFORM {names.own("speak")}(own_silenced);"""
