"""A million enrollments with 1 % trouble: what ``duplicates``, ``merge`` and revision 0002 cost.

    python -m benchmarks.duplicates [--rows 1000000] [--json FILE]

On a server of its own that is gone afterwards. What looking costs, in CPU seconds of server and
client together, is compared with one plain GROUP BY; the rest is wall time.

The plain GROUP BY is what one would type to look for duplicate keys: GROUP BY external_user_key,
program_uuid, curriculum_uuid HAVING count(*) > 1, with the server's own settings, and not fetching
a row. Of a million rows 806,000 have a key. The same for users is given beside it; it reads the
605,000 rows that have one, compares eight bytes instead of a text, and is the cheaper of the two.
To know what ``duplicates`` says of both identities, one would need both.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from benchmarks.measure import server_cpu
from membership_refactor.database import (
    create_database,
    drop_database,
    libpq_url,
    normalise_url,
    server_for_tests,
)
from membership_refactor.enrollment.add_constraints import Done, add_constraints
from membership_refactor.enrollment.detect import findings
from membership_refactor.enrollment.merge import merge
from membership_refactor.models.enrollment import EnrollmentBase
from membership_refactor.plans.program_enrollment import IDENTITY

ROWS = 1_000_000

FILL = """
INSERT INTO program_enrollment (user_id, external_user_key, program_uuid, curriculum_uuid, status)
SELECT CASE WHEN g % 5 < 3 THEN g END, CASE WHEN g % 5 <> 0 THEN 'learner-' || g END,
  pg_catalog.md5((g % 200)::text)::uuid, pg_catalog.md5('c' || g % 3)::uuid, 'enrolled'
FROM pg_catalog.generate_series(1, {rows}) AS g
"""
# Of ten: 4 repeat a user, 4 repeat a key, 1 contradicts, 1 is another spelling.
TROUBLE = """
INSERT INTO program_enrollment (user_id, external_user_key, program_uuid, curriculum_uuid, status)
SELECT CASE WHEN k.n < 4 THEN e.user_id WHEN k.n = 8 THEN e.user_id + 100000000 END,
  CASE WHEN k.n = 9 THEN pg_catalog.upper(e.external_user_key)
    WHEN k.n >= 4 THEN e.external_user_key END,
  e.program_uuid, e.curriculum_uuid, 'enrolled'
FROM program_enrollment AS e CROSS JOIN LATERAL (SELECT e.id / 100 % 10) AS k(n)
WHERE e.id % 100 = 1 AND e.user_id IS NOT NULL AND e.external_user_key IS NOT NULL
"""
COURSES = """
INSERT INTO program_course_enrollment (program_enrollment_id, course_key, status)
SELECT e.id, 'course-' || c, 'active'
FROM program_enrollment AS e CROSS JOIN pg_catalog.generate_series(1, 2) AS c
WHERE e.id % 10 = 1 OR e.id > {rows}
"""
GROUP_BY = """
SELECT pg_catalog.count(*) FROM (
  SELECT {column}, program_uuid, curriculum_uuid FROM program_enrollment
  WHERE {column} IS NOT NULL GROUP BY 1, 2, 3 HAVING pg_catalog.count(*) > 1) AS g
