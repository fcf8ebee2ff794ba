"""What surrounds the table: event triggers, and publications of all tables.

Often their owner is somebody else, and they do no harm. So a reason opens these gates.
"""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.portrait import Server, Table
from membership_refactor.sql.quoting import literal

EVENT_TRIGGERS = "accept-event-triggers"
PUBLISHED_COPY = "accept-published-copy"

COMMANDS = frozenset(
    {
        "ALTER FUNCTION",
        "ALTER INDEX",
        "ALTER PUBLICATION",
        "ALTER SEQUENCE",
        "ALTER STATISTICS",
        "ALTER TABLE",
        "COMMENT",
        "CREATE FUNCTION",
        "CREATE INDEX",
        "CREATE POLICY",
        "CREATE RULE",
        "CREATE SCHEMA",
        "CREATE SEQUENCE",
        "CREATE STATISTICS",
        "CREATE TABLE",
        "CREATE TRIGGER",
        "CREATE TYPE",
        "CREATE VIEW",
        "DROP FUNCTION",
        "DROP INDEX",
        "DROP POLICY",
        "DROP RULE",
        "DROP SCHEMA",
        "DROP TABLE",
        "DROP TRIGGER",
        "GRANT",
        "REVOKE",
    }
)
"""The command tags of the steps' statements."""


OF_OLD_SHAPE = frozenset({"CREATE DOMAIN", "DROP DOMAIN", "DROP VIEW"})
"""Those that only a plan with a view of the old shape has besides."""


_OF_CITUS = (
    "\nAND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d\n"
    "  JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'citus'\n"
    "  WHERE d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid\n"
    "  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e')"
)
"""Citus's own event triggers keep its catalog. They change no statement about tables that are
not distributed, and those that are distributed are refused."""


def no_event_trigger(plan: TableSplit, revisions: Revisions, server: Server | None = None) -> Check:
    """Each row is an enabled event trigger that fires on a command of the steps."""
    known = _OF_CITUS if server is not None and server.citus is not None else ""
    commands = COMMANDS | OF_OLD_SHAPE if plan.old_shape_view else COMMANDS
    listed = ", ".join(literal(command) for command in sorted(commands))
    return Check(
        name="event triggers",
        sentence="no event trigger fires on the statements of the steps",
        query="SELECT pg_catalog.format('%I of %s fires on %s: ALTER EVENT TRIGGER %I "
        "DISABLE', e.evtname, pg_catalog.pg_get_userbyid(e.evtowner), e.evtevent, e.evtname)\n"
        "FROM pg_catalog.pg_event_trigger AS e\n"
        "WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login' AND (e.evttags IS NULL\n"
        f"  OR e.evttags && ARRAY[{listed}]){known} ORDER BY 1",
        reach=Reach.CATALOG,
        option=EVENT_TRIGGERS,
        hint="It could refuse or change a statement of a step, and a step that is refused "
        "half-way waits until the trigger is gone. Its owner or a superuser can disable it "
        "until the last step. If it only watches, accept it and record why: "
        f"{revisions.accepting(EVENT_TRIGGERS, plan.steps[0])}",
    )


def table_is_not_published(
    plan: TableSplit, source: Table, revisions: Revisions
) -> tuple[Check, ...]:
    """Each row is a publication of all tables, or of the schema, that will include the new table:
    the copy, or in place the parent."""
    new = plan.copy or plan.parent
    why = (
        "A subscriber with both tables would apply each change twice. Publish tables by name. "
        "If subscribers have only one of the tables, or none of our triggers, accept it and "
        "record why"
    )
    if plan.copy is None:
        why = (
            "A subscriber without that table stops with an error, and this server keeps its WAL. "
            "Publish tables by name, or create the table at each subscriber, accept it and record "
            "why"
        )
    found = ", ".join(f"({literal(name)})" for name in source.published_by_schema)
    if not found:
        return ()
    return (
        Check(
            name="publications of all tables",
            sentence=f'no publication of all tables or of a schema will publish "{new}" beside '
            f'"{plan.source}"',
            query=f"SELECT v.name FROM (VALUES {found}) AS v (name)",
            reach=Reach.CATALOG,
            option=PUBLISHED_COPY,
            hint=f"{why}: {revisions.accepting(PUBLISHED_COPY, plan.steps[0])}",
        ),
    )
