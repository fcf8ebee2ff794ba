"""What ``status --watch`` shows: the open step, why it waits, and who waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from membership_refactor.counts import counted
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import as_oneself, run
from membership_refactor.inspect.read_only import looking
from membership_refactor.inspect.sizes import duration, size
from membership_refactor.inspect.status import read_standing
from membership_refactor.inspect.status_text import Standing, felt_line, job_line
from membership_refactor.sql.pacing.pressure import OWN_SESSIONS, REPLICAS, queues, waiting
from membership_refactor.sql.quoting import literal, qualified

NEXT = 3
"""Actions of the open step that are named as the next ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A session that waits for a lock on a table of the plan."""

    pid: int
    who: str
    seconds: float | None
    mode: str
    table: str
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The step and its surroundings at one moment."""

    at: datetime
    standing: Standing
    waits: str | None
    """Why batches wait now. None where they go on."""
    queued: tuple[Queued, ...]
    sessions: tuple[str, ...]
    """This tool's sessions: what each works on, and what it waits for."""
    replicas: tuple[tuple[str, int | None], ...]
    """(name, bytes behind); None where the login may not see it."""


def read_moment(runner: Runner) -> Moment:
    """Read everything once. Changes nothing, and takes no lock that others could wait for."""
    standing = read_standing(runner)
    plan = literal(runner.plan.name)
    tables = tuple(qualified(runner.schema, name) for name in runner.tables)
    with looking(runner, "watch") as pg:
        last = None
        if standing.ledger is not None:
            last = run(pg, waiting(runner.ledger.table("event"), plan)).fetchone()
        # Only the login itself may be allowed to see what others do.
        with as_oneself(pg):
            queued = run(pg, queues(tables)).fetchall()
            own = run(pg, OWN_SESSIONS).fetchall()
            replicas = run(pg, REPLICAS).fetchall()
    working = [row for row in own if "look" not in row[1].split()]
    # A step that was killed while it waited has left that word behind.
    waits = last[1] if working and last and last[0] == "waiting" and standing.open_step else None
    return Moment(
        at=datetime.now(UTC),
        standing=standing,
        waits=waits,
        queued=tuple(
            Queued(pid=p, who=w, seconds=s, mode=m, table=t, ours=o) for p, w, s, m, t, o in queued
        ),
        sessions=tuple(
            f"{name.removeprefix('membership_refactor ')} (pid {pid}): {state}"
            + (f", waits for {wait}" if wait and state == "active" else "")
            for pid, name, state, wait in working
        ),
        replicas=tuple((name, behind) for name, behind in replicas),
    )


def headline(moment: Moment) -> str:
    """One line: where the chain stands and what runs."""
    s = moment.standing
    stands = f"at {s.alembic_version}" if s.alembic_version else "nothing has run yet"
    if s.open_step is None:
        return f'plan "{s.plan}" in schema "{s.schema}": {stands}, no step is open'
    o = s.open_step
    return f'plan "{s.plan}" in schema "{s.schema}": {o.label} is open {o.direction}'


def lines(moment: Moment) -> Iterator[str]:
    """The moment as plain lines, for a file or a pipe."""
    yield headline(moment)
    if moment.standing.open_step is not None:
        yield from (f"  {job_line(job)}" for job in moment.standing.open_step.jobs)
    yield from (f"  {text}" for _, text in _remarks(moment))


def shown(moment: Moment, *, keys: str, said: str) -> RenderableType:
    """The moment for a terminal: bars, remarks, and ``keys`` with what the last one did."""
    # What a key did comes first: a screen that is too long for the terminal loses its end.
    parts: list[RenderableType] = [
        Text(headline(moment), style="bold"),
        Text(f"{moment.at:%H:%M:%S} UTC   {keys}", style="dim"),
    ]
    if said:
        parts.append(Text(said, style="bold"))
    step = moment.standing.open_step
    if step is not None and step.jobs:
        bars = Table.grid(padding=(0, 1), expand=True)
        bars.add_column(overflow="fold")
        bars.add_column(ratio=1, min_width=8)
        for _ in range(3):
            bars.add_column(justify="right", no_wrap=True)
        for job in step.jobs:
            bars.add_row(
                job.job,
                ProgressBar(total=100, completed=job.percent or 0, pulse=job.percent is None),
                f"{job.percent:.0f} %" if job.percent is not None else f"{job.rows:,} rows",
                f"{job.rows_per_second:,.0f}/s" if job.rows_per_second else "",
                f"{duration(job.seconds_left)} left" if job.seconds_left else "",
            )
        parts.append(bars)
    if step is not None and step.to_do:
        more = len(step.to_do) - NEXT
        and_more = f"; and {more} more" if more > 0 else ""
        parts.append(Text(f"to do: {'; '.join(step.to_do[:NEXT])}{and_more}"))
    parts += [Text(text, style=style) for style, text in _remarks(moment)]
    return Group(*parts)


def _remarks(moment: Moment) -> Iterator[tuple[str, str]]:
    """(style, text) of what a DBA should know now."""
    yield from pressure(moment)
    for check in moment.standing.broken:
        yield "red", f"check failed: {check.name}, {counted(check.broken, 'row')}"


def pressure(moment: Moment) -> Iterator[tuple[str, str]]:
    """(style, text) of what the step and its surroundings do to each other now."""
    control = moment.standing.control
    if moment.waits:
        yield "yellow", f"waiting: {moment.waits}"
    elif control is not None and control.paused:
        yield "yellow", f"paused{f': {control.note}' if control.note else ''}"
    if control is not None and control.batch_rows:
        yield "", f"batches of {control.batch_rows:,} rows, set by hand"
    step = moment.standing.open_step
    if step is not None and step.felt is not None:
        felt = step.felt
        yield "yellow" if felt.median_ms > felt.allowed_ms else "", felt_line(felt)
    others = [q for q in moment.queued if not q.ours]
    if others:
        longest = others[0]
        took = f"{longest.seconds:.1f} s" if longest.seconds is not None else "an unknown time"
        yield (
            "red",
            f"waiting for a lock: {counted(len(others), 'session')} of others, the longest for "
            f"{took}: pid {longest.pid} ({longest.who}) on {longest.table}",
        )
    for own in (q for q in moment.queued if q.ours):
        yield "yellow", f"this tool waits for {own.mode} on {own.table} (pid {own.pid})"
    for name, behind in moment.replicas:
        far = size(behind) + " behind" if behind is not None else "not visible to this login"
        yield "", f"replica {name}: {far}"
    yield from (("dim", f"session {text}") for text in moment.sessions)
