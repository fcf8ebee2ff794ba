"""Verify and repair: two sides compared in ranges, and what differs put right under a lock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.locks import briefly
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.sql.comparisons import Comparison
from membership_refactor.sql.fence import raise_fence
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.names import Names
from membership_refactor.sql.triggers import SYNC_MARK

RANGE_ROWS = 20_000
MENDED_AT_ONCE = 50
"""Keys of one repair: it holds a lock behind which writers queue."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One key on which the sides differ."""

    key: str
    difference: str
    """``missing``: the authority has it, the other side not; ``extra``: the reverse."""
    columns: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What one comparison found."""

    comparison: Comparison
    findings: list[Finding] = field(default_factory=list)
    ranges: int = 0
    rows: int = 0
    seconds: float = 0.0


def verify(
    sessions: Sessions,
    ledger: Ledger,
    comparison: Comparison,
    *,
    workers: int,
    progress: Progress,
    most: int = 10_000,
) -> Verdict:
    """Compares every range. An interrupted run is taken up where it stopped; a finished one
    begins anew. Reads only, apart from its own place in the ledger."""
    job = f"verify {comparison.name}"
    verdict, lock, stop = Verdict(comparison=comparison), threading.Lock(), threading.Event()
    began = time.perf_counter()
    with sessions.open(purpose="verify") as pg:
        ranges = _ranges(pg, ledger, comparison, job)
        expected = _estimate(pg, comparison)
    pending = iter(ranges)

    def work() -> None:
        with sessions.open(purpose="verify") as pg:
            # A range reads both sides in one snapshot; an index scan on either keeps it short.
            run(pg, "SET default_transaction_read_only = on")
            while not stop.is_set():
                with lock:
                    span = next(pending, None)
                if span is None:
                    return
                found = [
                    Finding(key, difference, tuple(columns))
                    for key, difference, columns in run(
                        pg, comparison.in_range(span[1], span[2])
                    ).fetchall()
                ]
                with lock:
                    verdict.findings += found[: max(most - len(verdict.findings), 0)]
                    verdict.ranges += 1
                    with sessions.open(purpose="verify") as other:
                        _note(other, ledger, job, span[0], found)
                    task.advance(RANGE_ROWS)

    with progress.task(f"comparing {comparison.name}", expected) as task:
        try:
            with ThreadPoolExecutor(workers) as pool:
                for future in [pool.submit(work) for _ in range(workers)]:
                    future.result()
        except BaseException:
            stop.set()
            raise
    with sessions.open(purpose="verify") as pg:
        verdict.findings = list(_noted(pg, ledger, job))[:most]
        ledger.close_job(pg, job)
        verdict.rows = expected or 0
    verdict.seconds = time.perf_counter() - began
    return verdict


def _estimate(pg: Pg, comparison: Comparison) -> int | None:
    rows = value(
        pg,
        "SELECT reltuples::bigint FROM pg_catalog.pg_class "
        f"WHERE oid = {literal(comparison.route)}::pg_catalog.regclass",
    )
    return int(rows) if rows and rows > 0 else None


def _ranges(
    pg: Pg, ledger: Ledger, comparison: Comparison, job: str
) -> list[tuple[int, str | None, str | None]]:
    """The ranges still to be compared, end to end; cut anew when none is left from before."""
    batches, mine = ledger.table("batch"), _mine(ledger, job)
    if not value(pg, f"SELECT pg_catalog.count(*) FROM {batches} WHERE {mine}"):
        key = ident(comparison.key)
        run(
            pg,
            f"INSERT INTO {batches} (plan, job, n, first, last)\n"
            f"SELECT {literal(ledger.plan.name)}, {literal(job)}, row_number() OVER (ORDER BY c.n),\n"
            "  pg_catalog.lag(c.key) OVER (ORDER BY c.n), c.key FROM (\n"
            f"  SELECT t.{key}::text AS key, t.n FROM (SELECT {key}, row_number() OVER "
            f"(ORDER BY {key}) AS n\n    FROM {comparison.route} WHERE {key} IS NOT NULL) AS t\n"
            f"  WHERE t.n % {RANGE_ROWS} = 0 UNION ALL SELECT NULL, 9223372036854775807) AS c",
        )
    rows = run(
        pg, f"SELECT n, first, last FROM {batches} WHERE {mine} AND NOT done ORDER BY n"
    ).fetchall()
    return [(int(n), first, last) for n, first, last in rows]


def _mine(ledger: Ledger, job: str) -> str:
    return f"plan = {literal(ledger.plan.name)} AND job = {literal(job)}"


def _note(pg: Pg, ledger: Ledger, job: str, n: int, found: list[Finding]) -> None:
    values = [[f.key, f.difference, list(f.columns)] for f in found]
    noted = literal(json.dumps(values))
    run(
        pg,
        f"UPDATE {ledger.table('batch')} SET done = true, rows = {len(found)}, worker = {noted},\n"
        f"  done_at = pg_catalog.clock_timestamp() WHERE {_mine(ledger, job)} AND n = {n}",
    )


def _noted(pg: Pg, ledger: Ledger, job: str) -> Iterator[Finding]:
    rows = run(
        pg,
        f"SELECT worker FROM {ledger.table('batch')} "
        f"WHERE {_mine(ledger, job)} AND rows > 0 ORDER BY n",
    ).fetchall()
    for (text,) in rows:
        for key, difference, columns in json.loads(text):
            yield Finding(key, difference, tuple(columns))


@dataclass(frozen=True, slots=True)
class Repaired:
    """What repair did to the keys it was given."""

    mended: tuple[Finding, ...]
    agreed: int
    """Keys that agreed when they were read again under the lock."""


def repair(
    sessions: Sessions, ledger: Ledger, names: Names, verdict: Verdict, *, seconds: float
) -> Repaired:
    """Puts the findings right from the authoritative side, each read again under the lock.

    Locks: both tables SHARE ROW EXCLUSIVE, waited for 50 ms and held 20 ms at most, for up to 50
    keys at a time. The fence moves: what was mended is invisible to older snapshots. What stood
    there before is in the ledger's ``repair``. RefactorError where nothing holds the truth any
    more.
    """
    comparison = verdict.comparison
    keys = list(dict.fromkeys(f.key for f in verdict.findings))
    if keys and not comparison.mend:
        raise RefactorError(
            f'"{comparison.name}" cannot be mended: {len(keys)} keys, first {keys[0]}; what they '
            "held is nowhere in the tables any more.",
            hint="Restore those rows from a backup.",
        )
    mended: list[Finding] = []
    with sessions.open(purpose="repair") as pg:
        for start in range(0, len(keys), MENDED_AT_ONCE):
            part = keys[start : start + MENDED_AT_ONCE]
            mended += _mend(pg, ledger, names, comparison, part, seconds=seconds)
    return Repaired(tuple(mended), len(keys) - len({f.key for f in mended}))


def _mend(
    pg: Pg,
    ledger: Ledger,
    names: Names,
    comparison: Comparison,
    keys: list[str],
    *,
    seconds: float,
) -> list[Finding]:
    listed = ", ".join(literal(k) for k in keys)
    array = f"ARRAY[{listed}]::{comparison.key_type}[]"
    found: list[Finding] = []

    def under_lock(connection: Pg) -> None:
        found.clear()
        rows = run(connection, comparison.of_keys(array)).fetchall()
        found.extend(Finding(k, d, tuple(c)) for k, d, c in rows)
        if not found:
            return
        run(connection, f"SET LOCAL {SYNC_MARK} = 'on'")
        was = run(connection, comparison.was.replace("{keys}", array)).fetchall()
        before: dict[str, object] = dict(was)
        for finding in found:
            _record(connection, ledger, comparison, finding, before.get(finding.key))
        for text in comparison.mend:
            run(connection, text.replace("{keys}", array))
        run(connection, raise_fence(names).text)

    briefly(pg, comparison.locks, under_lock, seconds=seconds)
    return list(found)


def _record(
    pg: psycopg.Connection[tuple[object, ...]],
    ledger: Ledger,
    comparison: Comparison,
    finding: Finding,
    was: object,
) -> None:
    columns = ", ".join(literal(c) for c in finding.columns)
    values = ", ".join(
        literal(v) for v in (ledger.plan.name, comparison.name, finding.key, finding.difference)
    )
    document = "NULL" if was is None else f"{literal(json.dumps(was))}::jsonb"
    run(
        pg,
        f"INSERT INTO {ledger.table('repair')} (plan, comparison, key, difference, columns, was)\n"
        f"VALUES ({values}, ARRAY[{columns}]::text[], {document})",
    )
