"""Readers and writers by the view of the old shape, while steps make, change and drop it."""

from __future__ import annotations

from itertools import product
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import LockNotObtained, StepInterrupted
from membership_refactor.execution.options import Options
from membership_refactor.execution.runner import Runner
from membership_refactor.steps.step import Direction
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.fixtures.steps import step_of
from tests.races.families import assert_families
from tests.races.pilot import SET_BACK, Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import OLD_SHAPE, query

READ = "SELECT md5(array_agg(w ORDER BY id)::text) FROM s_old.wide AS w"
MOVES = (("0009", Direction.UP), ("0009", Direction.DOWN),
         ("0011", Direction.UP), ("0005", Direction.DOWN))  # fmt: skip


def at(template_database: TemplateDatabase, revision: str) -> str:
    return template_database(tables_at(revision, OLD_SHAPE))


def before(revision: str, direction: Direction) -> str:
    """The revision at which the chain stands before that move."""
    below = {"0009": "0008", "0011": "0010"}
    return below[revision] if direction is Direction.UP else revision


def start(pilot: Pilot, revision: str, direction: Direction, until: str | None = None) -> None:
    step = step_of(revision)
    if direction is Direction.UP:
        pilot.start(lambda runner: runner.upgrade(step), until=until, before=True)
    else:
        pilot.start(lambda runner: runner.downgrade(step), until=until, before=True)


