"""A check that row security hides no row from the role that does the work."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.names import Names
from membership_refactor.sql.row_security import filtered_tables


def every_row_is_seen(names: Names) -> Check:
    """Asked at the beginning of every step, both ways, as the owner of the tables: FORCE ROW
    LEVEL SECURITY may have been set in the weeks between two steps."""
    return Check(
        name="every row is seen",
        sentence="row security hides no row of these tables from their owner",
        query=filtered_tables(names),
        reach=Reach.CATALOG,
        hint="Run the statement of each table, or give the owner BYPASSRLS, "
        "then run the same command again.",
    )
