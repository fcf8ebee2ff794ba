"""What surrounds the table: event triggers, and publications of all tables.

Often their owner is somebody else, and they do no harm. So a reason opens these gates.
"""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.portrait import EventTrigger, Server, Table
from membership_refactor.sql.quoting import ident, literal

EVENT_TRIGGERS = "accept-event-triggers"
PUBLISHED_COPY = "accept-published-copy"

_OUR_COMMANDS = frozenset(
    {
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
        "CREATE STATISTICS",
        "CREATE TABLE",
        "CREATE TRIGGER",
        "CREATE VIEW",
        "DROP FUNCTION",
        "DROP INDEX",
        "DROP POLICY",
        "DROP RULE",
        "DROP TABLE",
        "DROP TRIGGER",
        "GRANT",
        "REVOKE",
    }
)


def no_event_trigger(
    plan: TableSplit, server: Server | None, revisions: Revisions
) -> tuple[Check, ...]:
    """Each row is an enabled event trigger that fires on a command of the steps."""
    found = tuple(
        f'"{t.name}" of {t.owner} fires on {t.event}: ALTER EVENT TRIGGER {ident(t.name)} DISABLE'
        for t in (server.event_triggers if server else ())
        if _sees_us(t)
    )
    return _asked(
        found,
        name="event triggers",
        sentence="no event trigger fires on the statements of the steps",
        option=EVENT_TRIGGERS,
        hint="It could refuse or change a statement of a step, and a step that is refused half-way "
        "waits until the trigger is gone. Its owner or a superuser can disable it until the last "
        "step. If it only watches, accept it and record why: "
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
    return _asked(
        tuple(f'"{name}"' for name in source.published_by_schema),
        name="publications of all tables",
        sentence=f'no publication of all tables or of a schema will publish "{new}" beside '
        f'"{plan.source}"',
        option=PUBLISHED_COPY,
        hint=f"{why}: {revisions.accepting(PUBLISHED_COPY, plan.steps[0])}",
    )


def _asked(
    found: tuple[str, ...], *, name: str, sentence: str, option: str, hint: str
) -> tuple[Check, ...]:
    if not found:
        return ()
    listed = ", ".join(f"({literal(text)})" for text in found)
    query = f"SELECT v.what FROM (VALUES {listed}) AS v (what)"
    reach = Reach.CATALOG
    check = Check(name=name, sentence=sentence, query=query, reach=reach, option=option, hint=hint)
    return (check,)


def _sees_us(trigger: EventTrigger) -> bool:
    if trigger.event == "login":
        return False
    return not trigger.tags or bool(_OUR_COMMANDS & set(trigger.tags))
