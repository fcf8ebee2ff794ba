"""Give rows without an identity a key of their own, recorded like a merge."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from membership_refactor.enrollment.apply import Recorder, update
from membership_refactor.enrollment.cursor import rows, values
from membership_refactor.enrollment.detect import findings
from membership_refactor.enrollment.duplicate_findings import Kind
from membership_refactor.enrollment.lock_rows import yield_to_deadlocks
from membership_refactor.enrollment.merge import BATCH, batched, start_run
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.errors import WrongUse
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record, merge_rows
from membership_refactor.sql.unique_identity.names import IdentityNames


def label(
    engine: Engine,
    plan: UniqueIdentity,
    schema: str,
    *,
    prefix: str,
    batch: int = BATCH,
    patience: Patience | None = None,
) -> tuple[int, int | None]:
    """Give every row without an identity the key ``<prefix><id>``; then the CHECK can be added.

    Return the number of rows and the number of the run. No row is removed. ``undo`` removes the
    keys again, as long as the CHECK does not exist.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    text = next((a for a in plan.alternatives if a.text), None)
    if text is None:
        raise WrongUse(
            f'plan "{plan.name}" has no identity column of type text to label.',
            hint="Name one of that type: --table NAME --identity COLUMN",
        )
    with engine.connect() as connection, connection.begin():
        waiting = [
            finding.ids[0]
            for finding in findings(connection, plan, schema, collisions=False)
            if finding.kind is Kind.UNIDENTIFIED
        ]
    if not waiting:
        return 0, None
    with engine.begin() as connection:
        run = start_run(connection, names, f"label {prefix}")
    done = 0
    for ids in batched(waiting, batch):
        done += retried(
            "labelling a batch",
            partial(_batch, engine, names, run, ids, label=(text.column, prefix)),
            patience,
        )
    with engine.begin() as connection:
        rows(connection, merge_record.end_run(names), run)
    return done, run


def _batch(
    engine: Engine, names: IdentityNames, run: int, ids: list[object], *, label: tuple[str, str]
) -> int:
    plan, (column, prefix) = names.plan, label
    with engine.begin() as connection:
        yield_to_deadlocks(connection)
        found = values(connection, merge_rows.label_rows(names), ids, prefix)
        for row, key, before in found:
            recorder = Recorder(connection, names, run, kind="labelled", survivor=row)
            after = update(connection, names, plan.table, plan.id, row, {column: key})
            recorder.changed(plan.table, row, before, after)
            recorder.write()
    return len(found)
