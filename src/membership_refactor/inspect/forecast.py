"""Makes the forecast: applies the steps to portraits, and counts rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import psycopg

from membership_refactor.catalog.read import read_server
from membership_refactor.checks.check import Check, Reach
from membership_refactor.execution.ledger import Ledger, StepRecord
from membership_refactor.execution.run_checks import examine
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.forecast_values import (
    ACTION_SECONDS,
    RATES,
    Answer,
    Asked,
    Forecast,
    StepForecast,
)
from membership_refactor.inspect.lock_forecast import LockUse, locks_of, locks_of_keys
from membership_refactor.inspect.read_only import alembic_version, looking
from membership_refactor.inspect.revision_text import RevisionText
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait
from membership_refactor.sql.application_code.search_path import session_path
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.key_statistics import groups_query
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.steps.actions import Action, Alone, Build, Ranges, Run, Switch, Verify
from membership_refactor.steps.enrollment_identity import UniqueIndex
from membership_refactor.steps.step import Direction, Situation, Step

_CALIBRATION = (
    "SELECT pg_catalog.count(pg_catalog.sha256(pg_catalog.int8send(i)))\n"
    "FROM pg_catalog.generate_series(1::bigint, 60000) AS i"
)
_CALIBRATION_SECONDS = 0.04
"""Its time on the machine on which the rates were measured."""
_ROW_OVERHEAD = 40
"""Bytes of an index entry with its share of the page, and the same for the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    rows: int = 0
    bytes: int = 0
    groups: int | None = None
    gaps: int | None = None
    losers: int | None = None
    table: str | None = None


def forecast(runner: Runner, texts: Mapping[str, RevisionText]) -> tuple[Forecast, Portrait]:
    """Return the forecast up to the head, and the portrait of the tables now. Reads only.

    ``texts`` are what the revision files say of themselves, by id.
    """
    portrait = runner.read()
    with looking(runner.engine, runner.schema, "plan") as pg:
        stands = alembic_version(pg, runner.schema)
        ledger = runner.ledger if runner.ledger.exists(pg) else None
        known = ledger.steps(pg) if ledger else {}
        open_step = next((s for s in known.values() if s.open), None)
        if open_step is not None and open_step.direction is Direction.DOWN and ledger:
            ledger.require_order(pg, open_step.step, Direction.UP)
        maker = _Maker(
            runner,
            pg,
            ledger,
            texts=texts,
            portrait=portrait,
            open_step=open_step,
        )
        at = ledger.stands_at(pg) if ledger else runner.chain.at(stands)
        made = maker.steps_after(at)
        return (
            Forecast(
                plan=runner.plan.name,
                fingerprint=runner.plan.fingerprint,
                schema=runner.schema,
                server_version=portrait.server_version,
                stands_at=stands,
                open_step=maker.open_label,
                table=maker.counts.table,
                rows=maker.counts.rows,
                bytes=maker.counts.bytes,
                groups=maker.counts.groups,
                gaps=maker.counts.gaps,
                losers=maker.counts.losers,
                times_as_long=maker.times_as_long,
                steps=made,
            ),
            portrait,
        )


