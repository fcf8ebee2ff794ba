"""Run verify or repair over every comparison of the current revision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.guard import (
    fence_is_of_this_cluster,
    functions_find_names,
    own_objects_stand,
)
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.execution.throttle import Throttle
from membership_refactor.inspect.follow_columns import follow_columns
from membership_refactor.inspect.follow_partitions import follow_partitions
from membership_refactor.inspect.read_only import looking
from membership_refactor.inspect.repair import Repaired, repair
from membership_refactor.inspect.under_locks import under_locks
from membership_refactor.inspect.verify import Verdict, require_no_open_step, verify
from membership_refactor.portrait import Portrait
from membership_refactor.sql.application_code.search_path import needed_path, path_obstacles
from membership_refactor.sql.ledger.own_objects import mend_own_objects, renew_foreign_fence
from membership_refactor.sql.ledger.own_search_path import add_path
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.statements import Lock
from membership_refactor.steps.changed_tables import added_alike
from membership_refactor.steps.partition_sides import partitions_followed

VERIFIED = "verified"
"""The event that ``verify`` leaves when it has compared everything."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The current revision, and what each comparison found."""

    revision: str | None
    """The revision of the highest step that has run. None before the first."""
    verdicts: tuple[Verdict, ...]

    @property
    def count(self) -> int:
        """The number of findings of all comparisons together."""
        return sum(len(v.findings) for v in self.verdicts)

    @property
    def in_short(self) -> dict[str, list[tuple[str, int, int]]]:
        """For the ledger: the name of each comparison, its rows and its findings."""
        return {
            "comparisons": [(v.comparison.name, v.rows, len(v.findings)) for v in self.verdicts]
        }


def verify_all(runner: Runner, *, workers: int = 1) -> Verified:
    """Run every comparison of the current revision. There is none before the copy exists."""
    ledger = runner.ledger
    with looking(runner, "verify") as pg:
        if not ledger.exists(pg):
            return Verified(None, ())
    sessions = runner.sessions("verify")
    with sessions.open(purpose="look") as pg:
        require_no_open_step(pg, ledger)
        at = ledger.stands_at(pg)
        situation = runner.situation(pg)
    throttle = Throttle(ledger, runner.options, runner.progress)
    verdicts = [
        verify(
            sessions,
            ledger,
            comparison,
            workers=workers,
            progress=runner.progress,
            throttle=throttle,
        )
        for comparison in (at.compares(situation) if at else ())
    ]
    verified = Verified(runner.chain.revisions.of(at.name) if at else None, tuple(verdicts))
    if verdicts:
        with sessions.open(purpose="verify") as pg:
            run(pg, _recorded(ledger, at.name if at else None, verified))
    return verified


def _recorded(ledger: Ledger, step: str | None, verified: Verified) -> str:
    """INSERT of what was found, for people to read."""
    named = literal(step) if step else "NULL"
    return (
        f"INSERT INTO {ledger.table('event')} (plan, step, event, detail)\n"
        f"VALUES ({literal(ledger.plan.name)}, {named}, {literal(VERIFIED)}, "
        f"{literal(json.dumps(verified.in_short))}::pg_catalog.jsonb)"
    )


def objects_to_repair(runner: Runner) -> tuple[str, ...]:
    """Return a line for each thing that ``repair_objects`` would make again or follow. It only
    reads."""
    with looking(runner, "repair") as pg:
        if not runner.ledger.exists(pg):
            return ()
    with runner.sessions("repair").open(purpose="look") as pg:
        require_no_open_step(pg, runner.ledger)
        at = runner.ledger.stands_at(pg)
        now = runner.read()
        found = [*_broken(pg, _finding_functions(runner, now))]
        if at is not None:
            s = replace(runner.situation(pg), now=now)
            for check in partitions_followed(s):
                found += _keys(pg, check)
            found += [f'column "{c.name}" is not carried' for c in added_alike(s, at)]
        return tuple(found)


def _finding_functions(runner: Runner, portrait: Portrait) -> Names:
    """The names, with the schemas that functions of the application need in the search_path."""
    if path_obstacles(runner.plan, portrait):
        return runner.names
    return replace(runner.names, path=needed_path(runner.plan, portrait))


def _broken(pg: Pg, names: Names) -> tuple[str, ...]:
    """The tool's own objects that are not as the last step left them."""
    checks = (
        own_objects_stand(names),
        fence_is_of_this_cluster(names),
        *functions_find_names(names),
    )
    return tuple(key for check in checks for key in _keys(pg, check))


def _keys(pg: Pg, check: Check) -> list[str]:
    return [str(key) for (key,) in run(pg, check.whole).fetchall()]


def repair_objects(runner: Runner) -> tuple[str, ...]:
    """Make the tool's own triggers and functions again as the last step left them, renew a fence
    of another cluster, give the functions the schemas that functions of the application need, and
    follow partitions that came or left, and columns that were added alike to source and copy.
    Return a line for each. Rows are compared after it.

    Locks: each table of the plan SHARE ROW EXCLUSIVE, waited for 50 ms at a time. ACCESS EXCLUSIVE
    too on a table with a trigger of ours that has another text, because that one is dropped first,
    and on the view of the old shape where it is made again. ``follow_partitions`` and
    ``follow_columns`` name theirs.
    """
    with runner.sessions("repair").open(purpose="repair") as pg:
        if not runner.ledger.exists(pg):
            return ()
        require_no_open_step(pg, runner.ledger)
        portrait = runner.read()
        names = _finding_functions(runner, portrait)
        # Before triggers are made again: some hung on partitions that have left.
        followed = follow_partitions(runner, pg)
        if found := _broken(pg, names):
            tables = [t.name for t in portrait.tables if t.name in runner.own_tables]
            # A view that has to be dropped takes its trigger along, which the second pass makes.
            passes = 2 if names.plan.old_shape_view else 1
            mended = [*passes * [mend_own_objects(names)], renew_foreign_fence(names)]
            mended += [add_path(names)] if names.path else []
            mode = Lock.SHARE_ROW_EXCLUSIVE
            locks = tuple((qualified(names.schema, t), mode) for t in tables)
            members = any(t.partitioning is not None for t in portrait.tables)
            under_locks(runner, pg, locks, mended, members=members)
        return (
            *(f"made again: {text}" for text in found),
            *followed,
            *follow_columns(runner, pg),
        )


def repair_all(runner: Runner, verified: Verified) -> Sequence[tuple[Verdict, Repaired]]:
    """Correct what was found, in the order of the comparisons: a later one may agree once an
    earlier one is corrected. The caller holds the lock of the schema, so that no step runs."""
    return [
        (verdict, repair(runner, verdict.comparison, verdict.findings))
        for verdict in verified.verdicts
        if verdict.findings
    ]
