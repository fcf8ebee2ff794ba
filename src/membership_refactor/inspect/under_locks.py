"""Work of ``repair`` under short locks, with the patience that the command line gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from membership_refactor.execution.locks import briefly
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.pacing.blockers import Locks
from membership_refactor.sql.statements import Statement


def under_locks(
    runner: Runner,
    pg: Pg,
    locks: Locks,
    work: Callable[[Pg], None] | Iterable[Statement],
    *,
    members: bool = False,
) -> None:
    """Do the work in one short transaction that holds ``locks``, each waited for 50 ms at a time.

    Statements go in one message. With ``members`` partitions of the tables are locked too. Raises
    LockNotObtained after the time of ``-x lock-timeout``.
    """
    briefly(
        pg,
        locks,
        work if callable(work) else in_one_message(statement.text for statement in work),
        seconds=runner.options.lock_timeout,
        say=runner.progress.say,
        members=members,
    )
