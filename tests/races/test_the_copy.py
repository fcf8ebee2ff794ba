"""0003 and 0004, up and down: every write in every order around every action."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_OVER, OPEN, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, every_order, fly, follows_both_ways
from tests.races.stages import built_to, name_of
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE, assert_equal
from tests.races.writes import CASCADES, WRITES

ALL = (*WRITES, *CASCADES)


@pytest.mark.parametrize("moment, timing, isolation", every_order(COPY))
def test_no_write_to_the_source_is_lost_while_the_copy_is_made(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0001"), built_to("0001"))
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, ALL, table=SOURCE)
        pilot.upgrade("0004")
    follows_both_ways(url)


@pytest.mark.parametrize("moment, timing, isolation", every_order((OPEN,)))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_opened_to_writers(
    table: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0003"), built_to("0003"))
    # Cascades reach the source first, whichever table is looked at.
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000", "23505"))
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also)
    follows_both_ways(url)


@pytest.mark.parametrize("moment, timing, isolation", every_order((CLOSE,)))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_closed_to_writers_again(
    table: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0004"), built_to("0004"))
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000",))
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also)
        pilot.upgrade("0004")
    follows_both_ways(url)


@pytest.mark.parametrize("moment, timing, isolation", every_order((HAND_OVER,)))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_table_is_handed_over(
    table: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """A writer of the old name is told that it is gone (42P01), and wrote nothing."""
    url = template_database(name_of("0004"), built_to("0004"))
    also = ("42P01",) if table == SOURCE else ()
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=table, also=also,
            landed_in=THE_COPY, sound=None)  # fmt: skip
        pilot.downgrade("0005")
    assert_equal(url)
    follows_both_ways(url)
