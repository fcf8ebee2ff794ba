"""What the page says in sentences: where the chain stands, what is wrong, what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Literal

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import duration, minute, size
from membership_refactor.report.grids import milliseconds
from membership_refactor.report.holes import holes
from membership_refactor.report.page_values import (
    ConsumerState,
    FeltDuring,
    Report,
    Stretch,
    TableNow,
)
from membership_refactor.sql.pacing.felt import joined
from membership_refactor.watch.usage import GateStatus
from membership_refactor.watch.usage_text import when_open

Level = Literal["bad", "wait", "good", "done", "note"]
HOLES = 3
"""How many holes are named under a strip."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One line at the top of the page."""

    level: Level
    text: str


def notices(report: Report) -> Iterator[Notice]:
    """What a reader should know first, the worst at the top."""
    s, recorded = report.standing, report.recorded
    if not s.same_plan:
        yield Notice("bad", "The plan was changed since the first step. Every step is refused.")
    if s.broken:
        yield Notice("bad", f"{counted(len(s.broken), 'check')} failed. See “Checks” below.")
    if recorded.verified is not None and recorded.verified.findings:
        found = counted(recorded.verified.findings, "difference")
        yield Notice("bad", f"verify found {found} on {minute(recorded.verified.at)}.")
    if s.open_step is not None:
        o = s.open_step
        yield Notice(
            "wait",
            f"Step {o.label} is open {o.direction} since {minute(o.started_at)}. "
            f"Continue with: {o.go_on}. Or undo it with: {o.take_back}.",
        )
    if s.control is not None and s.control.paused:
        note = f": {s.control.note}" if s.control.note else ""
        yield Notice("wait", f"Batches are paused in the ledger{note}.")
    if s.ledger is None:
        yield Notice("note", "No step has run yet, so the ledger has nothing to show.")
    if s.open_step is None:
        yield _next(report)
    if report.usage.unknown_roles:
        named = ", ".join(f"“{role}”" for role in report.usage.unknown_roles)
        yield Notice("note", f"The consumers file names roles that the server lacks: {named}.")
    if report.usage.ahead:
        ahead = str(report.usage.ahead).removesuffix(", 0:00:00")
        yield Notice("note", f"The clock of the evidence is {ahead} ahead of the server's.")


def _next(report: Report) -> Notice:
    step = next((step for step in report.standing.steps if step.state != "up"), None)
    if step is None:
        return Notice("done", "Every step has run.")
    gates = gates_of(report, step.revision)
    if not gates:
        return Notice("good", f"{step.label} is next. It waits for no evidence.")
    gate = next((gate for gate in gates if not gate.is_open), gates[0])
    level: Level = "good" if gate.is_open else "wait"
    return Notice(level, f"{step.label} is next. Its gate is {when_open(gate, report.usage)}.")


def gates_of(report: Report, revision: str) -> list[GateStatus]:
    """The gates of the step that the revision runs: one for each structure that it takes away."""
    return [gate for gate in report.usage.gates if gate.step == revision]


def figures(report: Report) -> Iterator[tuple[str, str]]:
    """(what, figure) of the tiles at the top."""
    s, recorded = report.standing, report.recorded
    up = sum(step.state == "up" for step in s.steps)
    yield "Steps that have run", f"{up} of {len(s.steps)}"
    yield "Version", s.alembic_version or "none"
    asked = [gate for gate in report.usage.gates if gate.asked]
    of_next = [gate for gate in asked if gate.step == asked[0].step]
    following = next((gate for gate in of_next if not gate.is_open), None)
    if following is not None:
        at, now = following.opens_at, report.usage.now
        date = minute(at) if at is not None and at > now else "no date yet"
        yield f"Gate of {following.step} opens", date
    yield "Last sample of use", minute(report.usage.sampled_at) or "never"
    passed = len(s.checks) - len(s.broken)
    yield "Checks", f"{passed} passed, {len(s.broken)} failed" if s.checks else "none made yet"
    yield "verify", verdict(report) if recorded.verified else "has not run"
    if recorded.bytes:
        yield "Ledger", size(recorded.bytes)


def verdict(report: Report) -> str:
    """verify's last word."""
    word = report.recorded.verified
    if word is None:
        return "verify has not compared the tables yet."
    found = f"{counted(word.findings, 'difference')}" if word.findings else "all rows agree"
    return f"{found}, at {word.revision} on {minute(word.at)}"


def of_table(table: TableNow) -> str:
    """12,345 rows, 3.4 MB."""
    about = "" if table.exact else "about "
    rows = "rows unknown" if table.rows is None else f"{about}{counted(table.rows, 'row')}"
    return f"{rows}, {size(table.bytes)}"


def of_strip(stretches: Sequence[Stretch], days: int) -> str:
    """What a strip of evidence shows."""
    used = [s for s in stretches if s.uses]
    parts = [f"{counted(sum(s.uses for s in used), 'use')}"]
    if used:
        parts.append(f"the last until {minute(max(s.ended for s in used))}")
    parts.append(counted(len(holes(stretches)), "hole"))
    return f"{', '.join(parts)}; the window is {counted(days, 'day')}"


def holes_of(stretches: Sequence[Stretch]) -> list[str]:
    """The newest holes, each with its time and reason."""
    newest = sorted(holes(stretches), key=lambda hole: hole.ended, reverse=True)[:HOLES]
    return [f"{minute(h.began)} to {minute(h.ended)}: {'; '.join(h.why)}" for h in newest]


def window_of(now: datetime, days: int) -> datetime:
    """When the window of a gate begins that is asked now."""
    return now - timedelta(days=days)


def of_scan(state: ConsumerState) -> str:
    """What the newest scan found."""
    scan = state.scan
    if scan is None:
        return "" if state.is_role else "its SQL has not been scanned"
    left = f": {scan.why}" if scan.why else f": {counted(scan.findings, 'reference')} left"
    return f"{'clear' if scan.clear else 'not clear'}{left} ({minute(scan.at)})"


def of_use(state: ConsumerState) -> str:
    """Whether one of its roles uses the old structure."""
    if not state.uses:
        return "no use is known"
    when = f"last on {minute(state.last_use)}" if state.last_use else "before the watch"
    return f"{counted(state.uses, 'use')}, {when}"


def of_locks(report: Report) -> str:
    """How long others waited for this tool, as far as the ledger knows."""
    held = [s.lock_held_ms for s in report.standing.steps if s.lock_held_ms is not None]
    if not held:
        return "No step has taken a short lock yet."
    return (
        f"The longest short lock of a step was held for {milliseconds(max(held))}. A writer waits "
        "for such a lock at most as long as the step waits for it and holds it."
    )


def of_paused(report: Report) -> str:
    """How long batches waited."""
    total = sum(wait.seconds for wait in report.recorded.waits)
    return (
        f"Batches waited for others for {duration(total)} in all."
        if total
        else ("Batches never had to wait for others.")
    )


def of_felt(felt: Sequence[FeltDuring]) -> str:
    """What small writes took during the actions of one step."""
    whole = reduce(joined, (f.whole for f in felt))
    waited = (
        f"; batches gave way for {duration(whole.waited_seconds)}" if whole.waited_seconds else ""
    )
    return (
        f"{counted(whole.writes, 'small write')}: {milliseconds(whole.median_ms)} in the middle, "
        f"{milliseconds(whole.longest_ms)} at most, {milliseconds(whole.idle_ms)} when idle{waited}"
    )