def abandon(runner: Runner) -> None:
    assert runner.abandon() is not None


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(("revision", "direction"), MOVES)
def test_a_step_waits_for_an_open_reader_who_sees_the_same_rows_to_his_end(
    revision: str,
    direction: Direction,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = at(template_database, before(revision, direction))
    stage = on_stage(url)
    reader = stage.session("reader", isolation)
    reader.begin()
    rows = reader.run(READ)
    with Pilot(url, plan=OLD_SHAPE) as pilot:
        start(pilot, revision, direction)
        assert pilot.wait(setbacks=True) == SET_BACK
        assert reader.run(READ) == rows
        assert reader.commit() == ""
        pilot.finish()
    if revision == "0009":
        assert query(url, READ) == rows
    else:
        assert stage.session("late").outcome(READ) == "42P01"


def test_a_reader_who_never_ends_is_named_and_the_step_can_go_on_later(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = at(template_database, "0008")
    reader = on_stage(url).session("a long report")
    reader.begin()
    reader.run(READ)
    options = Options(batch_rows=150, accept_usage="test", lock_timeout=1)
    with Pilot(url, plan=OLD_SHAPE, options=options) as pilot:
        with pytest.raises(LockNotObtained) as refused:
            pilot.upgrade("0009")
        assert 'no lock on "s_old"."wide" in ' in str(refused.value)
        assert "a long report" in str(refused.value)
        reader.commit()
        pilot.upgrade("0009")
    assert query(url, "SELECT pg_get_viewdef('s_old.wide'::regclass) LIKE '%JOIN%'") == [(True,)]


def test_a_prepared_statement_reads_on_through_every_step(
    template_database: TemplateDatabase,
) -> None:
    url = at(template_database, "0005")
    star = b"SELECT * FROM s_old.wide ORDER BY id LIMIT 1"
    with psycopg.connect(libpq_url(url), autocommit=True) as session:
        row = session.execute(star, prepare=True).fetchone()
        with Pilot(url, plan=OLD_SHAPE) as pilot:
            for revision in ("0006", "0007", "0008", "0009", "0010"):
                pilot.upgrade(revision)
                assert session.execute(star, prepare=True).fetchone() == row, revision


# --- writes while the view goes over from one table to two, and back ---------------------

ID = 41
UUID = f"(SELECT parent_uuid FROM s.narrow WHERE id = {ID})"
WRITES = {
    "parent": f"UPDATE s.wide SET rotation = 'live', amended = now() WHERE uuid = {UUID}",
    "child": f"UPDATE s.narrow SET rotation = 'live', amended = now() WHERE id = {ID}",
    "view": f"UPDATE s_old.wide SET rotation = 'live', amended = now() WHERE id = {ID}",
}
UP = {
    "before the view": "CREATE OR REPLACE VIEW",
    "before the freeze": r'LOCK TABLE "s"\."narrow"',
    "at the end": r"SET state = 'done'",
}
DOWN = {
    "before the capture": r'LOCK TABLE "s"\."narrow"',
    "before the refresh": r'SELECT "s_refactor"\."m_refresh"\(',
    "before the view": "CREATE OR REPLACE VIEW",
    "at the end": r"SET state = 'done'",
}


def every_case() -> list[Any]:
    """A plain run takes each write and moment once, the levels by turns."""
    moments = [*((Direction.UP, m) for m in UP), *((Direction.DOWN, m) for m in DOWN)]
    cases = []
    for n, (write, (way, moment)) in enumerate(product(WRITES, moments)):
        for m, isolation in enumerate(ISOLATIONS):
            marks = () if n % 3 == m else pytest.mark.slow
            case = f"{write}, {way}, {moment}, {isolation}"
            cases.append(pytest.param(way, moment, write, isolation, id=case, marks=marks))
    return cases


@pytest.mark.parametrize(("direction", "moment", "write", "isolation"), every_case())
def test_a_write_that_was_done_is_in_the_view_at_once(
    direction: Direction,
    moment: str,
    write: str,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = at(template_database, before("0009", direction))
    value = f"SELECT rotation FROM s_old.wide WHERE id = {ID}"
    recent = f"SELECT count(*) FROM s_old.wide WHERE id = {ID} AND amended > now() - interval '1h'"
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url, plan=OLD_SHAPE) as pilot:
        start(pilot, "0009", direction, (UP if direction is Direction.UP else DOWN)[moment])
        writer.begin()
        outcome = writer.outcome(WRITES[write])
        outcome = writer.commit() or outcome
        assert outcome in ({"", "40001"} if write == "parent" else {"", "40001", "55000"})
        written = outcome == ""
        assert (query(url, value) == [("live",)]) is written
        assert query(url, recent) == [(int(written),)]
        pilot.finish()
    assert (query(url, value) == [("live",)]) is written
    assert query(url, recent) == [(int(written),)]
    if direction is Direction.DOWN:
        assert_families(url)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_55000_over_both_tables_the_view_of_the_old_shape_refuses_a_write(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = at(template_database, "0009")
    rows = query(url, READ)
    writer = on_stage(url).session("writer", isolation)
    for text in (
        WRITES["view"],
        f"DELETE FROM s_old.wide WHERE id = {ID}",
        "INSERT INTO s_old.wide (person_id, programme, curriculum) VALUES (1, 1, 1)",
    ):
        writer.begin()
        assert writer.outcome(text) == "55000"
        writer.rollback()
    assert query(url, READ) == rows


# --- killed, and taken back --------------------------------------------------------------


@pytest.mark.parametrize(("revision", "direction"), MOVES)
def test_a_step_that_is_killed_beside_the_view_goes_on_to_the_same_end(
    revision: str, direction: Direction, template_database: TemplateDatabase
) -> None:
    url = at(template_database, before(revision, direction))
    pattern = "CREATE OR REPLACE VIEW" if revision == "0009" else "DROP VIEW IF EXISTS"
    with Pilot(url, plan=OLD_SHAPE) as pilot:
        step = step_of(revision)
        move = "upgrade" if direction is Direction.UP else "downgrade"
        pilot.start(lambda runner: getattr(runner, move)(step), until=pattern)
        pilot.kill()
        with pytest.raises(StepInterrupted):
            pilot.finish()
        pilot.fly(lambda runner: getattr(runner, move)(step))
    there = query(url, "SELECT pg_get_viewdef(to_regclass('s_old.wide')) LIKE '%JOIN%'")
    over_both = {Direction.UP: True, Direction.DOWN: False}[direction]
    assert there == [(over_both if revision == "0009" else None,)]


@pytest.mark.parametrize(("stands", "revision", "joined"), [
    ("0004", "0005", None), ("0008", "0009", False), ("0010", "0011", True),
])  # fmt: skip
def test_a_step_that_is_taken_back_leaves_the_view_as_it_was(
    stands: str, revision: str, joined: bool | None, template_database: TemplateDatabase
) -> None:
    url = at(template_database, stands)
    with Pilot(url, plan=OLD_SHAPE) as pilot:
        pattern = {"0005": r'LOCK TABLE "s"\."wide"', "0009": r'LOCK TABLE "s"\."narrow"',
                   "0011": "DROP TABLE"}[revision]  # fmt: skip
        pilot.start(lambda runner: runner.upgrade(step_of(revision)), until=pattern, before=True)
        pilot.kill()
        with pytest.raises(StepInterrupted):
            pilot.finish()
        pilot.fly(abandon)
    found = query(url, "SELECT pg_get_viewdef(to_regclass('s_old.wide')) LIKE '%JOIN%'")
    assert found == [(joined,)]
    if joined is False:
        query(url, f"UPDATE s_old.wide SET rotation = 'x' WHERE id = {ID} RETURNING id")
