"""The demo: the whole chain on realistic data, with live writers of each kind, and with gates that
open because nobody was there."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.demo.data import load
from membership_refactor.demo.lost_writes import missing_or_changed
from membership_refactor.demo.readers import Readers
from membership_refactor.demo.weeks import OpenedGate, Weeks
from membership_refactor.demo.writers import KINDS, WRITERS_ID, Record, serve
from membership_refactor.errors import RefactorError
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.planning.targets import targets_of
from membership_refactor.plans.chain import CHAIN, REVISIONS, SPLIT

FEW_CORES = ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers")
"""Set to 0 in the demo's database. With parallel workers, one index build or one check takes both
cores of a small machine, and the writers wait for a core and not for a lock."""
STARTS = {"dual_write": "old-style", "link_children": "new-style"}
"""By step: the writers that start when it has run."""
STOPS = {"retire_source": "source", "stop_parallel_save": "old-style"}
"""By step: the writers that stop before its gate is waited for."""
DEMO_PERSONS = 30


@dataclass(slots=True, kw_only=True)
class StepOutcome:
    """The measurements of one step."""

    revision: str
    name: str
    direction: str
    seconds: float
    rows: int
    longest_wait_ms: float
    longest_hold_ms: float
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """A table with its rows, and its bytes with all indexes."""

    name: str
    rows: int
    bytes: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What the demo found."""

    rows: int
    before: list[TableSize] = field(default_factory=list)
    after: list[TableSize] = field(default_factory=list)
    steps: list[StepOutcome] = field(default_factory=list)
    gates: list[OpenedGate] = field(default_factory=list)
    """In the order in which they opened."""
    days: int = 0
    """How many days were played by the clock of the evidence."""
    records: list[Record] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Commits of writers that are missing or changed in the tables."""
    failures: list[str] = field(default_factory=list)
    """Writers that got an error which no application should get at that stage."""

    @property
    def fine(self) -> bool:
        return not self.wrong and not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the demo runs."""

    engine: Engine
    config: Config
    schema: str
    seed: int
    progress: Progress

    @property
    def dsn(self) -> str:
        return libpq_url(self.engine.url.render_as_string(hide_password=False))


class Writers:
    """The process of the writers, and the pipe to it."""

    def __init__(self, dsn: str, schema: str, persons: range, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, dsn, schema, persons, seed), daemon=True
        )
        self.process.start()

    def tell(self, what: str, argument: str = "") -> Any:
        self.pipe.send((what, argument))
        return self.pipe.recv()

    def report(self) -> list[Record]:
        records: list[Record] = self.tell("report")
        self.process.join(30)
        return records


def run(
    engine: Engine,
    config: Config,
    *,
    schema: str,
    rows: int,
    logs: str,
    seed: int = 1,
    idle_seconds: float = 20,
    with_writers: bool = True,
    workers: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Take an empty database through the chain, down to 0008, and up again. Its server has the
    settings of ``weeks.SETTINGS``, and ``logs`` is the pattern of its log files.

    Raises what the chain raises. The outcome says whether every recorded commit was found.
    """
    stage = Stage(
        engine=engine, config=config, schema=schema, seed=seed, progress=progress or Progress()
    )
    outcome = Outcome(rows=rows)
    config.attributes["connection"] = engine
    config.cmd_opts = _options(schema, workers)
    _spare_cores(stage)
    command.upgrade(config, REVISIONS.of("enrollment_identity"))
    persons = _fill(stage, rows)
    outcome.before = _sizes(stage, "programme_membership")
    with (
        tempfile.TemporaryDirectory() as folder,
        _writing(stage, persons, with_writers) as writers,
    ):
        weeks = _weeks(stage, Path(folder), logs)
        if writers is not None:
            _idle(writers, idle_seconds, stage.progress)
        later = [step.name for step in CHAIN.above("link_children")]
        for name in [step.name for step in CHAIN.above("enrollment_identity")]:
            _step(stage, outcome, name, "up", weeks, writers)
        for name in reversed(later):
            _step(stage, outcome, name, "down", weeks, writers)
        for name in later:
            _step(stage, outcome, name, "up", weeks, writers)
        outcome.days = weeks.days
        if writers is not None:
            outcome.records = writers.report()
    outcome.after = _sizes(stage, "programme_membership", "curriculum_membership")
    outcome.failures = [
        f"{r.kind} writer: {r.failure}" for r in outcome.records if r.failure is not None
    ]
    with psycopg.connect(stage.dsn) as pg:
        pg.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (_quoted(schema),))
        outcome.wrong = missing_or_changed(pg, outcome.records)
    return outcome


def _options(schema: str, workers: int) -> Any:
    from argparse import Namespace

    return Namespace(x=[f"schema={schema}", f"workers={workers}"], quiet=True)


def _quoted(schema: str) -> str:
    return '"' + schema.replace('"', '""') + '"'


def _spare_cores(stage: Stage) -> None:
    """Leave the writers a core. New sessions of this database run without parallel workers."""
    with psycopg.connect(stage.dsn, autocommit=True) as pg:
        database = sql.Identifier(pg.info.dbname)
        for name in FEW_CORES:
            pg.execute(
                sql.SQL("ALTER DATABASE {} SET {} = 0").format(database, sql.Identifier(name))
            )


def _sizes(stage: Stage, *names: str) -> list[TableSize]:
    """Read the rows and bytes of these tables."""
    found = []
    with psycopg.connect(stage.dsn) as pg:
        for name in names:
            table = sql.Identifier(stage.schema, name)
            row = pg.execute(
                sql.SQL("SELECT count(*), pg_total_relation_size({}) FROM {}").format(
                    sql.Literal(table.as_string(pg)), table
                )
            ).fetchone()
            assert row is not None
            found.append(TableSize(name=name, rows=row[0], bytes=row[1]))
    return found


def _fill(stage: Stage, rows: int) -> range:
    """Load the generated data, and persons for the writers' rows."""
    progress, path = stage.progress, _quoted(stage.schema)
    with psycopg.connect(stage.dsn) as pg:
        pg.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (path,))
        with progress.task(f"generating {rows:,} memberships", None) as task:
            loaded = load(
                pg,
                rows=rows,
                seed=stage.seed,
                progress=lambda table, done, total: task.advance(0, table),
            )
        first = pg.execute("SELECT max(id) + 1 FROM person").fetchone()
        assert first is not None
        pg.execute(
            "INSERT INTO programme (id, programme_name) VALUES (%s, 'Writers') "
            "ON CONFLICT DO NOTHING",
            (WRITERS_ID,),
        )
        pg.execute(
            "INSERT INTO curriculum (id, name) VALUES (%s, 'Writers') ON CONFLICT DO NOTHING",
            (WRITERS_ID,),
        )
        pg.execute(
            "INSERT INTO person (id, surname) SELECT i, 'Writer ' || i "
            "FROM generate_series(%s::bigint, %s::bigint) AS i",
            (first[0], first[0] + DEMO_PERSONS - 1),
        )
        pg.execute("SELECT setval(pg_get_serial_sequence('person', 'id'), max(id)) FROM person")
    progress.say(f"{loaded.memberships:,} memberships in {loaded.seconds:.1f} s")
    return range(first[0], first[0] + DEMO_PERSONS)


