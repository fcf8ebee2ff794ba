"""Undo recorded merges, and look up into which row a removed row was merged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.enrollment.cursor import changed, rows
from membership_refactor.enrollment.lock_rows import yield_to_deadlocks
from membership_refactor.enrollment.patience import NotMerged, Patience, refusal, retried
from membership_refactor.errors import WrongUse
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record
from membership_refactor.sql.unique_identity.names import IdentityNames


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Into which row a removed row was merged."""

    survivor: str
    """The id of the row into which it was merged, after all later merges."""
    run: int
    when: datetime
    row: dict[str, Any]
    """The row as it was."""


@dataclass(slots=True)
class UndoReport:
    undone: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """By surviving id, the reason why its merge was not undone."""


def where_is(
    connection: Connection, plan: UniqueIdentity, schema: str, row: object
) -> Whereabouts | None:
    """Return into which row ``row`` was merged; None if no merge, or an undone one, removed it."""
    names = IdentityNames(plan, schema)
    if not rows(connection, merge_record.record_exists(names))[0][0]:
        return None
    first: Whereabouts | None = None
    at = str(row)
    # A removed id never survives a later merge unless its own was undone, so this ends.
    while found := rows(connection, merge_record.merged_into(names), at):
        _, run, at, when, image = found[0]
        first = Whereabouts(
            at,
            first.run if first else run,
            first.when if first else when,
            first.row if first else image,
        )
    return first


def undo(
    engine: Engine,
    plan: UniqueIdentity,
    schema: str,
    run: int,
    *,
    patience: Patience | None = None,
) -> UndoReport:
    """Undo the merges of a run, each in its own transaction.

    A merge is refused if its rows were changed since, because an undo would overwrite the change,
    or if the unique constraints now forbid its rows.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    report = UndoReport()
    with engine.connect() as connection:
        known = rows(connection, merge_record.record_exists(names))[0][0]
        waiting = rows(connection, merge_record.merges_of_run(names), run) if known else []
    if not waiting:
        raise WrongUse(
            f'plan "{plan.name}": run {run} has no merge to undo in schema "{schema}".',
            hint=f"The runs: SELECT run, started, reason FROM {names.own('merge_run')}"
            if known
            else "No merge was recorded in this schema. Name another: -x schema=NAME",
        )
    for merge, _, survivor in waiting:
        try:
            retried(
                f"undoing merge {merge}",
                partial(_undo_one, engine, names, merge),
                patience,
            )
        except (psycopg.Error, DBAPIError, NotMerged) as error:
            if (why := refusal(error)) is None:
                raise
            report.refused[survivor] = why
        else:
            report.undone += 1
    return report


def _undo_one(engine: Engine, names: IdentityNames, merge: int) -> None:
    tables = {names.plan.table: names.plan.id} | {d.table: d.id for d in names.plan.walk()}
    with engine.begin() as connection:
        yield_to_deadlocks(connection)
        # The survivor releases its second identity before the row that had it is inserted again.
        for table, action, row, before, after in rows(
            connection, merge_record.rows_of_merge(names), merge
        ):
            if table not in tables:
                raise NotMerged(
                    f'table "{table}" is not in the plan; name it with --dependent again'
                )
            if action == "removed":
                insertable = [
                    r[0] for r in rows(connection, merge_record.insertable_columns(names, table))
                ]
                text = merge_record.put_back_row(names, table, insertable)
                if not changed(connection, text, before):
                    raise NotMerged(f"row {row} of {table} was not inserted: a trigger refuses it")
                continue
            columns = _changed_columns(before, after)
            text = merge_record.put_back_values(names, table, tables[table], columns)
            if not changed(connection, text, before, after):
                raise NotMerged(f"row {row} of {table} was changed after the merge")
        rows(connection, merge_record.mark_undone(names), merge)


def _changed_columns(before: str, after: str) -> list[str]:
    # Keep the digits as text: as floats, two different numerics could be equal.
    old = json.loads(before, parse_float=str)
    new = json.loads(after, parse_float=str)
    return [column for column in old if old[column] != new.get(column)]
