"""TRUNCATE around every action: no row of before is left on either side."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.actions import COPY, HAND_BACK, OPEN, PARENTS, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, fly, follows_both_ways
from tests.races.stages import tables_at
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE, assert_equal, assert_parents, execute, query
from tests.races.timings import TIMINGS
from tests.races.writes import TRUNCATES, Write

MOMENTS = (*COPY, OPEN, *HAND_BACK, *PARENTS)


def _every_truncate() -> list[Any]:
    made = []
    for (m, moment), (t, timing), (w, write) in product(
        enumerate(MOMENTS), enumerate(TIMINGS), enumerate(TRUNCATES)
    ):
        for level, isolation in enumerate(ISOLATIONS):
            everyday = (m + t + w) % 5 == 0 and (m + w) % 3 == level and t % 3 == m % 3
            name = f"{moment}, {timing.__name__}, {write.name}, {isolation}"
            marks = () if everyday else pytest.mark.slow
            made.append(pytest.param(moment, timing, write, isolation, id=name, marks=marks))
    return made


@pytest.mark.parametrize("moment, timing, write, isolation", _every_truncate())
def test_a_truncate_is_followed_whenever_it_comes(
    moment: Moment,
    timing: Timing,
    write: Write,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = {"0003": "0001", "0004": "0003", "0005": "0005", "0006": "0005"}.get(
        moment.revision, "0007" if moment.down else "0006"
    )
    url = template_database(tables_at(before))
    table = SOURCE if moment.revision < "0005" else THE_COPY
    parents = moment.revision > "0005"
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (write,), table=table,
            sound=None if parents else assert_equal)  # fmt: skip
        if parents and (moment.revision == "0006" or moment.down):
            pilot.upgrade("0007")
        if moment.revision == "0003":
            pilot.upgrade("0004")
    if parents:
        assert_parents(url)
    else:
        follows_both_ways(url)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("revision, table", [("0003", SOURCE), ("0004", SOURCE), ("0004", THE_COPY),
                                             ("0007", THE_COPY)])  # fmt: skip
def test_a_truncate_takes_along_rows_that_its_snapshot_cannot_see(
    revision: str,
    table: str,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(tables_at(revision))
    stage = on_stage(url)
    old = stage.session("old", isolation)
    old.begin()
    execute(
        url,
        f"INSERT INTO {table} (person_id, programme, curriculum) VALUES (77, 77, 77)",
    )
    outcome = old.outcome(f"TRUNCATE {table}")
    outcome = old.commit() or outcome
    assert outcome in ({"", "40001"} if isolation != "READ COMMITTED" else {""})
    if revision == "0007":
        assert_parents(url)
    else:
        assert_equal(url)
    assert bool(outcome) is bool(query(url, f"SELECT 1 FROM {table} LIMIT 1"))