class _Maker:
    def __init__(
        self,
        runner: Runner,
        pg: Pg,
        ledger: Ledger | None,
        *,
        texts: Mapping[str, RevisionText],
        portrait: Portrait,
        open_step: StepRecord | None,
    ) -> None:
        self.runner, self.pg, self.ledger = runner, pg, ledger
        self.plan, self.names = runner.plan, runner.names
        self.chain, self.texts, self.portrait = runner.chain, texts, portrait
        self.open_step = open_step
        self.times_as_long = _measured_pace(pg)
        self.counts = self._count()

    def steps_after(self, at: Step | None) -> tuple[StepForecast, ...]:
        portraits = dict(self.ledger.portraits(self.pg)) if self.ledger else {}
        now, made = self.portrait, []
        with self.runner.engine.connect() as connection:
            server = read_server(connection, self.runner.schema)
        if self.ledger is not None:
            server = replace(server, creates_in_database=True)
        to_come = self.chain.to_come(at.name if at else None)
        for step in to_come:
            is_open = self.open_step is not None and self.open_step.step == step.name
            if is_open:
                assert self.ledger is not None
                now = self.ledger.now(self.pg, step.name) or now
            portraits = {**portraits, step.name: now}
            s = Situation(self.names, portraits, now, server, self.chain.revisions)
            refused = () if is_open else step.refusals(s)
            if refused:
                # What comes after cannot be computed from tables that do not fit.
                made.append(self._refused(step, refused))
                break
            now = step.becomes(s)
            made.append(self._step(step, s, now, first=not is_open and step is to_come[0]))
        return tuple(made)

    def _refused(self, step: Step, refused: tuple[str, ...]) -> StepForecast:
        return replace(self._empty(step), refusals=refused)

    def _step(self, step: Step, s: Situation, after: Portrait, *, first: bool) -> StepForecast:
        assert s.now is not None
        before = s.now
        actions = step.up(s)
        if self.open_step is not None and self.open_step.step == step.name and self.ledger:
            done = self.ledger.done(self.pg, step.name, Direction.UP)
            actions = tuple(a for a in actions if a.key not in done)
        down = step.down(replace(s, now=after))
        rows = sum(self._rows_written(step, a) for a in actions)
        gone = len(after.tables) < len(before.tables)
        checks = (*step.before_up(s), *step.after_up(s))
        gate = step.gate(s) if step.gate else None
        return replace(
            self._empty(step),
            rows=rows,
            bytes=self._bytes(step, rows),
            freed=self._archive_bytes() if gone else 0,
            seconds=sum(
                self._seconds(a) for a in (*actions, Verify(key="", title="", checks=checks))
            )
            * self.times_as_long,
            locks=(
                *self._locks(step, actions, before, after),
                *locks_of_keys(actions, before, after),
            ),
            undo_rows=sum(self._rows_read(a) for a in down),
            asked=tuple(self._ask(c, s.names, now=first) for c in step.before_up(s)),
            gate=self._ask(gate, s.names, now=True) if gate else None,
            notes=step.notes(s),
        )

    @property
    def open_label(self) -> str | None:
        """The revision of the open step, and its direction."""
        if self.open_step is None:
            return None
        return f"{self.chain.revisions.of(self.open_step.step)} {self.open_step.direction}"

    # --- rows and sizes -----------------------------------------------------------------

    def _count(self) -> _Counts:
        plan = self.plan
        needed = {plan.id, *plan.deprecated}
        tables = [self.portrait.find(name) for name in (plan.source, plan.copy)]
        # The wide table first: while it is being copied, the copy is not complete. The rebuilt
        # parent may have its name, and has no id. At the end only the child is left.
        there = [t for t in tables if t is not None and t.kind == "r" and plan.id in t.column_names]
        wide = next((t for t in there if needed <= set(t.column_names)), None)
        wide = wide or (there[-1] if there else None)
        if wide is None:
            return _Counts()
        where = qualified(wide.schema, wide.name)
        found = _Counts(table=where, bytes=wide.bytes or 0)
        if set(plan.deprecated) <= set(wide.column_names):
            row = run(self.pg, groups_query(plan, wide, where)).fetchone()
            assert row is not None
            rows, groups, gaps, losers = (int(n) for n in row)
            return replace(found, rows=rows, groups=groups, gaps=gaps, losers=losers)
        return replace(found, rows=int(value(self.pg, f"SELECT pg_catalog.count(*) FROM {where}")))

    def _rows_written(self, step: Step, action: Action) -> int:
        match action:
            case Build(popular=True):
                return 0  # counted with the build
            case Build():
                parents = action.build.target == self.names.parent
                return (self.counts.groups or 0) if parents else self.counts.rows
            case Ranges():
                return self.counts.losers or 0
        return 0

    def _rows_read(self, action: Action) -> int:
        return self.counts.rows if isinstance(action, (Build, Ranges)) else 0

    def _bytes(self, step: Step, rows: int) -> int:
        """Rows written, each as large as a row with its indexes is now, and the new link."""
        if not rows or not self.counts.rows:
            return 0
        width = self.counts.bytes / self.counts.rows + 2 * _ROW_OVERHEAD
        return round(rows * width)

    def _archive_bytes(self) -> int:
        """Bytes that dropping the retired table frees. It is the old wide table."""
        retired = self.portrait.find(self.plan.retired)
        return self.counts.bytes if retired is None else retired.bytes or 0

    def _seconds(self, action: Action) -> float:
        rows, groups = self.counts.rows, self.counts.groups or 0
        match action:
            case Build(popular=True):
                return ACTION_SECONDS
            case Build():
                kind = "rebuild" if action.build.target == self.names.parent else "copy"
                return ACTION_SECONDS + rows * RATES[kind]
            case Ranges():
                return ACTION_SECONDS + (self.counts.losers or 0) * RATES["carry"]
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

    # --- locks --------------------------------------------------------------------------

    def _locks(
        self, step: Step, actions: Iterable[Action], before: Portrait, after: Portrait
    ) -> tuple[LockUse, ...]:
        private = {qualified(t.schema, t.name) for t in after.tables if not before.find(t.name)}
        if step.stage is Stage.COPY:
            # The rebuilt parent is closed to applications in this stage.
            private |= {self.names.parent} if before.find(self.plan.retired) else set()
        ledger = ident(self.names.ledger) + "."
        used = locks_of(actions, private=private)
        return tuple(
            replace(u, table=self.names.copy) if u.table.startswith(ledger) else u for u in used
        )

    # --- checks and gates ---------------------------------------------------------------

    def _ask(self, check: Check, names: Names, *, now: bool) -> Asked:
        if now:
            try:
                with self.pg.transaction():
                    run(self.pg, session_path(names).replace("SET", "SET LOCAL", 1))
                    result = examine(self.pg, check)
                return Asked(
                    sentence=check.sentence,
                    answer=Answer.HOLDS if result.holds else Answer.FAILS,
                    broken=result.broken,
                    keys=result.keys,
                    hint=check.hint,
                )
            except (
                psycopg.errors.UndefinedTable,
                psycopg.errors.UndefinedColumn,
                psycopg.errors.UndefinedFunction,
                psycopg.errors.InvalidSchemaName,
            ):
                pass
        return Asked(sentence=check.sentence, answer=Answer.LATER)

    def _empty(self, step: Step) -> StepForecast:
        revision = self.chain.revisions.of(step.name)
        text = self.texts[revision]
        return StepForecast(
            revision=revision,
            name=step.name,
            title=text.title,
            deploy=text.deploy,
            rows=0,
            bytes=0,
            freed=0,
            seconds=0.0,
            locks=(),
            undo=text.undo,
            undo_rows=0,
            refusals=(),
            asked=(),
            gate=None,
            notes=(),
        )


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
