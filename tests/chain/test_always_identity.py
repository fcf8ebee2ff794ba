"""Ids that are GENERATED ALWAYS, and rows that come by COPY, in every phase up and down."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from tests.chain.driver import REVISIONS, Chain, Subject, build
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.steps import step_of
from tests.races.pilot import Flight, Pilot

ALWAYS = Subject(
    plan=TableSplit(
        name="always",
        source="wide",
        copy="narrow",
        parent="wide",
        key=("k", "d"),
        parent_columns=(ParentColumn(name="v", conflict=Conflict.LATEST),),
        child_columns=("c",),
        link="parent_uuid",
        changed="amended",
    ),
    schema="s",
    create=(
        "CREATE SCHEMA s",
        "CREATE TABLE s.wide (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " k text, d date, v text, c int, amended timestamptz(3) NOT NULL DEFAULT now())",
    ),
)


def fill(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO s.wide (k, d, v, c, amended) SELECT 'k' || n / 2, CASE WHEN n % 3 > 0 THEN"
        " date '2020-01-01' END, 'v' || n % 2, n, '2020-01-01' FROM generate_series(0, 299) AS n"
    )


OLD = ("k", "d", "v", "c")
Line = tuple[str | None, ...]


class Rows:
    """Sends rows by COPY and remembers them; each text is its own."""

    def __init__(self, url: str) -> None:
        self.url, self.number = url, 0
        self.sent: set[Line] = set()

    def copy(self, table: str) -> None:
        """Three rows: a new key, the same key once more, and a key with a gap."""
        n = self.number = self.number + 1
        rows: list[Line] = [
            (f"new {n}", "2021-01-01", "w", f"{n}1"),
            (f"new {n}", "2021-01-01", "w", f"{n}2"),
            (f"k{n}", None, "w", f"{n}3"),
        ]
        with psycopg.connect(libpq_url(self.url)) as connection:
            columns = ", ".join(OLD)
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        self.sent |= set(rows)

    def copy_children(self) -> None:
        """New-style: children of a parent that is there."""
        n = self.number = self.number + 1
        with psycopg.connect(libpq_url(self.url)) as connection:
            (parent,) = connection.execute(
                "SELECT uuid FROM s.wide WHERE k = 'new 1' AND d = '2021-01-01'"
            ).fetchall()[0]
            text = "COPY s.narrow (parent_uuid, c) FROM STDIN"
            with connection.cursor().copy(text) as copy:
                copy.write_row((parent, n * 10 + 1))
        self.sent.add(("new 1", "2021-01-01", "w", f"{n}1"))


def table_of(revision: str) -> str:
    return "s.wide" if revision <= "0004" else "s.narrow"


def drawn(url: str, table: str) -> None:
    """The id is still drawn by the database alone, in both tables from one sequence."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.GeneratedAlways):
            connection.execute(f"INSERT INTO {table} (id, k) VALUES (1, 'x')")
        connection.execute(
            f"INSERT INTO {table} (id, k) OVERRIDING SYSTEM VALUE VALUES (-1, 'given')"
        )
        connection.execute(f"DELETE FROM {table} WHERE id = -1")


HALTS = {
    "0003": r'SELECT "s_refactor"\."always_copy_build"\(',
    "0007": r'SELECT "s_refactor"\."always_parent_build"\(',
    "0008": r"VALIDATE CONSTRAINT",
}
DOWN_HALTS = {
    "0009": r'^SELECT .*always_refresh"\(',
    "0008": r'^SELECT .*always_restore_own"\(',
    "0005": r'SELECT "s_refactor"\."always_retired_build"\(',
}


def up(revision: str) -> Flight:
    return lambda runner: runner.upgrade(step_of(revision))


def down(revision: str) -> Flight:
    return lambda runner: runner.downgrade(step_of(revision))


def test_rows_that_come_by_copy_in_every_phase_are_there_at_the_end(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("always identity", build(ALWAYS, fill))
    chain, rows = Chain(url, ALWAYS), Rows(url)
    with Pilot(url, plan=ALWAYS.plan) as pilot:
        for revision in REVISIONS:
            if revision in HALTS:
                pilot.start(up(revision), until=HALTS[revision], before=True)
                rows.copy(table_of(f"{int(revision) - 1:04d}"))
                pilot.finish()
            else:
                pilot.upgrade(revision)
            if revision == "0004":
                rows.copy("s.narrow")
            if revision <= "0008":
                rows.copy(table_of(revision))
                drawn(url, table_of(revision))
            if revision >= "0008":
                rows.copy_children()
        for revision in reversed(REVISIONS):
            if revision in DOWN_HALTS:
                pilot.start(down(revision), until=DOWN_HALTS[revision], before=True)
                if revision < "0009":
                    rows.copy("s.narrow")
                pilot.finish()
            else:
                pilot.downgrade(revision)
            below = f"{int(revision) - 1:04d}"
            if below >= "0008":
                rows.copy_children()
            if below <= "0008":
                rows.copy(table_of(below))
                drawn(url, table_of(below))
    found = chain.query("SELECT k, d::text, v, c::text FROM s.wide")
    assert len(found) == len(set(chain.query("SELECT id FROM s.wide")))
    assert rows.sent <= set(found)
    assert len(found) == 300 + len(rows.sent)
    (column,) = (c for c in chain.portrait().table("wide").columns if c.name == "id")
    assert column.identity == "always"
