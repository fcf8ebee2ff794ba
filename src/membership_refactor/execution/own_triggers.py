"""The tool's triggers within a step: how disabled and dropped ones fire again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from membership_refactor.execution.locks import briefly
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, is_there, run, value
from membership_refactor.sql.ledger import standing_triggers
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.trigger_statements import install_triggers
from membership_refactor.sql.triggers import OwnTrigger
from membership_refactor.steps.actions import Action, Brief, Run, Switch


def open_logs(actions: Sequence[Action], done: Collection[str]) -> tuple[OwnTrigger, ...]:
    """The triggers of a log that has been made, and has not been handed over by its switch."""
    found: list[OwnTrigger] = []
    for switch in (a for a in actions if isinstance(a, Switch) and a.key not in done):
        made = {s.text for s in install_triggers(switch.disabled)}
        makers = [
            a
            for a in actions
            if isinstance(a, (Run, Brief)) and made & {s.text for s in a.statements}
        ]
        if makers and all(a.key in done for a in makers):
            found += switch.disabled
    return tuple(found)


def wake_triggers(
    pg: Pg,
    names: Names,
    rows: StepRows,
    logs: Sequence[OwnTrigger],
    options: Options,
    progress: Progress,
) -> bool:
    """Let every trigger of the tool fire always, but for those that are disabled for good. Those
    that were dropped since the newest action of the step are made again, and so are the ``logs``.
    Return whether there was one that did not fire.

    Locks: the tables of the plan SHARE ROW EXCLUSIVE, waited for 50 ms at a time.
    """
    asleep = run(pg, standing_triggers.idle_or_gone(names, rows)).fetchone()
    if asleep is None and all(_stands(pg, trigger) for trigger in logs):
        return False
    tables = (qualified(names.schema, name) for name in names.plan.tables)
    made = (standing_triggers.wake_triggers(names, rows), *install_triggers(logs))
    briefly(
        pg,
        tuple((table, Lock.SHARE_ROW_EXCLUSIVE) for table in tables if is_there(pg, table)),
        in_one_message(statement.text for statement in made),
        seconds=options.lock_timeout,
        say=progress.say,
    )
    return True


def _stands(pg: Pg, trigger: OwnTrigger) -> bool:
    found = (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t\n"
        f"WHERE t.tgrelid = pg_catalog.to_regclass({literal(trigger.table)})\n"
        f"AND t.tgname = {literal(trigger.name)})"
    )
    return bool(value(pg, found))
