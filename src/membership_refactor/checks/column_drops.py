"""The check that nothing stops the drop of the deprecated columns."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.column_uses import column_uses
from membership_refactor.sql.names import OWN_PREFIXES, Names
from membership_refactor.sql.quoting import literal


def nothing_stops_the_drop(names: Names) -> Check:
    """Reads the catalog, because a script's portrait does not show objects that were made later."""
    leaving = ", ".join(literal(name) for name in names.plan.leaving)
    prefixes = ", ".join(literal(prefix) for prefix in OWN_PREFIXES)
    uses = column_uses(
        f"ARRAY[{literal(names.child)}::pg_catalog.regclass::oid]", f"ARRAY[{prefixes}]"
    )
    return Check(
        name="nothing stops the drop",
        sentence="no view, policy or other object stops the drop of the deprecated columns",
        query=(
            "SELECT pg_catalog.format('%s uses %s', u.name, "
            "pg_catalog.string_agg(DISTINCT c.name, ', '))\n"
            f"FROM ({uses}) AS u CROSS JOIN LATERAL pg_catalog.unnest(u.columns) AS c (name)\n"
            f"WHERE NOT u.sequence AND c.name IN ({leaving})\n"
            # The step drops the table's exclusion constraints before the columns.
            "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'x'\n"
            f"  AND k.conrelid = {literal(names.child)}::pg_catalog.regclass AND u.name =\n"
            "    pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::pg_catalog.regclass,"
            " k.oid, 0))\n"
            "GROUP BY u.name HAVING pg_catalog.bool_and(u.stops)"
        ),
        reach=Reach.CATALOG,
        hint="Change or drop these objects, then run the same command again.",
    )
