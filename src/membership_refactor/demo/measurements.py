"""What the demo found: the measurements of its steps, the sizes of its tables, and its writers."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine

from membership_refactor.demo.weeks import OpenedGate
from membership_refactor.demo.writers import Record
from membership_refactor.planning.revisions import NamedStep
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import ident, literal, qualified


@dataclass(slots=True, kw_only=True)
class StepOutcome:
    """The measurements of one step."""

    revision: str
    name: str
    direction: str
    seconds: float
    rows: int
    longest_wait_ms: float
    longest_hold_ms: float
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """A table with its rows, and its bytes with all indexes."""

    name: str
    rows: int
    bytes: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What the demo found."""

    rows: int
    before: list[TableSize] = field(default_factory=list)
    after: list[TableSize] = field(default_factory=list)
    steps: list[StepOutcome] = field(default_factory=list)
    gates: list[OpenedGate] = field(default_factory=list)
    """In the order in which they opened."""
    days: int = 0
    """How many days were played by the clock of the evidence."""
    records: list[Record] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Commits of writers that are missing or changed in the tables."""
    failures: list[str] = field(default_factory=list)
    """Writers that got an error which no application should get at that stage."""

    @property
    def fine(self) -> bool:
        return not self.wrong and not self.failures


def table_sizes(engine: Engine, schema: str, *names: str) -> list[TableSize]:
    """Read the rows and bytes of these tables."""
    found = []
    with engine.connect() as connection:
        for name in names:
            table = qualified(schema, name)
            rows, size = connection.exec_driver_sql(
                f"SELECT count(*), pg_total_relation_size({literal(table)}) FROM {table}"
            ).one()
            found.append(TableSize(name=name, rows=rows, bytes=size))
    return found


def read_step(
    engine: Engine, schema: str, step: NamedStep, direction: str, seconds: float
) -> StepOutcome:
    """Read from the ledger what the step did, which took so many seconds."""
    ledger = ident(ledger_schema(schema))
    with engine.connect() as connection:
        row = connection.exec_driver_sql(
            f"SELECT coalesce(max(rows), 0), coalesce(max(lock_waited_ms), 0), "
            f"coalesce(max(lock_held_ms), 0) FROM {ledger}.action WHERE step = %s",
            (step.name,),
        ).one()
        checks = connection.exec_driver_sql(
            f"SELECT count(*) FROM {ledger}.check_result WHERE step = %s AND direction = %s",
            (step.name, direction),
        ).scalar_one()
    return StepOutcome(
        revision=step.revision,
        name=step.name,
        direction=direction,
        seconds=seconds,
        rows=int(row[0]),
        longest_wait_ms=float(row[1]),
        longest_hold_ms=float(row[2]),
        checks=int(checks),
    )
