"""Merge the rows of one learner: in batches, under row locks, with a record of every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine

from membership_refactor.enrollment.apply import Recorder, carry_out
from membership_refactor.enrollment.collide import families
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.decide import Decision, Undecided, decide
from membership_refactor.enrollment.detect import components, findings
from membership_refactor.enrollment.duplicate_findings import Kind, Member
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.errors import PortraitMismatch
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record
from membership_refactor.sql.unique_identity.names import IdentityNames

BATCH = 250
"""Learners per transaction."""

PASSES = 5
"""How often a merge looks again for duplicates that writers created meanwhile."""


@dataclass(slots=True)
class MergeReport:
    """What a merge did, or would do."""

    run: int | None = None
    merged: int = 0
    removed: int = 0
    decisions: list[Decision] = field(default_factory=list)
    """Only a dry run fills this."""
    left: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """The ids of each group that was not merged, and why."""


def planned(connection: Connection, plan: UniqueIdentity, schema: str) -> MergeReport:
    """Return what ``merge`` would do now. Nothing is written."""
    names = IdentityNames(plan, schema)
    refuse_unknown_dependents(connection, names)
    report = MergeReport()
    shared = (
        finding
        for finding in findings(connection, plan, schema, collisions=False)
        if finding.kind in (Kind.MERGEABLE, Kind.CONTRADICTORY)
    )
    for some in batched(shared, 1000):
        dependents = families(connection, names, [i for finding in some for i in finding.ids])
        for finding in some:
            decision = decide(plan, finding.members, dependents)
            if isinstance(decision, Decision):
                report.decisions.append(decision)
                report.merged += 1
                report.removed += len(decision.losers)
            else:
                report.left[decision.ids] = decision.reason
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

    Each batch and its record are one transaction. An interrupted merge that is run again continues
    with the rest.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    report = MergeReport()
    for _ in range(PASSES):
        with engine.connect() as connection, connection.begin():
            refuse_unknown_dependents(connection, names)
            found = [
                finding.ids
                for finding in findings(connection, plan, schema, collisions=False)
                if finding.kind in (Kind.MERGEABLE, Kind.CONTRADICTORY)
            ]
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
            outcome = retried(
                "merging a batch", partial(_batch, engine, names, run, some), patience
            )
            report.merged += outcome.merged
            report.removed += outcome.removed
            report.left |= outcome.left
            done = done or outcome.merged > 0 or bool(outcome.grown)
            progress(report.merged)
        if not done:
            break
    if report.run is not None:
        with engine.begin() as connection:
            rows(connection, merge_record.end_run(names), report.run)
    return report


def refuse_unknown_dependents(connection: Connection, names: IdentityNames) -> None:
    """Raise PortraitMismatch for a foreign key to the plan's tables that the plan does not name.

    A merge would not move its rows, and ON DELETE CASCADE would delete them without a word.
    """
    plan = names.plan
    levels = [(plan.table, plan.dependents), *((d.table, d.dependents) for d in plan.walk())]
    unknown = []
    for table, dependents in levels:
        known = {(names.schema, d.table, d.parent) for d in dependents}
        for schema, referring, column, constraint in rows(
            connection, merge_record.foreign_keys_to(names, table)
        ):
            if (schema, referring, column) not in known:
                unknown.append(f"{schema}.{referring} ({column}) refers to {table}: {constraint}")
    if unknown:
        raise PortraitMismatch(
            f"{len(unknown)} foreign keys point to rows that may be merged, but are not in the "
            "plan:",
            differences=unknown,
            hint="Add these tables to the plan's dependents.",
        )


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Split the items into lists of at most ``size``."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


@dataclass(slots=True)
class _Outcome:
    merged: int = 0
    removed: int = 0
    left: dict[tuple[Any, ...], str] = field(default_factory=dict)
    grown: list[tuple[Any, ...]] = field(default_factory=list)


def _batch(
    engine: Engine, names: IdentityNames, run: int, some: Sequence[tuple[Any, ...]]
) -> _Outcome:
    outcome = _Outcome()
    with engine.connect() as connection, connection.begin():
        yield_to_deadlocks(connection)
        members, images, grown = read_locked(connection, names, [i for ids in some for i in ids])
        dependents = families(connection, names, sorted(m.id for m in members), lock=True)
        for component in components(members):
            ids = tuple(member.id for member in component)
            if grown & set(ids):
                # A newer row shares an identity with them: the next pass sees all of them.
                outcome.grown.append(ids)
                continue
            decision = decide(names.plan, component, dependents)
            if isinstance(decision, Undecided):
                outcome.left[decision.ids] = decision.reason
                continue
            try:
                with connection.begin_nested():
                    recorder = Recorder(
                        connection, names, run, kind="merged", survivor=decision.survivor.id
                    )
                    carry_out(connection, names, decision, images, recorder)
            except psycopg.errors.IntegrityError as error:
                outcome.left[ids] = f"the database refused it: {error.diag.message_primary}"
                continue
            outcome.merged += 1
            outcome.removed += len(decision.losers)
    return outcome


def yield_to_deadlocks(connection: Connection | Pg) -> None:
    """Give up waiting for row locks before PostgreSQL looks for a deadlock, so no writer loses."""
    rows(
        connection,
        "SELECT pg_catalog.set_config('lock_timeout', (setting::integer / 2)::text || 'ms', true),"
        " pg_catalog.set_config('row_security', 'off', true)"
        " FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'",
    )


def read_locked(
    connection: Connection, names: IdentityNames, ids: Sequence[Any]
) -> tuple[list[Member], dict[Any, Any], set[Any]]:
    """Lock the rows. Return them, their JSON images, and the ids of rows that share an identity
    with a row that is not in ``ids``."""
    plan = names.plan
    width = len(plan.alternatives)
    locked = rows(connection, merge_record.lock_rows(names), sorted(ids))
    present = {row[0] for row in locked}
    first: dict[tuple[int, Any], Any] = {}
    grown: set[Any] = set()
    # A separate statement sees what was committed while this one waited for the locks.
    for at, shared, member in rows(connection, merge_record.sharing_rows(names), sorted(present)):
        if shared in present:
            first[at, shared] = member
        else:
            grown.add(member)
    members = [
        Member(
            id=row[0],
            identities=tuple(row[1 : 1 + width]),
            same=tuple(first.get((at, row[0])) for at in range(width)),
            status=row[1 + width + len(plan.scope)],
        )
        for row in locked
    ]
    return members, {row[0]: row[-1] for row in locked}, grown


def start_run(connection: Connection, names: IdentityNames, reason: str) -> int:
    """Start a run in the merge record and return its number; create the record if needed."""
    if not rows(connection, merge_record.record_exists(names))[0][0]:
        for statement in merge_record.create_record(names):
            rows(connection, statement)
    text, fingerprint = merge_record.start_run(names), names.plan.fingerprint
    return int(rows(connection, text, reason, fingerprint)[0][0])
