"""Cursors whose row is written by WHERE CURRENT OF, at every step, plain and partitioned.

PostgreSQL carries out such a statement on a partitioned table only if the cursor reads all of its
partitions. Where a condition on the partition key rules one out, execCurrentOf() finds no such
table in the cursor and answers 24000, on 15 and on 18, whether this tool has been there or not.
"""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import COPY, OPEN, Moment
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import (
    OnStage,
    Timing,
    every_order,
    fly,
    plain_and_partitioned,
)
from tests.races.stages import Sound, Subject
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE, assert_equal, assert_parents, query
from tests.races.writes import UNUSUAL

PRUNED = "SELECT * FROM {t} WHERE id = {id}"
WHOLE = "SELECT * FROM {t} WHERE id + 0 = {id}"
LOCKED = " FOR UPDATE"
PLACES = {
    "0001": (SOURCE,),
    "0003": (SOURCE,),
    "0004": (SOURCE, THE_COPY),
    "0005": (THE_COPY,),
    "0007": (THE_COPY,),
    "0008": (THE_COPY,),
}
"""The tables that applications write at each step."""
SOUND: dict[str, Sound] = {
    "0003": assert_equal,
    "0004": assert_equal,
    "0007": assert_parents,
    "0008": assert_families,
}


def through_cursor(url: str, read: str, write: str) -> str:
    """The SQLSTATE of a write of the row that a cursor stands on; none where it wrote one row."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(f"DECLARE mine CURSOR FOR {read}".encode())
        connection.execute("FETCH mine")
        try:
            written = connection.execute(f"{write} WHERE CURRENT OF mine".encode())
        except psycopg.Error as error:
            connection.rollback()
            return error.sqlstate or "none"
    assert written.rowcount == 1
    return ""


@pytest.mark.parametrize("lock", ["", LOCKED], ids=["unlocked", "locked"])
@plain_and_partitioned
@pytest.mark.parametrize("revision", PLACES)
def test_a_write_through_a_cursor_is_answered_as_before_the_first_step(
    revision: str, subject: Subject, lock: str, template_database: TemplateDatabase
) -> None:
    url = subject.at(template_database, revision)
    sound: Sound | None = SOUND.get(revision)
    for n, table in enumerate(PLACES[revision]):
        for m, (read, refused) in enumerate(
            ((WHOLE, ""), (PRUNED, "24000" if subject.partitions is not None else ""))
        ):
            for k, write in enumerate(
                (f"UPDATE {table} SET rotation = 'cursor', badge = NULL", f"DELETE FROM {table}")
            ):
                one = 10 * (4 * n + 2 * m + k) + 1
                said = through_cursor(url, read.format(t=table, id=one) + lock, write)
                assert said == refused, (table, read, write)
                left = f"SELECT FROM {table} WHERE id = {one} AND rotation <> 'cursor'"
                assert bool(query(url, left)) is bool(refused)
                if sound is not None:
                    sound(url)


SWITCHES = (*(m for m in COPY if m.name in ("second batch", "switch")), OPEN)


@plain_and_partitioned
@pytest.mark.parametrize("moment, timing, isolation", every_order(SWITCHES))
def test_no_write_through_a_cursor_is_lost_while_the_copy_is_made_and_opened(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = subject.at(template_database, "0001" if moment.revision == "0003" else "0003")
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, UNUSUAL, table=SOURCE)
