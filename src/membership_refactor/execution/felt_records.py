"""What small writes took while a step ran, in the ledger's table ``felt``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.sessions import Pg, is_there, run, together, value
from membership_refactor.sql.ledger.table_definitions import create_measured
from membership_refactor.sql.pacing.felt import Span
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.step import Direction

_COLUMNS = tuple(field.name for field in fields(Span))
_NAMES = ", ".join(_COLUMNS)
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)


@dataclass(frozen=True, slots=True)
class FeltAction:
    """An action of a step: what its spans are recorded under."""

    step: str
    direction: Direction
    key: str
    title: str


@dataclass(frozen=True, slots=True)
class FeltRecords:
    """The spans of one plan's actions."""

    ledger: Ledger

    @property
    def table(self) -> str:
        return self.ledger.table("felt")

    def begin(self, pg: Pg, step: str, direction: Direction) -> datetime:
        """Make the table where it is missing, and delete what an earlier run of the step left that
        had been ended. Return the server's time."""
        plan, name = literal(self.ledger.plan.name), literal(step)
        together(
            pg,
            (
                *(s.text for s in create_measured(self.ledger.schema)),
                f"DELETE FROM {self.table} AS f USING {self.ledger.table('step')} AS s\n"
                f"WHERE (s.plan, s.step) = ({plan}, {name})\n"
                f"  AND (f.plan, f.step, f.direction) = ({plan}, {name}, {literal(direction)})\n"
                "  AND f.began < s.started_at",
            ),
        )
        now: datetime = value(pg, "SELECT pg_catalog.clock_timestamp()")
        return now

    def spans(self, pg: Pg, action: FeltAction) -> list[Span]:
        """Those of one action, the oldest first."""
        rows = run(
            pg, f"SELECT {_NAMES} FROM {self.table} WHERE {self._of(action)} ORDER BY n"
        ).fetchall()
        return [_span(row) for row in rows]

    def put(self, pg: Pg, action: FeltAction, n: int, span: Span) -> None:
        """Write one span, in a transaction of its own: this is the small write."""
        self._insert(pg, action, n, span)

    def replace(self, pg: Pg, action: FeltAction, spans: Sequence[Span]) -> None:
        """Write all spans of an action again."""
        with pg.transaction():
            run(pg, f"DELETE FROM {self.table} WHERE {self._of(action)}")
            for n, span in enumerate(spans):
                self._insert(pg, action, n, span)

    def all_spans(self, pg: Pg) -> dict[FeltAction, list[Span]]:
        """Those of every action of the plan, in the order in which they ran. Empty where nothing
        was measured."""
        found: dict[FeltAction, list[Span]] = {}
        for step, direction, key, title, *span in self._read(pg, "ORDER BY f.began"):
            action = FeltAction(step, Direction(direction), key, title)
            found.setdefault(action, []).append(_span(span))
        return found

    def newest(self, pg: Pg, step: str) -> Span | None:
        """The newest span of the step, if it was written within the last ten seconds."""
        rows = self._read(
            pg,
            f"AND f.step = {literal(step)}\n"
            "AND f.ended > pg_catalog.clock_timestamp() - interval '10 s'\n"
            "ORDER BY f.ended DESC LIMIT 1",
        )
        return _span(rows[0][4:]) if rows else None

    def idle_time(self, pg: Pg) -> float | None:
        """Milliseconds of the newest idle time, if it was measured within the last ten minutes."""
        rows = self._read(
            pg,
            "AND f.idle_ms > 0\n"
            "AND f.ended > pg_catalog.clock_timestamp() - interval '10 min'\n"
            "ORDER BY f.ended DESC LIMIT 1",
        )
        return _span(rows[0][4:]).idle_ms if rows else None

    def _read(self, pg: Pg, rest: str) -> list[tuple[Any, ...]]:
        if not is_there(pg, self.table):
            return []
        columns = ", ".join(
            f"f.{name}" for name in ("step", "direction", "key", "title", *_COLUMNS)
        )
        plan = literal(self.ledger.plan.name)
        return run(
            pg, f"SELECT {columns} FROM {self.table} AS f WHERE f.plan = {plan} {rest}"
        ).fetchall()

    def _of(self, action: FeltAction) -> str:
        """A condition: the row is one of the action's."""
        own = (self.ledger.plan.name, action.step, action.direction, action.key)
        return f"(plan, step, direction, key) = ({', '.join(map(literal, own))})"

    def _insert(self, pg: Pg, action: FeltAction, n: int, span: Span) -> None:
        own = (self.ledger.plan.name, action.step, action.direction, action.key, n, action.title)
        values = (*own, *(getattr(span, name) for name in _COLUMNS))
        # With parameters, a percent sign of the schema's name has to be written twice.
        table = self.table.replace("%", "%%")
        pg.execute(
            (
                f"INSERT INTO {table} (plan, step, direction, key, n, title, {_NAMES})\n"
                f"VALUES ({', '.join(['%s'] * len(values))})\n"
                f"ON CONFLICT (plan, step, direction, key, n) DO UPDATE SET {_SET}"
            ).encode(),
            values,
        )


def _span(row: Sequence[Any]) -> Span:
    return Span(**dict(zip(_COLUMNS, row, strict=True)))
