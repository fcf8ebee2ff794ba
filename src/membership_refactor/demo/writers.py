"""Live writers of each kind. Each records its own commits.

No two writers share a row. So a writer knows from its own commits how each of its rows must look
in the end. This is compared with the tables afterwards, and shows every write that was lost or
changed.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg

KINDS = ("source", "old-style", "new-style")
"""source: writes programme_membership, until 0005. old-style: writes the deprecated columns of the
copy, from 0004 to 0009. new-style: writes the parent and the link, from 0008."""

WRITERS_ID = 1
"""The id of the programme and of the curriculum of the writers' rows."""
ROLE = "demo_application"
"""The role by which they write. The tool's statements are told apart by the role."""
IDLE, BETWEEN = "idle", "between"
"""The phases in which no step runs: before the chain, and while weeks are played between two steps.
Any other phase is a step that runs."""
RETRYABLE = ("40001", "40P01", "55P03")
RATE = 40.0
"""Transactions a second for each writer. They are due at fixed times, so a stall is measured and
not avoided."""

Row = dict[str, Any]

_OWN = "programme_membership_type, programme_start_date, programme_end_date, leaving_reason"
_VALUES = (
    "%(programme_membership_type)s, %(programme_start_date)s, %(programme_end_date)s, "
    "%(leaving_reason)s"
)


def statements_of(kind: str) -> dict[str, str]:
    """Every statement that an application of this kind runs, by what it does."""
    if kind != "new-style":
        table = "programme_membership" if kind == "source" else "curriculum_membership"
        return {
            "insert": f"INSERT INTO {table} (person_id, programme_id, curriculum_id, {_OWN}, "
            f"period_of_grace) VALUES (%(person_id)s, {WRITERS_ID}, {WRITERS_ID}, {_VALUES}, "
            "%(period_of_grace)s) RETURNING id",
            "grace": _set(table, "period_of_grace", "id = %(id)s"),
            "leaving_reason": _set(table, "leaving_reason", "id = %(id)s"),
            "programme_membership_type": _set(table, "programme_membership_type", "id = %(id)s"),
            "delete": f"DELETE FROM {table} WHERE id = %(id)s",
        }
    of_child = (
        "uuid = (SELECT programme_membership_uuid FROM curriculum_membership WHERE id = %(id)s)"
    )
    return {
        "parent": f"INSERT INTO programme_membership (person_id, programme_id, {_OWN}) "
        f"VALUES (%(person_id)s, {WRITERS_ID}, {_VALUES}) RETURNING uuid",
        "insert": "INSERT INTO curriculum_membership (programme_membership_uuid, curriculum_id, "
        f"period_of_grace) VALUES (%(parent)s, {WRITERS_ID}, %(period_of_grace)s) RETURNING id",
        "grace": _set("curriculum_membership", "period_of_grace", "id = %(id)s"),
        "leaving_reason": _set("programme_membership", "leaving_reason", of_child),
        "programme_membership_type": _set(
            "programme_membership", "programme_membership_type", of_child
        ),
        "delete": "DELETE FROM curriculum_membership WHERE id = %(id)s "
        "RETURNING programme_membership_uuid",
        "orphan": "DELETE FROM programme_membership WHERE uuid = %(parent)s",
    }


def _set(table: str, column: str, where: str) -> str:
    return f"UPDATE {table} SET {column} = %(value)s, amended_date = now() WHERE {where}"


@dataclass(slots=True)
class Record:
    """What the writers of one kind committed, their errors, and how long commits took."""

    kind: str
    commits: int = 0
    rows: dict[int, Row | None] = field(default_factory=dict)
    """By child id: the row as it was last committed, or None where it was deleted."""
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[tuple[str, float]] = field(default_factory=list)
    """(phase, seconds from the time at which the transaction was due to its commit)."""
    failure: str | None = None
    """An error that no application should see at that stage."""


