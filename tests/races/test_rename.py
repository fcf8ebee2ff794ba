"""A table under two names: every write in every order around each step of a rename, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_BACK, HAND_OVER, OPEN, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, every_order, fly, follows_both_ways
from tests.races.tables import COPY as NEW
from tests.races.tables import SOURCE as OLD
from tests.races.tables import apart, build_tables, execute, query
from tests.races.test_the_way_down import SINCE
from tests.races.writes import CASCADES, WRITES

PLAN = TableSplit(name="m", source="wide", copy="narrow")


def built_to(*revisions: str) -> Callable[[str], None]:
    def build(url: str) -> None:
        build_tables(url)
        with Pilot(url, plan=PLAN) as pilot:
            pilot.upgrade(*revisions)

    return build


def name_of(revision: str) -> str:
    return f"races of a rename at {revision}"


def assert_equal(url: str) -> None:
    """Both names show the same rows, bit for bit, and the same columns."""
    assert query(url, apart(OLD, NEW)) == []
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum"
    )
    assert query(url, columns.format(OLD)) == query(url, columns.format(NEW))


def some(moments: tuple[Moment, ...], *names: str) -> list[Any]:
    """A plain run takes the moments of these names at one level; all of them `-m slow`."""
    cases = []
    for case in every_order(moments):
        everyday = not case.marks and case.values[0].name in names
        marks = () if everyday else pytest.mark.slow
        cases.append(pytest.param(*case.values, id=case.id, marks=marks))
    return cases


@pytest.mark.parametrize("moment, timing, isolation", some(COPY))
def test_no_write_to_the_old_name_is_lost_while_the_table_is_copied(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0002"), build_tables)
    with Pilot(url, plan=PLAN) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (*WRITES, *CASCADES), table=OLD,
            sound=assert_equal)  # fmt: skip
        pilot.upgrade("0004")
    follows_both_ways(url, sound=assert_equal)


@pytest.mark.parametrize("moment, timing, isolation", some((OPEN, CLOSE), "opening"))
@pytest.mark.parametrize("table", [OLD, NEW])
def test_no_write_is_lost_while_the_new_name_is_opened_or_closed(
    table: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    steps = ("0003", "0004") if moment.down else ("0003",)
    url = template_database(name_of(steps[-1]), built_to(*steps))
    also = () if table == OLD else ("55000",) if moment.down else ("55000", "23505")
    with Pilot(url, plan=PLAN) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=table, also=also,
            sound=assert_equal)  # fmt: skip
        if moment.down:
            pilot.upgrade("0004")
    follows_both_ways(url, sound=assert_equal)


@pytest.mark.parametrize("moment, timing, isolation", some((HAND_OVER,), "hand-over"))
@pytest.mark.parametrize("table", [OLD, NEW])
def test_no_write_is_lost_while_the_old_name_goes(
    table: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """A writer of the old name is told that it is gone (42P01), and wrote nothing."""
    url = template_database(name_of("0004"), built_to("0003", "0004"))
    also = ("42P01",) if table == OLD else ()
    with Pilot(url, plan=PLAN) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=table, also=also,
            landed_in=NEW, sound=None)  # fmt: skip
        pilot.downgrade("0005")
    assert_equal(url)
    follows_both_ways(url, sound=assert_equal)


@pytest.mark.parametrize("moment, timing, isolation", some(HAND_BACK))
def test_no_write_is_lost_while_the_old_name_comes_back(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    def build(url: str) -> None:
        built_to("0003", "0004", "0005")(url)
        execute(url, *SINCE)

    url = template_database(f"{name_of('0005')}, apart", build)
    with Pilot(url, plan=PLAN) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=NEW, sound=assert_equal)
    follows_both_ways(url, sound=assert_equal)
