"""The ledger as the runner uses it: steps, actions, checks, portraits, in plain methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from membership_refactor.errors import PlanChanged, StepOutOfOrder
from membership_refactor.execution.locks import Held
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json, to_json
from membership_refactor.sql.ledger.tables import TABLES, create_ledger
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.steps.step import Direction


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A row of the ledger's steps."""

    revision: str
    direction: Direction
    open: bool
    started_at: datetime
    ended_at: datetime | None


class Ledger:
    """One plan's records in one tenant's ledger. Every method takes the connection to use, so
    that a record can stand in the transaction of the work it is about."""

    def __init__(self, plan: TableSplit, schema: str) -> None:
        self.plan, self.schema = plan, schema
        self.name = ledger_schema(schema)

    def table(self, name: str) -> str:
        return qualified(self.name, name)

    def _in(self, name: str) -> str:
        # In a statement with parameters psycopg reads a percent sign of the schema's name.
        return self.table(name).replace("%", "%%")

    def exists(self, pg: Pg) -> bool:
        query = f"SELECT pg_catalog.to_regclass({literal(self.table('step'))}) IS NOT NULL"
        return bool(value(pg, query))

    def create(self, pg: Pg, *, owner: str | None = None) -> None:
        """Makes what is missing of it."""
        with pg.transaction():
            for statement in create_ledger(self.schema, owner):
                run(pg, statement.text)

    # --- plan ---------------------------------------------------------------------------

    def record_plan(self, pg: Pg) -> None:
        """Records the fingerprint, or PlanChanged where another one stands."""
        self._write(
            pg,
            f"INSERT INTO {self._in('plan')} (plan, fingerprint) VALUES (%s, %s) "
            "ON CONFLICT DO NOTHING",
            self.plan.name,
            self.plan.fingerprint,
        )
        self.compare_plan(pg)

    def compare_plan(self, pg: Pg) -> None:
        row = self._row(pg, f"SELECT fingerprint FROM {self._in('plan')} WHERE plan = %s", ())
        if row is not None and row[0] != self.plan.fingerprint:
            raise PlanChanged(
                f'plan "{self.plan.name}" is not the one the chain began with '
                f"(ledger {row[0][:12]}, code {self.plan.fingerprint[:12]}).",
                hint="Give a changed plan another name, or put the old text back.",
            )

    # --- steps --------------------------------------------------------------------------

    def steps(self, pg: Pg) -> dict[str, StepRecord]:
        """Every step that the ledger knows, by revision."""
        rows = pg.execute(
            (
                f"SELECT revision, direction, state = 'open', started_at, ended_at "
                f"FROM {self._in('step')} WHERE plan = %s ORDER BY revision"
            ).encode(),
            (self.plan.name,),
        ).fetchall()
        return {r[0]: StepRecord(r[0], Direction(r[1]), r[2], r[3], r[4]) for r in rows}

    def open_step(self, pg: Pg) -> StepRecord | None:
        """The step that has begun and not ended."""
        return next((s for s in self.steps(pg).values() if s.open), None)

    def require_order(self, pg: Pg, revision: str, direction: Direction) -> StepRecord | None:
        """The open step if it is this one; StepOutOfOrder for any other."""
        found = self.open_step(pg)
        if found is None or (found.revision, found.direction) == (revision, direction):
            return found
        go_on, take_back = ways_out(found)
        raise StepOutOfOrder(
            f"step {found.revision} was left half-way {found.direction} "
            f"(begun {found.started_at:%Y-%m-%d %H:%M} UTC).",
            hint=f"Finish it with: {go_on}   or take it back with: {take_back}",
        )

    def begin(self, pg: Pg, revision: str, direction: Direction, now: Portrait) -> None:
        """Opens the step. ``now`` are the tables as they are; those of the first way up are kept
        for the way down, whatever comes later."""
        with pg.transaction():
            self._write(
                pg,
                f"DELETE FROM {self._in('action')} WHERE plan = %s AND revision = %s",
                self.plan.name,
                revision,
            )
            self._write(
                pg,
                f"INSERT INTO {self._in('step')} AS s "
                "(plan, revision, direction, state, portrait, now) "
                "VALUES (%s, %s, %s, 'open', %s::jsonb, %s::jsonb)\n"
                "ON CONFLICT (plan, revision) DO UPDATE SET direction = excluded.direction,\n"
                "  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,\n"
                "  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now",
                self.plan.name,
                revision,
                direction,
                to_json(now) if direction is Direction.UP else None,
                to_json(now),
            )
            self.event(pg, revision, direction, "begun")

    def end(self, pg: Pg, revision: str, direction: Direction) -> None:
        """Closes the step."""
        with pg.transaction():
            self._write(
                pg,
                f"UPDATE {self._in('step')} SET state = 'done', "
                "ended_at = pg_catalog.clock_timestamp() WHERE plan = %s AND revision = %s",
                self.plan.name,
                revision,
            )
            self.event(pg, revision, direction, "done")

    def forget(self, pg: Pg, revision: str) -> None:
        """As if the step had never begun; for one that has done nothing yet."""
        self._write(
            pg,
            f"DELETE FROM {self._in('step')} WHERE plan = %s AND revision = %s",
            self.plan.name,
            revision,
        )

    def restore(self, pg: Pg, revision: str) -> None:
        """A way down that has done nothing yet never began: the step stands as up."""
        self._write(
            pg,
            f"UPDATE {self._in('step')} SET direction = 'up', state = 'done' "
            "WHERE plan = %s AND revision = %s",
            self.plan.name,
            revision,
        )

    def turn(self, pg: Pg, revision: str, direction: Direction, now: Portrait) -> None:
        """The open step goes the other way from now on; what it did is no longer done, and
        ``now`` is what it made of the tables: what it moved is to be found where it is."""
        with pg.transaction():
            self._write(
                pg,
                f"DELETE FROM {self._in('action')} WHERE plan = %s AND revision = %s",
                self.plan.name,
                revision,
            )
            self._write(
                pg,
                f"DELETE FROM {self._in('job')} WHERE plan = %s AND job LIKE %s || ' %%'",
                self.plan.name,
                revision,
            )
            self._write(
                pg,
                f"DELETE FROM {self._in('batch')} WHERE plan = %s AND job LIKE %s || ' %%'",
                self.plan.name,
                revision,
            )
            self._write(
                pg,
                f"UPDATE {self._in('step')} SET direction = '{direction}', now = %s::jsonb "
                "WHERE plan = %s AND revision = %s",
                to_json(now),
                self.plan.name,
                revision,
            )

    def close_job(self, pg: Pg, job: str) -> None:
        """Takes a finished job's ranges away: the same step may run again after a downgrade."""
        for name in ("batch", "job"):
            self._write(
                pg,
                f"DELETE FROM {self._in(name)} WHERE plan = %s AND job = %s",
                self.plan.name,
                job,
            )

    def portraits(self, pg: Pg) -> dict[str, Portrait]:
        """The portraits that steps kept, by revision."""
        rows = pg.execute(
            (
                f"SELECT revision, portrait::text FROM {self._in('step')} "
                "WHERE plan = %s AND portrait IS NOT NULL"
            ).encode(),
            (self.plan.name,),
        ).fetchall()
        return {revision: _portrait(document) for revision, document in rows}

    def now(self, pg: Pg, revision: str) -> Portrait | None:
        """The tables as they were when the open step began."""
        row = self._row(
            pg,
            f"SELECT now::text FROM {self._in('step')} WHERE plan = %s AND revision = %s",
            (revision,),
        )
        return _portrait(row[0]) if row and row[0] else None

    # --- actions ------------------------------------------------------------------------

    def done(self, pg: Pg, revision: str, direction: Direction) -> set[str]:
        """The names of the actions that are done."""
        rows = pg.execute(
            (
                f"SELECT name FROM {self._in('action')} "
                "WHERE plan = %s AND revision = %s AND direction = %s"
            ).encode(),
            (self.plan.name, revision, direction),
        ).fetchall()
        return {row[0] for row in rows}

    def mark(
        self, pg: Pg, revision: str, direction: Direction, name: str, *, rows: int | None = None
    ) -> None:
        """Records an action as done, in the transaction that does it."""
        self._write(
            pg,
            f"INSERT INTO {self._in('action')} (plan, revision, direction, name, rows) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            self.plan.name,
            revision,
            direction,
            name,
            rows,
        )

    def marking(self, revision: str, direction: Direction, name: str) -> str:
        """The same as text, for a message of several statements."""
        values = ", ".join(map(literal, (self.plan.name, revision, direction, name)))
        return (
            f"INSERT INTO {self._in('action')} (plan, revision, direction, name) "
            f"VALUES ({values}) ON CONFLICT DO NOTHING"
        )

    def measured(self, pg: Pg, revision: str, direction: Direction, name: str, held: Held) -> None:
        """Adds how long the action's locks were waited for and held."""
        pg.execute(
            (
                f"UPDATE {self._in('action')} "
                "SET lock_waited_ms = %s, lock_held_ms = %s, tries = %s "
                "WHERE plan = %s AND revision = %s AND direction = %s AND name = %s"
            ).encode(),
            (
                held.waited_ms,
                held.held_ms,
                held.tries,
                self.plan.name,
                revision,
                direction,
                name,
            ),
        )

    # --- records ------------------------------------------------------------------------

    def event(
        self,
        pg: Pg,
        revision: str | None,
        direction: Direction | None,
        event: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        self._write(
            pg,
            f"INSERT INTO {self._in('event')} (plan, revision, direction, event, detail) "
            "VALUES (%s, %s, %s, %s, %s::jsonb)",
            self.plan.name,
            revision,
            direction,
            event,
            json.dumps(dict(detail)) if detail else None,
        )

    def accept(self, pg: Pg, revision: str, reason: str) -> None:
        """Records that a DBA goes on without evidence, and why."""
        self._write(
            pg,
            f"INSERT INTO {self._in('acceptance')} (plan, revision, reason) VALUES (%s, %s, %s)",
            self.plan.name,
            revision,
            reason,
        )

    def check_result(
        self,
        pg: Pg,
        revision: str | None,
        direction: Direction | None,
        name: str,
        *,
        broken: int,
        keys: list[str],
        seconds: float,
    ) -> None:
        pg.execute(
            (
                f"INSERT INTO {self._in('check_result')} "
                "(plan, revision, direction, name, broken, keys, seconds) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)"
            ).encode(),
            (self.plan.name, revision, direction, name, broken, keys, seconds),
        )

    def _write(self, pg: Pg, query: str, *values: Any) -> None:
        pg.execute(query.encode(), values)

    def _row(self, pg: Pg, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return pg.execute(query.encode(), (self.plan.name, *values)).fetchone()


@lru_cache(maxsize=32)
def _portrait(document: str) -> Portrait:
    """Portraits are frozen, and every step of a chain asks for those of all before it."""
    return from_json(document)


def ways_out(record: StepRecord) -> tuple[str, str]:
    """The two commands that end an open step: the one that goes on, the one that takes it back."""
    if record.direction is Direction.UP:
        return f"alembic upgrade {record.revision}", "membership-refactor abandon"
    return f"alembic downgrade {_previous(record.revision)}", "membership-refactor abandon"


def _previous(revision: str) -> str:
    number = int(revision) - 1
    return f"{number:04d}" if number else "base"


def table_names() -> tuple[str, ...]:
    """The ledger's tables, as `status` lists them."""
    return tuple(TABLES)
