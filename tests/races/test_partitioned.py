"""A partitioned table under a new name: every write in every order around every action."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_OVER, OPEN, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, every_order, fly, follows_both_ways
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import RENAME, SOURCE, TABLES, assert_alike, execute, query
from tests.races.writes import CASCADES, WRITES

ALL = (*WRITES, *CASCADES)
PARTITIONS = 4
BY_HASH = (
    TABLES.replace("UNIQUE DEFERRABLE", "")
    .replace("CONSTRAINT uq_wide_badge", "")
    .replace(
        "ON DELETE SET NULL);",
        "ON DELETE SET NULL) PARTITION BY HASH (id);\n"
        + "".join(
            f"CREATE TABLE s.wide_{n} PARTITION OF s.wide"
            f" FOR VALUES WITH (modulus {PARTITIONS}, remainder {n});\n"
            for n in range(PARTITIONS)
        ),
    )
)
"""A change of the id moves the row to another partition, three times out of four."""


def built(url: str, *revisions: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(BY_HASH)
    with Pilot(url, plan=RENAME) as pilot:
        pilot.upgrade(*revisions)


def at(template_database: TemplateDatabase, *revisions: str) -> str:
    name = f"races over hash partitions at {revisions[-1] if revisions else 'the start'}"
    return template_database(name, lambda url: built(url, *revisions))


def partition_of(table: str, id: int) -> str:
    return f"(SELECT tableoid::regclass FROM {table} WHERE id = {id})"


@pytest.mark.parametrize("moment, timing, isolation", every_order(COPY))
def test_no_write_to_the_source_is_lost_while_the_copy_is_made(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = at(template_database)
    with Pilot(url, plan=RENAME) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, ALL, table=SOURCE, sound=assert_alike)
        pilot.upgrade("0004")
    follows_both_ways(url, sound=assert_alike)


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
    url = at(template_database, "0003")
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000", "23505"))
    with Pilot(url, plan=RENAME) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also,
            sound=assert_alike)  # fmt: skip
    follows_both_ways(url, sound=assert_alike)


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
    url = at(template_database, "0003", "0004")
    writes, also = (ALL, ()) if table == SOURCE else (WRITES, ("55000",))
    with Pilot(url, plan=RENAME) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=table, also=also,
            sound=assert_alike)  # fmt: skip
        pilot.upgrade("0004")
    follows_both_ways(url, sound=assert_alike)


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
    url = at(template_database, "0003", "0004")
    also = ("42P01",) if table == SOURCE else ()
    with Pilot(url, plan=RENAME) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=table, also=also,
            landed_in=THE_COPY, sound=None)  # fmt: skip
        pilot.downgrade("0005")
    assert_alike(url)
    follows_both_ways(url, sound=assert_alike)


@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_a_row_that_moves_to_another_partition_moves_on_the_other_side(
    table: str, template_database: TemplateDatabase
) -> None:
    url = at(template_database, "0003", "0004")
    other = THE_COPY if table == SOURCE else SOURCE
    ids = [1, 2, 3, 4, 11, 12, 13, 14]
    before = [query(url, f"SELECT {partition_of(other, n)}::text")[0][0] for n in ids]
    for n in ids:
        execute(url, f"UPDATE {table} SET id = {n + 5000}, note = '1' WHERE id = {n}")
        assert_alike(url)
    after = [query(url, f"SELECT {partition_of(other, n + 5000)}::text")[0][0] for n in ids]
    assert sum(a != b for a, b in zip(before, after, strict=True)) >= 3
