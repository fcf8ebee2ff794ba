"""Merge the rows of one learner: in batches, under row locks, with a record of every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.enrollment.apply import carry_out
from membership_refactor.enrollment.collide import families
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.decide import Decision, Undecided, decide
from membership_refactor.enrollment.detect import components, findings
from membership_refactor.enrollment.duplicate_findings import Kind
from membership_refactor.enrollment.lock_rows import read_locked, yield_to_deadlocks
from membership_refactor.enrollment.patience import NotMerged, Patience, refusal, retried
from membership_refactor.enrollment.undeclared import (
    refuse_undeclared,
    refuse_unknown_dependents,
    undeclared,
)
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record, merge_rows
from membership_refactor.sql.unique_identity.names import IdentityNames

BATCH = 250
"""Learners per transaction."""

PASSES = 5
"""How often a merge looks again for duplicates that writers created meanwhile."""


TRIAL = 0
"""The number of a run that is rolled back. Real runs begin at 1."""

FIRST = 5
"""How many merges a report names."""


@dataclass(slots=True)
class MergeReport:
    """What a merge did, or would do."""

    run: int | None = None
    merged: int = 0
    removed: int = 0
    first: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    """The first merges: the id that stays, and those that were merged into it."""
    decisions: list[Decision] = field(default_factory=list)
    """Only a dry run fills this."""
    left: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """The ids of each group that was not merged, and why."""
    references: list[str] = field(default_factory=list)
    """Columns that look like references and that the plan does not name; a dry run lists them."""
    untried: str = ""
    """Why a dry run could only read. Then it does not know what the database would refuse."""

    def add(self, outcome: _Outcome) -> None:
        """Count what one batch did."""
        self.merged += len(outcome.decisions)
        self.removed += sum(len(decision.losers) for decision in outcome.decisions)
        self.left |= outcome.left
        for decision in outcome.decisions[: FIRST - len(self.first)]:
            losers = tuple(loser.id for loser in decision.losers)
            self.first.append((decision.survivor.id, losers))


def planned(
    engine: Engine,
    plan: UniqueIdentity,
    schema: str,
    *,
    batch: int = BATCH,
    patience: Patience | None = None,
) -> MergeReport:
    """Return what ``merge`` would do now: do it batch by batch, and roll each batch back.

    So it also finds what a constraint or a trigger refuses. It locks the rows of a batch for as
    long as the batch takes. A session that may not write only reads, see ``untried``.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    report = MergeReport()
    with engine.connect() as connection, connection.begin():
        refuse_unknown_dependents(connection, names)
        report.references = undeclared(connection, names)
        shared = _shared(connection, names)
    report.untried = _cannot_try(engine, names)
    for some in batched(shared, batch):
        if report.untried:
            with engine.connect() as connection, connection.begin():
                outcome = _judged(connection, names, some)
        else:
            outcome = _settled(engine, names, TRIAL, some, patience)
        report.add(outcome)
        report.decisions += outcome.decisions
        report.left |= dict.fromkeys(outcome.grown, "it is being changed; look again")
    return report


