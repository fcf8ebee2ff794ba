"""TRUNCATE from 0008 on, on either table, also with a snapshot older than the newest rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from membership_refactor.execution.runner import Runner
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS, Stage
from tests.fixtures.steps import step_of
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import assert_parents, execute, query

TEXTS = (
    "TRUNCATE s.narrow",
    "TRUNCATE s.narrow RESTART IDENTITY",
    "TRUNCATE s.narrow CASCADE",
    "TRUNCATE s.wide",
    "TRUNCATE s.wide CASCADE",
    "TRUNCATE s.wide, s.narrow",
)
ANOTHER = "SELECT uuid FROM s.wide ORDER BY uuid LIMIT 1"
OLD_STYLE = (
    "INSERT INTO s.narrow (person_id, programme, kind, curriculum) VALUES (77, 77, 'young', 77)"
)
SIBLINGS = (
    "INSERT INTO s.narrow (person_id, programme, kind, curriculum, rotation, amended)"
    " VALUES (88, 88, 'k', 1, 'loses', '2020-01-01'), (88, 88, 'k', 2, 'wins', '2021-01-01')"
)
NEW_STYLE = f"INSERT INTO s.narrow (curriculum, parent_uuid) SELECT 77, ({ANOTHER})"


@dataclass(frozen=True)
class Place:
    """A revision that is reached, or where its step halts."""

    revision: str
    at: str = ""
    down: bool = False

    @property
    def before(self) -> str:
        """Where the step sets off."""
        under_way = self.at and not self.down
        return f"{int(self.revision) - 1:04d}" if under_way else self.revision

    def come(self, pilot: Pilot) -> None:
        if not self.at:
            return
        revision = self.revision

        def flight(runner: Runner) -> None:
            if self.down:
                runner.downgrade(step_of(revision))
            else:
                runner.upgrade(step_of(revision))

        pilot.start(flight, until=self.at, before=True)


STAGES = {
    "at 0008": Place("0008"),
    "at 0009": Place("0009"),
    "at 0010": Place("0010"),
    "at 0011": Place("0011"),
    "0008, the link is not asked for yet": Place("0008", r"VALIDATE CONSTRAINT"),
    "0008, before the values are carried": Place("0008", r'^SELECT .*m_replace_listed"\('),
    "0008 down, before the switch": Place("0008", r'^SELECT .*m_fill_kept"\(', down=True),
    "0008 down, after the switch": Place("0008", r'^SELECT .*m_restore_own"\(', down=True),
    "0009 down, while children are refreshed": Place("0009", r'^SELECT .*m_refresh"\(', down=True),
}


def old_style(stage: str) -> bool:
    return "0008" in stage


def sound(url: str, stage: str) -> None:
    """What the stage promises, while the mover still stands there."""
    if stage == "0008 down, after the switch":
        assert_parents(url)
    else:
        assert_families(
            url,
            values=stage in ("at 0008", "0008 down, before the switch"),
            childless=stage in ("at 0009", "at 0010", "at 0011"),
        )


def _meetings() -> list[Any]:
    made = []
    for (s, stage), (t, text) in product(enumerate(STAGES), enumerate(TEXTS)):
        for level, isolation in enumerate(ISOLATIONS):
            everyday = (s + t) % 3 == level and t % 2 == s % 2
            marks = () if everyday else pytest.mark.slow
            made.append(
                pytest.param(stage, text, isolation, id=f"{stage}, {text}, {isolation}",
                             marks=marks)
            )  # fmt: skip
    return made


def _expected(stage: str, text: str, isolation: str) -> set[str]:
    if text == "TRUNCATE s.wide" and stage != "0008 down, after the switch":
        return {"0A000"}  # PostgreSQL's own: the child's foreign key refers to it
    if stage in ("at 0009", "at 0010", "at 0011") or isolation == "READ COMMITTED":
        return {"", "55000"} if stage == "0008 down, after the switch" else {""}
    if stage == "0008 down, after the switch":
        return {"", "40001", "55000"}
    return {"0A000"}


@pytest.mark.parametrize("stage, text, isolation", _meetings())
def test_a_truncate_takes_both_along_or_says_what_to_do_instead(
    stage: str, text: str, isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """A row comes that the truncating transaction's snapshot cannot see, and its parent with it;
    the mover goes on to its end, and from there to the end of the chain."""
    place = STAGES[stage]
    url = template_database(tables_at(place.before))
    with Pilot(url) as pilot:
        opened = on_stage(url)
        if place.revision == "0008":
            execute(url, SIBLINGS)
        place.come(pilot)
        old = opened.session("old", isolation)
        old.begin()
        execute(url, OLD_STYLE if old_style(stage) else NEW_STYLE)
        step = old.start(text)
        outcome = step.outcome()
        if step.error is not None and outcome != "55000":
            assert step.error.diag.message_hint
        outcome = old.commit() or outcome
        assert outcome in _expected(stage, text, isolation)
        assert bool(outcome) is bool(query(url, "SELECT 1 FROM s.narrow LIMIT 1"))
        sound(url, stage)
        follows(opened, stage)
        sound(url, stage)
        if place.at:
            pilot.finish()
        if stage == "0008 down, after the switch":
            assert_parents(url)


def follows(stage: Stage, name: str) -> None:
    """Rows that come after a TRUNCATE are saved in parallel as before."""
    for _ in range(2):
        if old_style(name):
            stage.query(OLD_STYLE)
    stage.query("UPDATE s.narrow SET curriculum = curriculum + 1")
    stage.query("DELETE FROM s.narrow WHERE id IN (SELECT min(id) FROM s.narrow)")


OLD_PARENT = "(SELECT uuid FROM s.wide WHERE person_id = 6 ORDER BY uuid LIMIT 1)"
LATE = {
    "the key of the young row": OLD_STYLE.replace("s.narrow (", "s.narrow (id, ").replace(
        "(77,", "(5001, 77,"
    ),
    "the key of an old parent": "INSERT INTO s.narrow (id, person_id, programme, curriculum)"
    " VALUES (5002, 6, 1, 1), (5003, 6, 2, 1), (5004, 6, 0, 1)",
    "a link to an old parent": "INSERT INTO s.narrow (id, curriculum, parent_uuid)"
    f" SELECT 5005, 1, {OLD_PARENT}",
    "a value of every parent": "UPDATE s.wide SET rotation = 'late'",
    "a key of an old parent": f"UPDATE s.wide SET kind = 'late' WHERE uuid = {OLD_PARENT}",
    "no old parent": f"DELETE FROM s.wide WHERE uuid = {OLD_PARENT}",
    "another curriculum": "UPDATE s.narrow SET curriculum = curriculum + 1",
    "no child": "DELETE FROM s.narrow",
}


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("stage", ["at 0008", "0009 down, while children are refreshed"])
def test_a_writer_whose_snapshot_is_older_than_a_truncate_leaves_no_parent_or_child_alone(
    stage: str, isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    place = STAGES[stage]
    url = template_database(tables_at(place.before))
    with Pilot(url) as pilot:
        opened = on_stage(url)
        place.come(pilot)
        writers = {write: opened.session(write, isolation) for write in LATE}
        for session in writers.values():
            session.begin()
        parents = query(url, f"SELECT {OLD_PARENT}")
        assert parents != [(None,)]
        execute(url, "TRUNCATE s.narrow")
        if stage == "at 0008":
            execute(url, OLD_STYLE)
        allowed = (
            {"", "23503", "23502"}
            | ({"55000"} if stage != "at 0008" else set())
            | ({"40001"} if isolation != "READ COMMITTED" else set())
        )
        for write, session in writers.items():
            outcome = session.outcome(LATE[write])
            outcome = session.commit() or outcome
            assert outcome in allowed, (write, outcome)
            sound(url, stage)
        if place.at:
            pilot.finish()
            assert_families(url)
