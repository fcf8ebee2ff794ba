"""0003 to 0005, for splits and renames, plain and partitioned: every write in every order around
every action."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_OVER, OPEN, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, fly, follows_both_ways, of_each
from tests.races.stages import Subject
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE
from tests.races.writes import CASCADES, WRITES

ALL = (*WRITES, *CASCADES)


@pytest.mark.parametrize("subject, moment, timing, isolation", of_each(COPY))
def test_no_write_to_the_source_is_lost_while_the_copy_is_made(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = subject.at(template_database, "0001")
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, ALL,
            table=subject.written(SOURCE), sound=subject.sound)  # fmt: skip
        pilot.upgrade("0004")
    follows_both_ways(url, sound=subject.sound)


@pytest.mark.parametrize("subject, moment, timing, isolation", of_each((OPEN,), "opening"))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_opened_to_writers(
    table: str,
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = subject.at(template_database, "0003")
    # Cascades reach the source first, whichever table is looked at.
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000", "23505"))
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes,
            table=subject.written(table), also=also, sound=subject.sound)  # fmt: skip
    follows_both_ways(url, sound=subject.sound)


@pytest.mark.parametrize("subject, moment, timing, isolation", of_each((CLOSE,)))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_copy_is_closed_to_writers_again(
    table: str,
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = subject.at(template_database, "0004")
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000",))
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes,
            table=subject.written(table), also=also, sound=subject.sound)  # fmt: skip
        pilot.upgrade("0004")
    follows_both_ways(url, sound=subject.sound)


@pytest.mark.parametrize("subject, moment, timing, isolation", of_each((HAND_OVER,), "hand-over"))
@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_no_write_is_lost_while_the_table_is_handed_over(
    table: str,
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """A writer of the old name is told that it is gone (42P01), or that the partition whose name
    is still there is retired (55000), and wrote nothing."""
    url = subject.at(template_database, "0004")
    gone = ("42P01", "55000") if subject.direct else ("42P01",)
    also = gone if table == SOURCE else ()
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES,
            table=subject.written(table), also=also, landed_in=subject.written(THE_COPY),
            sound=None)  # fmt: skip
        pilot.downgrade("0005")
    subject.sound(url)
    follows_both_ways(url, sound=subject.sound)