class Writer(threading.Thread):
    """One connection of one kind, which writes until it is told to stop.

    Thread has private methods such as ``_delete``, so no method here begins with an underscore
    and a word that Thread might use.
    """

    def __init__(
        self,
        kind: str,
        *,
        dsn: str,
        schema: str,
        persons: range,
        seed: int,
        phase: Callable[[], str],
    ) -> None:
        super().__init__(daemon=True)
        self.kind, self.dsn, self.schema = kind, dsn, schema
        self.persons, self.phase = persons, phase
        self.record = Record(kind)
        self.sql = statements_of(kind)
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.behind = 0.0
        """Seconds from when the last transaction was due to its commit."""

    def run(self) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True, user=ROLE) as pg:
                pg.execute(
                    b"SELECT pg_catalog.set_config('search_path', %b, false)", (self.schema,)
                )
                pg.execute(f"SET application_name = 'demo {self.kind} writer'".encode())
                self.write_until_stopped(pg)
        except Exception as error:
            self.record.failure = f"{type(error).__name__}: {' '.join(str(error).split())}"

    def write_until_stopped(self, pg: psycopg.Connection[Any]) -> None:
        due = time.perf_counter()
        while not self.stopping.is_set():
            due += 1 / RATE
            wait = due - time.perf_counter()
            if wait > 0 and self.stopping.wait(wait):
                return
            self.commit(pg, due)

    def commit(self, pg: psycopg.Connection[Any], due: float) -> None:
        """Run one transaction, and try it again as an application should. Record its outcome."""
        while True:
            try:
                with pg.transaction():
                    changed = self.change_a_row(pg)
                break
            except psycopg.Error as error:
                state = error.sqlstate or type(error).__name__
                self.record.errors[state] += 1
                if state not in RETRYABLE:
                    raise
        self.record.commits += 1
        self.record.rows.update(changed)
        self.behind = time.perf_counter() - due
        self.record.latencies.append((self.phase(), self.behind))

    def change_a_row(self, pg: psycopg.Connection[Any]) -> dict[int, Row | None]:
        alive = [i for i, row in self.record.rows.items() if row is not None]
        chance = self.random.random()
        if not alive or chance < 0.45:
            return self.insert_row(pg)
        chosen = self.random.choice(alive)
        if chance < 0.60:
            return self.delete_row(pg, chosen)
        row = self.record.rows[chosen]
        assert row is not None
        if chance < 0.80:
            return self.update_child(pg, chosen, row)
        return self.update_parent(pg, chosen, row)

    # Every row has a key of its own (its start date). So no other row shares its parent, and nobody
    # but this writer changes it.

    def new_row(self) -> Row:
        start = date(2030, 1, 1) + timedelta(days=self.record.commits)
        return {
            "person_id": self.random.choice(self.persons),
            "programme_membership_type": self.random.choice(["SUBSTANTIVE", "LAT", None, ""]),
            "programme_start_date": start,
            "programme_end_date": self.random.choice([None, start + timedelta(days=365)]),
            "leaving_reason": None,
            "period_of_grace": 0,
        }

    def insert_row(self, pg: psycopg.Connection[Any]) -> dict[int, Row | None]:
        row = self.new_row()
        parent = _one(pg, self.sql["parent"], row) if "parent" in self.sql else None
        return {_one(pg, self.sql["insert"], {**row, "parent": parent}): row}

    def update_child(
        self, pg: psycopg.Connection[Any], child: int, row: Row
    ) -> dict[int, Row | None]:
        grace = row["period_of_grace"] + 1
        pg.execute(self.sql["grace"].encode(), {"value": grace, "id": child})
        return {child: {**row, "period_of_grace": grace}}

    def update_parent(
        self, pg: psycopg.Connection[Any], child: int, row: Row
    ) -> dict[int, Row | None]:
        column = self.random.choice(["leaving_reason", "programme_membership_type"])
        value = f"reason {self.record.commits}" if column == "leaving_reason" else "ACADEMIC"
        pg.execute(self.sql[column].encode(), {"value": value, "id": child})
        return {child: {**row, column: value}}

    def delete_row(self, pg: psycopg.Connection[Any], child: int) -> dict[int, Row | None]:
        if "orphan" in self.sql:
            parent = _one(pg, self.sql["delete"], {"id": child})
            pg.execute(self.sql["orphan"].encode(), {"parent": parent})
        else:
            pg.execute(self.sql["delete"].encode(), {"id": child})
        return {child: None}


def _one(pg: psycopg.Connection[Any], query: str, values: Row) -> Any:
    row = pg.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def expected(records: list[Record]) -> Iterator[tuple[int, Row | None]]:
    """Every row that a writer knows, as it must look."""
    for record in records:
        yield from record.rows.items()
