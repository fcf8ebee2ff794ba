"""The tool's triggers within a step: how disabled ones fire again."""

from __future__ import annotations

from membership_refactor.execution.locks import briefly
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, is_there, run
from membership_refactor.sql.ledger.own_objects import idle_own_triggers, wake_own_triggers
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock


def wake_triggers(pg: Pg, names: Names, options: Options, progress: Progress) -> bool:
    """Let every trigger of the tool fire always, but for those that are disabled for good. Return
    whether there was one that did not.

    Locks: the tables of the plan SHARE ROW EXCLUSIVE, waited for 50 ms at a time.
    """
    if run(pg, idle_own_triggers(names)).fetchone() is None:
        return False
    tables = (qualified(names.schema, name) for name in names.plan.tables)
    briefly(
        pg,
        tuple((table, Lock.SHARE_ROW_EXCLUSIVE) for table in tables if is_there(pg, table)),
        wake_own_triggers(names).text,
        seconds=options.lock_timeout,
        say=progress.say,
    )
    return True
