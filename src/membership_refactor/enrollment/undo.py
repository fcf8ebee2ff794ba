"""Takes recorded merges back, and looks up where a row went."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine

from membership_refactor.enrollment.cursor import changed, rows
from membership_refactor.enrollment.merge import yield_to_deadlocks
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record as moves
from membership_refactor.sql.unique_identity.names import IdentityNames


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What became of a row that a merge removed."""

    survivor: str
    """The id of the row that stands for it now; later merges are followed."""
    run: int
    when: datetime
    row: dict[str, Any]
    """The row as it was."""


@dataclass(slots=True)
class UndoReport:
    undone: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """By surviving id, why its merge stands."""


def where_is(
    connection: Connection, plan: UniqueIdentity, schema: str, row: object
) -> Whereabouts | None:
    """Where the removed row went; None where no merge that stands removed it."""
    names = IdentityNames(plan, schema)
    if not rows(connection, moves.record_exists(names))[0][0]:
        return None
    first: Whereabouts | None = None
    at = str(row)
    # A removed id is never a survivor again unless the merge was undone, so this ends.
    while found := rows(connection, moves.where_went(names), at):
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
    """The rows of the run are as they were, each merge in a transaction of its own.

    A merge whose rows changed since is refused: what came later is not written over. So is one
    whose rows the unique constraints would refuse now.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    report = UndoReport()
    with engine.connect() as connection:
        known = rows(connection, moves.record_exists(names))[0][0]
        waiting = rows(connection, moves.merges_of_run(names), run) if known else []
    if not waiting:
        raise WrongUse(
            f'plan "{plan.name}": run {run} has no merge to take back in schema "{schema}".'
        )
    for merge, _, survivor in waiting:
        try:
            retried(
                f"taking back merge {merge}",
                partial(_undo_one, engine, names, merge),
                patience,
            )
        except _Changed as error:
            report.refused[survivor] = str(error)
        except psycopg.errors.IntegrityError as error:
            report.refused[survivor] = f"the database refused it: {error.diag.message_primary}"
        else:
            report.undone += 1
    return report


class _Changed(RefactorError):
    """A row is not what the merge left."""


def _undo_one(engine: Engine, names: IdentityNames, merge: int) -> None:
    tables = {names.plan.table: names.plan.id} | {d.table: d.id for d in names.plan.walk()}
    with engine.begin() as connection:
        yield_to_deadlocks(connection)
        # The survivor gives its second identity back before the row that had it stands again.
        for table, action, row, before, after in rows(
            connection, moves.rows_of_merge(names), merge
        ):
            if table not in tables:
                raise _Changed(f'the plan does not know the table "{table}" any more')
            if action == "removed":
                insertable = [
                    r[0] for r in rows(connection, moves.insertable_columns(names, table))
                ]
                rows(connection, moves.put_back_row(names, table, insertable), before)
                continue
            columns = _changed_columns(before, after)
            text = moves.put_back_values(names, table, tables[table], columns)
            if not changed(connection, text, before, after):
                raise _Changed(f"row {row} of {table} was changed after the merge")
        rows(connection, moves.mark_undone(names), merge)


def _changed_columns(before: str, after: str) -> list[str]:
    # Decimal digits as written: a float would call two numerics equal that are not.
    old = json.loads(before, parse_float=str)
    new = json.loads(after, parse_float=str)
    return [column for column in old if old[column] != new.get(column)]
