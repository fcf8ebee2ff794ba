"""Writers of every kind change kept columns while the foreign key over them comes and goes."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.families import assert_families
from tests.races.pilot import ARRIVED, SET_BACK, Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import KEPT, query

ONE, OTHER = (f"(SELECT parent_uuid FROM s.narrow WHERE id = {n})" for n in (41, 51))
OF_OTHER = f"(SELECT uuid, person_id, programme FROM s.wide WHERE uuid = {OTHER})"
WRITES = {
    "parent": f"UPDATE s.wide SET person_id = 500 WHERE uuid = {ONE}",
    "child moves": "UPDATE s.narrow SET (parent_uuid, person_id, programme) = "
    f"{OF_OTHER} WHERE id = 41",
    "child alone": "UPDATE s.narrow SET person_id = 500 WHERE id = 41",
    "new child": "INSERT INTO s.narrow (id, curriculum, parent_uuid, person_id, programme) "
    f"SELECT 90001, 1, w.* FROM {OF_OTHER} AS w",
    "old child": "INSERT INTO s.narrow (id, curriculum, person_id, programme, kind) "
    "VALUES (90001, 1, 500, 1, 'k')",
}
EFFECTS = {
    "parent": "SELECT person_id = 500 FROM s.narrow WHERE id = 41",
    "child moves": f"SELECT parent_uuid = {OTHER} FROM s.narrow WHERE id = 41",
    "child alone": "SELECT person_id = 500 FROM s.narrow WHERE id = 41",
    "new child": f"SELECT parent_uuid = {OTHER} FROM s.narrow WHERE id = 90001",
    "old child": "SELECT p.person_id = 500 AND c.person_id = 500 FROM s.narrow AS c "
    "JOIN s.wide AS p ON p.uuid = c.parent_uuid WHERE c.id = 90001",
}
REFUSED = {"child alone": {"23503", "55000"}, "old child": {"23502", "23503", "55000"}}
"""What the frozen child answers; everything else has to be done, or done again after 40001."""
UP = {
    "before the freeze": r'LOCK TABLE "s"\."narrow"',
    "before the key is valid": r"VALIDATE CONSTRAINT",
    "at the end": r"SET state = 'done'",
}
DOWN = {
    "before the capture": r'LOCK TABLE "s"\."narrow"',
    "before the refresh": r'SELECT "s_refactor"\."m_refresh"\(',
    "before it is valid": r"VALIDATE CONSTRAINT",
    "at the end": r"SET state = 'done'",
}


def assert_kept(url: str) -> None:
    """Every child has the kept columns of its parent."""
    wrong = query(
        url,
        "SELECT c.id FROM s.narrow AS c LEFT JOIN s.wide AS p ON p.uuid = c.parent_uuid WHERE "
        "(c.person_id, c.programme) IS DISTINCT FROM (p.person_id, p.programme)",
    )
    assert wrong == []


def every_case() -> list[Any]:
    """A plain run takes each write once at each level, by turns at every moment."""
    moments = [*(("up", m) for m in UP), *(("down", m) for m in DOWN)]
    cases = []
    for n, (write, (way, moment)) in enumerate(product(WRITES, moments)):
        for m, isolation in enumerate(ISOLATIONS):
            everyday = n % 3 == 0 and (n // 3) % 3 == m
            marks = () if everyday else pytest.mark.slow
            case = f"{write}, {way}, {moment}, {isolation}"
            cases.append(pytest.param(way, moment, write, isolation, id=case, marks=marks))
    return cases


def assert_done(url: str, direction: str, write: str, outcome: str) -> None:
    """The write is there if it was not refused, and both sides agree."""
    assert outcome in {"", *REFUSED.get(write, ())}
    done = query(url, EFFECTS[write])
    assert done == [(True,)] if outcome == "" else done in ([], [(False,)])
    assert_kept(url)
    assert_families(url, values=direction == "down", childless=direction == "up")


@pytest.mark.parametrize(("direction", "moment", "write", "isolation"), every_case())
def test_no_change_of_a_kept_column_is_lost(
    direction: str,
    moment: str,
    write: str,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """The snapshot of the writer is from before the step. Who is told to retry does it again."""
    revision = "0008" if direction == "up" else "0009"
    url = template_database(tables_at(revision, KEPT))
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url, plan=KEPT) as pilot:
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        # Not of a table that the step locks.
        writer.run("SELECT FROM s.other")
        flight = pilot.runner.upgrade if direction == "up" else pilot.runner.downgrade
        until = (UP if direction == "up" else DOWN)[moment]
        pilot.start(lambda runner: flight("stop_parallel_save"), until=until, before=True)
        outcome = writer.outcome(WRITES[write])
        writer.run("ROLLBACK" if outcome else "COMMIT")
        if outcome == "40001":
            assert isolation != "READ COMMITTED"
            outcome = writer.outcome(WRITES[write])
        if (direction, moment) in (("up", "before the freeze"), ("down", "at the end")):
            assert outcome == "", "both sides are saved, so nothing is refused"
        assert_kept(url)
        pilot.finish()
    assert_done(url, direction, write, outcome)


@pytest.mark.parametrize("write", ["parent", "child moves", "child alone"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_write_that_is_not_committed_is_waited_for(
    direction: str, write: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    revision = "0008" if direction == "up" else "0009"
    url = template_database(tables_at(revision, KEPT))
    writer = on_stage(url).session("writer", "READ COMMITTED")
    with Pilot(url, plan=KEPT) as pilot:
        writer.run("BEGIN")
        outcome = writer.outcome(WRITES[write])
        flight = pilot.runner.upgrade if direction == "up" else pilot.runner.downgrade
        pilot.start(lambda runner: flight("stop_parallel_save"))
        pilot.go()
        assert pilot.wait(setbacks=True) == (SET_BACK if outcome == "" else ARRIVED)
        writer.run("ROLLBACK" if outcome else "COMMIT")
        pilot.finish()
    assert_done(url, direction, write, outcome)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_23503_a_kept_column_is_changed_through_its_parent_from_0009_on(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0009", KEPT))
    stage = on_stage(url)
    writer, other = stage.session("writer", isolation), stage.session("other", isolation)
    assert writer.outcome(WRITES["child alone"]) == "23503"
    columns = "id, curriculum, parent_uuid"
    new = f"INSERT INTO s.narrow ({columns}) SELECT 90002, 1, uuid FROM {OF_OTHER} AS w"
    assert writer.outcome(new) == "23502"
    # Whoever saw the family before a child came is told to retry; its parent is not half changed.
    writer.begin()
    other.run(
        f"INSERT INTO s.narrow ({columns}, person_id, programme) SELECT 90003, 1, w.* FROM "
        f"(SELECT uuid, person_id, programme FROM s.wide WHERE uuid = {ONE}) AS w"
    )
    outcome = writer.outcome(WRITES["parent"])
    assert outcome == ("" if isolation == "READ COMMITTED" else "40001")
    writer.run("ROLLBACK" if outcome else "COMMIT")
    assert_kept(url)
