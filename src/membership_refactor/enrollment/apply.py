"""Carry out one merge in its transaction, and record every row that it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment.collide import Child, Move, Removal
from membership_refactor.enrollment.cursor import changed, rows
from membership_refactor.enrollment.decide import Decision
from membership_refactor.enrollment.patience import NotMerged
from membership_refactor.sql.unique_identity import merge_record, merge_rows
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
    run: int,
) -> None:
    """Carry out the decision: move the children, delete the losers, then update the survivor.

    The survivor comes last: a unique constraint may exist already, and until it is deleted a loser
    has the identity that the survivor gets. NotMerged if a row was not written as asked.
    """
    plan = names.plan
    recorder = Recorder(connection, names, run, kind="merged", survivor=decision.survivor.id)
    for step in decision.resolution.steps:
        if isinstance(step, Removal):
            _remove(connection, names, step, recorder)
        else:
            _move(connection, names, step, recorder)
    _refuse_orphans(connection, names, decision)
    for loser in decision.losers:
        delete(connection, names, plan.table, plan.id, loser.id)
        recorder.removed(plan.table, loser.id, decision.survivor.id, images[loser.id])
    if decision.values:
        after = update(
            connection, names, plan.table, plan.id, decision.survivor.id, dict(decision.values)
        )
        recorder.changed(plan.table, decision.survivor.id, images[decision.survivor.id], after)
    recorder.write()


def _remove(
    connection: Connection, names: IdentityNames, step: Removal, recorder: Recorder
) -> None:
    dependent = step.child.dependent
    for deeper in dependent.dependents:
        _refuse_pointing(
            connection, names, deeper.table, merge_rows.still_pointing(names, deeper), step
        )
    delete(connection, names, dependent.table, dependent.id, step.child.id)
    recorder.removed(dependent.table, step.child.id, step.by, step.child.image)


def _move(connection: Connection, names: IdentityNames, step: Move, recorder: Recorder) -> None:
    child: Child = step.child
    dependent = child.dependent
    values = dict(step.values)
    if child.parent != step.parent:
        values[dependent.parent] = step.parent
    after = update(
        connection, names, dependent.table, dependent.id, child.id, values, dependent.unite
    )
    recorder.changed(dependent.table, child.id, child.image, after)


def _refuse_orphans(connection: Connection, names: IdentityNames, decision: Decision) -> None:
    losers = [loser.id for loser in decision.losers]
    for dependent in names.plan.dependents:
        left = rows(connection, merge_rows.still_pointing(names, dependent), losers)[0][0]
        if left:
            raise _still_referred(left, dependent.table, ", ".join(map(str, losers)))


def _refuse_pointing(
    connection: Connection, names: IdentityNames, table: str, text: str, step: Removal
) -> None:
    left = rows(connection, text, [step.child.id])[0][0]
    if left:
        raise _still_referred(left, table, f"{step.child.dependent.table} {step.child.id}")


def _still_referred(left: int, table: str, rows: str) -> NotMerged:
    return NotMerged(
        f"{left} rows of {table} still refer to {rows}: they were added meanwhile, or a trigger "
        "put them back"
    )


def delete(
    connection: Connection, names: IdentityNames, table: str, id_column: str, row: object
) -> None:
    if not changed(connection, merge_rows.delete_row(names, table, id_column), row):
        raise NotMerged(f"{table} {row} was not deleted: a trigger or a rule keeps it")


def update(
    connection: Connection,
    names: IdentityNames,
    table: str,
    id_column: str,
    row: object,
    values: Mapping[str, Any],
    filled: Sequence[str] = (),
) -> str:
    """Give the row the values and return its image. A trigger may not change them in silence."""
    text = merge_rows.update_row(names, table, id_column, tuple(values), filled)
    found = rows(connection, text, row, *values.values())
    if not found:
        raise NotMerged(f"{table} {row} was not updated: a trigger or a rule keeps it")
    image, taken = found[0]
    if not taken:
        raise NotMerged(f"{table} {row} did not take {', '.join(values)}: a trigger changed them")
    return str(image)
