"""The rehearsal: clone, sample, the chain up, down and up, and at each stage every statement."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from typing import Any

import psycopg

from membership_refactor.database import libpq_url, without_password
from membership_refactor.environment import connect_engine
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.rehearsal.beginning import steps_to_come
from membership_refactor.rehearsal.disarm import disarm
from membership_refactor.rehearsal.dump_structure import (
    CannotRehearse,
    dump_structure,
    make,
    pg_dump_for,
)
from membership_refactor.rehearsal.dump_text import left_out
from membership_refactor.rehearsal.findings import Rehearsal, merged
from membership_refactor.rehearsal.movement import movement
from membership_refactor.rehearsal.sample import Sample, open_sample
from membership_refactor.rehearsal.scratch import Scratch, scratch_for
from membership_refactor.rehearsal.subject import Subject, Wanted
from membership_refactor.rehearsal.trials import Trials
from membership_refactor.rehearsal.way import Way
from membership_refactor.sql.quoting import qualified

REASON = "a rehearsal in a scratch database"


def rehearse(subject: Subject, wanted: Wanted) -> Rehearsal:
    """Rehearse the chain, and return what was found. Changes nothing in that database.

    Raises CannotRehearse where it could not be run to its end.
    """
    began = time.monotonic()
    try:
        steps = steps_to_come(subject, wanted.to)
        with _clone(subject, wanted) as (scratch, done):
            request = replace(
                subject.request,
                url=scratch.url,
                options=accepting(subject.request.options),
                progress=Progress(quiet=True),
            )
            engine = connect_engine(scratch.url, request.schema)
            chain = movement(engine, subject, request)
            with psycopg.connect(libpq_url(scratch.admin_url), autocommit=True) as admin:
                with psycopg.connect(libpq_url(subject.url), autocommit=True) as source:
                    source.execute("SET default_transaction_read_only = on")
                    trials = Trials.begin(subject.plan, request.schema, wanted, admin, source, done)
                Way(subject, wanted, chain, trials, done, steps).go()
            engine.dispose()
    except psycopg.Error as error:
        raise CannotRehearse(
            f"The rehearsal stopped: {' '.join(str(error).split())}. The database that was to be "
            "cloned is as it was.",
            hint="Run the same command again. If it stops there again, show the whole error with "
            "--raiseerr before the verb.",
        ) from error
    done.findings = merged(done.findings)
    done.seconds = time.monotonic() - began
    return done


def accepting(options: Options) -> Options:
    """Options with which every gate opens: what it guards against is what a rehearsal shows."""
    gates = {f.name: REASON for f in fields(options) if f.name.startswith("accept_")}
    return replace(options, lock_timeout=20, **gates)  # type: ignore[arg-type]


@contextmanager
def _clone(subject: Subject, wanted: Wanted) -> Iterator[tuple[Scratch, Rehearsal]]:
    """The structure and the sampled rows in a scratch database, while the block runs."""
    progress, plan, schema = wanted.progress, subject.plan, subject.request.schema
    others = [qualified(schema, name) for name in subject.project.steps(plan).tables]
    with closing(psycopg.connect(libpq_url(subject.url))) as pg:
        program = pg_dump_for(pg.info.server_version)
    with scratch_for(subject.url, wanted.place) as scratch:
        progress.say(f"clone: {scratch.described}, with {program}")
        done = Rehearsal(
            plan=plan.name,
            schema=schema,
            database=without_password(subject.url),
            scratch=scratch.described,
            pg_dump=str(program),
        )
        sample = open_sample(subject.url)
        with (
            closing(sample.pg),
            psycopg.connect(libpq_url(scratch.admin_url), autocommit=True) as target,
        ):
            before = dump_structure(program, subject.url, "pre-data", sample.snapshot)
            after = dump_structure(program, subject.url, "post-data", sample.snapshot)
            make(target, before)
            done.left_out = left_out([*before, *after])
            done.disarmed = disarm(target)
            sample.take(plan, schema, others, wanted.rows)
            sample.load(target)
            make(target, after)
        with psycopg.connect(libpq_url(scratch.admin_url), autocommit=True) as target:
            _refresh_views(target)
            target.execute("ANALYZE")
        _say(done, sample, progress)
        yield scratch, done


def _say(done: Rehearsal, sample: Sample, progress: Progress) -> None:
    done.sampled = {table: len(rows) for table, rows in sorted(sample.rows.items()) if rows}
    done.rows, done.hard = sample.count, {k: n for k, n in sample.kinds.items() if n}
    progress.say(f"sample: {done.rows:,} rows of {len(done.sampled)} tables")


def _refresh_views(target: psycopg.Connection[Any]) -> None:
    """Fill materialized views; a function that reads an empty one would fail here only."""
    found = target.execute(
        "SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c "
        "WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY c.oid"
    ).fetchall()
    for (name,) in found:
        target.execute(f"REFRESH MATERIALIZED VIEW {name}".encode())