def _weeks(stage: Stage, folder: Path, logs: str) -> Weeks:
    """The weeks of this demo, with a first sample."""
    runner = Runner(stage.engine, SPLIT, stage.schema, CHAIN, progress=stage.progress)
    readers = Readers(stage.dsn, _quoted(stage.schema))
    weeks = Weeks(runner, stage.dsn, folder, (logs,), readers, writers=[KINDS[0]])
    weeks.begin()
    return weeks


@contextmanager
def _writing(stage: Stage, persons: range, wanted: bool) -> Iterator[Writers | None]:
    if not wanted:
        yield None
        return
    writers = Writers(stage.dsn, _quoted(stage.schema), persons, stage.seed)
    try:
        yield writers
    finally:
        if writers.process.is_alive():
            writers.process.terminate()


def _idle(writers: Writers, seconds: float, progress: Progress) -> None:
    """Let the writers run alone for a while, to compare the chain with."""
    progress.say(f"writers alone for {seconds:.0f} s, to compare with")
    writers.tell("start", KINDS[0])
    time.sleep(seconds)
    writers.tell("phase", "chain")


def _step(
    stage: Stage,
    outcome: Outcome,
    name: str,
    direction: str,
    weeks: Weeks,
    writers: Writers | None,
) -> None:
    first_time = all(step.name != name for step in outcome.steps)
    if first_time and name in STOPS:
        weeks.writers.remove(STOPS[name])
        if writers is not None:
            writers.tell("stop", STOPS[name])
    if direction == "up" and targets_of(SPLIT, name):
        outcome.gates.append(_opened(stage, weeks, name, first_time))
    began = time.monotonic()
    if direction == "up":
        command.upgrade(stage.config, REVISIONS.of(name))
    else:
        command.downgrade(stage.config, REVISIONS.before[name])
    seconds = time.monotonic() - began
    outcome.steps.append(_measured(stage, name, direction, seconds))
    if not first_time:
        return
    weeks.went_up(name)
    if name in STARTS:
        weeks.writers.append(STARTS[name])
        if writers is not None:
            writers.tell("start", STARTS[name])
            stage.progress.say(f"{STARTS[name]} writers start")


def _opened(stage: Stage, weeks: Weeks, name: str, first_time: bool) -> OpenedGate:
    """Wait by the clock of the evidence until the gate of the step is open, and say why it was
    closed."""
    gate = weeks.open(name, moves=first_time)
    if gate.refused:
        stage.progress.say(f"{gate.revision} waited, because {'; '.join(gate.refused)}")
    stage.progress.say(f"{gate.revision} is open after {gate.days} days")
    return gate


def _measured(stage: Stage, name: str, direction: str, seconds: float) -> StepOutcome:
    ledger = _quoted(f"{stage.schema}_refactor")
    with stage.engine.connect() as connection:
        row = connection.exec_driver_sql(
            f"SELECT coalesce(max(rows), 0), coalesce(max(lock_waited_ms), 0), "
            f"coalesce(max(lock_held_ms), 0) FROM {ledger}.action WHERE step = %s",
            (name,),
        ).one()
        checks = connection.exec_driver_sql(
            f"SELECT count(*) FROM {ledger}.check_result WHERE step = %s AND direction = %s",
            (name, direction),
        ).scalar_one()
    return StepOutcome(
        revision=REVISIONS.of(name),
        name=name,
        direction=direction,
        seconds=seconds,
        rows=int(row[0]),
        longest_wait_ms=float(row[1]),
        longest_hold_ms=float(row[2]),
        checks=int(checks),
    )


def refuse_filled(engine: Engine, schema: str) -> None:
    """Raise RefactorError where the schema holds tables, which the demo must not touch."""
    with engine.connect() as connection:
        count = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
            "ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'",
            (schema,),
        ).scalar_one()
    if count:
        raise RefactorError(
            f'schema "{schema}" of the demo\'s database already holds {count} tables.',
            hint="Use an empty database.",
        )
