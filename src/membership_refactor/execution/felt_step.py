"""Protects others while a step runs: measures what they feel, and limits what works at a time."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import psycopg

from membership_refactor.execution.cores import MOST_WORKERS
from membership_refactor.execution.felt_records import FeltAction, FeltRecords
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.probe import Probe
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, Sessions, is_pooled, value
from membership_refactor.sql.pacing.latency import PROBED_BYTES
from membership_refactor.sql.pacing.pressure import FREE_SESSIONS
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.steps.step import Direction


class FeltStep:
    """One step in one direction. Leaving the block ends what it measures."""

    def __init__(
        self,
        sessions: Sessions,
        ledger: Ledger,
        options: Options,
        progress: Progress,
        *,
        step: str,
        direction: Direction,
        tables: tuple[str, ...],
    ) -> None:
        self.sessions, self.ledger, self.options = sessions, ledger, options
        self.progress, self.step, self.direction = progress, step, direction
        self.tables = tables
        self.probe: Probe | None = None
        self._large: bool | None = None
        self._room: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.probe is not None:
            self.probe.end()

    def measure(self, pg: Pg, key: str, title: str, *, long: bool) -> None:
        """Measure from now on under the key of this action, from the first long one on."""
        most = self.options.max_latency
        if most is None or (self.probe is None and not long):
            return
        if self.probe is None:
            if (most.by_default and not self.is_large(pg)) or not self._has_room(pg):
                return
            records = FeltRecords(self.ledger)
            self.probe = Probe(self.sessions, records, most, self.progress.say)
        self.probe.begin(FeltAction(self.step, self.direction, key, title))

    def workers(self, pg: Pg) -> int:
        """How many batches may work at a time: what somebody asked for, else half of the server's
        cores where they are known and a table is large."""
        most = self._most_workers
        if self.options.workers is not None or most == 1:
            return most
        if not self.is_large(pg):
            return 1
        self.progress.say(
            f"  {most} batches at a time, because the server has {2 * most} cores or more; "
            "-x workers=1 asks for one"
        )
        return most

    @property
    def _most_workers(self) -> int:
        return self.options.workers or min((self.sessions.parallel or 0) + 1, MOST_WORKERS)

    def is_large(self, pg: Pg) -> bool:
        """Whether a table of the plan is so large that a step takes more than a second."""
        if self._large is None:
            self._large = self._read_size(pg) >= PROBED_BYTES
        return self._large

    def _has_room(self, pg: Pg) -> bool:
        """Whether a session more may be opened than the step needs without it."""
        if self._room is None:
            self._room, why = True, ""
            free, most = int(value(pg, FREE_SESSIONS)), self.options.max_latency
            # A session of each worker, and two that look and begin.
            if free <= self._most_workers + 2:
                self._room = False
                why = f"only {max(free, 0)} more sessions may be opened, and the step needs them"
            elif is_pooled(self.sessions.engine) and most is not None and most.by_default:
                # A pooler with no session left would keep the step waiting for one.
                self._room = False
                why = "a pooler may have few sessions; -x max-latency=3x measures with one more"
            if why:
                self.progress.say(
                    f"  warning: the latency of small writes is not measured, because {why}"
                )
        return self._room

    def _read_size(self, pg: Pg) -> int:
        names = ", ".join(literal(qualified(self.ledger.schema, name)) for name in self.tables)
        try:
            return int(
                value(
                    pg,
                    "SELECT coalesce(sum(pg_catalog.pg_table_size(coalesce(p.relid, t.t))), 0)\n"
                    f"FROM (SELECT pg_catalog.to_regclass(n) AS t\n"
                    f"  FROM pg_catalog.unnest(ARRAY[{names}]::pg_catalog.text[]) AS n) AS t\n"
                    # A partitioned table has its rows in its partitions.
                    "LEFT JOIN LATERAL pg_catalog.pg_partition_tree(t.t) AS p ON true\n"
                    "WHERE t.t IS NOT NULL",
                )
            )
        except psycopg.errors.LockNotAvailable:
            # Somebody holds the table, so that its size cannot be read.
            return PROBED_BYTES
