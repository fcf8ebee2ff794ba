"""The parts of the psql script: short locks that are tried again, and batches of keys."""

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
"""How long a short lock is tried again."""


def alone(schema: str) -> str:
    """Lock out other migrations of the schema until the session ends."""
    body = f"""
BEGIN
  IF NOT pg_catalog.pg_try_advisory_lock({tenant_lock(schema)}) THEN
    RAISE lock_not_available USING
      MESSAGE = {literal(f'another migration of schema "{schema}" is running')},
      HINT = 'Wait until it ends; membership-refactor status shows its progress.';
  END IF;
END
"""
    return f"DO {dollar_quoted(body)}"


def under_lock(schema: str, mode: Lock, texts: Sequence[str]) -> str:
    """Run the statements in one commit, under a short lock; must not be in a transaction."""
    table = qualified(schema, IDENTITY.table)
    body = brief(((table, mode),), [Statement(text) for text in texts], "", seconds=SECONDS)
    return f"DO {dollar_quoted(body)}"


def fill(schema: str) -> str:
    """Copy every older key in batches, each with its own commit; must not be in a transaction."""
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
