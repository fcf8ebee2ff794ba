"""Runs checks: counts what breaks an invariant, records it, and says it in one message."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from membership_refactor.checks.check import Check, counted, passes
from membership_refactor.errors import CheckFailed, GateClosed
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.planning import Revisions
from membership_refactor.sql.ledger.proofs import Proofs
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.row_versions import ALLOWED
from membership_refactor.steps.step import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found."""

    check: Check
    broken: int
    keys: tuple[str, ...]
    seconds: float
    note: str = ""
    """Why it did not read everything, if it did not."""

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
    rows = run(pg, counted(checks)).fetchall()
    return _results(checks, [(broken, keys) for broken, keys in rows], began)


def _results(
    checks: Sequence[Check],
    found: Sequence[tuple[int, Sequence[str]]],
    began: float,
    note: str = "",
) -> tuple[CheckResult, ...]:
    seconds = [time.perf_counter() - began, *(0.0 for _ in checks[1:])]
    return tuple(
        CheckResult(
            check=check,
            broken=int(broken),
            keys=tuple(str(key) for key in keys),
            seconds=took,
            note=note,
        )
        for check, (broken, keys), took in zip(checks, found, seconds, strict=True)
    )


class _Passes:
    """The passes of a step. One that an earlier step has made is made again only as far as rows
    have changed since."""

    def __init__(self, pg: Pg, ledger: Ledger, step: str) -> None:
        self.pg, self.ledger, self.step = pg, ledger, step
        self.proofs = Proofs(ledger.name, ledger.plan.name)
        self.allowed: bool | None = None

    def results(self, checks: Sequence[Check]) -> tuple[CheckResult, ...]:
        named = [(c.name, c.scan) for c in checks if c.scan is not None and c.scan.reads]
        if len(named) < len(checks) or not self._may_prove():
            return examine_together(self.pg, checks)
        began = time.perf_counter()
        scans = [scan for _, scan in named]
        rows = float(value(self.pg, self.proofs.rows(scans)))
        kept = run(self.pg, self.proofs.kept(named, rows)).fetchone()
        if kept is not None:
            step, changed, *shown = kept
            if changed > 0:
                # The next step need not look at these again.
                run(self.pg, self.proofs.record(self.step, named, shown))
            return _results(checks, [(0, ())] * len(checks), began, self._note(step, changed))
        selected = ", ".join(("r.broken", "r.keys", *self.proofs.shown(scans)))
        text = f"SELECT {selected}\nFROM ({counted(checks)}) AS r (broken, keys)"
        found = run(self.pg, text).fetchall()
        results = _results(checks, [(broken, keys) for broken, keys, *_ in found], began)
        snapshot, tables = found[0][2:]
        trusted = all(table["standing"] for table in json.loads(tables).values())
        if trusted and all(result.holds for result in results):
            run(self.pg, self.proofs.record(self.step, named, (snapshot, tables)))
        return results

    def _may_prove(self) -> bool:
        if self.allowed is None:
            # A ledger that an older version made has no such table before the next step begins.
            there = f"pg_catalog.to_regclass({literal(self.proofs.table)}) IS NOT NULL"
            self.allowed = bool(value(self.pg, f"SELECT {ALLOWED} AND {there}"))
        return self.allowed

    def _note(self, step: str, changed: int) -> str:
        by = f"proved by {self.ledger.chain.revisions.of(step)}"
        if changed == 0:
            return f"{by}, and no row has changed since"
        return f"{by}; {changed} changed since and were looked at again"


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
    made = _Passes(pg, ledger, step)
    for together in passes(checks):
        results = made.results(together)
        unrecorded += results
        broken = next((result for result in results if not result.holds), None)
        if broken is not None or results[0].seconds > _LONG:
            record(pg, unrecorded, ledger=ledger, step=step, direction=direction)
            unrecorded.clear()
        for result in results:
            if result is broken:
                raise result.failure(ledger.chain.revisions)
            took = f"{result.seconds:.1f} s" if result is results[0] else "in the same pass"
            progress.say(f"  check holds: {result.check.sentence} ({result.note or took})")
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
