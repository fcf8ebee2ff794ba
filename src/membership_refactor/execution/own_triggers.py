"""The tool's triggers within a step: which stand, and how disabled ones fire again."""

from __future__ import annotations

from membership_refactor.execution.locks import briefly
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.sql.ledger.own_objects import (
    idle_own_triggers,
    own_triggers,
    wake_own_triggers,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.statements import Lock


def standing_triggers(pg: Pg, names: Names) -> tuple[str, ...]:
    """The name of each that stands."""
    return tuple(name for (name,) in run(pg, own_triggers(names)).fetchall())


def wake_triggers(pg: Pg, names: Names, options: Options, progress: Progress) -> bool:
    """Let every trigger of the tool fire always, but for those that are disabled for good. Return
    whether there was one that did not.

    Locks: the tables of the plan SHARE ROW EXCLUSIVE, waited for 50 ms at a time.
    """
    if run(pg, idle_own_triggers(names)).fetchone() is None:
        return False
    there = [
        table
        for table in (qualified(names.schema, name) for name in names.plan.tables)
        if run(
            pg, f"SELECT true WHERE pg_catalog.to_regclass({literal(table)}) IS NOT NULL"
        ).fetchone()
    ]
    briefly(
        pg,
        tuple((table, Lock.SHARE_ROW_EXCLUSIVE) for table in there),
        wake_own_triggers(names).text,
        seconds=options.lock_timeout,
        say=progress.say,
    )
    return True
