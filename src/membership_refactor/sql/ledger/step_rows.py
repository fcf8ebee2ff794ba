"""The ledger's rows of a step, as statements that the runner and a psql script share."""

from __future__ import annotations

import json
from dataclasses import dataclass

from membership_refactor.sql.ledger.own_objects import record_own_objects
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal, qualified

BEGUN_EMPTY = "begun empty"
"""The event of a plan whose table was empty when its first step began."""


def source_of_first(names: Names, step: str, direction: str) -> str | None:
    """The wide table where the plan begins with that step; None for any other."""
    return names.source if (step, direction) == (names.plan.steps[0], "up") else None


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of one step in one direction."""

    ledger: str
    """The schema of the ledger."""
    plan: str
    step: str
    direction: str

    def table(self, name: str) -> str:
        return qualified(self.ledger, name)

    @property
    def key(self) -> str:
        """The literals of plan, step and direction."""
        return ", ".join(map(literal, (self.plan, self.step, self.direction)))

    @property
    def row(self) -> str:
        """A condition on the columns of the step's row."""
        return f"plan = {literal(self.plan)} AND step = {literal(self.step)}"

    def mark(self, action: str, **values: str) -> str:
        """INSERT that records the action of that key as done, in the transaction that does it.

        ``values`` are expressions for more columns.
        """
        columns = ", ".join(("plan, step, direction, key", *values))
        return (
            f"INSERT INTO {self.table('action')} ({columns})\n"
            f"VALUES ({', '.join((self.key, literal(action), *values.values()))}) "
            "ON CONFLICT DO NOTHING"
        )

    def is_done(self, action: str) -> str:
        """A condition: the action of that key is done."""
        return (
            f"EXISTS (SELECT FROM {self.table('action')} AS a WHERE "
            f"(a.plan, a.step, a.direction, a.key) = ({self.key}, {literal(action)}))"
        )

    def done(self) -> str:
        """SELECT of the keys of the actions that are done."""
        return (
            f"SELECT a.key FROM {self.table('action')} AS a\n"
            f"WHERE (a.plan, a.step, a.direction) = ({self.key})"
        )

    def measured(self, action: str, *, waited_ms: float, held_ms: float, tries: int) -> str:
        """UPDATE that records how long the action waited for its locks and held them."""
        return (
            f"UPDATE {self.table('action')} SET lock_waited_ms = {waited_ms},\n"
            f"  lock_held_ms = {held_ms}, tries = {tries}\n"
            f"WHERE (plan, step, direction, key) = ({self.key}, {literal(action)})"
        )

    def begin(self, now: str, revision: str | None, source: str | None) -> tuple[str, ...]:
        """Statements that open the step, for one transaction.

        ``now`` is an expression: the portrait of the tables as they are. That of the first way up
        is kept for the way down, whatever comes later. ``revision`` is what the project calls the
        revision that runs the step. ``source`` is the wide table where a plan begins its first
        step: that it is empty is recorded too.
        """
        kept = "p.now" if self.direction == "up" else "NULL"
        return (
            f"DELETE FROM {self.table('action')} WHERE {self.row}",
            f"INSERT INTO {self.table('step')} AS s\n"
            "  (plan, step, direction, state, portrait, now)\n"
            f"SELECT {self.key}, 'open', {kept}, p.now\n"
            f"FROM (SELECT {now}::pg_catalog.jsonb) AS p (now)\n"
            "ON CONFLICT (plan, step) DO UPDATE SET direction = excluded.direction,\n"
            "  state = 'open', started_at = pg_catalog.clock_timestamp(), ended_at = NULL,\n"
            "  portrait = coalesce(excluded.portrait, s.portrait), now = excluded.now",
            self.event("begun", revision),
            *((self._empty(source),) if source is not None else ()),
        )

    def _empty(self, table: str) -> str:
        """INSERT that records that the table has no page, so no row: not a deleted one either."""
        return (
            f"INSERT INTO {self.table('event')} (plan, step, direction, event)\n"
            f"SELECT {self.key}, {literal(BEGUN_EMPTY)}\n"
            f"WHERE pg_catalog.pg_relation_size(pg_catalog.to_regclass({literal(table)})) = 0"
        )

    def end(self, names: Names) -> tuple[str, ...]:
        """Statements that close the step, for one transaction."""
        return (
            f"UPDATE {self.table('step')} SET state = 'done',\n"
            f"  ended_at = pg_catalog.clock_timestamp() WHERE {self.row}",
            *(statement.text for statement in record_own_objects(names)),
            self.event("done"),
        )

    def event(self, event: str, revision: str | None = None) -> str:
        more = {} if revision is None else {"detail": json.dumps({"revision": revision})}
        return (
            f"INSERT INTO {self.table('event')} "
            f"({', '.join(('plan, step, direction, event', *more))})\n"
            f"VALUES ({', '.join((self.key, literal(event), *map(literal, more.values())))})"
        )

    def accept(self, option: str, reason: str) -> str:
        """INSERT that records that a DBA opened a gate by hand with this ``-x`` option, and why."""
        return (
            f"INSERT INTO {self.table('acceptance')} (plan, step, option, reason)\n"
            f"VALUES ({literal(self.plan)}, {literal(self.step)}, {literal(option)}, "
            f"{literal(reason)})"
        )
