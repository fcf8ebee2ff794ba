"""The source running sessions: what others run at this moment, with their application's name.

It shows a tenth of a second in five minutes, so its silence is no evidence. But it names the
application, and sees statements that still run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from membership_refactor.watch.ledger_rows import Seen
from membership_refactor.watch.place import Place
from membership_refactor.watch.samples import Earlier, Sample
from membership_refactor.watch.statement_kinds import Kind, kind_of
from membership_refactor.watch.statement_uses import seen_use

NAME = "running sessions"
RANK = 5
CANNOT_SEE = "whatever runs between two samples, and the end of a text longer than 1 kB"

SESSIONS = """\
SELECT coalesce(a.usename::text, ''), coalesce(a.application_name, ''), a.query,
  extract(epoch FROM a.query_start)::float8
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
  AND a.pid <> pg_catalog.pg_backend_pid() AND a.query_start IS NOT NULL
  AND a.state IN ('active', 'idle in transaction', 'idle in transaction (aborted)')"""
"""Role, application, text and start of what runs now, or ran last in an open transaction."""


def running_uses(
    rows: Iterable[tuple[str, str, str, float]],
    before: Earlier | None,
    sample: Sample,
    place: Place,
) -> Iterator[Seen]:
    """The uses that began after the sample before; an older one was seen by that."""
    since = float(before.marks.get("read at", "0")) if before is not None else 0.0
    shown = replace(sample, source=NAME)
    for role, application, text, started in rows:
        if started < since or application.startswith("pg_dump"):
            continue
        if kind_of(text, role, place.own, toplevel=True, dumps=False) is Kind.USE:
            for use in place.uses(text, (place.stage.value,)):
                yield seen_use(shown, use, role=role, text=text, uses=1, application=application)
