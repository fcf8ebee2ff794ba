"""Parents that lost their last child during the downgrade of 0008 go, and no writer pays for it."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.families import assert_families
from tests.races.pilot import SET_BACK, Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import execute, query

LEFT = {n: f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3)}
CHILD = "INSERT INTO s.narrow (id, person_id, programme, curriculum) VALUES (9600{n}, 1, 7{n}, 1)"


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_writer_that_needs_a_parent_about_to_go_is_never_the_victim(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """It holds the later parent and asks for the earlier one, which the downgrade holds."""
    url = template_database(tables_at("0008"))
    for n, uuid in LEFT.items():
        execute(
            url,
            f"INSERT INTO s.wide (uuid, person_id, programme) VALUES ('{uuid}', 1, 7{n})",
            f"INSERT INTO s.narrow (id, parent_uuid, curriculum) VALUES (9600{n}, '{uuid}', 1)",
        )
    with Pilot(url) as pilot:
        asked = r'SELECT .*"m_fill_kept"\('
        pilot.start(lambda r: r.downgrade("link_children"), until=asked, before=True)
        execute(url, "DELETE FROM s.narrow WHERE id IN (96001, 96002, 96003)")
        pilot.until(r'SELECT .*"m_delete_childless"\(', before=True)
        writer = on_stage(url).session("writer", isolation)
        writer.begin()
        assert writer.outcome(CHILD.format(n=2)) == ""

        pilot.go()
        assert pilot.wait(setbacks=True) == SET_BACK
        assert writer.outcome(CHILD.format(n=1)) == ""
        assert writer.commit() == ""
        pilot.finish()

    there = query(url, "SELECT uuid::text FROM s.wide WHERE programme BETWEEN 71 AND 73 ORDER BY 1")
    assert there == [(LEFT[1],), (LEFT[2],)]
    assert_families(url)
