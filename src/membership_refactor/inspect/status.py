"""Reads the state of the chain from Alembic's table and the ledger. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.errors import RefactorError
from membership_refactor.execution.felt_records import FeltRecords
from membership_refactor.execution.ledger import Ledger, StepRecord
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, estimated_rows, is_there, run, value
from membership_refactor.inspect.history import stands_at
from membership_refactor.inspect.read_only import looking
from membership_refactor.inspect.status_text import (
    Acceptance,
    Control,
    FeltNow,
    JobStatus,
    LastCheck,
    OpenStep,
    Standing,
    StepStatus,
)
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.steps.actions import Action, Build, Ranges
from membership_refactor.steps.partition_sides import partitions_followed
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain


def read_standing(runner: Runner) -> Standing:
    """Return everything that is known, also for a database where nothing has run."""
    plan, schema = runner.plan, runner.schema
    with looking(runner, "status") as pg:
        stands = stands_at(runner, pg)
        if not runner.ledger.exists(pg):
            return Standing(
                plan=plan.name,
                schema=schema,
                alembic_version=stands,
                ledger=None,
                fingerprint=None,
                same_plan=True,
                steps=tuple(_steps(runner.chain, {}, {})),
            )
        return _Reader(runner, pg).standing(stands)


class _Reader:
    def __init__(self, runner: Runner, pg: Pg) -> None:
        self.runner, self.pg, self.chain = runner, pg, runner.chain
        self.ledger: Ledger = runner.ledger

    def standing(self, stands: str | None) -> Standing:
        known = self.ledger.steps(self.pg)
        open_step = next((s for s in known.values() if s.open), None)
        work = {
            (r, d): {"rows": int(rows), "lock_waited_ms": waited, "lock_held_ms": held}
            for r, d, rows, waited, held in self.ledger.read(
                self.pg,
                "action",
                "step, direction, coalesce(sum(rows), 0), max(lock_waited_ms), max(lock_held_ms)",
                "GROUP BY step, direction",
            )
        }
        fingerprint = self.ledger.fingerprint(self.pg)
        return Standing(
            plan=self.runner.plan.name,
            schema=self.runner.schema,
            alembic_version=stands,
            ledger=self.ledger.name,
            fingerprint=fingerprint,
            same_plan=fingerprint in (None, self.runner.plan.fingerprint),
            steps=tuple(_steps(self.chain, known, work)),
            open_step=self._open(open_step) if open_step else None,
            acceptances=tuple(
                Acceptance(
                    revision=self.chain.revisions.of(name),
                    option=option,
                    reason=reason,
                    by_role=role,
                    at=at,
                )
                for name, option, reason, role, at in self.ledger.read(
                    self.pg, "acceptance", "step, option, reason, by_role, at", "ORDER BY at"
                )
            ),
            checks=tuple(
                LastCheck(
                    name=n,
                    revision=step and self.chain.revisions.of(step),
                    broken=b,
                    keys=tuple(k),
                    checked_at=at,
                )
                for n, step, b, k, at in self.ledger.read(
                    self.pg,
                    "check_result",
                    "DISTINCT ON (name) name, step, broken, keys, checked_at",
                    "ORDER BY name, checked_at DESC",
                )
            ),
            watched=tuple(
                f"{target} ({source}): {began:%Y-%m-%d} to {ended:%Y-%m-%d}, {counted(uses, 'use')}"
                for target, source, began, ended, uses in self.ledger.read(
                    self.pg,
                    "usage_interval",
                    "target, source, min(began), max(ended), sum(uses)::bigint",
                    "GROUP BY target, source ORDER BY target, source",
                )
            ),
            scanned=tuple(
                f"{consumer} on {at:%Y-%m-%d}: "
                + ("no reference left" if clear else f"{counted(findings, 'reference')} left")
                for consumer, clear, findings, at in self.ledger.read(
                    self.pg,
                    "scan_outcome",
                    "DISTINCT ON (consumer) consumer, clear, findings, scanned_at",
                    "ORDER BY consumer, scanned_at DESC",
                )
            ),
            control=next(
                (
                    Control(
                        paused=row[0],
                        batch_rows=row[1],
                        max_lag_bytes=row[2],
                        max_wal_bytes_per_second=row[3],
                        max_active_sessions=row[4],
                        note=row[5],
                    )
                    for row in self.ledger.read(
                        self.pg,
                        "control",
                        "paused, batch_rows, max_lag_bytes, max_wal_bytes_per_second, "
                        "max_active_sessions, note",
                    )
                ),
                None,
            ),
            replaced_rows=self._count("replaced"),
            kept_uuids=self._count("kept"),
            partitions=tuple(self._partitions()) if open_step is None else (),
        )

    def _partitions(self) -> Iterable[str]:
        """What the guard says of partitions. Few databases have any, and a portrait costs time."""
        named = ", ".join(literal(table) for table in self.runner.plan.tables)
        schema = literal(ident(self.runner.schema))
        found = run(
            self.pg,
            "SELECT FROM pg_catalog.pg_class AS c WHERE c.relkind = 'p'\n"
            f"AND c.relnamespace = pg_catalog.to_regnamespace({schema}) AND c.relname IN ({named})",
        ).fetchone()
        if found is None:
            return
        situation = replace(self.runner.situation(self.pg), now=self.runner.read())
        for check in partitions_followed(situation):
            yield from (text for (text,) in run(self.pg, check.query).fetchall())

    def _open(self, record: StepRecord) -> OpenStep:
        step = self.chain[record.step]
        done = self.ledger.done(self.pg, record.step, record.direction)
        actions = self._actions(record)
        return OpenStep(
            revision=self.chain.revisions.of(record.step),
            name=step.name,
            direction=record.direction,
            started_at=record.started_at,
            done=tuple(a.title for a in actions if a.key in done) or tuple(sorted(done)),
            to_do=tuple(a.title for a in actions if a.key not in done),
            jobs=tuple(self._jobs(actions)),
            sessions=tuple(self._sessions()),
            go_on=self.chain.revisions.command(record.step, record.direction),
            take_back=self.chain.revisions.verb("abandon"),
            felt=self._felt(step),
        )

    def _felt(self, step: Step) -> FeltNow | None:
        """What small writes took in the newest span of the open step."""
        span = FeltRecords(self.ledger).newest(self.pg, step.name)
        if span is None or not span.writes:
            return None
        return FeltNow(
            median_ms=span.median_ms,
            longest_ms=span.longest_ms,
            idle_ms=span.idle_ms,
            allowed_ms=span.allowed_ms,
            lag_bytes=span.lag_bytes,
        )

    def _actions(self, record: StepRecord) -> tuple[Action, ...]:
        try:
            return self.runner.actions_of_open(self.pg, record.step, record.direction)
        except (KeyError, RefactorError):
            # Another version of the tool began it; what is done can still be listed.
            return ()

    def _jobs(self, actions: Iterable[Action]) -> Iterable[JobStatus]:
        tables = {
            a.key: a.build.log.table if isinstance(a, Build) else a.table
            for a in actions
            if isinstance(a, (Build, Ranges))
        }
        found = self.ledger.read(
            self.pg,
            "batch",
            "job, coalesce(sum(rows) FILTER (WHERE done), 0)::bigint,\n"
            "count(*) FILTER (WHERE done), min(claimed_at), max(done_at)",
            "GROUP BY job ORDER BY job",
        )
        for job, rows, ranges, began, last in found:
            table = next((t for key, t in tables.items() if job.endswith(f" {key}")), None)
            expected = estimated_rows(self.pg, table) if table else None
            yield _job(job, rows, ranges, began=began, last=last, expected=expected)

    def _sessions(self) -> Iterable[str]:
        names = ", ".join(literal(self.chain.revisions.of(step.name)) for step in self.chain)
        rows = run(
            self.pg,
            "SELECT pg_catalog.format('%s (pid %s)', application_name, pid)\n"
            "FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database()\n"
            "AND application_name LIKE 'membership!_refactor %' ESCAPE '!'\n"
            f"AND pg_catalog.split_part(application_name, ' ', 2) IN ({names}) ORDER BY 1",
        ).fetchall()
        return (row[0] for row in rows)

    def _count(self, purpose: str) -> int:
        table = qualified(self.ledger.name, self.runner.names.own_name(purpose))
        if not is_there(self.pg, table):
            return 0
        return int(value(self.pg, f"SELECT pg_catalog.count(*) FROM {table}"))


def _steps(
    chain: Chain,
    known: Mapping[str, StepRecord],
    work: Mapping[tuple[str, Direction], Mapping[str, Any]],
) -> Iterable[StepStatus]:
    """Read the state of each step."""
    for step in chain:
        record = known.get(step.name)
        found = StepStatus(revision=chain.revisions.of(step.name), name=step.name, state="to come")
        if record is not None:
            yield _known(found, record, work.get((step.name, record.direction), {}))
        else:
            yield found


def _known(found: StepStatus, record: StepRecord, work: Mapping[str, Any]) -> StepStatus:
    if record.open:
        state = f"open {record.direction}"
    else:
        state = "up" if record.direction is Direction.UP else "taken down"
    return replace(
        found,
        state=state,
        started_at=record.started_at.astimezone(UTC),
        ended_at=record.ended_at.astimezone(UTC) if record.ended_at else None,
        **work,
    )


def _job(
    job: str,
    rows: int,
    ranges: int,
    *,
    began: datetime | None,
    last: datetime | None,
    expected: int | None,
) -> JobStatus:
    seconds = (last - began).total_seconds() if began and last else 0.0
    rate = rows / seconds if seconds > 0 else None
    percent = min(100.0 * rows / expected, 100.0) if expected else None
    left = max(expected - rows, 0) / rate if expected and rate else None
    return JobStatus(
        job=job,
        rows=rows,
        expected=expected,
        ranges=ranges,
        percent=percent,
        rows_per_second=rate,
        seconds_left=left,
        last_at=last,
    )
