"""The ranges of one comparison, in the ledger: made, resumed, and deleted when too old."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.quoting import literal

TRUSTED_HOURS = 24
"""Ranges that an interrupted run has compared are trusted for this long."""


@dataclass(frozen=True, slots=True)
class Range:
    """The rows above ``first`` and up to ``last``. None is no limit."""

    n: int
    first: str | None
    last: str | None
    rows: int


def forget_stale(pg: Pg, ledger: Ledger, purpose: str, job: str) -> None:
    """Delete ranges of this comparison that divide another column, are too old, or are older than
    the last step."""
    batches, steps = ledger.table("batch"), ledger.table("step")
    plan, mine = literal(ledger.plan.name), of_job(ledger, job)
    began = f"(SELECT pg_catalog.min(b.claimed_at) FROM {batches} AS b WHERE {mine})"
    run(
        pg,
        f"DELETE FROM {batches} WHERE plan = {plan}\n"
        f"AND pg_catalog.starts_with(job, {literal(purpose)}) AND (job <> {literal(job)}\n"
        f"  OR {began} < pg_catalog.clock_timestamp() - interval '{TRUSTED_HOURS} hours'\n"
        f"  OR {began} < (SELECT pg_catalog.max(s.ended_at) FROM {steps} AS s"
        f" WHERE s.plan = {plan}))",
    )


def say_resumed(
    pg: Pg, ledger: Ledger, comparison: Comparison, job: str, progress: Progress
) -> None:
    """Print when the interrupted run, whose ranges are used again, began."""
    ((done, count, since),) = run(
        pg,
        "SELECT pg_catalog.count(*) FILTER (WHERE done), pg_catalog.count(*), pg_catalog.to_char(\n"
        "  pg_catalog.min(claimed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')\n"
        f"FROM {ledger.table('batch')} WHERE {of_job(ledger, job)}",
    ).fetchall()
    if done:
        progress.say(
            f"comparing {comparison.name}: {done} of {count} ranges come from an "
            f"interrupted run that began at {since} UTC"
        )


def open_ranges(pg: Pg, ledger: Ledger, comparison: Comparison, job: str, size: int) -> list[Range]:
    """Return the ranges still to be compared. They are made first where there are none."""
    batches, mine = ledger.table("batch"), of_job(ledger, job)
    plan = literal(ledger.plan.name)
    with pg.transaction():
        if not value(pg, f"SELECT pg_catalog.count(*) FROM {batches} WHERE {mine}"):
            route = comparison.route
            after = partial(comparison.route_key.compared, "r", ">")
            # The first range has no lower limit, and the last has no upper limit.
            run(
                pg,
                f"INSERT INTO {batches} (plan, job, n, first, last, rows)\n"
                f"WITH RECURSIVE cut (n, key) AS (\n"
                f"  SELECT 1, ({_nth(comparison, size, 'true')})\n"
                f"  UNION ALL SELECT c.n + 1, ({_nth(comparison, size, after('c.key'))})\n"
                "  FROM cut AS c WHERE c.key IS NOT NULL)\n"
                f"SELECT {plan}, {literal(job)}, c.n, c.before::text, c.key::text,\n"
                f"  CASE WHEN c.key IS NOT NULL THEN {size}\n"
                f"    WHEN c.before IS NULL THEN (SELECT pg_catalog.count(*) FROM {route})\n"
                f"    ELSE (SELECT pg_catalog.count(*) FROM {route} AS r WHERE {after('c.before')})"
                " END\n"
                "FROM (SELECT n, key, pg_catalog.lag(key) OVER (ORDER BY n) AS before\n"
                "  FROM cut) AS c",
            )
    rows = run(
        pg, f"SELECT n, first, last, rows FROM {batches} WHERE {mine} AND NOT done ORDER BY n"
    ).fetchall()
    return [Range(int(n), first, last, int(count)) for n, first, last, count in rows]


def _nth(comparison: Comparison, n: int, condition: str) -> str:
    """SQL for the key of the ``n``-th row that meets the condition. Going along the index like
    this takes a third of the time of numbering all rows."""
    key = comparison.route_key
    return (
        f"SELECT {key.word('r')} FROM {comparison.route} AS r "
        f"WHERE {key.present('r')} AND {condition}\n"
        f"    ORDER BY {key.listed('r')} OFFSET {n - 1} LIMIT 1"
    )


def of_job(ledger: Ledger, job: str) -> str:
    """A condition on the ledger's batches."""
    return f"plan = {literal(ledger.plan.name)} AND job = {literal(job)}"
