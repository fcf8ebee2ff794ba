"""One race: a moment of the mover, an order, an isolation level, and every write at once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from itertools import product
from operator import attrgetter
from typing import Any

import pytest

from tests.fixtures.sessions import ISOLATIONS, Stage
from tests.races.actions import Flight, Moment
from tests.races.partitions import BY_HASH, BY_RANGE
from tests.races.pilot import Pilot
from tests.races.stages import Sound, Subject, Table
from tests.races.tables import (
    COMPOSITE,
    COMPOSITE_KEPT,
    COPY,
    RENAME,
    SOURCE,
    assert_alike,
    assert_equal,
    execute,
)
from tests.races.timings import TIMINGS, Outcomes, assert_landed, named, writers
from tests.races.writes import HIGH, LOW, Write

OnStage = Callable[[str], Stage]
Timing = Callable[..., Outcomes]

AFTERMATH = (
    "UPDATE {t} SET score = 9.90 WHERE id % 10 = 4",
    "INSERT INTO {t} (person_id, programme, curriculum) VALUES (1, 1, 1)",
    "UPDATE {t} SET kind = 'z', id = id + 200000 WHERE id IN (593, 594)",
    "DELETE FROM {t} WHERE id = 592 OR id > 200000",
)


def every_order(
    moments: Iterable[Moment], everyday_moments: Container[str] | None = None
) -> Sequence[Any]:
    """The whole product; a plain run takes each moment in each order once, at a level of its
    own, and the switches at every level. Where ``everyday_moments`` are given, it takes those."""
    made = []
    for number, (moment, timing) in enumerate(product(moments, TIMINGS)):
        for level, isolation in enumerate(ISOLATIONS):
            everyday = level == number % 3 or (moment.name == "switch" and level == 1)
            if everyday_moments is not None:
                everyday = everyday and moment.name in everyday_moments
            name = f"{moment}, {timing.__name__}, {isolation}"
            marks = () if everyday else pytest.mark.slow
            made.append(pytest.param(moment, timing, isolation, id=name, marks=marks))
    return made


SPLIT = Subject(name="split")
SPLIT_BY_HASH = Subject(name="split by hash", partitions=BY_HASH)
plain_and_partitioned = pytest.mark.parametrize(
    "subject", [SPLIT, pytest.param(SPLIT_BY_HASH, marks=pytest.mark.slow)], ids=attrgetter("name")
)
SUBJECTS = (
    (SPLIT, None),
    (Subject(name="two ids", plan=COMPOSITE), "few"),
    (Subject(name="two ids, one kept", plan=COMPOSITE_KEPT), ()),
    (Subject(name="rename", plan=RENAME, sound=assert_alike), "few"),
    (SPLIT_BY_HASH, ()),
    (Subject(name="two ids by hash", plan=COMPOSITE, partitions=BY_HASH), ()),
    (Subject(name="rename by hash", plan=RENAME, sound=assert_alike, partitions=BY_HASH), None),
    (Subject(name="rename by range", plan=RENAME, sound=assert_alike, partitions=BY_RANGE), ()),
    (
        Subject(
            name="rename by range, each partition",
            plan=RENAME,
            sound=assert_alike,
            partitions=BY_RANGE,
            direct=True,
        ),
        (),
    ),
)
"""Beside each: the moments that a plain run takes; None for all of ``every_order``."""


def of_each(moments: Iterable[Moment], *few: str) -> Sequence[Any]:
    """``every_order`` for the plans that copy to split and to rename, with an id of one and of two
    columns, plain and partitioned: (subject, moment, timing, isolation)."""
    moments = tuple(moments)
    return [
        pytest.param(subject, *case.values, id=f"{subject.name}, {case.id}", marks=case.marks)
        for subject, everyday in SUBJECTS
        for case in every_order(moments, few if everyday == "few" else everyday)
    ]


def fly(
    pilot: Pilot,
    stage: Stage,
    moment: Moment,
    timing: Timing,
    isolation: str,
    writes: Sequence[Write],
    *,
    table: Table,
    also: Iterable[str] = (),
    landed_in: Table | None = None,
    sound: Sound | None = assert_equal,
) -> Outcomes:
    """The race, the end of the flight, and the proof that nothing was lost.

    ``also`` are SQLSTATEs that this moment may answer with besides 40001.
    """
    # Low blocks lie in the first batch, high ones in the second: done, under way, or to come.
    region = LOW if TIMINGS.index(timing) % 2 else HIGH
    acted = writers(stage, writes, isolation, table=table, region=region)
    flight = Flight(pilot, moment, seeded=table if isinstance(table, str) else table(595))
    outcomes = timing(flight, acted)
    pilot.finish()
    if sound is not None:
        sound(stage.url)
    assert_landed(stage, acted, outcomes, landed_in or table)
    failed = set(outcomes.values()) - {""} - set(also)
    if moment.logs and isolation != "SERIALIZABLE":
        assert not failed, named(outcomes)
    assert failed <= ({"40001"} if isolation != "READ COMMITTED" else set()), named(outcomes)
    return outcomes


def follows_both_ways(url: str, *, sound: Sound = assert_equal) -> None:
    """Four writes on either side reach the other."""
    for table in (SOURCE, COPY):
        execute(url, *(text.format(t=table) for text in AFTERMATH))
        sound(url)
