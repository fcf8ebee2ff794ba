"""One unique index, built while writers write: left-overs, and duplicates that race in."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Engine

from membership_refactor.checks.unique_identity import identity_unique
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.index_state import index_state, left_overs
from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.patience import Patience
from membership_refactor.errors import CheckFailed, LockNotObtained, PortraitMismatch, RefactorError
from membership_refactor.execution.sessions import Sessions
from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.sql.unique_identity import indexes
from membership_refactor.sql.unique_identity.indexes import IndexState
from membership_refactor.sql.unique_identity.names import IdentityNames


@dataclass(slots=True)
class Built:
    """How the index came about."""

    attempts: int = 0
    """Builds that were started; none where a valid index was found."""
    left_overs: list[str] = field(default_factory=list)
    """Invalid indexes that were found, with what they were."""
    merged: int = 0
    """Learners that were entered twice during the build and are one row now."""


def build(
    engine: Engine,
    sessions: Sessions,
    plan: UniqueIdentity,
    schema: str,
    alternative: Alternative,
    *,
    patience: Patience | None = None,
) -> Built:
    """The valid unique index of the alternative stands under its constraint's name.

    Whatever goes wrong, an invalid index is either gone or named in the error.
    """
    names, patience = IdentityNames(plan, schema), patience or Patience()
    built = Built()
    with sessions.open(purpose="index") as connection:
        rows(connection, f"SET lock_timeout = '{patience.build_wait_ms}ms'")
        while True:
            state = _tidied(connection, names, alternative, built)
            if state is IndexState.VALID:
                return built
            if built.attempts == patience.build_tries:
                raise _given_up(connection, names, alternative, built)
            built.attempts += 1
            # An index that refuses new duplicates already is kept for that while the new one is
            # built beside it; dropping it would open the door again.
            make = indexes.rebuild if state is IndexState.FENCE else indexes.create
            try:
                rows(connection, make(names, alternative))
            except psycopg.errors.UniqueViolation:
                _unite_newcomers(connection, engine, names, alternative, built, patience=patience)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable) as error:
                if built.attempts == patience.build_tries:
                    left = _taken_away(connection, names, alternative)
                    raise LockNotObtained(
                        f"{alternative.constraint}: older transactions did not end in "
                        f"{built.attempts} tries.{left}",
                        hint="End them (pg_stat_activity, pg_prepared_xacts), run again.",
                    ) from error


def _tidied(
    connection: Pg, names: IdentityNames, alternative: Alternative, built: Built
) -> IndexState:
    """The state of the index after everything that only takes up space is gone."""
    for name in left_overs(connection, names, alternative):
        built.left_overs.append(f"{name} (of a failed reindex)")
        rows(connection, indexes.drop(names, name))
    state = index_state(connection, names, alternative)
    if state is IndexState.OTHER:
        what = rows(connection, indexes.name_taken(names, alternative.constraint))[0][0]
        raise PortraitMismatch(
            f'"{alternative.constraint}" is the name of something else in schema '
            f'"{names.schema}": {what}.',
            hint="Rename or drop it, or give the plan another name.",
        )
    if state is IndexState.FENCE:
        built.left_overs.append(f"{alternative.constraint} (invalid, refuses new duplicates)")
    if state is IndexState.IDLE:
        built.left_overs.append(f"{alternative.constraint} (invalid, refuses nothing)")
        rows(connection, indexes.drop(names, alternative.constraint))
        state = IndexState.ABSENT
    return state


def _unite_newcomers(
    connection: Pg,
    engine: Engine,
    names: IdentityNames,
    alternative: Alternative,
    built: Built,
    *,
    patience: Patience,
) -> None:
    """Duplicates that came during the build are merged; those that contradict stop it."""
    reason = f"raced with the build of {alternative.constraint}"
    try:
        report = merge(engine, names.plan, names.schema, reason=reason, patience=patience)
    except RefactorError as error:
        left = _taken_away(connection, names, alternative)
        raise RefactorError(
            f"{alternative.constraint} could not be built, because duplicates came meanwhile, "
            f"and they could not be merged: {error}{left}"
        ) from error
    built.merged += report.merged
    if report.left:
        raise _given_up(connection, names, alternative, built)


def _given_up(
    connection: Pg, names: IdentityNames, alternative: Alternative, built: Built
) -> RefactorError:
    """The error to raise, after the invalid index is gone."""
    left = _taken_away(connection, names, alternative)
    check = identity_unique(names, alternative)
    count, keys = rows(connection, check.counted)[0]
    done = f" {built.merged} of them were merged." if built.merged else ""
    if count:
        return CheckFailed(
            check.name,
            f"{check.sentence}; they came while the index was built, {built.attempts} times",
            count=count,
            keys=tuple(keys),
            hint=f"{left.strip()}{done} {check.hint}".strip(),
        )
    return RefactorError(
        f"{alternative.constraint}: duplicates came during each of {built.attempts} builds."
        f"{done}{left}",
        hint="Stop or mend the writer that makes them (INSERT ... ON CONFLICT DO NOTHING), "
        "then run again.",
    )


def _taken_away(connection: Pg, names: IdentityNames, alternative: Alternative) -> str:
    """Drops what is invalid; what cannot be dropped is said."""
    try:
        for name in left_overs(connection, names, alternative):
            rows(connection, indexes.drop(names, name))
        state = index_state(connection, names, alternative)
        if state in (IndexState.IDLE, IndexState.FENCE):
            rows(connection, indexes.drop(names, alternative.constraint))
    except psycopg.Error as error:
        return (
            f" The invalid index {names.schema}.{alternative.constraint} is still there "
            f"({error.diag.message_primary}); DROP INDEX CONCURRENTLY takes it away."
        )
    return " No invalid index was left behind."
