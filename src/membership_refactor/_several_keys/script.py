"""Several keys in a psql script: what waits for locks is tried again, and keys come in batches."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor._several_keys import structure
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.script.locking import brief
from membership_refactor.sql.names import tenant_lock
from membership_refactor.sql.quoting import dollar_quoted, literal, qualified
from membership_refactor.sql.statements import Lock, Statement

BATCH = 2000
SECONDS = 120
"""For which a short lock is tried again."""


def alone(schema: str) -> str:
    """No other migration of the schema runs as long as the session lasts."""
    body = f"""
BEGIN
  IF NOT pg_catalog.pg_try_advisory_lock({tenant_lock(schema)}) THEN
    RAISE lock_not_available USING
      MESSAGE = {literal(f'another migration of schema "{schema}" is running')},
      HINT = 'Wait for it; membership-refactor status shows how far it is.';
  END IF;
END
"""
    return f"DO {dollar_quoted(body)}"


def under_lock(schema: str, mode: Lock, texts: Sequence[str]) -> str:
    """The statements, in one commit under a short lock of the enrollments; in no transaction."""
    table = qualified(schema, IDENTITY.table)
    body = brief(((table, mode),), [Statement(text) for text in texts], "", seconds=SECONDS)
    return f"DO {dollar_quoted(body)}"


def fill(schema: str) -> str:
    """Every key that was there before the trigger, in batches of one commit each; in no
    transaction."""
    executed = "\n".join(
        f"    EXECUTE {dollar_quoted(text)} USING first, first + {BATCH - 1};"
        for text in structure.fill(schema)
    )
    body = f"""
DECLARE
  first bigint; last bigint;
BEGIN
  SELECT pg_catalog.min(e.id), pg_catalog.max(e.id) INTO first, last
  FROM {qualified(schema, IDENTITY.table)} AS e;
  WHILE first <= last LOOP
{executed}
    COMMIT;
    first := first + {BATCH};
  END LOOP;
END
"""
    return f"DO {dollar_quoted(body)}"
