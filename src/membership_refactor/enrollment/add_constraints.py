"""Add the CHECK and the unique constraints to a live table, and drop them, outside of a chain.

The actions are those of the step enrollment_identity; here no ledger records them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Engine

from membership_refactor.checks.check import Check
from membership_refactor.checks.unique_identity import after_constraints, before_constraints
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.index_state import index_state, left_overs
from membership_refactor.enrollment.patience import Patience, retried
from membership_refactor.enrollment.unique_index import Built, perform
from membership_refactor.errors import CheckFailed, PortraitMismatch
from membership_refactor.execution.locks import Held, briefly, rehearse
from membership_refactor.execution.sessions import Sessions
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.unique_identity.indexes import IndexState
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.steps import enrollment_identity
from membership_refactor.steps.actions import Action, Brief, Run, Verify
from membership_refactor.steps.enrollment_identity import UniqueIndex


@dataclass(slots=True)
class Done:
    """What the actions took."""

    held: dict[str, Held] = field(default_factory=dict)
    """By key of the action: how long it held a lock behind which writers queue."""
    built: dict[str, Built] = field(default_factory=dict)
    """By constraint: how its index was built."""


def add_constraints(
    engine: Engine, plan: UniqueIdentity, schema: str, *, patience: Patience | None = None
) -> Done:
    """Add the constraints: every row has an identity, and no identity occurs twice in a scope.

    An interrupted run continues when it is run again. CheckFailed, before anything is changed, if
    there are rows on which a person has to decide.
    """
    names = IdentityNames(plan, schema)
    sessions = Sessions(engine, role=owner_of(engine, names), label=plan.name[:20])
    with sessions.open(purpose="constraints") as connection:
        for check in before_constraints(names):
            hold(connection, names, check)
        actions = enrollment_identity.add_constraints(names)
        done = _do(engine, sessions, connection, names, actions, patience or Patience())
        for check in after_constraints(names):
            hold(connection, names, check)
    return done


def drop_constraints(
    engine: Engine, plan: UniqueIdentity, schema: str, *, patience: Patience | None = None
) -> Done:
    """Drop the constraints that ``add_constraints`` added. The record of merges stays."""
    names = IdentityNames(plan, schema)
    sessions = Sessions(engine, role=owner_of(engine, names), label=plan.name[:20])
    with sessions.open(purpose="constraints") as connection:
        actions = enrollment_identity.drop_constraints(names)
        return _do(engine, sessions, connection, names, actions, patience or Patience())


def _do(
    engine: Engine,
    sessions: Sessions,
    connection: Pg,
    names: IdentityNames,
    actions: Iterable[Action],
    patience: Patience,
) -> Done:
    """Do the actions one after the other. Each may be repeated."""
    done = Done()
    for action in actions:
        match action:
            case Run():
                for statement in action.statements:
                    retried(action.title, partial(rows, connection, statement), patience)
            case Brief():
                if action.rehearsal is not None:
                    rehearse(connection, action.rehearsal.text)
                text = in_one_message(statement.text for statement in action.statements)
                done.held[action.key] = briefly(connection, action.locks, text)
            case Verify():
                for check in action.checks:
                    hold(connection, names, check)
            case UniqueIndex():
                built = perform(engine, sessions, action, patience=patience)
                done.built[action.alternative.constraint] = built
            case _:
                raise AssertionError(f"no handler for action {type(action).__name__}")
    return done


def owner_of(engine: Engine, names: IdentityNames) -> str:
    """Return the table's owner; PortraitMismatch if there is no such table."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c"
            f" WHERE c.oid = pg_catalog.to_regclass({literal(names.table)})",
        )
    if not found:
        raise PortraitMismatch(
            f'there is no table "{names.plan.table}" in schema "{names.schema}".',
            hint="Name the schema with -x schema=NAME, or correct the table in the plan.",
        )
    return str(found[0][0])


def hold(connection: Pg, names: IdentityNames, check: Check) -> None:
    """Raise CheckFailed if the check does not hold; the error also names invalid indexes."""
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
