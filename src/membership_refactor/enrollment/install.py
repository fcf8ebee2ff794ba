"""The two unique constraints and the CHECK come to a live table, and go again."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Engine

from membership_refactor.checks.check import Check
from membership_refactor.checks.unique_identity import (
    after_constraints,
    before_constraints,
    identity_given,
)
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.index_state import index_state, left_overs
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.enrollment.unique_index import Built, build
from membership_refactor.errors import CheckFailed, PortraitMismatch
from membership_refactor.execution.locks import Held, briefly, rehearse
from membership_refactor.execution.sessions import Sessions
from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.unique_identity import constraints, indexes
from membership_refactor.sql.unique_identity.indexes import IndexState
from membership_refactor.sql.unique_identity.names import IdentityNames


@dataclass(slots=True)
class Installed:
    """What it took."""

    held: dict[str, Held] = field(default_factory=dict)
    """For each lock behind which writers queue."""
    built: dict[str, Built] = field(default_factory=dict)


def install(
    engine: Engine, plan: UniqueIdentity, schema: str, *, patience: Patience | None = None
) -> Installed:
    """Every row has an identity, and none of them stands twice in a scope.

    Each part is skipped where it stands already, so that an interrupted run is taken up by running
    it again. What a DBA has to decide stops it before anything is changed.
    """
    names, patience, report = IdentityNames(plan, schema), patience or Patience(), Installed()
    sessions = Sessions(engine, role=owner_of(engine, names), label=plan.name[:20])
    with sessions.open(purpose="constraints") as connection:
        for check in before_constraints(names):
            hold(connection, names, check)
        for statement in constraints.create_made(names):
            rows(connection, statement)
        report.held["check"] = _under_lock(connection, names, constraints.add_check(names))
        _validate(connection, names, patience)
    for alternative in plan.alternatives:
        report.built[alternative.constraint] = build(
            engine, sessions, plan, schema, alternative, patience=patience
        )
    with sessions.open(purpose="constraints") as connection:
        report.held["attach"] = _under_lock(connection, names, constraints.attach(names))
        for check in after_constraints(names):
            hold(connection, names, check)
    return report


def uninstall(
    engine: Engine, plan: UniqueIdentity, schema: str, *, patience: Patience | None = None
) -> Held:
    """What ``install`` made is gone; the record of merges stays."""
    names, patience = IdentityNames(plan, schema), patience or Patience()
    sessions = Sessions(engine, role=owner_of(engine, names), label=plan.name[:20])
    with sessions.open(purpose="constraints") as connection:
        for statement in constraints.create_made(names):
            rows(connection, statement)
        held = _under_lock(connection, names, constraints.drop_made(names))
        for alternative in plan.alternatives:
            drop_unheld_index(connection, names, alternative, patience)
    return held


def owner_of(engine: Engine, names: IdentityNames) -> str:
    """The table's owner; PortraitMismatch where there is no such table."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c"
            f" WHERE c.oid = pg_catalog.to_regclass({literal(names.table)})",
        )
    if not found:
        raise PortraitMismatch(
            f'there is no table "{names.plan.table}" in schema "{names.schema}".',
            hint="Name the schema with -x schema=NAME, or the table in the plan.",
        )
    return str(found[0][0])


def drop_unheld_index(
    connection: Pg, names: IdentityNames, alternative: Alternative, patience: Patience
) -> None:
    """What an interrupted upgrade had built and not yet attached is gone."""
    rows(connection, f"SET lock_timeout = '{patience.build_wait_ms}ms'")
    held = {row[0] for row in rows(connection, indexes.index_states(names)) if row[6] is not None}
    ours = (IndexState.VALID, IndexState.IDLE, IndexState.FENCE)
    if alternative.constraint not in held and index_state(connection, names, alternative) in ours:
        rows(connection, indexes.drop(names, alternative.constraint))
    for name in left_overs(connection, names, alternative):
        rows(connection, indexes.drop(names, name))
    rows(connection, "SET lock_timeout = '2s'")


def hold(connection: Pg, names: IdentityNames, check: Check) -> None:
    """The check holds; where it does not, the error also names any invalid index there is."""
    count, keys = rows(connection, check.counted)[0]
    if not count:
        return
    left = []
    for alternative in names.plan.alternatives:
        state = index_state(connection, names, alternative)
        if state is IndexState.FENCE:
            left.append(f"{alternative.constraint} is invalid and still refuses new duplicates.")
        if state is IndexState.IDLE:
            left.append(f"{alternative.constraint} is invalid and refuses nothing.")
        left += [f"{name} is invalid." for name in left_overs(connection, names, alternative)]
    found = f" An earlier run left an index: {' '.join(left)}" if left else ""
    raise CheckFailed(
        check.name,
        check.sentence,
        count=count,
        keys=tuple(str(key) for key in keys),
        hint=f"{check.hint or ''}{found}".strip() or None,
    )


def _validate(connection: Pg, names: IdentityNames, patience: Patience) -> None:
    try:
        retried(
            f"validating {names.plan.required}",
            lambda: rows(connection, constraints.validate_check(names)),
            patience,
        )
    except psycopg.errors.CheckViolation:
        # One came between the check and the constraint. No further one can.
        hold(connection, names, identity_given(names))
        raise


def _under_lock(connection: Pg, names: IdentityNames, statement: Statement) -> Held:
    rehearse(connection, constraints.rehearsal(names).text)
    return briefly(connection, ((names.table, Lock.ACCESS_EXCLUSIVE),), statement.text)
