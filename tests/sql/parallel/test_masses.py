"""Statements of many rows: the price grows with the rows, not with their square."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.sql.parallel import playground
from tests.sql.parallel.test_events import Play

FEW, MANY = 1500, 12000


@pytest.fixture
def play(template_database: TemplateDatabase) -> Iterator[Play]:
    made = Play(template_database("parallel", playground.build))
    yield made
    made.connection.close()


CASES = {
    "one new group": (
        "", "INSERT INTO cm (id, person, rotation) SELECT g, 1, 'r' FROM generate_series(1, %d) g"),
    "one opaque group": (
        "INSERT INTO pm (person, rotation) VALUES (1, 'r')",
        "INSERT INTO cm (id, person, rotation) SELECT g, 1, 'r' FROM generate_series(1, %d) g"),
    "new-style into one": (
        "INSERT INTO pm (person, rotation) VALUES (1, 'r')",
        "INSERT INTO cm (id, pm_uuid) SELECT g, p.uuid FROM generate_series(1, %d) g, pm AS p"),
    "key of half a group": ("one", "UPDATE cm SET type = 'b' WHERE id <= %d / 2"),
    "key of a whole group": ("one", "UPDATE cm SET type = 'b' WHERE id <= %d"),
    "value of a group": ("one", "UPDATE cm SET leaving = 'b' WHERE id <= %d"),
    "value of the parent": ("one", "UPDATE pm SET leaving = 'b' WHERE %d > 0"),
    "half a group deleted": ("one", "DELETE FROM cm WHERE id <= %d / 2"),
    "many groups given away": (
        "many", "UPDATE cm SET pm_uuid = (SELECT uuid FROM pm WHERE person = 0) WHERE %d > 0"),
    "keys of many groups": ("many", "UPDATE cm SET type = 'b' WHERE %d > 0"),
    "many groups deleted": ("many", "DELETE FROM cm WHERE id <= %d"),
}  # fmt: skip
BEFORE = {"one": "1", "many": "g / 3"}


def seconds(play: Play, case: str, rows: int) -> float:
    before, statement = CASES[case]
    play("DELETE FROM cm; DELETE FROM pm")
    if before in BEFORE:
        before = (
            f"INSERT INTO cm (id, person, rotation) SELECT g, {BEFORE[before]}, 'r'"
            f" FROM generate_series(1, {rows}) g"
        )
    if before:
        play(before)
    play("VACUUM ANALYZE cm")
    play("VACUUM ANALYZE pm")
    began = time.perf_counter()
    play(statement.replace("%d", str(rows)))
    taken = time.perf_counter() - began
    play.sound()
    return taken


@pytest.mark.parametrize("case", CASES)
def test_ten_thousand_rows_cost_no_square(play: Play, case: str) -> None:
    few = min(seconds(play, case, FEW) for _ in range(3))
    many = min(seconds(play, case, MANY) for _ in range(2))
    # Eight times the rows: a square would be 64 times the price; half of that leaves room for
    # what is the same for every statement and for others on this machine.
    assert many < 32 * few, f"{few * 1e3:.0f} ms, then {many * 1e3:.0f} ms"
