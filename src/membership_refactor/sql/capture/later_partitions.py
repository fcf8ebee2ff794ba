"""Rows of partitions that come later, followed until somebody has hung the other triggers there.

PostgreSQL gives a new partition the row triggers of its table, and no statement triggers. Those of
the table see a write that names the table. One that names the new partition is seen by this trigger
alone. It hangs on every partition, and is turned off where the statement triggers hang.

It fires when the transaction commits. Whatever the statement triggers did is done then, and this
one finds nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.capture.merged_rows import MergedRows
from membership_refactor.sql.names import LATER_PREFIX, Names
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, trigger_function
from membership_refactor.sql.types import differs


@dataclass(frozen=True, slots=True)
class LaterPartitions:
    """One direction of a capture, row by row."""

    names: Names
    rows: OneWay
    purpose: str

    @property
    def trigger(self) -> OwnTrigger:
        return OwnTrigger(
            f"{LATER_PREFIX}{self.purpose}",
            "AFTER INSERT OR UPDATE OR DELETE",
            self.rows.origin,
            self._function,
            each="ROW",
            at_commit=True,
        )

    @property
    def _function(self) -> str:
        return self.names.own(f"{self.purpose}_later")

    def function_statements(self) -> tuple[Statement, ...]:
        """Compare the row under its old id and its new one. Nothing is done where they agree."""
        rows, id = self.rows, self.rows.id
        gone = f"NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE {id.same('a', 'OLD')})"
        free = f"NOT EXISTS (SELECT FROM {rows.target} AS z WHERE {id.same('z', 'NEW')})"
        # An UPDATE, so that rows which refer to it stay.
        moved = f"UPDATE {rows.target} AS b SET ({id.listed('')}) = ROW ({id.listed('NEW')})"
        merged = MergedRows(self.names, rows.origin, self.purpose)
        apart = f"{id.absent('b')} OR {differs(id.others(rows.columns), 'a', 'b')}"
        body = f"""  {guard(self.names)}
  IF TG_OP = 'UPDATE' AND ({id.changed()}) THEN
    {merged.forget}
    {moved}
    WHERE {id.same("b", "OLD")} AND {gone} AND {free};
  END IF;
  IF TG_OP <> 'INSERT' THEN
    {rows.remove(id.same("b", "OLD"))};
  END IF;
  IF TG_OP <> 'DELETE' AND EXISTS (SELECT FROM {rows.origin} AS a
      LEFT JOIN {rows.target} AS b ON {id.same("b", "a")}
      WHERE {id.same("a", "NEW")} AND ({apart})) THEN
    {rows.upsert(id.same("a", "NEW"))};
  END IF;
  RETURN NULL;"""
        return trigger_function(
            self._function,
            body,
            marked=True,
            whole=(rows.origin, rows.target),
            path=self.names.search_path,
        )

    def drop_statements(self) -> tuple[Statement, ...]:
        return (Statement(f"DROP FUNCTION IF EXISTS {self._function}()"),)