"""


@dataclass
class Figures:
    """Everything measured, in seconds unless the name says otherwise."""

    rows: int
    group_by_user: float = 0
    group_by_key: float = 0
    group_by_key_64mb: float = 0
    """Given the memory that ``duplicates`` allows itself."""
    duplicates: float = 0
    ratio: float = 0
    """``duplicates`` by the plain GROUP BY, over the key."""
    ratio_64mb: float = 0
    ratio_user: float = 0
    found: dict[str, int] = field(default_factory=dict)
    merge: float = 0
    merged: int = 0
    installed: float = 0
    longest_lock_held_ms: float = 0
    longest_write_ms: float = 0
    writes: int = 0


def prepare(engine: Engine, rows: int) -> None:
    """The table without its constraints, filled."""
    EnrollmentBase.metadata.create_all(engine)
    with engine.begin() as connection:
        for name in (IDENTITY.required, *(a.constraint for a in IDENTITY.alternatives)):
            _run(connection, f"ALTER TABLE program_enrollment DROP CONSTRAINT {name}")
        for text in (FILL, TROUBLE, COURSES):
            _run(connection, text.replace("{rows}", str(rows)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _run(connection, "VACUUM (ANALYZE)")


def measure(engine: Engine, url: str, rows: int, *, times: int = 5) -> Figures:
    """The figures of one table of that size."""
    figures = Figures(rows)
    found: Counter[str] = Counter()

    def look() -> None:
        found.clear()
        with engine.connect() as connection, connection.begin():
            found.update(f.kind.value for f in findings(connection, IDENTITY, "public"))

    seconds = _clock(engine)
    gc.freeze()  # as the verb does
    # In turns, and the best of each: what else the machine does is not to be compared.
    rounds = [
        (
            seconds(lambda: _group_by(engine, "user_id")),
            seconds(lambda: _group_by(engine, "external_user_key")),
            seconds(lambda: _group_by(engine, "external_user_key", memory="64MB")),
            seconds(look),
        )
        for _ in range(times)
    ]
    best = [min(times_) for times_ in zip(*rounds, strict=True)]
    figures.group_by_user, figures.group_by_key, figures.group_by_key_64mb = best[:3]
    figures.duplicates = best[3]
    figures.found = dict(found)
    figures.ratio = figures.duplicates / figures.group_by_key
    figures.ratio_64mb = figures.duplicates / figures.group_by_key_64mb
    figures.ratio_user = figures.duplicates / figures.group_by_user
    began = time.perf_counter()
    figures.merged = merge(engine, IDENTITY, "public").merged
    figures.merge = time.perf_counter() - began
    with engine.begin() as connection:
        # What a person would decide: the contradicting rows go.
        _run(
            connection,
            "DELETE FROM program_course_enrollment WHERE program_enrollment_id IN"
            " (SELECT id FROM program_enrollment WHERE user_id > 100000000)",
        )
        _run(connection, "DELETE FROM program_enrollment WHERE user_id > 100000000")
    with writing(url) as delays:
        began = time.perf_counter()
        report: Done = add_constraints(engine, IDENTITY, "public")
        figures.installed = time.perf_counter() - began
    figures.longest_lock_held_ms = max(held.held_ms for held in report.held.values())
    figures.longest_write_ms, figures.writes = max(delays), len(delays)
    return figures


@contextlib.contextmanager
def writing(url: str) -> Iterator[list[float]]:
    """Meanwhile somebody writes; the milliseconds of each write."""
    delays: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            number = 500_000_000
            while not stop.is_set():
                number += 1
                began = time.perf_counter()
                connection.execute(
                    "INSERT INTO program_enrollment (user_id, program_uuid, curriculum_uuid,"
                    " status) VALUES (%s, gen_random_uuid(), gen_random_uuid(), 'pending')",
                    (number,),
                )
                delays.append((time.perf_counter() - began) * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield delays
    finally:
        stop.set()
        writer.join()


def _group_by(engine: Engine, column: str, *, memory: str | None = None) -> None:
    with engine.connect() as connection, connection.begin():
        if memory:
            _run(connection, f"SET LOCAL work_mem = '{memory}'")
        _run(connection, GROUP_BY.replace("{column}", column))


def _clock(engine: Engine) -> Callable[[Callable[[], None]], float]:
    """Measures CPU seconds of server and client, which a busy machine hardly changes; where they
    cannot be read, the wall clock's."""
    postmaster = None
    with contextlib.suppress(DBAPIError), engine.connect() as connection:
        text = connection.exec_driver_sql("SELECT pg_catalog.pg_read_file('postmaster.pid')")
        postmaster = int(str(text.scalar()).splitlines()[0])

    def now() -> float:
        if postmaster is None or not Path(f"/proc/{postmaster}").exists():
            return time.perf_counter()
        return server_cpu(postmaster) + time.process_time()

    def seconds(work: Callable[[], None]) -> float:
        began = now()
        work()
        return now() - began

    return seconds


def _run(connection: Connection, text: str) -> None:
    connection.execution_options(no_parameters=True).exec_driver_sql(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with server_for_tests() as server:
        name = f"bench_duplicates_{int(time.time())}"
        url = normalise_url(create_database(server.url, name))
        engine = create_engine(url)
        try:
            prepare(engine, options.rows)
            figures = measure(engine, url, options.rows)
        finally:
            engine.dispose()
            drop_database(server.url, name)
    print("ratio: by GROUP BY external_user_key, program_uuid, curriculum_uuid, default settings")
    for label, value in asdict(figures).items():
        shown = f"{value:.3f}" if isinstance(value, float) else value
        print(f"{label:22} {shown}")
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    if figures.ratio > 3:
        sys.exit("duplicates costs more than three times a plain GROUP BY")


if __name__ == "__main__":
    main()
