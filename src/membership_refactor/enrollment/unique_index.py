"""Build a unique index while others write: invalid indexes, and duplicates that come meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Engine

from membership_refactor.checks.unique_identity import identity_not_blank, identity_unique
from membership_refactor.counts import counted
from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.enrollment.index_state import index_state, left_overs
from membership_refactor.enrollment.merge import MergeReport, merge
from membership_refactor.enrollment.patience import Patience
from membership_refactor.errors import CheckFailed, LockNotObtained, PortraitMismatch, RefactorError
from membership_refactor.execution.sessions import Sessions
from membership_refactor.planning import Alternative
from membership_refactor.sql.unique_identity import indexes
from membership_refactor.sql.unique_identity.indexes import IndexState
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.steps.enrollment_identity import UniqueIndex


@dataclass(slots=True)
class Built:
    """How the index was built."""

    attempts: int = 0
    """How many builds were started; 0 if there was a valid index."""
    left_overs: list[str] = field(default_factory=list)
    """The invalid indexes that were found, each with its state."""
    merged: int = 0
    """Learners who were written twice during the build, and whose rows were merged."""


def perform(
    engine: Engine,
    sessions: Sessions,
    action: UniqueIndex,
    say: Callable[[str], None] | None = None,
    *,
    patience: Patience | None = None,
) -> Built:
    """Build the index of the action, or drop it, as the action says.

    ``say`` gets a line about each merge; without it, standard error does.
    """
    patience = patience or Patience()
    names = IdentityNames(action.identity, action.schema)
    if not action.gone:
        return build(engine, sessions, names, action.alternative, patience, say)
    with sessions.open(purpose="index") as connection:
        rows(connection, f"SET lock_timeout = '{patience.build_wait_ms}ms'")
        _drop_unused(connection, names, action.alternative)
    return Built()


def _drop_unused(connection: Pg, names: IdentityNames, alternative: Alternative) -> None:
    """Drop the index if no constraint uses it: an interrupted upgrade had not yet attached it."""
    used = {row[0] for row in rows(connection, indexes.index_states(names)) if row[6] is not None}
    ours = (IndexState.VALID, IndexState.IDLE, IndexState.FENCE)
    if alternative.constraint not in used and index_state(connection, names, alternative) in ours:
        rows(connection, indexes.drop(names, alternative.constraint))
    for name in left_overs(connection, names, alternative):
        rows(connection, indexes.drop(names, name))


def build(
    engine: Engine,
    sessions: Sessions,
    names: IdentityNames,
    alternative: Alternative,
    patience: Patience,
    say: Callable[[str], None] | None = None,
) -> Built:
    """Build the unique index of the alternative, under its constraint's name.

    If this fails, an invalid index is either dropped or named in the error.
    """
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
            # An invalid index that refuses new duplicates keeps doing so while it is rebuilt.
            # Without it new duplicates could come.
            make = indexes.rebuild if state is IndexState.FENCE else indexes.create
            try:
                rows(connection, make(names, alternative))
            except psycopg.errors.UniqueViolation:
                report = _merge_new_duplicates(
                    connection, engine, names, alternative, built, patience=patience
                )
                if report.merged:
                    (say or _on_standard_error)(_merged(alternative, report))
                if report.left:
                    raise _given_up(connection, names, alternative, built) from None
            except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable) as error:
                if built.attempts == patience.build_tries:
                    left = _taken_away(connection, names, alternative)
                    raise LockNotObtained(
                        f"{alternative.constraint}: older transactions did not end in "
                        f"{built.attempts} tries.{left}",
                        hint="End them (see pg_stat_activity and pg_prepared_xacts), then run the "
                        "same command again.",
                    ) from error


def _tidied(
    connection: Pg, names: IdentityNames, alternative: Alternative, built: Built
) -> IndexState:
    """Drop invalid indexes that refuse nothing; return the state of the index."""
    for name in left_overs(connection, names, alternative):
        built.left_overs.append(f"{name} (of a failed reindex)")
        rows(connection, indexes.drop(names, name))
    state = index_state(connection, names, alternative)
    if state is IndexState.OTHER:
        what = rows(connection, indexes.name_taken(names, alternative.constraint))[0][0]
        raise PortraitMismatch(
            f'schema "{names.schema}" has another object with the name '
            f'"{alternative.constraint}": {what}.',
            hint="Rename or drop it, or change the name in the plan.",
        )
    if state is IndexState.FENCE:
        built.left_overs.append(f"{alternative.constraint} (invalid, refuses new duplicates)")
    if state is IndexState.IDLE:
        built.left_overs.append(f"{alternative.constraint} (invalid, refuses nothing)")
        rows(connection, indexes.drop(names, alternative.constraint))
        state = IndexState.ABSENT
    return state


def _merge_new_duplicates(
    connection: Pg,
    engine: Engine,
    names: IdentityNames,
    alternative: Alternative,
    built: Built,
    *,
    patience: Patience,
) -> MergeReport:
    """Merge the duplicates that came during the build; blanks stop it."""
    if rows(connection, identity_not_blank(names, alternative).counted)[0][0]:
        raise _given_up(connection, names, alternative, built)
    reason = f"written during the build of {alternative.constraint}"
    try:
        report = merge(engine, names.plan, names.schema, reason=reason, patience=patience)
    except RefactorError as error:
        left = _taken_away(connection, names, alternative)
        raise RefactorError(
            f"{alternative.constraint} could not be built: duplicates were written meanwhile, "
            f"and they could not be merged: {error}{left}",
            hint="See them with: membership-refactor duplicates   Correct them, then run the same "
            "command again.",
        ) from error
    built.merged += report.merged
    return report


def _on_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _merged(alternative: Alternative, report: MergeReport) -> str:
    first = "; ".join(f"{', '.join(map(str, ids))} into {kept}" for kept, ids in report.first)
    return (
        f"  duplicates were written while {alternative.constraint} was built: "
        f"{counted(report.merged, 'learner')} merged, {counted(report.removed, 'row')} fewer "
        f"(run {report.run}; first: {first}). "
        "`membership-refactor merge-duplicates --where ID` says where a row is now."
    )


def _given_up(
    connection: Pg, names: IdentityNames, alternative: Alternative, built: Built
) -> RefactorError:
    """Drop the invalid index and return the error to raise."""
    left = _taken_away(connection, names, alternative)
    for check in (identity_not_blank(names, alternative), identity_unique(names, alternative)):
        count, keys = rows(connection, check.counted)[0]
        if count:
            break
    done = f" {built.merged} of them were merged." if built.merged else ""
    if count:
        return CheckFailed(
            check.name,
            f"{check.sentence}; duplicates came during build {built.attempts} of the index",
            count=count,
            keys=tuple(keys),
            hint=f"{left.strip()}{done} {check.hint}".strip(),
        )
    return RefactorError(
        f"{alternative.constraint}: duplicates were written during each of {built.attempts} builds."
        f"{done}{left}",
        hint="Stop the writer of these duplicates, or let it use INSERT ... ON CONFLICT DO "
        "NOTHING. Then run the same command again.",
    )


def _taken_away(connection: Pg, names: IdentityNames, alternative: Alternative) -> str:
    """Drop invalid indexes; return a sentence that names any that could not be dropped."""
    try:
        for name in left_overs(connection, names, alternative):
            rows(connection, indexes.drop(names, name))
        state = index_state(connection, names, alternative)
        if state in (IndexState.IDLE, IndexState.FENCE):
            rows(connection, indexes.drop(names, alternative.constraint))
    except psycopg.Error as error:
        return (
            f" The invalid index {names.schema}.{alternative.constraint} still exists "
            f"({error.diag.message_primary}); drop it with DROP INDEX CONCURRENTLY."
        )
    return " No invalid index is left."