def merge(
    engine: Engine,
    plan: UniqueIdentity,
    schema: str,
    *,
    reason: str = "merge",
    batch: int = BATCH,
    patience: Patience | None = None,
    progress: Callable[[int], None] = lambda merged: None,
) -> MergeReport:
    """Merge the rows of each learner into one; ``left`` of the report names those it could not.

    Each batch and its record are one transaction, and each learner in it a savepoint, so what the
    database refuses stops one learner only. An interrupted merge that is run again continues with
    the rest. PortraitMismatch if something refers to the rows that the plan does not name.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    report = MergeReport()
    for _ in range(PASSES):
        with engine.connect() as connection, connection.begin():
            refuse_unknown_dependents(connection, names)
            refuse_undeclared(connection, names)
            found = _shared(connection, names)
        waiting = [ids for ids in found if ids not in report.left]
        if not waiting:
            break
        # A writer may have changed or removed a group that could not be merged before.
        report.left = {ids: why for ids, why in report.left.items() if ids in set(found)}
        if report.run is None:
            with engine.begin() as connection:
                report.run = start_run(connection, names, reason)
        run, done = report.run, False
        for some in batched(waiting, batch):
            outcome = _settled(engine, names, run, some, patience)
            report.add(outcome)
            done = done or bool(outcome.decisions or outcome.grown)
            progress(report.merged)
        if not done:
            break
    if report.run is not None:
        with engine.begin() as connection:
            rows(connection, merge_record.end_run(names), report.run)
    return report


def _shared(connection: Connection, names: IdentityNames) -> list[tuple[Any, ...]]:
    """Return the ids of each group of rows that share identities."""
    return [
        finding.ids
        for finding in findings(connection, names.plan, names.schema, collisions=False)
        if finding.kind in (Kind.MERGEABLE, Kind.CONTRADICTORY)
    ]


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Split the items into lists of at most ``size``."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


@dataclass(slots=True)
class _Outcome:
    decisions: list[Decision] = field(default_factory=list)
    left: dict[tuple[Any, ...], str] = field(default_factory=dict)
    grown: list[tuple[Any, ...]] = field(default_factory=list)
    """Groups to which a newer row belongs; the next pass sees all of them."""


def _settled(
    engine: Engine,
    names: IdentityNames,
    run: int,
    some: Sequence[tuple[Any, ...]],
    patience: Patience,
) -> _Outcome:
    """Merge the groups in one transaction. If a row cannot even be read or recorded, halve them
    until its group stands alone, and leave that one."""
    what = "trying a batch" if run == TRIAL else "merging a batch"
    try:
        return retried(what, partial(_batch, engine, names, run, some), patience)
    except (psycopg.Error, DBAPIError) as error:
        if (why := refusal(error)) is None:
            raise
    if len(some) == 1:
        return _Outcome(left={some[0]: why})
    half = len(some) // 2
    first = _settled(engine, names, run, some[:half], patience)
    rest = _settled(engine, names, run, some[half:], patience)
    return _Outcome(
        first.decisions + rest.decisions, first.left | rest.left, first.grown + rest.grown
    )


def _batch(
    engine: Engine, names: IdentityNames, run: int, some: Sequence[tuple[Any, ...]]
) -> _Outcome:
    with engine.connect() as connection, connection.begin() as transaction:
        yield_to_deadlocks(connection)
        if run == TRIAL:
            _start_trial(connection, names)
        outcome = _judged(connection, names, some, run=run)
        if run == TRIAL:
            transaction.rollback()
    return outcome


def _judged(
    connection: Connection,
    names: IdentityNames,
    some: Sequence[tuple[Any, ...]],
    *,
    run: int | None = None,
) -> _Outcome:
    """Decide on each group and, as part of ``run``, carry the decision out in a savepoint."""
    outcome, lock = _Outcome(), run is not None
    # What is checked at COMMIT would stop the whole batch; in the savepoint it stops one learner.
    deferrable = rows(connection, merge_rows.any_deferrable())[0][0]
    ids = [i for group in some for i in group]
    members, images, grown = read_locked(connection, names, ids, lock=lock)
    dependents = families(connection, names, sorted(m.id for m in members), lock=lock)
    for component in components(members):
        group = tuple(member.id for member in component)
        if grown & set(group):
            outcome.grown.append(group)
            continue
        decision = decide(names.plan, component, dependents)
        if isinstance(decision, Undecided):
            outcome.left[group] = decision.reason
            continue
        try:
            if run is not None:
                with connection.begin_nested():
                    if deferrable:
                        rows(connection, "SET CONSTRAINTS ALL DEFERRED")
                    carry_out(connection, names, decision, images, run)
                    if deferrable:
                        rows(connection, "SET CONSTRAINTS ALL IMMEDIATE")
        except (psycopg.Error, DBAPIError, NotMerged) as error:
            if (why := refusal(error)) is None:
                raise
            outcome.left[group] = why
            continue
        outcome.decisions.append(decision)
    return outcome


def _cannot_try(engine: Engine, names: IdentityNames) -> str:
    """Return why this session may not write the rows and their record; empty if it may."""
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            _start_trial(connection, names)
            rows(connection, merge_rows.may_lock(names))
            transaction.rollback()
    except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege) as error:
        return error.diag.message_primary or str(error)
    return ""


def _start_trial(connection: Connection, names: IdentityNames) -> None:
    _create_record(connection, names)
    rows(connection, merge_record.start_trial(names))


def start_run(connection: Connection, names: IdentityNames, reason: str) -> int:
    """Start a run in the merge record and return its number; create the record if needed."""
    _create_record(connection, names)
    text, fingerprint = merge_record.start_run(names), names.plan.fingerprint
    return int(rows(connection, text, reason, fingerprint)[0][0])


def _create_record(connection: Connection, names: IdentityNames) -> None:
    if not rows(connection, merge_record.record_exists(names))[0][0]:
        for statement in merge_record.create_record(names):
            rows(connection, statement)
