"""The tables of the page, as rows of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import duration, minute, size
from membership_refactor.inspect.status_text import StepStatus
from membership_refactor.report.page_values import FeltDuring, Report, StepChecks
from membership_refactor.sql.pacing.felt import Span
from membership_refactor.watch.usage import User

STATEMENTS = 20
"""How many statements the page lists; `usage` has them all."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: what it is about, its heading, its rows, and which columns hold numbers."""

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()


def milliseconds(time: float | None) -> str:
    """12.5 ms. Empty for None."""
    return "" if time is None else f"{time:,.1f} ms"


def steps(report: Report) -> Grid:
    """Every step of the chain."""
    head = ("step", "state", "began", "took", "rows", "rows/s", "longest lock", "waited for it",
            "checks")  # fmt: skip
    rows = [_step(step, report.recorded.checks.get(step.name)) for step in report.standing.steps]
    return Grid("Steps, the first one at the top", head, rows, frozenset(range(3, 8)))


def _step(step: StepStatus, checks: StepChecks | None) -> tuple[str, ...]:
    seconds = step.seconds
    rate = step.rows / seconds if step.rows and seconds else None
    return (
        step.label,
        step.state,
        minute(step.started_at),
        duration(seconds) if seconds is not None else "",
        f"{step.rows:,}" if step.rows else "",
        f"{rate:,.0f}" if rate else "",
        milliseconds(step.lock_held_ms),
        milliseconds(step.lock_waited_ms),
        _checks(checks),
    )


def _checks(checks: StepChecks | None) -> str:
    if checks is None:
        return ""
    passed = f"{checks.passed} passed"
    return f"{passed}, {checks.failed} failed" if checks.failed else passed


def users(report: Report) -> Grid:
    """Who used what by which statement, the latest use of each structure first."""
    head = ("structure", "last use", "role", "application", "uses", "server", "statement")
    chosen = report.usage.users[:STATEMENTS]
    caption = "Statements that used the old structure"
    if len(report.usage.users) > STATEMENTS:
        caption += f", the first {STATEMENTS} of {len(report.usage.users):,}"
    return Grid(caption, head, [_user(user) for user in chosen], frozenset({4}))


def _user(user: User) -> tuple[str, ...]:
    text = user.statement if len(user.statement) <= 200 else user.statement[:197] + "..."
    notes = "; ".join(note for note in (user.why, user.place) if note)
    return (
        user.target,
        minute(user.last_at) or "before the watch",
        user.role,
        user.application,
        f"{user.uses or user.before:,}",
        user.server,
        f"{text} ({notes})" if notes else text,
    )


def waits(report: Report) -> Grid:
    """Why batches waited for others."""
    rows = [
        (w.reason, f"{w.times:,}", duration(w.seconds), duration(w.longest))
        for w in report.recorded.waits
    ]
    head = ("reason", "times", "together", "longest")
    return Grid("What batches waited for", head, rows, frozenset({1, 2, 3}))


def felt(during: Sequence[FeltDuring]) -> Grid:
    """What small writes took, of the actions of one step in one direction."""
    head = ("while", "median", "longest", "when idle", "allowed", "rows/s", "gave way", "lag")
    rows = [_felt(f.title, f.whole) for f in during]
    return Grid(f"Small writes while {during[0].step} went {during[0].direction}", head, rows,
                frozenset(range(1, 8)))  # fmt: skip


def _felt(title: str, span: Span) -> tuple[str, ...]:
    rate = span.rows_per_second if span.rows else None
    return (
        title,
        milliseconds(span.median_ms),
        milliseconds(span.longest_ms),
        milliseconds(span.idle_ms),
        milliseconds(span.allowed_ms),
        f"{rate:,.0f}" if rate else "",
        duration(span.waited_seconds) if span.waited_seconds else "",
        size(span.lag_bytes) if span.lag_bytes is not None else "",
    )


def columns(report: Report) -> Grid:
    """Each column of the parent: its policy, conflicts now, and values that were replaced."""
    replaced = dict(report.recorded.replaced)
    apart = dict(report.key.disagreeing) if report.key else {}
    names = dict.fromkeys((*replaced, *(name for name, groups in apart.items() if groups)))
    rows = [
        (
            name,
            f"{apart[name]:,}" if name in apart else "not known",
            f"{replaced.get(name, 0):,}",
        )
        for name in names
    ]
    head = ("column", "groups that disagree now", "children whose value was replaced")
    return Grid("Columns whose values disagree within a group", head, rows, frozenset({1, 2}))


def near(report: Report) -> Grid:
    """Keys that may mean the same."""
    found = [n for n in (report.key.near if report.key else ()) if n.groups]
    rows = [(n.differ_in, f"{n.groups:,}") for n in found]
    return Grid("Keys that differ only in", ("what", "groups"), rows, frozenset({1}))


def checks(report: Report) -> Grid:
    """The checks that failed when they were made last."""
    rows = [
        (check.name, f"{check.broken:,}", "; ".join(check.keys), minute(check.checked_at))
        for check in report.standing.broken
    ]
    head = ("check", "rows", "first keys", "when")
    return Grid("Checks that failed", head, rows, frozenset({1}))


def comparisons(report: Report) -> Grid:
    """What verify compared when it ran last."""
    word = report.recorded.verified
    rows = [
        (name, f"{count:,}", f"{found:,}" if found else "all agree")
        for name, count, found in (word.comparisons if word else ())
    ]
    head = ("comparison", "rows", "differences")
    return Grid("What verify compared", head, rows, frozenset({1, 2}))


def merges(report: Report) -> Grid:
    """The runs of merge-duplicates."""
    rows = [
        (
            f"{run.record} {run.run}",
            minute(run.started),
            "done" if run.ended else "not finished",
            f"{run.merges:,}",
            f"{run.removed:,}",
            f"{run.undone:,}" if run.undone else "",
            run.reason,
        )
        for run in report.recorded.merges
    ]
    head = ("run", "began", "state", "merges", "rows removed", "undone", "reason")
    return Grid("Merges of duplicates", head, rows, frozenset({3, 4, 5}))


def acceptances(report: Report) -> Grid:
    """Gates that somebody opened by hand."""
    rows = [
        (a.revision, a.option, a.by_role, minute(a.at), a.reason)
        for a in report.standing.acceptances
    ]
    head = ("step", "option", "role", "when", "reason")
    return Grid("Gates that were opened by hand", head, rows)


def history(report: Report) -> Grid:
    """What happened, the newest first."""
    words = {"begun": "began", "done": "ended", "abandoned": "was abandoned"}
    rows = [
        (
            f"{h.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            h.step,
            h.direction,
            words.get(h.event, h.event),
            h.by_role,
        )
        for h in report.recorded.history
    ]
    head = ("when", "step", "direction", "what", "role")
    return Grid(f"The last {counted(len(rows), 'event')}", head, rows)
