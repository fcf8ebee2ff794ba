"""Runs checks: counts what breaks an invariant, records it, and says it in one message."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from membership_refactor.checks.check import Check, passes
from membership_refactor.errors import CheckFailed, GateClosed
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.planning import Revisions
from membership_refactor.sql.shared_scan import counted_together
from membership_refactor.steps.step import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found."""

    check: Check
    broken: int
    keys: tuple[str, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        return self.broken == 0

    def failure(self, revisions: Revisions) -> CheckFailed:
        """The error that says so."""
        return CheckFailed(
            self.check.name,
            self.check.sentence,
            count=self.broken,
            keys=self.keys,
            hint=revisions.naming(self.check.hint),
        )


def examine(pg: Pg, check: Check) -> CheckResult:
    """Run the check in one statement, so in one snapshot. Concurrent writers cause no false
    alarm."""
    (result,) = examine_together(pg, (check,))
    return result


def examine_together(pg: Pg, checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """The same for checks that share a pass. Its time is recorded with the first of them."""
    began = time.perf_counter()
    scans = [check.scan for check in checks if check.scan]
    text = counted_together(scans) if len(scans) > 1 else checks[0].counted
    rows = run(pg, text).fetchall()
    seconds = [time.perf_counter() - began, *(0.0 for _ in rows[1:])]
    return tuple(
        CheckResult(
            check=check,
            broken=int(broken),
            keys=tuple(str(key) for key in keys),
            seconds=took,
        )
        for check, (broken, keys), took in zip(checks, rows, seconds, strict=True)
    )


def require(
    pg: Pg,
    checks: Iterable[Check],
    *,
    ledger: Ledger,
    progress: Progress,
    step: str,
    direction: Direction,
) -> None:
    """Raise CheckFailed for the first check that does not hold. Every result is recorded."""
    unrecorded: list[CheckResult] = []
    for together in passes(checks):
        results = examine_together(pg, together)
        unrecorded += results
        broken = next((result for result in results if not result.holds), None)
        if broken is not None or results[0].seconds > _LONG:
            record(pg, unrecorded, ledger=ledger, step=step, direction=direction)
            unrecorded.clear()
        for result in results:
            if result is broken:
                raise result.failure(ledger.chain.revisions)
            took = f"{result.seconds:.1f} s" if result is results[0] else "in the same pass"
            progress.say(f"  check holds: {result.check.sentence} ({took})")
    record(pg, unrecorded, ledger=ledger, step=step, direction=direction)


_LONG = 0.5
"""Seconds after which the results of a pass are recorded at once; quick ones go together."""


def record(
    pg: Pg,
    results: Iterable[CheckResult],
    *,
    ledger: Ledger,
    step: str | None,
    direction: Direction | None,
) -> None:
    """Record what checks found."""
    found = [(r.check.name, r.broken, r.keys, r.seconds) for r in results]
    record_found(pg, found, ledger=ledger, step=step, direction=direction)


def record_found(
    pg: Pg,
    found: Iterable[tuple[str, int, Sequence[str], float]],
    *,
    ledger: Ledger,
    step: str | None,
    direction: Direction | None,
) -> None:
    """The same of (name, number of rows that break it, first keys, seconds)."""
    rows = [(ledger.plan.name, step, direction, n, b, list(k), s) for n, b, k, s in found]
    if rows:
        # psycopg reads a percent sign of the schema's name as its own.
        table = ledger.table("check_result").replace("%", "%%")
        values = ", ".join(["(%s, %s, %s, %s, %s, %s::text[], %s)"] * len(rows))
        pg.execute(
            (
                f"INSERT INTO {table} "
                f"(plan, step, direction, name, broken, keys, seconds) VALUES {values}"
            ).encode(),
            [value for row in rows for value in row],
        )


def open_gate(
    pg: Pg, gate: Check, step: str, *, ledger: Ledger, options: Options, progress: Progress
) -> None:
    """Return when the step may begin; GateClosed lists the reasons against it."""
    reason = options.reason(gate.option)
    if reason:
        run(pg, ledger.rows(step, Direction.UP).accept(gate.option, reason))
        progress.say(f"  gate opened by hand: {reason}")
        return
    result = examine(pg, gate)
    record(pg, (result,), ledger=ledger, step=step, direction=Direction.UP)
    if not result.holds:
        raise GateClosed(
            f"{ledger.chain.revisions.of(step)} asks for evidence that {gate.sentence}: "
            f"{'; '.join(result.keys)}.",
            hint=ledger.chain.revisions.naming(gate.hint),
        )
