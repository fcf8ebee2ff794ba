"""Estimates: the rows and bytes that actions write, and the seconds that they take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from membership_refactor.checks.check import Reach
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.scale import grown, with_workers
from membership_refactor.portrait import Portrait
from membership_refactor.sql.parents.key_statistics import groups_query
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.actions import Action, Alone, Build, Ranges, Run, Switch, Verify
from membership_refactor.steps.enrollment_identity import UniqueIndex

RATES: Mapping[str, float] = {
    "copy": 12e-6,
    "rebuild": 10e-6,
    "index": 1.7e-6,
    "keys": 5e-6,
    "validate": 1e-6,
    "check": 4e-6,
    "carry": 6e-4,
    "fill": 40e-6,
}
"""Seconds per row for one worker. Measured with MEASURED rows on PostgreSQL 15, or estimated."""
MEASURED = 100_000
ACTION_SECONDS = 0.02
"""Seconds for an action, besides those for its rows."""
_CALIBRATION = (
    "SELECT pg_catalog.count(pg_catalog.sha256(pg_catalog.int8send(i)))\n"
    "FROM pg_catalog.generate_series(1::bigint, 60000) AS i"
)
_CALIBRATION_SECONDS = 0.04
"""Its time on the machine on which the rates were measured."""
_ROW_OVERHEAD = 40
"""Bytes of an index entry with its share of the page, and the same for the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What is counted in the wide table, or in what is left of it."""

    rows: int = 0
    bytes: int = 0
    groups: int | None = None
    gaps: int | None = None
    losers: int | None = None
    table: str | None = None


class Estimates:
    """Counts the rows once and measures the server once. Both decide every estimate."""

    def __init__(self, runner: Runner, pg: Pg, portrait: Portrait) -> None:
        self.plan, self.names, self.pg, self.portrait = runner.plan, runner.names, pg, portrait
        self.workers = runner.options.workers or 1
        self.times_as_long = _measured_pace(pg)
        self.counts = self._count()

    def _count(self) -> Counts:
        plan = self.plan
        needed = {*plan.ids, *plan.deprecated}
        tables = [self.portrait.find(name) for name in (plan.source, plan.child)]
        # The wide table first: while it is being copied, the copy is not complete. The rebuilt
        # parent may have its name, and has no id. At the end only the child is left.
        there = [
            t
            for t in tables
            if t is not None and t.kind == "r" and {*plan.ids} <= {*t.column_names}
        ]
        wide = next((t for t in there if needed <= set(t.column_names)), None)
        wide = wide or (there[-1] if there else None)
        if wide is None:
            return Counts()
        where = qualified(wide.schema, wide.name)
        found = Counts(table=where, bytes=wide.bytes or 0)
        if plan.key and set(plan.deprecated) <= set(wide.column_names):
            row = run(self.pg, groups_query(plan, wide, where)).fetchone()
            assert row is not None
            rows, groups, gaps, losers = (int(n) for n in row)
            return replace(found, rows=rows, groups=groups, gaps=gaps, losers=losers)
        return replace(found, rows=int(value(self.pg, f"SELECT pg_catalog.count(*) FROM {where}")))

    def rows_written(self, action: Action) -> int:
        match action:
            case Build(popular=True):
                return 0  # counted with the build
            case Build():
                parents = action.build.target == self.names.parent
                return (self.counts.groups or 0) if parents else self.counts.rows
            case Ranges(vacuum=True):
                return self.counts.rows
            case Ranges():
                return self.counts.losers or 0
        return 0

    def rows_read(self, action: Action) -> int:
        return self.counts.rows if isinstance(action, (Build, Ranges)) else 0

    def bytes(self, rows: int) -> int:
        """Rows written, each as large as a row with its indexes is now, and the new link if any."""
        if not rows or not self.counts.rows:
            return 0
        width = self.counts.bytes / self.counts.rows + 2 * _ROW_OVERHEAD
        return round(rows * width)

    def archive_bytes(self) -> int:
        """Bytes that dropping the retired table frees. It is the old wide table."""
        retired = self.portrait.find(self.plan.retired)
        return self.counts.bytes if retired is None else retired.bytes or 0

    def seconds(self, actions: Iterable[Action]) -> float:
        """The time of all of them on this server, with the workers of ``-x workers``."""
        return sum(self._seconds(action) for action in actions) * self.times_as_long

    def _grown(self, rows: int) -> float:
        """As many rows as would take so long at the measured rates."""
        return MEASURED * grown(rows, measured=MEASURED)

    def _seconds(self, action: Action) -> float:
        rows, groups = self._grown(self.counts.rows), self._grown(self.counts.groups or 0)
        match action:
            case Build(popular=True):
                return ACTION_SECONDS
            case Build():
                kind = "rebuild" if action.build.target == self.names.parent else "copy"
                return with_workers(ACTION_SECONDS, rows * RATES[kind], self.workers)
            case Ranges(vacuum=True):
                return with_workers(ACTION_SECONDS, rows * RATES["fill"], self.workers)
            case Ranges():
                losers = self._grown(self.counts.losers or 0)
                return with_workers(ACTION_SECONDS, losers * RATES["carry"], self.workers)
            case Verify():
                passes = sum(c.reach is Reach.TABLES for c in action.checks)
                return passes * rows * RATES["check"]
            case Alone() | Run():
                single = (action.statement,) if isinstance(action, Alone) else action.statements
                texts = [s.text for s in single]
                of_parent = any(self.names.parent in text for text in texts)
                many = groups if of_parent and groups else rows
                return ACTION_SECONDS + many * sum(_rate(text) for text in texts)
            case Switch() | UniqueIndex():
                return 5 * ACTION_SECONDS
        return ACTION_SECONDS


def _rate(text: str) -> float:
    """Seconds per row of a statement that reads a table. 0 for one that reads the catalog."""
    words = text.split(None, 4)
    if words[:1] == ["ANALYZE"]:
        return RATES["keys"]
    if words[:2] in (["CREATE", "INDEX"], ["CREATE", "UNIQUE"]):
        return RATES["index"]
    if "VALIDATE CONSTRAINT" in text:
        return RATES["validate"]
    return RATES["check"] if words[:2] == ["INSERT", "INTO"] and "SELECT" in text else 0.0


def _measured_pace(pg: Pg) -> float:
    """The shortest of three runs, because other sessions may slow each of them."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        run(pg, _CALIBRATION)
        taken.append(time.perf_counter() - began)
    return min(taken) / _CALIBRATION_SECONDS
