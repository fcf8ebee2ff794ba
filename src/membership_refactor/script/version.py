"""A block that raises where the revisions before a script's first step have not run."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.script.psql import block
from membership_refactor.sql.quoting import ident, literal, qualified

STOP_AT_ERROR = "\\set ON_ERROR_STOP on"
"""psql goes on after an error unless it is told this."""


def require_version(schema: str | None, table: str, expected: Sequence[str], revision: str) -> str:
    """Raise unless the version table holds one of ``expected``.

    What stands before the first step may have failed before psql was told to stop at an error.
    """
    name = qualified(schema, table) if schema is not None else ident(table)
    listed = ", ".join(map(literal, expected))
    said = f"the revision before {revision} did not run, so its step does not begin"
    return block(f"""
DECLARE
  found boolean := false;
BEGIN
  IF pg_catalog.to_regclass({literal(name)}) IS NOT NULL THEN
    EXECUTE {literal(f"SELECT EXISTS (SELECT FROM {name} WHERE version_num IN ({listed}))")}
      INTO found;
  END IF;
  IF NOT found THEN
    RAISE EXCEPTION USING MESSAGE = {literal(said)},
      HINT = {
        literal(
            f"Look at the errors above. The script expects {table} to hold one of: "
            f"{', '.join(expected)}."
        )
    };
  END IF;
END""")
