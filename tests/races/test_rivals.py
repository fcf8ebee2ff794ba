"""Writers against writers on the same rows, on one side or on two, once capture is synchronous."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED, ISOLATIONS, Stage, Step
from tests.races.race import OnStage, Timing, follows_both_ways
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, assert_parents
from tests.races.timings import TIMINGS, named, writers
from tests.races.writes import HIGH, VALUES, WRITES, base_of

RIVALS = {
    "deletes": ("DELETE FROM {t} WHERE id IN ({b})",),
    "updates": ("UPDATE {t} SET rotation = 'rival', kind = 'rival' WHERE id IN ({b})",),
    "deletes and inserts again": (
        "DELETE FROM {t} WHERE id IN ({b})",
        f"{VALUES} SELECT b, 2, 2, 'again', 'again', 2.0, 2, NULL, NULL FROM"
        f" unnest(ARRAY[{{b}}]) b",
    ),
    "inserts the same ids": (
        f"{VALUES} SELECT b + 5, 2, 2, 'r', 'r', 2.0, 2, NULL, NULL FROM unnest(ARRAY[{{b}}]) b",
    ),
    "changes the ids": ("UPDATE {t} SET id = id + 5 WHERE id IN ({b})",),
}


@dataclass
class Rival:
    """A transaction on everybody's rows, as an action that the writers race with."""

    stage: Stage
    table: str
    body: tuple[str, ...]
    isolation: str
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = self.stage.session("rival", self.isolation)

    def middle(self) -> None:
        self.session.begin()
        bases = ", ".join(str(base_of(w, HIGH)) for w in WRITES)
        texts = [t.replace("{t}", self.table).replace("{b}", bases) for t in self.body]
        self.steps = [self.session.start(text) for text in texts]
        for step in self.steps:
            if step.settled() == BLOCKED:
                return

    def end(self) -> None:
        failed = {step.outcome() for step in self.steps} - {"", "25P02"}
        assert failed <= {"40001", "40P01", "23505"}, failed
        self.session.commit()


STAGES = (
    ("0003", SOURCE, SOURCE),
    ("0004", SOURCE, SOURCE),
    ("0004", SOURCE, COPY),
    ("0004", COPY, SOURCE),
    ("0004", COPY, COPY),
    ("0007", COPY, COPY),
)


def _every_meeting() -> list[Any]:
    made = []
    number = 0
    for (stage, timing), (n, rival) in product(product(STAGES, TIMINGS), enumerate(RIVALS)):
        for level, isolation in enumerate(ISOLATIONS):
            number += 1
            everyday = (TIMINGS.index(timing) + STAGES.index(stage) + n) % 5 == 0
            everyday = everyday and (TIMINGS.index(timing) + n) % 3 == level
            name = f"at {' '.join(stage)}, rival {rival}, {timing.__name__}, {isolation}"
            marks = () if everyday else pytest.mark.slow
            made.append(pytest.param(stage, timing, rival, isolation, id=name, marks=marks))
    return made


@pytest.mark.parametrize("stage, timing, rival, isolation", _every_meeting())
def test_two_writers_of_the_same_rows_leave_both_sides_equal(
    stage: tuple[str, str, str],
    timing: Timing,
    rival: str,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    revision, table, other = stage
    url = template_database(tables_at(revision))
    opened = on_stage(url)
    acted = writers(opened, WRITES, isolation, table=table, region=HIGH)
    outcomes = timing(Rival(opened, other, RIVALS[rival], isolation), acted)
    allowed = {"", "23505", "40P01"} | ({"40001"} if isolation != "READ COMMITTED" else set())
    assert set(outcomes.values()) <= allowed, named(outcomes)
    if revision == "0007":
        assert_parents(url)
    else:
        assert_equal(url)
    if revision == "0004":
        follows_both_ways(url)
