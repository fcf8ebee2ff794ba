"""Rows without identity get a key of their own, recorded like a merge, so that the CHECK stands."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from membership_refactor.enrollment.apply import Recorder
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.detect import findings
from membership_refactor.enrollment.findings import Kind
from membership_refactor.enrollment.merge import BATCH, batched, ensure_record, yield_to_deadlocks
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.errors import WrongUse
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record as moves
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
    """Every row without identity has the key ``<prefix><id>``; how many, and the run's number.

    Whoever they are, the rows and what hangs from them stay, and ``undo`` takes the keys away
    again as long as the CHECK does not stand.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    text = next((a for a in plan.alternatives if a.text), None)
    if text is None:
        raise WrongUse(f'plan "{plan.name}" has no identity of text that a label could go into.')
    with engine.connect() as connection, connection.begin():
        waiting = [
            finding.ids[0]
            for finding in findings(connection, plan, schema, collisions=False)
            if finding.kind is Kind.UNIDENTIFIED
        ]
    if not waiting:
        return 0, None
    with engine.begin() as connection:
        ensure_record(connection, names)
        run = rows(connection, moves.start_run(names), f"label {prefix}", plan.fingerprint)[0][0]
    done = 0
    for ids in batched(waiting, batch):
        done += retried(
            "labelling a batch",
            partial(_batch, engine, names, run, ids, label=(text.column, prefix)),
            patience,
        )
    with engine.begin() as connection:
        rows(connection, moves.end_run(names), run)
    return done, run


def _batch(
    engine: Engine, names: IdentityNames, run: int, ids: list[object], *, label: tuple[str, str]
) -> int:
    plan, (column, prefix) = names.plan, label
    with engine.begin() as connection:
        yield_to_deadlocks(connection)
        found = rows(connection, moves.label_rows(names), ids, prefix)
        for row, key, before in found:
            recorder = Recorder(connection, names, run, kind="labelled", survivor=row)
            text = moves.update_row(names, plan.table, plan.id, [column])
            after = rows(connection, text, row, key)[0][0]
            recorder.changed(plan.table, row, before, after)
            recorder.write()
    return len(found)
