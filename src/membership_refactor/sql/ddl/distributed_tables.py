"""Which tables of a plan Citus has distributed, and how each becomes a plain table again."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.quoting import literal, qualified

_SAID = {
    "distributed": "is distributed by Citus",
    "reference": "is a reference table of Citus",
    "single shard": "is kept by Citus in one shard on a worker",
    "local": "is a local table that Citus manages, for a foreign key to a reference table or "
    "another reason",
}


def distributed_tables(plan: TableSplit, schema: str, server: Server | None) -> tuple[str, ...]:
    """Why Citus keeps the plan from its tables, a sentence each; empty where they are plain.

    Citus refuses triggers on such tables, or runs them on a worker, where the ledger is not.
    """
    if server is None or server.citus is None:
        return ()
    return tuple(_reasons(plan, schema, server))


def _reasons(plan: TableSplit, schema: str, server: Server) -> Iterator[str]:
    assert server.citus is not None
    if server.citus.of_schema:
        yield (
            f'schema "{schema}" is distributed by Citus: its tables are on a worker, and triggers '
            f"cannot reach the ledger from there. Run SELECT citus_schema_undistribute("
            f"{literal(schema)}), which Citus refuses for tables with an identity column; "
            f"distribute the schema again after the last step"
        )
        return
    for table in server.citus.tables:
        if table.name in plan.tables:
            named = literal(qualified(schema, table.name))
            yield (
                f'table "{table.name}" {_SAID[table.kind]}, and triggers cannot follow its rows '
                f"there. Run SELECT undistribute_table({named}, cascade_via_foreign_keys => true), "
                "which Citus refuses for a table with an identity column; distribute the new "
                "tables after the last step"
            )
