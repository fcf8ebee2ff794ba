"""The downgrade of 0008 notes uuids while parents move: batches, and writers with old snapshots."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import execute, query

ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
OWN = "00000000-0000-4000-8000-000000000001"
FAMILY = (
    f"INSERT INTO s.wide (uuid, person_id, programme, kind) VALUES ('{OWN}', 1, 77, 'one')",
    "INSERT INTO s.narrow (id, curriculum, parent_uuid, person_id, programme, kind)"
    f" VALUES (90001, 1, '{OWN}', 1, 77, 'one')",
)
"""A parent with a uuid of its own, and its one child."""


@pytest.mark.parametrize("isolation", ISOLATION)
def test_40001_a_parent_moved_under_a_snapshot_older_than_its_note_is_told_to_retry(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0008"))
    execute(url, *FAMILY)
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.downgrade("link_children"),
            until=r"fill_kept\"?\(",
            before=True,
        )
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        writer.run("SELECT FROM s.person")
        pilot.until(r"fill_uuid_map\"?\(", before=True)
        move = "UPDATE s.narrow SET kind = 'two' WHERE id = 90001"
        outcome = writer.outcome(move)
        if isolation == "READ COMMITTED":
            assert outcome == ""
            writer.run("COMMIT")
        else:
            assert outcome == "40001"
            writer.run("ROLLBACK")
            writer.run(move)
        pilot.finish()
    assert query(url, "SELECT parent_uuid::text, kind FROM s.narrow WHERE id = 90001") == [
        (OWN, "two")
    ]
