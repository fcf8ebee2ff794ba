"""The order in which triggers fire: the tool's BEFORE triggers have to see the row as it will be
stored, so they come last."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.changed_columns import NOT_OWN
from membership_refactor.sql.names import BEFORE_PREFIX, Names
from membership_refactor.sql.quoting import ident, literal


def own_triggers_come_last(names: Names) -> Check:
    """PostgreSQL fires triggers in the order of their names, compared byte by byte. Behind "~" come
    all letters that are not ASCII."""
    tables = ", ".join(map(literal, names.plan.written_tables))
    return Check(
        name="own triggers come last",
        sentence="no trigger of the application changes a row after the tool has seen it",
        # tgtype: 1 row, 2 before (pg_trigger.h). As ``name`` they are compared as bytes.
        query=f"""SELECT pg_catalog.format('ALTER TRIGGER %I ON %I.%I RENAME TO %I', t.tgname,
  n.nspname, c.relname, pg_catalog.concat('z_', t.tgname)::pg_catalog.name)
FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(names.schema))})
  AND c.relname IN ({tables}) AND t.tgtype & 3 = 3 AND NOT t.tgisinternal AND {NOT_OWN}
  AND t.tgname > {literal(BEFORE_PREFIX)}::pg_catalog.name
ORDER BY 1""",
        reach=Reach.CATALOG,
        hint="Triggers fire in the order of their names, byte by byte, and these come after those "
        "of this tool. Run the statements that are named. What these triggers have written may be "
        "on one side only: run membership-refactor verify   then the same command again.",
    )
