"""The ledger as the runner uses it: the plan, its steps and their portraits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from membership_refactor.errors import LedgerFormUnknown, PlanChanged, StepOutOfOrder
from membership_refactor.execution.sessions import Pg, run, together, value
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json, to_json
from membership_refactor.sql.build.ranges import close_job
from membership_refactor.sql.ledger.step_rows import StepRows, source_of_first
from membership_refactor.sql.ledger.table_definitions import FORM, TABLES, create_ledger
from membership_refactor.sql.names import Names, ledger_schema
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain

TURNED = "turned"
"""The action of an open downgrade that undoes an upgrade: the step never was up."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A row of the ledger's steps."""

    step: str
    direction: Direction
    open: bool
    started_at: datetime
    ended_at: datetime | None


class Ledger:
    """The records of one plan in one tenant's ledger.

    Every method takes the connection to use, so that a record can be written in the transaction
    of the work it is about.
    """

    def __init__(self, plan: TableSplit, schema: str, chain: Chain) -> None:
        self.plan, self.schema, self.chain = plan, schema, chain
        self.name = ledger_schema(schema)

    def table(self, name: str) -> str:
        return qualified(self.name, name)

    @property
    def _of_plan(self) -> str:
        """A condition: the rows of this plan."""
        return f"plan = {literal(self.plan.name)}"

    def _of_step(self, step: str) -> str:
        """A condition: the rows of that step."""
        return f"{self._of_plan} AND step = {literal(step)}"

    def read(self, pg: Pg, table: str, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
        """The plan's rows of a table. ``rest`` may restrict, group and order them."""
        query = f"SELECT {columns} FROM {self.table(table)} WHERE {self._of_plan} {rest}"
        return run(pg, query).fetchall()

    def exists(self, pg: Pg) -> bool:
        """Whether there is a ledger; LedgerFormUnknown where another version made it."""
        there, has_form = run(
            pg,
            f"SELECT pg_catalog.to_regclass({literal(self.table('step'))}) IS NOT NULL,\n"
            f"  pg_catalog.to_regclass({literal(self.table('form'))}) IS NOT NULL",
        ).fetchall()[0]
        if not there:
            return False
        query = f"SELECT pg_catalog.max(number) FROM {self.table('form')}"
        form = value(pg, query) if has_form else 1
        if form != FORM:
            raise LedgerFormUnknown(
                f'the ledger "{self.name}" has form {form}; this version of membership-refactor '
                f"uses form {FORM}.",
                hint="Go on with the version that made the ledger.",
            )
        return True

    def create(self, pg: Pg) -> None:
        """Create the ledger, or the parts of it that are missing. One of another form has been
        refused before."""
        named = ", ".join(map(literal, TABLES))
        there = (
            "SELECT pg_catalog.count(*) FROM pg_catalog.pg_tables AS t\n"
            f"WHERE t.schemaname = {literal(self.name)} AND t.tablename IN ({named})"
        )
        if value(pg, there) < len(TABLES):
            together(pg, (statement.text for statement in create_ledger(self.schema)))

    # --- plan ---------------------------------------------------------------------------

    def record_plan(self, pg: Pg) -> None:
        """Record the fingerprint; PlanChanged where the ledger has another one."""
        if not self.knows_plan(pg):
            values = f"{literal(self.plan.name)}, {literal(self.plan.fingerprint)}"
            run(pg, f"INSERT INTO {self.table('plan')} (plan, fingerprint) VALUES ({values})")

    def knows_plan(self, pg: Pg) -> bool:
        """Whether the fingerprint is recorded; PlanChanged where the ledger has another one."""
        mine = self.plan.fingerprint
        known = self.fingerprint(pg)
        if known is not None and known != mine:
            raise PlanChanged(
                f'plan "{self.plan.name}" is not the one the chain began with '
                f"(ledger {known[:12]}, code {mine[:12]}).",
                hint="Give a changed plan another name, or put the old text back.",
            )
        return known is not None

    def fingerprint(self, pg: Pg) -> str | None:
        """The fingerprint of the plan with which the chain began."""
        return next((text for (text,) in self.read(pg, "plan", "fingerprint")), None)

    # --- steps --------------------------------------------------------------------------

    def steps(self, pg: Pg) -> dict[str, StepRecord]:
        """Every step that the ledger knows, by name."""
        rows = self.read(pg, "step", "step, direction, state = 'open', started_at, ended_at")
        return {r[0]: StepRecord(r[0], Direction(r[1]), r[2], r[3], r[4]) for r in rows}

    def open_step(self, pg: Pg) -> StepRecord | None:
        """The step that has begun and not ended."""
        return next((s for s in self.steps(pg).values() if s.open), None)

    def stands_at(self, pg: Pg) -> Step | None:
        """The highest step that is up, one that has not finished its way down included; None
        before the first."""
        return self.highest_up(self.steps(pg))

    def highest_up(self, steps: Mapping[str, StepRecord]) -> Step | None:
        """The same, of steps that were read already."""
        return self.chain.highest(
            [
                name
                for name, s in steps.items()
                if (s.direction is Direction.DOWN if s.open else s.direction is Direction.UP)
            ]
        )

    def require_order(
        self, steps: Mapping[str, StepRecord], step: str, direction: Direction
    ) -> StepRecord | None:
        """The open step if it is this one; StepOutOfOrder for any other."""
        found = next((s for s in steps.values() if s.open), None)
        if found is None or (found.step, found.direction) == (step, direction):
            return found
        raise StepOutOfOrder(
            f"step {self.chain.revisions.label(found.step)} is open: it went {found.direction} and "
            f"has not finished (begun {found.started_at:%Y-%m-%d %H:%M} UTC).",
            hint=self.ways_out(found.step, found.direction),
        )

    def ways_out(self, step: str, direction: Direction) -> str:
        """The two commands that end an open step, as a hint."""
        return (
            f"Finish it with: {self.chain.revisions.command(step, direction)}   "
            f"or take it back with: {self.chain.revisions.verb('abandon')}"
        )

    def rows(self, step: str, direction: Direction) -> StepRows:
        """The rows of one step in one direction, as statements."""
        return StepRows(self.name, self.plan.name, step, direction)

    def begin(self, pg: Pg, step: str, direction: Direction, now: Portrait) -> None:
        """Open the step. ``now`` are the tables as they are; those of the first way up are kept
        for the way down, whatever comes later."""
        revision = self.chain.revisions.ids.get(step)
        source = source_of_first(
            Names(self.plan, self.schema, looks_at_members=True), step, direction
        )
        rows = self.rows(step, direction)
        together(pg, rows.begin(literal(to_json(now)), revision, source))

    def end(self, pg: Pg, step: str, direction: Direction) -> None:
        """Close the step."""
        together(
            pg, self.rows(step, direction).end(Names(self.plan, self.schema, looks_at_members=True))
        )

    def forget(self, pg: Pg, step: str) -> None:
        """Delete the record of a step that has begun its way up and done nothing yet."""
        run(pg, f"DELETE FROM {self.table('step')} WHERE {self._of_step(step)}")

    def restore(self, pg: Pg, step: str) -> None:
        """Record a step as up whose way down has begun and done nothing yet."""
        self._change(pg, step, "direction = 'up', state = 'done'")

    def turn(self, pg: Pg, step: str, direction: Direction, now: Portrait) -> None:
        """Reverse the direction of the open step. Its actions are no longer recorded as done but
        for ``TURNED``, and ``now`` are the tables as its actions have left them."""
        jobs = f"{self._of_plan} AND pg_catalog.starts_with(job, {literal(f'{step} ')})"
        with pg.transaction():
            run(pg, f"DELETE FROM {self.table('action')} WHERE {self._of_step(step)}")
            for table in ("job", "batch"):
                run(pg, f"DELETE FROM {self.table(table)} WHERE {jobs}")
            self._change(pg, step, f"direction = '{direction}', now = {_json(now)}")
            run(pg, self.rows(step, direction).mark(TURNED))

    def replace_portrait(self, pg: Pg, step: str, portrait: Portrait) -> None:
        """Keep another portrait of the tables as they were before the step."""
        self._change(pg, step, f"portrait = {_json(portrait)}")

    def _change(self, pg: Pg, step: str, assignments: str) -> None:
        run(pg, f"UPDATE {self.table('step')} SET {assignments} WHERE {self._of_step(step)}")

    def close_job(self, pg: Pg, job: str) -> None:
        """Delete a finished job and its ranges: it may run again."""
        for text in close_job(self.name, self.plan.name, job):
            run(pg, text)

    def portraits(self, pg: Pg) -> dict[str, Portrait]:
        """The portraits that were kept, by step."""
        rows = self.read(pg, "step", "step, portrait::text", "AND portrait IS NOT NULL")
        return {step: _portrait(document) for step, document in rows}

    def now(self, pg: Pg, step: str) -> Portrait | None:
        """The tables as they were when the open step began."""
        for (document,) in self.read(pg, "step", "now::text", f"AND step = {literal(step)}"):
            return _portrait(document) if document else None
        return None

    def revisions(self, pg: Pg) -> dict[str, str]:
        """The revision that ran each step up last, by step, as it was called then."""
        rows = self.read(
            pg,
            "event",
            "DISTINCT ON (step) step, detail ->> 'revision'",
            "AND event = 'begun' AND direction = 'up' ORDER BY step, n DESC",
        )
        return {step: revision for step, revision in rows if revision is not None}

    def done(self, pg: Pg, step: str, direction: Direction) -> set[str]:
        """The keys of the actions that are done."""
        return {key for (key,) in run(pg, self.rows(step, direction).done()).fetchall()}


def _json(portrait: Portrait) -> str:
    return f"{literal(to_json(portrait))}::pg_catalog.jsonb"


@lru_cache(maxsize=32)
def _portrait(document: str) -> Portrait:
    """Parse a portrait once: portraits are frozen, and each step asks for those of all before
    it."""
    return from_json(document)
