"""The writes of the races do what they say on a table that nobody moves."""

from __future__ import annotations

from collections.abc import Callable

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage
from tests.races.tables import SOURCE, build_tables
from tests.races.timings import assert_landed, writers
from tests.races.writes import CASCADES, LOW, WRITES


def test_every_write_succeeds_and_lands_where_nobody_interferes(
    template_database: TemplateDatabase, on_stage: Callable[[str], Stage]
) -> None:
    stage = on_stage(template_database("races tables", build_tables))
    acted = writers(stage, (*WRITES, *CASCADES), "READ COMMITTED", table=SOURCE, region=LOW)
    for w in acted:
        w.begin()
        w.act()
    outcomes = {w.write.name: w.close() for w in acted}
    assert {name: o for name, o in outcomes.items() if o} == {}
    assert_landed(stage, acted, outcomes, SOURCE)
