"""Makes the forecast: steps are played through on portraits, what depends on rows is counted."""

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
from membership_refactor.inspect.locks import LockUse, locks_of, locks_of_keys
from membership_refactor.inspect.read_only import alembic_version, looking
from membership_refactor.inspect.revision_text import RevisionText
from membership_refactor.planning import CHAIN
from membership_refactor.portrait import Portrait
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
"""What that takes on the machine on which the rates were measured."""
_ROW_OVERHEAD = 40
"""Bytes of an index entry with its share of the page, and of the link with its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    rows: int = 0
    bytes: int = 0
    groups: int | None = None
    gaps: int | None = None
    losers: int | None = None
    table: str | None = None


def forecast(
    runner: Runner, texts: Mapping[str, RevisionText], *, steps: Mapping[str, Step]
) -> tuple[Forecast, Portrait]:
    """The way from here to the head, and the portrait of the tables as they are.

    ``steps`` may have more than the runner's: a revision with a runner of its own. Reads only.
    """
    portrait = runner.read()
    with looking(runner.engine, runner.schema, "plan") as pg:
        stands = alembic_version(pg, runner.schema)
        ledger = runner.ledger if runner.ledger.exists(pg) else None
        known = ledger.steps(pg) if ledger else {}
        open_step = next((s for s in known.values() if s.open), None)
        if open_step is not None and open_step.direction is Direction.DOWN and ledger:
            ledger.require_order(pg, open_step.revision, Direction.UP)
        maker = _Maker(
            runner,
            pg,
            ledger,
            steps=steps,
            texts=texts,
            portrait=portrait,
            open_step=open_step,
        )
        made = maker.steps_from(stands)
        return (
            Forecast(
                plan=runner.plan.name,
                fingerprint=runner.plan.fingerprint,
                schema=runner.schema,
                server_version=portrait.server_version,
                stands_at=stands,
                open_step=f"{open_step.revision} {open_step.direction}" if open_step else None,
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
        steps: Mapping[str, Step],
        texts: Mapping[str, RevisionText],
        portrait: Portrait,
        open_step: StepRecord | None,
    ) -> None:
        self.runner, self.pg, self.ledger = runner, pg, ledger
        self.plan, self.names = runner.plan, runner.names
        self.steps, self.texts, self.portrait = steps, texts, portrait
        self.open_step = open_step
        self.times_as_long = _measured_pace(pg)
        self.counts = self._count()

    def steps_from(self, stands: str | None) -> tuple[StepForecast, ...]:
        portraits = dict(self.ledger.portraits(self.pg)) if self.ledger else {}
        now, made = self.portrait, []
        with self.runner.engine.connect() as connection:
            server = read_server(connection, self.runner.schema)
        if self.ledger is not None:
            server = replace(server, creates_in_database=True)
        to_come = [r for r, _ in CHAIN if r in self.steps and (stands is None or r > stands)]
        for revision in to_come:
            step = self.steps[revision]
            is_open = self.open_step is not None and self.open_step.revision == revision
            if is_open:
                assert self.ledger is not None
                now = self.ledger.now(self.pg, revision) or now
            portraits = {**portraits, revision: now}
            s = Situation(self.names, portraits, now, server)
            refused = () if is_open else step.refusals(s)
            if refused:
                # What comes after cannot be computed from tables that do not fit.
                made.append(self._refused(step, refused))
                break
            now = step.becomes(s)
            made.append(self._step(step, s, now, first=not is_open and revision == to_come[0]))
        return tuple(made)

    def _refused(self, step: Step, refused: tuple[str, ...]) -> StepForecast:
        return replace(_empty(step, self.texts[step.revision]), refusals=refused)

    def _step(self, step: Step, s: Situation, after: Portrait, *, first: bool) -> StepForecast:
        assert s.now is not None
        before = s.now
        actions = step.up(s)
        if self.open_step is not None and self.open_step.revision == step.revision and self.ledger:
            done = self.ledger.done(self.pg, step.revision, Direction.UP)
            actions = tuple(a for a in actions if a.name not in done)
        down = step.down(replace(s, now=after))
        rows = sum(self._rows_written(step, a) for a in actions)
        gone = len(after.tables) < len(before.tables)
        checks = (*step.before_up(s), *step.after_up(s))
        return replace(
            _empty(step, self.texts[step.revision]),
            rows=rows,
            bytes=self._bytes(step, rows),
            freed=self._archive_bytes() if gone else 0,
            seconds=sum(self._seconds(a) for a in (*actions, Verify(name="", checks=checks)))
            * self.times_as_long,
            locks=(
                *self._locks(step, actions, before, after),
                *locks_of_keys(actions, before, after),
            ),
            undo_rows=sum(self._rows_read(a) for a in down),
            asked=tuple(self._ask(c, now=first) for c in step.before_up(s)),
            gate=self._ask(step.gate(s), now=True) if step.gate else None,
            notes=tuple(self._notes(step, s)),
        )

    # --- rows and sizes -----------------------------------------------------------------

    def _count(self) -> _Counts:
        plan = self.plan
        needed = {plan.id, *plan.deprecated}
        tables = [self.portrait.find(name) for name in (plan.source, plan.copy)]
        # The wide table first: while 0003 is open, its copy is not whole. The rebuilt parent may
        # have its name, and has no id. From 0010 on the child is all there is.
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
        """What 0011 gives back: the archive is the wide table of before."""
        retired = self.portrait.find(self.plan.retired)
        return self.counts.bytes if retired is None else retired.bytes or 0

    def _seconds(self, action: Action) -> float:
        rows, groups = self.counts.rows, self.counts.groups or 0
        match action:
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
        if step.revision < "0008":
            # The rebuilt parent is closed to applications until then.
            private |= {self.names.parent} if before.find(self.plan.retired) else set()
        ledger = ident(self.names.ledger) + "."
        used = locks_of(actions, private=private)
        return tuple(
            replace(u, table=self.names.copy) if u.table.startswith(ledger) else u for u in used
        )

    # --- what speaks against it ---------------------------------------------------------

    def _ask(self, check: Check, *, now: bool) -> Asked:
        if now:
            try:
                with self.pg.transaction():
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

    def _notes(self, step: Step, s: Situation) -> Iterable[str]:
        if step.revision == "0010" and self.plan.link_on_delete.value == "restrict":
            source = s.portraits["0003"].find(self.plan.source) if "0003" in s.portraits else None
            for key in source.foreign_keys if source else ():
                if key.on_delete == "c" and set(key.columns) <= set(self.plan.deprecated):
                    assert key.references is not None
                    yield (
                        f'today, deleting a row of "{key.references[1]}" deletes its rows of '
                        f'"{self.plan.source}" ({key.name} is ON DELETE CASCADE); from here on it '
                        "is refused while children refer to the parent, unless the plan says "
                        'link_on_delete="cascade"'
                    )


def _empty(step: Step, text: RevisionText) -> StepForecast:
    return StepForecast(
        revision=step.revision,
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
    """Seconds a row of a statement that reads a table; 0 for one of the catalog."""
    words = text.split(None, 4)
    if words[:1] == ["ANALYZE"]:
        return RATES["keys"]
    if words[:2] in (["CREATE", "INDEX"], ["CREATE", "UNIQUE"]):
        return RATES["index"]
    if "VALIDATE CONSTRAINT" in text:
        return RATES["validate"]
    return RATES["check"] if words[:2] == ["INSERT", "INTO"] and "SELECT" in text else 0.0


def _measured_pace(pg: Pg) -> float:
    """The best of three: others at work may slow each of them down."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        run(pg, _CALIBRATION)
        taken.append(time.perf_counter() - began)
    return min(taken) / _CALIBRATION_SECONDS
