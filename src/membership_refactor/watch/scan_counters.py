"""The source scan counters: a scan of a table that no known statement explains is a hole.

Counters are no evidence of silence: dumps, index builds and checks of foreign keys raise them, and
a crash sets them to 0. But they count what statistics of statements leave out: statements that
failed, and those of a session in which a superuser has turned the statistics off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from membership_refactor.counts import times
from membership_refactor.sql.quoting import literal
from membership_refactor.watch.samples import Earlier, Sample

NAME = "scan counters"
RANK = 4
CANNOT_SEE = "who scanned a table and why, and everything that was counted before a crash"

EXPLAINED = "explained at"
"""The mark of the newest sample in which a known statement had used one of the tables."""


COUNTED = "counters reset"
"""The mark of when the counters began: a crash sets it for the whole server, a reset for the
database."""
LAST_SCANS = "last scans"
MARKS = (EXPLAINED, COUNTED, LAST_SCANS, "open since", "read at", "scans")
"""The marks of this source. None of them is a hole for every structure."""


def marks(schema: str, tables: Iterable[str], version: int) -> str:
    """SELECT of name and value of the marks: the scans of each table and, from PostgreSQL 16 on,
    the time of the last; when the counters began; the time by the server's own clock; and since
    when the oldest transaction is open."""
    named = ", ".join(map(literal, tables))
    times = "greatest(s.last_seq_scan, s.last_idx_scan)"
    last = times if version >= 160000 else "NULL::timestamptz"
    return f"""\
WITH t AS (
  SELECT s.relname, coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) AS scans, {last} AS last
  FROM pg_catalog.pg_stat_all_tables AS s
  WHERE s.schemaname = {literal(schema)} AND s.relname IN ({named}))
SELECT 'scans', coalesce(pg_catalog.json_object_agg(t.relname, t.scans), '{{}}')::text FROM t
UNION ALL
SELECT '{LAST_SCANS}', pg_catalog.json_object_agg(t.relname, extract(epoch FROM t.last))::text
FROM t HAVING pg_catalog.count(t.last) > 0
UNION ALL
SELECT '{COUNTED}', pg_catalog.concat_ws(' and ', a.stats_reset, d.stats_reset)
FROM pg_catalog.pg_stat_archiver AS a, pg_catalog.pg_stat_database AS d
WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'read at', extract(epoch FROM pg_catalog.clock_timestamp())::text
UNION ALL
SELECT 'open since', extract(epoch FROM coalesce(pg_catalog.min(a.xact_start),
  pg_catalog.clock_timestamp()))::text
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()"""


def explained_at(before: Earlier | None, sample: Sample, *, used: bool) -> str:
    """The mark of this sample. ``used`` says that a known statement has used a table since."""
    now = sample.marks.get("read at", "0")
    return now if used or before is None else before.marks.get(EXPLAINED, now)


def unexplained(before: Earlier, sample: Sample, table: str) -> tuple[str, ...]:
    """A hole where the table was scanned and no known statement can have done it, and where that
    cannot be told because the counters were lost.

    A transaction counts its scans at its end, and a session up to a minute after it. So a
    statement explains them while a transaction of its time is open, and in the sample after that.
    """
    old, new = _scans(before.marks).get(table, 0), _scans(sample.marks).get(table, 0)
    began, begins = before.marks.get(COUNTED), sample.marks.get(COUNTED)
    if new < old or (began is not None and began != begins):
        return (
            f"the scan counters of {table} were lost in a crash or an immediate stop, or reset, so "
            "a statement that failed would not be seen",
        )
    if new == old:
        return ()
    explained = float(sample.marks.get(EXPLAINED, "0"))
    since = min(
        float(before.marks.get("open since", "0")),
        float(before.marks.get("read at", "0")),
    )
    if explained >= since:
        return ()
    last = json.loads(sample.marks.get(LAST_SCANS, "{}")).get(table)
    when = f" (last at {datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M:%S} UTC)" if last else ""
    return (
        f"{table} was scanned {times(new - old)} by no statement that is known{when}: one that "
        "failed, or one of a session without statistics",
    )


def _scans(marks: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = json.loads(marks.get("scans", "{}"))
    return found
