"""Carry out one merge in its transaction, and record every row that it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment.collide import Child, Move, Removal
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.decide import Decision
from membership_refactor.errors import RefactorError
from membership_refactor.sql.unique_identity import merge_record
from membership_refactor.sql.unique_identity.names import IdentityNames


class Recorder:
    """Collects the record of one merge."""

    def __init__(
        self, connection: Connection, names: IdentityNames, run: int, *, kind: str, survivor: object
    ) -> None:
        self._connection, self._names = connection, names
        self._rows: list[tuple[str, str, str, str | None, str, str | None]] = []
        text = merge_record.record_merge(names)
        self._merge = rows(connection, text, run, kind, str(survivor))[0][0]

    def removed(self, table: str, row: object, by: object, before: str) -> None:
        self._rows.append((table, "removed", str(row), str(by), before, None))

    def changed(self, table: str, row: object, before: str, after: str) -> None:
        self._rows.append((table, "changed", str(row), None, before, after))

    def write(self) -> None:
        """Write the collected record to the ledger, in the order of the changes."""
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        rows(self._connection, merge_record.record_rows(self._names), self._merge, *columns)


def carry_out(
    connection: Connection,
    names: IdentityNames,
    decision: Decision,
    images: Mapping[Any, str],
    recorder: Recorder,
) -> None:
    """Carry out the decision: move the children, delete the losers, then update the survivor.

    The survivor comes last: a unique constraint may exist already, and until it is deleted a loser
    has the identity that the survivor gets.
    """
    plan = names.plan
    for step in decision.resolution.steps:
        if isinstance(step, Removal):
            _remove(connection, names, step, recorder)
        else:
            _move(connection, names, step, recorder)
    _refuse_orphans(connection, names, decision)
    for loser in decision.losers:
        rows(connection, merge_record.delete_row(names, plan.table, plan.id), loser.id)
        recorder.removed(plan.table, loser.id, decision.survivor.id, images[loser.id])
    if decision.values:
        columns = [column for column, _ in decision.values]
        values = [value for _, value in decision.values]
        text = merge_record.update_row(names, plan.table, plan.id, columns)
        after = rows(connection, text, decision.survivor.id, *values)[0][0]
        recorder.changed(plan.table, decision.survivor.id, images[decision.survivor.id], after)
    recorder.write()


def _remove(
    connection: Connection, names: IdentityNames, step: Removal, recorder: Recorder
) -> None:
    dependent = step.child.dependent
    for deeper in dependent.dependents:
        _refuse_pointing(
            connection, names, deeper.table, merge_record.still_pointing(names, deeper), step
        )
    rows(connection, merge_record.delete_row(names, dependent.table, dependent.id), step.child.id)
    recorder.removed(dependent.table, step.child.id, step.by, step.child.image)


def _move(connection: Connection, names: IdentityNames, step: Move, recorder: Recorder) -> None:
    child: Child = step.child
    dependent = child.dependent
    columns = [column for column, _ in step.values]
    values = [value for _, value in step.values]
    if child.parent != step.parent:
        columns.append(dependent.parent)
        values.append(step.parent)
    text = merge_record.update_row(names, dependent.table, dependent.id, columns)
    after = rows(connection, text, child.id, *values)[0][0]
    recorder.changed(dependent.table, child.id, child.image, after)


def _refuse_orphans(connection: Connection, names: IdentityNames, decision: Decision) -> None:
    losers = [loser.id for loser in decision.losers]
    for dependent in names.plan.dependents:
        left = rows(connection, merge_record.still_pointing(names, dependent), losers)[0][0]
        if left:
            raise RefactorError(
                f"{left} rows of {dependent.table} were added to rows that were being merged "
                f"({', '.join(str(i) for i in losers)}); this batch was rolled back.",
                hint="Run the merge again.",
            )


def _refuse_pointing(
    connection: Connection, names: IdentityNames, table: str, text: str, step: Removal
) -> None:
    left = rows(connection, text, [step.child.id])[0][0]
    if left:
        raise RefactorError(
            f"{left} rows of {table} were added to {step.child.dependent.table} {step.child.id} "
            "while it was merged; this batch was rolled back.",
            hint="Run the merge again.",
        )
