"""Each action as text: done once, and recorded in the transaction that does it."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TypedDict

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.script.asking import recorded
from membership_refactor.script.batching import batches, in_parts
from membership_refactor.script.locking import MEASURED, brief
from membership_refactor.script.options import Pace
from membership_refactor.script.psql import block, ended, say, when
from membership_refactor.script.records import Records
from membership_refactor.script.switching import switch
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.trigger_statements import disable_triggers
from membership_refactor.steps.actions import (
    Action,
    Alone,
    Brief,
    Build,
    Ranges,
    Run,
    Switch,
    Verify,
)
from membership_refactor.steps.enrollment_identity import UniqueIndex


class _Retried(TypedDict):
    """For how long a lock is tried, and the command that takes the step back after that."""

    seconds: int
    take_back: str


class Printer:
    """Prints the actions of one step in one direction."""

    def __init__(self, records: Records, pace: Pace) -> None:
        self.records, self.pace = records, pace

    @property
    def _retried(self) -> _Retried:
        take_back = self.records.revisions.verb("abandon")
        return {"seconds": self.pace.lock_timeout, "take_back": take_back}

    def text(self, action: Action) -> str:
        """Return the action, which is skipped if the ledger says that it is done."""
        return "\n".join(
            (
                f"-- {' '.join(action.title.split())}",
                self.records.is_to_do(action.asked),
                when("refactor_to_do", [say(f"  {action.title}"), self._done(action)]),
            )
        )

    @singledispatchmethod
    def _done(self, action: Action) -> str:
        raise StepOutOfOrder(f"No text for action {type(action).__name__}.")

    @_done.register
    def _(self, action: Run) -> str:
        statements = [ended(s.text) for s in action.statements]
        return "\n".join(["BEGIN;", *statements, self.records.mark(action.key), "COMMIT;"])

    @_done.register
    def _(self, action: Brief) -> str:
        mark = self.records.mark(action.key, **MEASURED)
        more = action.by_statements
        members = self.records.names.partitioned
        text = brief(
            action.locks, action.statements, mark, more=more, members=members, **self._retried
        )
        return block(text)

    @_done.register
    def _(self, action: Switch) -> str:
        build = action.build
        statements = (
            raise_fence(build.names),
            *disable_triggers(action.disabled, all_stand=True),
            *action.statements,
        )
        mark = self.records.mark(action.key, **MEASURED, rows="work.replayed")
        return block(switch(build, action.locks, statements, mark, **self._retried))

    @_done.register
    def _(self, action: Build) -> str:
        return block(batches(self.records, action, self.pace))

    @_done.register
    def _(self, action: Ranges) -> str:
        if action.vacuum:
            return in_parts(self.records, action, self.pace)
        return block(batches(self.records, action, self.pace))

    @_done.register
    def _(self, action: Verify) -> str:
        checks = recorded(self.records, action.checks)
        return "\n".join((checks, self.records.mark(action.key)))

    @_done.register
    def _(self, action: UniqueIndex) -> str:
        return "\n".join((action.script, self.records.mark(action.key)))

    @_done.register
    def _(self, action: Alone) -> str:
        """Once, without a timeout: a timeout leaves the index invalid. An index that an earlier
        try left invalid is dropped first."""
        index = f"pg_catalog.to_regclass({literal(action.index)})"
        state = f"(SELECT i.indisvalid FROM pg_catalog.pg_index AS i WHERE i.indexrelid = {index})"
        drop = f"DROP INDEX CONCURRENTLY {action.index}"
        failed = f"""
BEGIN
  IF {state} IS NOT TRUE THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = {literal(f"index {action.index} was built, and is not valid")},
      HINT = {
            literal(
                "Look for its reason in the server's log, then go on with alembic or with a "
                f"script from the version reached; either drops it first ({drop})."
            )
        };
  END IF;
END
"""
        return "\n".join(
            (
                "SET lock_timeout = 0;",
                f"SELECT {dollar_quoted(drop)} WHERE NOT {state} \\gexec",
                f"SELECT {dollar_quoted(action.statement.text)} WHERE {index} IS NULL \\gexec",
                "SET lock_timeout = '2s';",
                block(failed),
                self.records.mark(action.key),
            )
        )
