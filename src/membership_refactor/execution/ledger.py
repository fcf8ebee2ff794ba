"""The ledger as the runner uses it: steps, actions, checks and portraits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from membership_refactor.errors import LedgerFormUnknown, PlanChanged, StepOutOfOrder
from membership_refactor.execution.locks import Held
from membership_refactor.execution.sessions import Pg, run, together, value
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json, to_json
from membership_refactor.sql.build.ranges import close_job
from membership_refactor.sql.ledger.step_rows import StepRows, source_of_first
from membership_refactor.sql.ledger.table_definitions import FORM, create_ledger
from membership_refactor.sql.names import Names, ledger_schema
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain

TURNED = "turned"
"""The action of an open downgrade that undoes an upgrade: the step never was up."""

VERIFIED = "verified"
"""The event that ``verify`` leaves when it has compared everything."""


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

    def _in(self, name: str) -> str:
        # In a statement with parameters psycopg reads a percent sign of the schema's name.
        return self.table(name).replace("%", "%%")

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
        together(pg, (statement.text for statement in create_ledger(self.schema)))

    # --- plan ---------------------------------------------------------------------------

    def record_plan(self, pg: Pg) -> None:
        """Record the fingerprint; PlanChanged where the ledger has another one."""
        table = self._in("plan")
        row = self._row(pg, f"SELECT fingerprint FROM {table} WHERE plan = %s", ())
        if row is None:
            self._write(
                pg,
                f"INSERT INTO {table} (plan, fingerprint) VALUES (%s, %s)",
                self.plan.name,
                self.plan.fingerprint,
            )
        elif row[0] != self.plan.fingerprint:
            raise PlanChanged(
                f'plan "{self.plan.name}" is not the one the chain began with '
                f"(ledger {row[0][:12]}, code {self.plan.fingerprint[:12]}).",
                hint="Give a changed plan another name, or put the old text back.",
            )

    # --- steps --------------------------------------------------------------------------

    def steps(self, pg: Pg) -> dict[str, StepRecord]:
        """Every step that the ledger knows, by name."""
        rows = pg.execute(
            (
                f"SELECT step, direction, state = 'open', started_at, ended_at "
                f"FROM {self._in('step')} WHERE plan = %s"
            ).encode(),
            (self.plan.name,),
        ).fetchall()
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

    def _rows(self, step: str, direction: Direction) -> StepRows:
        return StepRows(self.name, self.plan.name, step, direction)

    def begin(self, pg: Pg, step: str, direction: Direction, now: Portrait) -> None:
        """Open the step. ``now`` are the tables as they are; those of the first way up are kept
        for the way down, whatever comes later."""
        revision = self.chain.revisions.ids.get(step)
        source = source_of_first(Names(self.plan, self.schema), step, direction)
        rows = self._rows(step, direction)
        together(pg, rows.begin(literal(to_json(now)), revision, source))

    def end(self, pg: Pg, step: str, direction: Direction) -> None:
        """Close the step."""
        together(pg, self._rows(step, direction).end(Names(self.plan, self.schema)))

    def forget(self, pg: Pg, step: str) -> None:
        """Delete the record of a step that has begun its way up and done nothing yet."""
        self._write(
            pg,
            f"DELETE FROM {self._in('step')} WHERE plan = %s AND step = %s",
            self.plan.name,
            step,
        )

    def restore(self, pg: Pg, step: str) -> None:
        """Record a step as up whose way down has begun and done nothing yet."""
        self._write(
            pg,
            f"UPDATE {self._in('step')} SET direction = 'up', state = 'done' "
            "WHERE plan = %s AND step = %s",
            self.plan.name,
            step,
        )

    def turn(self, pg: Pg, step: str, direction: Direction, now: Portrait) -> None:
        """Reverse the direction of the open step. Its actions are no longer recorded as done but
        for ``TURNED``, and ``now`` are the tables as its actions have left them."""
        with pg.transaction():
            self._write(
                pg,
                f"DELETE FROM {self._in('action')} WHERE plan = %s AND step = %s",
                self.plan.name,
                step,
            )
            for table in ("job", "batch"):
                self._write(
                    pg,
                    f"DELETE FROM {self._in(table)} "
                    "WHERE plan = %s AND pg_catalog.starts_with(job, %s || ' ')",
                    self.plan.name,
                    step,
                )
            self._write(
                pg,
                f"UPDATE {self._in('step')} SET direction = '{direction}', now = %s::jsonb "
                "WHERE plan = %s AND step = %s",
                to_json(now),
                self.plan.name,
                step,
            )
            self.mark(pg, step, direction, TURNED)

    def replace_portrait(self, pg: Pg, step: str, portrait: Portrait) -> None:
        """Keep another portrait of the tables as they were before the step."""
        self._write(
            pg,
            f"UPDATE {self._in('step')} SET portrait = %s::jsonb WHERE plan = %s AND step = %s",
            to_json(portrait),
            self.plan.name,
            step,
        )

    def close_job(self, pg: Pg, job: str) -> None:
        """Delete a finished job and its ranges: it may run again."""
        for text in close_job(self.name, self.plan.name, job):
            run(pg, text)

    def portraits(self, pg: Pg) -> dict[str, Portrait]:
        """The portraits that were kept, by step."""
        rows = pg.execute(
            (
                f"SELECT step, portrait::text FROM {self._in('step')} "
                "WHERE plan = %s AND portrait IS NOT NULL"
            ).encode(),
            (self.plan.name,),
        ).fetchall()
        return {step: _portrait(document) for step, document in rows}

    def now(self, pg: Pg, step: str) -> Portrait | None:
        """The tables as they were when the open step began."""
        row = self._row(
            pg,
            f"SELECT now::text FROM {self._in('step')} WHERE plan = %s AND step = %s",
            (step,),
        )
        return _portrait(row[0]) if row and row[0] else None

    def revisions(self, pg: Pg) -> dict[str, str]:
        """The revision that ran each step up last, by step, as it was called then."""
        rows = pg.execute(
            (
                "SELECT DISTINCT ON (step) step, detail ->> 'revision' "
                f"FROM {self._in('event')} WHERE plan = %s AND event = 'begun' "
                "AND direction = 'up' ORDER BY step, n DESC"
            ).encode(),
            (self.plan.name,),
        ).fetchall()
        return {step: revision for step, revision in rows if revision is not None}

    # --- actions ------------------------------------------------------------------------

    def done(self, pg: Pg, step: str, direction: Direction) -> set[str]:
        """The keys of the actions that are done."""
        rows = pg.execute(
            (
                f"SELECT key FROM {self._in('action')} "
                "WHERE plan = %s AND step = %s AND direction = %s"
            ).encode(),
            (self.plan.name, step, direction),
        ).fetchall()
        return {row[0] for row in rows}

    def mark(
        self, pg: Pg, step: str, direction: Direction, key: str, *, rows: int | None = None
    ) -> None:
        """Record an action as done, in the transaction that does it."""
        counted = {} if rows is None else {"rows": str(rows)}
        run(pg, self._rows(step, direction).mark(key, **counted))

    def marking(self, step: str, direction: Direction, key: str) -> str:
        """The same as text, for a message of several statements."""
        return self._rows(step, direction).mark(key)

    def measured(self, pg: Pg, step: str, direction: Direction, key: str, held: Held) -> None:
        """Record how long the action waited for its locks and held them, in milliseconds."""
        pg.execute(
            (
                f"UPDATE {self._in('action')} "
                "SET lock_waited_ms = %s, lock_held_ms = %s, tries = %s "
                "WHERE plan = %s AND step = %s AND direction = %s AND key = %s"
            ).encode(),
            (
                held.waited_ms,
                held.held_ms,
                held.tries,
                self.plan.name,
                step,
                direction,
                key,
            ),
        )

    # --- records ------------------------------------------------------------------------

    def event(self, pg: Pg, step: str, direction: Direction, event: str) -> None:
        run(pg, self._rows(step, direction).event(event))

    def verified(self, pg: Pg, step: str | None, found: Mapping[str, Any]) -> None:
        """Record what a whole comparison found, for people to read."""
        self._write(
            pg,
            f"INSERT INTO {self._in('event')} (plan, step, event, detail) "
            f"VALUES (%s, %s, '{VERIFIED}', %s::jsonb)",
            self.plan.name,
            step,
            json.dumps(found),
        )

    def accept(self, pg: Pg, step: str, option: str, reason: str) -> None:
        """Record that a DBA opened a gate by hand with this ``-x`` option, and why."""
        run(pg, self._rows(step, Direction.UP).accept(option, reason))

    def check_results(
        self,
        pg: Pg,
        step: str | None,
        direction: Direction | None,
        results: Iterable[tuple[str, int, Sequence[str], float]],
    ) -> None:
        """Record what checks found: the name, the number of rows that break it, the first keys, and
        the seconds."""
        rows = [(self.plan.name, step, direction, n, b, list(k), s) for n, b, k, s in results]
        if rows:
            values = ", ".join(["(%s, %s, %s, %s, %s, %s::text[], %s)"] * len(rows))
            pg.execute(
                (
                    f"INSERT INTO {self._in('check_result')} "
                    f"(plan, step, direction, name, broken, keys, seconds) VALUES {values}"
                ).encode(),
                [value for row in rows for value in row],
            )

    def _write(self, pg: Pg, query: str, *values: Any) -> None:
        pg.execute(query.encode(), values)

    def _row(self, pg: Pg, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return pg.execute(query.encode(), (self.plan.name, *values)).fetchone()


@lru_cache(maxsize=32)
def _portrait(document: str) -> Portrait:
    """Parse a portrait once: portraits are frozen, and each step asks for those of all before
    it."""
    return from_json(document)
