"""A parent that somebody refers to is not deleted under him, whatever his foreign key would do."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CheckFailed
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED, ISOLATIONS
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import assert_parents, execute, query

ACTIONS = ("ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE NO ACTION", "ON DELETE RESTRICT")
LEAVING = {
    "deleted": "DELETE FROM s.narrow WHERE id = 41",
    "moved by its key": "UPDATE s.narrow SET kind = 'elsewhere' WHERE id = 41",
    "moved by its link": "UPDATE s.narrow SET parent_uuid = "
    "(SELECT parent_uuid FROM s.narrow WHERE id = 42) WHERE id = 41",
    "truncated": "TRUNCATE s.narrow",
}


def refer(url: str, action: str, *, key: bool = False) -> str:
    """A note that refers to the parent of child 41; the parent's uuid."""
    ((uuid,),) = query(url, "SELECT parent_uuid::text FROM s.narrow WHERE id = 41")
    execute(
        url,
        f"CREATE TABLE s.note (n int PRIMARY KEY, parent uuid REFERENCES s.wide (uuid) {action})",
        f"INSERT INTO s.note VALUES (1, '{uuid}')",
    )
    return str(uuid)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("leaving", LEAVING.values(), ids=LEAVING.keys())
def test_the_last_child_leaves_and_the_referenced_parent_stays(
    leaving: str, action: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0008"))
    uuid = refer(url, action)

    execute(url, leaving)

    assert query(url, "SELECT n, parent::text FROM s.note") == [(1, uuid)]
    assert query(url, f"SELECT count(*) FROM s.wide WHERE uuid = '{uuid}'") == [(1,)]
    assert_families(url)


def test_an_unreferenced_parent_goes_with_its_last_child_beside_a_referenced_one(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0008"))
    refer(url, "ON DELETE CASCADE")
    ((other,),) = query(url, "SELECT parent_uuid::text FROM s.narrow WHERE id = 42")

    execute(url, "DELETE FROM s.narrow WHERE id IN (41, 42)")

    assert query(url, f"SELECT count(*) FROM s.wide WHERE uuid = '{other}'") == [(0,)]
    assert query(url, "SELECT count(*) FROM s.note WHERE parent IS NOT NULL") == [(1,)]


def test_away_and_back_within_one_transaction_leaves_the_reference(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0008"))
    uuid = refer(url, "ON DELETE CASCADE")
    ((kind,),) = query(url, "SELECT quote_nullable(kind) FROM s.narrow WHERE id = 41")

    execute(
        url,
        "BEGIN; UPDATE s.narrow SET kind = 'away' WHERE id = 41;"
        f" UPDATE s.narrow SET kind = {kind} WHERE id = 41; COMMIT",
    )

    assert query(url, "SELECT parent_uuid::text FROM s.narrow WHERE id = 41") == [(uuid,)]
    assert query(url, "SELECT parent::text FROM s.note") == [(uuid,)]
    assert_families(url)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_reference_that_is_being_written_is_waited_for(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0008"))
    uuid = refer(url, "ON DELETE CASCADE")
    execute(url, "DELETE FROM s.note")
    stage = on_stage(url)
    referring = stage.session("referring")
    leaving = stage.session("leaving", isolation)
    leaving.begin()
    leaving.run("SELECT FROM s.person")
    referring.begin()
    referring.run(f"INSERT INTO s.note VALUES (2, '{uuid}')")
    step = leaving.start("DELETE FROM s.narrow WHERE id = 41")
    assert step.settled() == BLOCKED
    referring.commit()

    outcome = step.outcome() or leaving.commit()

    assert outcome in (("",) if isolation == "READ COMMITTED" else ("", "40001"))
    assert query(url, "SELECT n, parent::text FROM s.note") == [(2, uuid)]
    assert query(url, f"SELECT count(*) FROM s.wide WHERE uuid = '{uuid}'") == [(1,)]


@pytest.mark.parametrize("action", ACTIONS)
def test_before_parallel_saving_the_write_that_would_delete_it_is_refused(
    action: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0007"))
    uuid = refer(url, action)

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        execute(url, "DELETE FROM s.narrow WHERE id = 41")

    assert query(url, "SELECT parent::text FROM s.note") == [(uuid,)]
    assert query(url, "SELECT count(*) FROM s.narrow WHERE id = 41") == [(1,)]
    assert_parents(url)


def test_the_way_down_names_a_referenced_parent_without_children(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0008"))
    uuid = refer(url, "ON DELETE CASCADE")
    execute(url, "DELETE FROM s.narrow WHERE id = 41")

    with Pilot(url) as pilot, pytest.raises(CheckFailed, match=uuid):
        pilot.downgrade("0008")

    assert query(url, "SELECT parent::text FROM s.note") == [(uuid,)]
