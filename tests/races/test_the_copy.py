"""0003 to 0005, for a split and for a rename: every write in every order around every action."""

from __future__ import annotations

import pytest

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_OVER, OPEN, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Sound, Timing, fly, follows_both_ways, of_both
from tests.races.stages import built_to, name_of
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE
from tests.races.writes import CASCADES, WRITES

ALL = (*WRITES, *CASCADES)


@pytest.mark.parametrize("plan, sound, moment, timing, isolation", of_both(COPY))
def test_no_write_to_the_source_is_lost_while_the_copy_is_made(
    plan: TableSplit,
    sound: Sound,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0001", plan), built_to("0001", plan))
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, ALL, table=SOURCE, sound=sound)
        pilot.upgrade("0004")
    follows_both_ways(url, sound=sound)


@pytest.mark.parametrize("plan, sound, moment, timing, isolation", of_both((OPEN,), "opening"))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_opened_to_writers(
    table: str,
    plan: TableSplit,
    sound: Sound,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0003", plan), built_to("0003", plan))
    # Cascades reach the source first, whichever table is looked at.
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000", "23505"))
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also,
            sound=sound)  # fmt: skip
    follows_both_ways(url, sound=sound)


@pytest.mark.parametrize("plan, sound, moment, timing, isolation", of_both((CLOSE,)))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_closed_to_writers_again(
    table: str,
    plan: TableSplit,
    sound: Sound,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0004", plan), built_to("0004", plan))
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000",))
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also,
            sound=sound)  # fmt: skip
        pilot.upgrade("0004")
    follows_both_ways(url, sound=sound)


@pytest.mark.parametrize(
    "plan, sound, moment, timing, isolation", of_both((HAND_OVER,), "hand-over")
)
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_table_is_handed_over(
    table: str,
    plan: TableSplit,
    sound: Sound,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """A writer of the old name is told that it is gone (42P01), and wrote nothing."""
    url = template_database(name_of("0004", plan), built_to("0004", plan))
    also = ("42P01",) if table == SOURCE else ()
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=table, also=also,
            landed_in=THE_COPY, sound=None)  # fmt: skip
        pilot.downgrade("0005")
    sound(url)
    follows_both_ways(url, sound=sound)
