"""The way of a rehearsal: moves the chain, and at each stage asks checks and tries statements."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from alembic.util import CommandError

from membership_refactor.errors import RefactorError
from membership_refactor.execution.progress import Progress
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.inspect.checks import MODELS, StandingChecks
from membership_refactor.inspect.sizes import counted, duration
from membership_refactor.rehearsal.documented import Where, documented, styles_at
from membership_refactor.rehearsal.dump_structure import CannotRehearse
from membership_refactor.rehearsal.findings import Finding, Kind, Leg, Rehearsal
from membership_refactor.rehearsal.movement import Movement
from membership_refactor.rehearsal.probe_statements import Row, Style, parent_probes, probes
from membership_refactor.rehearsal.probing import Prober, Tried, Writer, writers
from membership_refactor.rehearsal.server_roles import settings_of
from membership_refactor.rehearsal.statement_outcomes import Difference, difference, stable
from membership_refactor.rehearsal.subject import Subject, Wanted
from membership_refactor.rehearsal.tables_to_try import (
    Wide,
    choose,
    columns_of,
    highest_number,
    parents_of,
    rows_of,
    wide_table,
)
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.step import Step

MOST_ROLES = 12
BEFORE = "before the first step"


@dataclass
class Way:
    """One rehearsal on its way. What is found is added to ``done``."""

    subject: Subject
    progress: Progress
    chain: Movement
    prober: Prober
    wide: Wide
    done: Rehearsal
    ids: list[str]
    steps: tuple[Step, ...]
    back: bool = True
    rows: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    before: Tried = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    legs_done: int = 0

    @staticmethod
    def begin(
        subject: Subject,
        wanted: Wanted,
        chain: Movement,
        admin: psycopg.Connection[Any],
        source: psycopg.Connection[Any],
        done: Rehearsal,
    ) -> Way:
        """Choose roles and rows in the clone; settings of the roles are the source's."""
        plan, schema = subject.plan, subject.request.schema
        wide = wide_table(admin, plan, schema)
        found = writers(admin, wide.name("source"))
        chosen = [r for r in found if not wanted.roles or r in wanted.roles][:MOST_ROLES]
        done.not_tried += tuple(f"role {r}" for r in found if r not in chosen)
        done.roles = tuple(chosen)
        own = (plan.source, plan.copy, plan.parent, plan.retired)
        ledger = ledger_schema(schema)

        def ignored(schema_of: str, table: str) -> bool:
            return schema_of == ledger or (schema_of == schema and table in own)

        prober = Prober(
            admin,
            [Writer(role, settings_of(source, role)) for role in chosen],
            ignored,
            highest_number(admin, wide),
        )
        seen = prober.visible(wide.name("source"), plan.id, 1)
        runner = chain.runner
        at = runner.chain.at(_stands_at(admin, schema))
        return Way(
            subject=subject,
            progress=wanted.progress,
            chain=chain,
            prober=prober,
            wide=wide,
            done=done,
            ids=choose(admin, wide, seen),
            back=wanted.back,
            steps=up_to(wanted.to, runner.chain.to_come(at.name if at else None)),
        )

    def go(self) -> None:
        """Up with everything, down with everything, up again with the checks of the steps."""
        self._try_before()
        first = self._contents()
        climbed = self._climb(self.steps, try_all=True)
        top = self._contents() if climbed == len(self.steps) else None
        if not self.back or not self._descend(self.steps[:climbed]):
            return
        self._compare(first, self._contents(), "the way up and down")
        if top is not None:
            self._climb(self.steps, try_all=False)
            self._compare(top, self._contents(), "the second way up", uuids=True)

    # --- moves --------------------------------------------------------------------------

    def _climb(self, steps: tuple[Step, ...], *, try_all: bool) -> int:
        """Return how many steps have run."""
        for n, step in enumerate(steps):
            stage = f"{self._id(step)} up" + ("" if try_all else " again")
            if not self._move(stage, step, up=True):
                self._take_back(step)
                return n
            if try_all:
                self._ask(stage, step)
                self._try(stage, step.name)
        return len(steps)

    def _descend(self, steps: tuple[Step, ...]) -> bool:
        for n, step in reversed(list(enumerate(steps))):
            stage = f"{self._id(step)} down"
            if not self._move(stage, step, up=False):
                return False
            below = steps[n - 1] if n else None
            self._try(stage, below.name if below else None)
        return True

    def _move(self, stage: str, step: Step, *, up: bool) -> bool:
        began = time.monotonic()
        try:
            (self.chain.up if up else self.chain.down)(step.name)
        except (RefactorError, CommandError, psycopg.Error) as error:
            self._found(Finding(kind=Kind.STOPS, stages=(stage,), what=_one_line(error)))
            return False
        finally:
            self._leg(stage, step.name, time.monotonic() - began)
        return True

    def _take_back(self, step: Step) -> None:
        """A step that stopped has to be taken back, as a user would."""
        stage = f"{self._id(step)} abandon"
        try:
            self.chain.runner.abandon()
        except (RefactorError, CommandError, psycopg.Error) as error:
            self._found(Finding(kind=Kind.DEAD_END, stages=(stage,), what=_one_line(error)))

    def _id(self, step: Step) -> str:
        return self.chain.runner.chain.revisions.of(step.name)

    # --- checks and rows ----------------------------------------------------------------

    def _ask(self, stage: str, step: Step) -> None:
        """Every check of the stage, and the comparison of both sides."""
        began = time.monotonic()
        for line in self._broken():
            self._found(Finding(kind=Kind.CHECK, stages=(stage,), what=line))
        self._leg(stage, "checks", time.monotonic() - began)

    def _broken(self) -> Iterator[str]:
        runner = self.chain.runner
        try:
            for question in StandingChecks(runner, groups=self.subject.groups).questions():
                if question.name == MODELS and not self.subject.groups:
                    # A plan of somebody's own has no models here.
                    continue
                answer = question.ask()
                if not answer.holds:
                    listed = "; ".join(answer.keys)
                    yield f"{answer.name}: {answer.sentence}: {answer.broken} ({listed})"
            for verdict in verify_all(runner).verdicts:
                if verdict.findings:
                    first = verdict.findings[0]
                    yield (
                        f"verify, {verdict.comparison.name}: "
                        f"{counted(len(verdict.findings), 'row')}, first {first.key} "
                        f"{first.difference} {', '.join(first.columns)}"
                    )
        except (RefactorError, psycopg.Error) as error:
            yield _one_line(error)

    def _contents(self) -> dict[str, tuple[int, str]]:
        """By table of the plan: how many rows it has, and a digest of all that is in them."""
        found = {}
        for table in ("source", "copy", "parent"):
            name = self.wide.name(table)
            there = columns_of(self.prober.pg, name)
            if there:
                row = self.prober.pg.execute(
                    (
                        "SELECT count(*), coalesce(sum(pg_catalog.hashtextextended("
                        f"pg_catalog.to_jsonb(t)::text, 0)::numeric), 0)::text FROM {name} AS t"
                    ).encode()
                ).fetchone()
                assert row is not None
                found[name] = (int(row[0]), str(row[1]))
        return found

    def _compare(
        self,
        one: dict[str, tuple[int, str]],
        other: dict[str, tuple[int, str]],
        after: str,
        *,
        uuids: bool = False,
    ) -> None:
        for table in sorted(one.keys() | other.keys()):
            a, b = one.get(table), other.get(table)
            if a != b:
                rows = f"{a[0] if a else 'no'} rows became {b[0] if b else 'none'}"
                values = "values or uuids" if uuids else "values"
                said = rows if not (a and b) or a[0] != b[0] else f"{values} of its rows changed"
                self._found(Finding(kind=Kind.DIFFERS, stages=(after,), table=table, what=said))

    # --- statements ---------------------------------------------------------------------

    def _try_before(self) -> None:
        """What every role can do now; twice, to know what differs at each run by itself."""
        self.rows = dict(
            rows_of(
                self.prober.pg, self.wide, self.wide.name("source"), self.ids, self.wide.columns
            )
        )
        where = Where(step="", table="source", style=Style.OLD)
        target = self.wide.target(where, self.wide.columns)
        began = time.monotonic()
        first = self.prober.try_all(target, self.rows, probes)
        second = self.prober.try_all(target, self.rows, probes)
        self.before = {
            key: (probe, stable(outcome, second[key][1])) for key, (probe, outcome) in first.items()
        }
        self.done.tried = self.prober.tried
        self._leg(BEFORE, "statements", time.monotonic() - began, len(first))

    def _try(self, stage: str, step: str | None) -> None:
        """Try every statement at this stage, and compare it with the one before the first step."""
        began, count = time.monotonic(), self.prober.tried
        for table, style in styles_at(step):
            where = Where(step=step or "", table=table, style=style)
            there = columns_of(self.prober.pg, self.wide.name(table))
            target = self.wide.target(where, there)
            rows = self._rows(where, there, target.columns)
            make = parent_probes if style is Style.PARENT else probes
            if rows:
                self._judge(stage, where, self.prober.try_all(target, rows, make))
        self.done.tried = self.prober.tried
        self._leg(stage, "statements", time.monotonic() - began, self.prober.tried - count)

    def _rows(
        self, where: Where, there: tuple[str, ...], named: tuple[str, ...]
    ) -> Mapping[str, Row]:
        """The chosen rows as they are now; as they were where the table no longer has them."""
        pg, wide, plan = self.prober.pg, self.wide, self.wide.plan
        if where.style is Style.OLD:
            if set(named) <= set(there):
                self.rows |= rows_of(pg, wide, wide.name(where.table), self.ids, named)
            return self.rows
        if where.style is Style.NEW:
            return rows_of(pg, wide, wide.name("copy"), self.ids, named)
        links = rows_of(pg, wide, wide.name("copy"), self.ids, (plan.link,))
        return parents_of(pg, wide, links, named)

    def _judge(self, stage: str, where: Where, now: Tried) -> None:
        plan = self.wide.plan
        gone = {plan.link, *(plan.deprecated if where.style is Style.NEW else ())}
        for key, (probe, outcome) in now.items():
            if key not in self.before:
                continue
            earlier = self.before[key][1]
            kind = difference(earlier, outcome, gone)
            if kind is None:
                continue
            if where.style is not Style.OLD:
                if where.style is Style.PARENT and kind in _EFFECTS:
                    continue
                if probe.label.startswith("UPDATE every") and kind in _EFFECTS:
                    # It names fewer columns, so triggers of these columns do not fire.
                    continue
            self._found(
                Finding(
                    kind=_KINDS[kind],
                    stages=(stage,),
                    what=str(outcome),
                    before=str(earlier),
                    sqlstate=outcome.sqlstate or "",
                    table=f"{self.wide.name(where.table)}, {where.style}",
                    roles=(key[0],),
                    statements=(probe.label,),
                    expected=documented(plan, where, probe, kind, earlier, outcome) or "",
                )
            )

    # --- telling ------------------------------------------------------------------------

    def _found(self, finding: Finding) -> None:
        self.done.findings.append(finding)

    def _leg(self, stage: str, name: str, seconds: float, tried: int = 0) -> None:
        self.done.legs.append(Leg(stage=stage, name=name, seconds=seconds, probes=tried))
        self.legs_done += 1
        # Before the steps, three legs for each on the way up, two down, one on the second way up.
        share = self.legs_done / (1 + (6 if self.back else 3) * len(self.steps))
        left = (time.monotonic() - self.began) * (1 / min(share, 1.0) - 1)
        what = f", {counted(tried, 'statement')}" if tried else ""
        self.progress.say(f"  {stage}: {name}{what} ({duration(seconds)}); about {left:.0f} s left")


def up_to(last: str | None, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps as far as that one. Raises CannotRehearse where it is none of them."""
    if last is None:
        return steps
    for n, step in enumerate(steps):
        if step.name == last:
            return steps[: n + 1]
    raise CannotRehearse(
        f"{last} is none of the steps that are to come.",
        hint=f"They are: {', '.join(step.name for step in steps) or 'none'}.",
    )


_KINDS = {
    Difference.REFUSED: Kind.REFUSED,
    Difference.ALLOWED: Kind.ALLOWED,
    Difference.EFFECT: Kind.EFFECT,
    Difference.CONTENT: Kind.CONTENT,
}
_EFFECTS = (Difference.EFFECT, Difference.CONTENT)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _stands_at(pg: psycopg.Connection[Any], schema: str) -> str | None:
    """The revision in the clone's version table."""
    table = qualified(schema, "alembic_version")
    row = pg.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    if not (row and row[0]):
        return None
    found = pg.execute(f"SELECT max(version_num) FROM {table}".encode()).fetchone()
    return found[0] if found else None
