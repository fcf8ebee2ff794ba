"""Weeks that are played in seconds: the readers read, the watch samples, and the gates open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from membership_refactor.consumers import read_consumers
from membership_refactor.demo.readers import (
    AUDIT,
    NOTEBOOK,
    OF_ARCHIVE,
    OF_COPY,
    OF_PARENT,
    OF_SOURCE,
    REPORTS,
    ROLES,
    Readers,
)
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.planning.targets import scan_stage, targets_of
from membership_refactor.report.record_scan import record
from membership_refactor.scan.read.worker_processes import Limits
from membership_refactor.scan.run import Request as ScanRequest
from membership_refactor.scan.run import scan
from membership_refactor.watch.take_sample import Request, Watch
from membership_refactor.watch.usage import GateStatus, Usage, read_usage

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.max": "20000",
    "logging_collector": "on",
    "log_destination": "jsonlog",
}
"""What the server needs for a watch that covers everything."""
FIRST_READERS = {REPORTS: OF_SOURCE}
BEGINS = {"retire_source": {AUDIT: OF_ARCHIVE, NOTEBOOK: OF_SOURCE}}
"""Who begins to read when a step has run the first time."""
MOVES: dict[str, dict[str, str | None]] = {
    "retire_source": {REPORTS: OF_COPY},
    "create_parent": {NOTEBOOK: None},
    "stop_parallel_save": {REPORTS: OF_PARENT},
    "drop_retired_table": {AUDIT: None},
}
"""Whose next release reads otherwise, or no more, while a step waits for its gate."""
DAYS_OF_USE = 2
"""How long those read on before, so that the gate has somebody to name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedGate:
    """What kept the gates of a step closed, and what opened them."""

    revision: str
    step: str
    target: str
    refused: tuple[str, ...]
    """What it said before it opened; empty where it was open at once."""
    days: int
    """How many days were played."""
    last_use: str
    """By whom and when; empty where nobody ever used it."""
    source: str
    """The source that covered the time."""
    consumers: int
    """How many were scanned, and nothing in their SQL stands in the way."""


@dataclass
class Weeks:
    """The clock of the evidence in one database, and everybody who reads there."""

    runner: Runner
    dsn: str
    folder: Path
    """Where the consumers' files are."""
    logs: tuple[str, ...]
    """Patterns of the server's log files."""
    readers: Readers
    writers: list[str]
    """The kinds of application that run."""
    days: int = 0
    """How many were played."""
    longest: int = 60
    """After so many days a gate that is still closed is a fault of the demo."""
    covered_by: dict[str, str] = field(default_factory=dict)
    """By target: the source that covered it at the newest sample."""

    def begin(self) -> None:
        """Make the readers' roles and the extension, and take the first sample."""
        with psycopg.connect(self.dsn, autocommit=True) as pg:
            pg.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            known = {name for (name,) in pg.execute("SELECT rolname FROM pg_catalog.pg_roles")}
            schema = sql.Identifier(self.runner.schema)
            for name in ROLES:
                role = sql.Identifier(name)
                # The server may have it from an earlier demo.
                verb = "ALTER" if name in known else "CREATE"
                pg.execute(sql.SQL(f"{verb} ROLE {{}} LOGIN").format(role))
                for objects in ("TABLES", "SEQUENCES"):
                    grant = f"GRANT ALL ON ALL {objects} IN SCHEMA {{}} TO {{}}"
                    pg.execute(sql.SQL(grant).format(schema, role))
        self.readers.reading = dict(FIRST_READERS)
        self._sample()

    def day(self) -> None:
        """Set the clock forward by a day, let everybody read, and take a sample."""
        self.days += 1
        with psycopg.connect(self.dsn, autocommit=True) as pg:
            pg.execute(
                sql.SQL("ALTER DATABASE {} SET membership_refactor.clock_shift = {}").format(
                    sql.Identifier(pg.info.dbname), sql.Literal(f"{self.days} days")
                )
            )
        self.readers.read()
        self._sample()

    def went_up(self, step: str) -> None:
        """Let those begin who read what this step has made."""
        self.readers.reading.update(BEGINS.get(step, {}))

    def open(self, step: str, *, moves: bool) -> OpenedGate:
        """Play days until the gate of the step is open. ``moves`` says that its readers still have
        to move. RefactorError where it stays closed."""
        began = self.days
        refused: tuple[str, ...] = ()
        if moves and step in MOVES:
            for _ in range(DAYS_OF_USE):
                self.day()
            self._scan(step)
            refused = _reasons(self._gates(step)[1])
            for role, text in MOVES[step].items():
                self.readers.reading.pop(role)
                self.readers.reading |= {role: text} if text is not None else {}
        consumers = self._scan(step)
        while True:
            usage, gates = self._gates(step)
            refused = refused or _reasons(gates)
            if all(gate.is_open for gate in gates):
                return self._opened(step, usage, gates, refused, self.days - began, consumers)
            if self.days - began >= self.longest:
                raise RefactorError(
                    f"{gates[0].step} is still closed after {self.days - began} days: "
                    f"{'; '.join(_reasons(gates))}."
                )
            opening = [gate.opens_at for gate in gates if gate.opens_at is not None]
            left = (max(opening) - usage.now).days if opening else 0
            for _ in range(max(left, 1)):
                self.day()

    def _sample(self) -> None:
        taken = Watch(self.runner, Request(logs=self.logs)).take()
        self.covered_by |= {o.target: o.source for o in taken if o.covered}

    def _scan(self, step: str) -> int:
        """Record a scan of today's releases; how many consumers there are."""
        plan = self.runner.plan
        consumers = read_consumers(self.readers.write_files(self.folder, self.writers), plan)
        request = ScanRequest(
            plan=plan,
            stage=scan_stage(plan, targets_of(plan, step)[0]),
            consumers=consumers,
            schema=self.runner.schema,
            limits=Limits(processes=1),
        )
        with self.runner.engine.begin() as connection:
            return record(connection, self.runner.schema, scan(request, engine=self.runner.engine))

    def _gates(self, step: str) -> tuple[Usage, list[GateStatus]]:
        """What is known, and the gates of the step: one for each structure that it takes away."""
        usage = read_usage(self.runner)
        name = self.runner.chain.revisions.of(step)
        return usage, [gate for gate in usage.gates if gate.step == name]

    def _opened(
        self,
        step: str,
        usage: Usage,
        gates: Sequence[GateStatus],
        refused: Iterable[str],
        days: int,
        consumers: int,
    ) -> OpenedGate:
        targets = [gate.target for gate in gates]
        used = [u for u in usage.users if u.target in targets and u.last_at is not None]
        last = max(used, key=lambda u: (u.last_at, u.role), default=None)
        return OpenedGate(
            revision=gates[0].step,
            step=step,
            target=", ".join(targets),
            refused=tuple(refused),
            days=days,
            last_use=f"{last.role}, {last.last_at:%Y-%m-%d}" if last is not None else "",
            source=", ".join(sorted({self.covered_by[target] for target in targets})),
            consumers=consumers,
        )


def _reasons(gates: Sequence[GateStatus]) -> tuple[str, ...]:
    return tuple(reason for gate in gates for reason in gate.reasons)
