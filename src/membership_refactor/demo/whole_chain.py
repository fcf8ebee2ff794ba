"""The demo: the whole chain on realistic data, with live writers of each kind, and with gates that
open because nobody was there."""

from __future__ import annotations

import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.demo.fill_database import fill
from membership_refactor.demo.lost_writes import missing_or_changed
from membership_refactor.demo.measurements import Outcome, read_step, table_sizes
from membership_refactor.demo.readers import Readers
from membership_refactor.demo.weeks import OpenedGate, Weeks
from membership_refactor.demo.writers import BETWEEN, KINDS
from membership_refactor.demo.writers_process import Writers, writing
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.planning.revisions import NamedStep
from membership_refactor.planning.targets import targets_of
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.step_chain import Chain

STARTS = {"dual_write": "old-style", "link_children": "new-style"}
"""By step: the writers that start when it has run."""
STOPS = {"retire_source": "source", "stop_parallel_save": "old-style"}
"""By step: the writers that stop before its gate is waited for."""
VERIFIED_BEFORE = "drop_deprecated_columns"
"""The step before which everything is compared: after it only one side is left."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the demo runs."""

    engine: Engine
    config: Config
    schema: str
    seed: int
    progress: Progress

    @cached_property
    def chain(self) -> Chain:
        """The steps, with the ids that the project's revisions have."""
        return AlembicProject(self.config).chain(SPLIT, self.schema)

    @property
    def dsn(self) -> str:
        return libpq_url(self.engine.url.render_as_string(hide_password=False))


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
    workers: int | None = None,
    max_latency: str | None = None,
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
    config.cmd_opts = _options(schema, workers, max_latency)
    chain = stage.chain
    command.upgrade(config, chain.revisions.of("enrollment_identity"))
    persons = fill(stage.dsn, schema, rows=rows, seed=seed, progress=stage.progress)
    outcome.before = table_sizes(engine, schema, "programme_membership")
    with (
        tempfile.TemporaryDirectory() as folder,
        writing(stage.dsn, ident(schema), persons, seed)
        if with_writers
        else nullcontext() as writers,
    ):
        weeks = _weeks(stage, Path(folder), logs)
        if writers is not None:
            writers.alone(idle_seconds, stage.progress)
        later = [step.name for step in chain.above("link_children")]
        for name in [step.name for step in chain.above("enrollment_identity")]:
            _step(stage, outcome, name, "up", weeks, writers)
        for name in reversed(later):
            _step(stage, outcome, name, "down", weeks, writers)
        for name in later:
            _step(stage, outcome, name, "up", weeks, writers)
        outcome.days = weeks.days
        if writers is not None:
            outcome.records = writers.report()
    outcome.after = table_sizes(engine, schema, "programme_membership", "curriculum_membership")
    outcome.failures = [
        f"{r.kind} writer: {r.failure}" for r in outcome.records if r.failure is not None
    ]
    with psycopg.connect(stage.dsn) as pg:
        pg.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (ident(schema),))
        outcome.wrong = missing_or_changed(pg, outcome.records)
    return outcome


def _options(schema: str, workers: int | None, max_latency: str | None) -> Namespace:
    """The words of a command line. What is None is left out."""
    given = {"schema": schema, "workers": workers, "max-latency": max_latency}
    return Namespace(x=[f"{k}={v}" for k, v in given.items() if v is not None], quiet=True)


def _weeks(stage: Stage, folder: Path, logs: str) -> Weeks:
    """The weeks of this demo, with a first sample."""
    runner = Runner(stage.engine, SPLIT, stage.schema, stage.chain, progress=stage.progress)
    readers = Readers(stage.dsn, ident(stage.schema))
    weeks = Weeks(runner, stage.dsn, folder, (logs,), readers, writers=[KINDS[0]])
    weeks.begin()
    return weeks


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
    if first_time and name == VERIFIED_BEFORE:
        with _phase(writers, "verify"):
            outcome.wrong += _verify(weeks.runner)
    if direction == "up" and targets_of(SPLIT, name):
        outcome.gates.append(_opened(stage, weeks, name, first_time))
    began = time.monotonic()
    revisions = stage.chain.revisions
    step = NamedStep(revision=revisions.of(name), name=name)
    with _phase(writers, f"{step.revision} {direction}"):
        if direction == "up":
            command.upgrade(stage.config, step.revision)
        else:
            command.downgrade(stage.config, revisions.before[name])
    seconds = time.monotonic() - began
    outcome.steps.append(read_step(stage.engine, stage.schema, step, direction, seconds))
    if not first_time:
        return
    weeks.went_up(name)
    if name in STARTS:
        weeks.writers.append(STARTS[name])
        if writers is not None:
            writers.tell("start", STARTS[name])
            stage.progress.say(f"{STARTS[name]} writers start")


@contextmanager
def _phase(writers: Writers | None, name: str) -> Iterator[None]:
    """Have the writers note what runs while the block runs."""
    if writers is not None:
        writers.tell("phase", name)
    yield
    if writers is not None:
        writers.tell("phase", BETWEEN)


def _verify(runner: Runner) -> list[str]:
    """Compare all rows while the writers are at work, as a DBA does who watches for weeks. Return
    what differs."""
    return [
        f"verify: {verdict.comparison.name}: {found.key} is {found.difference}"
        for verdict in verify_all(runner).verdicts
        for found in verdict.findings
    ]


def _opened(stage: Stage, weeks: Weeks, name: str, first_time: bool) -> OpenedGate:
    """Wait by the clock of the evidence until the gate of the step is open, and say why it was
    closed."""
    gate = weeks.open(name, moves=first_time)
    if gate.refused:
        stage.progress.say(f"{gate.revision} waited, because {'; '.join(gate.refused)}")
    stage.progress.say(f"{gate.revision} is open after {gate.days} days")
    return gate
