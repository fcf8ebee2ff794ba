"""0006 and 0007, up and down: every write in every order around every action."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import PARENTS, Moment
from tests.races.pilot import Pilot
from tests.races.race import (
    AFTERMATH,
    OnStage,
    Timing,
    every_order,
    fly,
    plain_and_partitioned,
)
from tests.races.stages import Subject
from tests.races.tables import COPY, assert_parents, execute
from tests.races.writes import CASCADES, WRITES


@plain_and_partitioned
@pytest.mark.parametrize("moment, timing, isolation", every_order(PARENTS))
def test_no_write_to_the_child_is_lost_while_its_parents_are_made(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = {"0006": "0005", "0007": "0007" if moment.down else "0006"}[moment.revision]
    url = subject.at(template_database, before)
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (*WRITES, *CASCADES), table=COPY,
            sound=None)  # fmt: skip
        if moment.revision == "0006" or moment.down:
            pilot.upgrade("0007")
    assert_parents(url)
    for text in AFTERMATH:
        execute(url, text.format(t=COPY))
        assert_parents(url)
