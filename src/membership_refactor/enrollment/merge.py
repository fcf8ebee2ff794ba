"""Unites the rows of one learner: in batches, under row locks, with a record of every change."""

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
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.decide import Decision, Undecided, decide
from membership_refactor.enrollment.detect import components, findings
from membership_refactor.enrollment.findings import Kind, Member
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.errors import PortraitMismatch
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity import merge_record as moves
from membership_refactor.sql.unique_identity.names import IdentityNames

BATCH = 250
"""Learners in a transaction."""

PASSES = 5
"""Writers may bring new duplicates while a pass runs; they are taken up this often."""


@dataclass(slots=True)
class MergeReport:
    """What a merge did, or would do."""

    run: int | None = None
    merged: int = 0
    removed: int = 0
    decisions: list[Decision] = field(default_factory=list)
    """Of a dry run only."""
    left: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """The ids of each group that was not merged, and why."""


def planned(connection: Connection, plan: UniqueIdentity, schema: str) -> MergeReport:
    """What ``merge`` would do now; nothing is written."""
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
    """Every mergeable component is one row, except those in ``left``.

    Each batch is a transaction of its own, its record with it; interrupted and run again, it goes
    on with what is left.
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
        # What a writer changed meanwhile may be mergeable now, or gone.
        report.left = {ids: why for ids, why in report.left.items() if ids in set(found)}
        if report.run is None:
            report.run = _started(engine, names, reason)
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
            rows(connection, moves.end_run(names), report.run)
    return report


def refuse_unknown_dependents(connection: Connection, names: IdentityNames) -> None:
    """Every foreign key to the tables of the plan is in the plan.

    A row that nobody moves would be deleted with its parent by ON DELETE CASCADE, in silence.
    """
    plan = names.plan
    levels = [(plan.table, plan.dependents), *((d.table, d.dependents) for d in plan.walk())]
    unknown = []
    for table, dependents in levels:
        known = {(names.schema, d.table, d.parent) for d in dependents}
        for schema, referring, column, constraint in rows(
            connection, moves.foreign_keys_to(names, table)
        ):
            if (schema, referring, column) not in known:
                unknown.append(f"{schema}.{referring} ({column}) refers to {table}: {constraint}")
    if unknown:
        raise PortraitMismatch(
            f"{len(unknown)} foreign keys point to rows that may be merged, and the plan does not "
            "know them:",
            differences=unknown,
            hint="Name these tables as dependents in the plan.",
        )


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most ``size`` items."""
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
                # A row that came after the look shares an identity: the next pass sees it all.
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


def yield_to_deadlocks(connection: Connection) -> None:
    """Waits for row locks end before PostgreSQL looks for a deadlock: the writer never loses."""
    rows(
        connection,
        "SELECT pg_catalog.set_config('lock_timeout', (setting::integer / 2)::text || 'ms', true),"
        " pg_catalog.set_config('row_security', 'off', true)"
        " FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'",
    )


def read_locked(
    connection: Connection, names: IdentityNames, ids: Sequence[Any]
) -> tuple[list[Member], dict[Any, Any], set[Any]]:
    """The rows as they are now, locked; their images; those that share with a row not asked for."""
    plan = names.plan
    width = len(plan.alternatives)
    locked = rows(connection, moves.lock_rows(names), sorted(ids))
    present = {row[0] for row in locked}
    first: dict[tuple[int, Any], Any] = {}
    grown: set[Any] = set()
    # A statement of its own: it sees what was committed while the locks were waited for.
    for at, shared, member in rows(connection, moves.sharing_rows(names), sorted(present)):
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


def _started(engine: Engine, names: IdentityNames, reason: str) -> int:
    with engine.begin() as connection:
        ensure_record(connection, names)
        return int(rows(connection, moves.start_run(names), reason, names.plan.fingerprint)[0][0])


def ensure_record(connection: Connection, names: IdentityNames) -> None:
    """The record's tables exist."""
    if not rows(connection, moves.record_exists(names))[0][0]:
        for statement in moves.create_record(names):
            rows(connection, statement)
