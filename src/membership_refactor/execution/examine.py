"""Runs checks: counts what breaks an invariant, records it, and says it in one message."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from membership_refactor.checks.check import Check
from membership_refactor.errors import CheckFailed
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run
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

    def failure(self) -> CheckFailed:
        """The error that says so."""
        return CheckFailed(
            self.check.name,
            self.check.sentence,
            count=self.broken,
            keys=self.keys,
            hint=self.check.hint,
        )


def examine(pg: Pg, check: Check) -> CheckResult:
    """One statement, so one snapshot: what it finds while writers run is real."""
    began = time.perf_counter()
    row = run(pg, check.counted).fetchone()
    assert row is not None
    return CheckResult(
        check=check,
        broken=int(row[0]),
        keys=tuple(str(key) for key in row[1]),
        seconds=time.perf_counter() - began,
    )


def require(
    pg: Pg,
    checks: Iterable[Check],
    *,
    ledger: Ledger,
    progress: Progress,
    revision: str,
    direction: Direction,
) -> None:
    """Raises CheckFailed for the first check that does not hold; every result is recorded."""
    for check in checks:
        result = examine(pg, check)
        ledger.check_result(
            pg,
            revision,
            direction,
            check.name,
            broken=result.broken,
            keys=list(result.keys),
            seconds=result.seconds,
        )
        if not result.holds:
            raise result.failure()
        progress.say(f"  check holds: {check.sentence} ({result.seconds:.1f} s)")
