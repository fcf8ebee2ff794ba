"""The copy while it is built: nobody's write there is taken, the owner's neither."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import COPY, assert_equal, execute

MOMENTS = (r'SELECT .*_copy_build"', r"(?m)^CREATE UNIQUE INDEX", r"LOCK TABLE .*wide")


@pytest.mark.parametrize("moment", MOMENTS)
def test_55000_the_copy_is_closed_to_its_owner_too_while_it_is_built(
    moment: str, template_database: TemplateDatabase
) -> None:
    """Whatever came in there would be overwritten by the next replay, or stay as a ghost."""
    url = template_database(tables_at("0001"))
    with Pilot(url) as pilot:
        pilot.start(lambda runner: runner.upgrade("copy_table"), until=moment, before=True)
        for text in (
            f"UPDATE {COPY} SET rotation = 'mine'",
            f"DELETE FROM {COPY} WHERE id = 11",
            f"INSERT INTO {COPY} (id, person_id, programme, curriculum) VALUES (90001, 1, 1, 1)",
            f"TRUNCATE {COPY}",
        ):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                execute(url, f"SET lock_timeout = '5s'; {text}")
        pilot.finish()
    assert_equal(url)
