"""From 0003 until 0008 the link follows the key: whoever writes another one is refused aloud."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.stages import tables_at
from tests.races.tables import COPY, assert_equal, execute, query, wrong_links

REVISIONS = ("0004", "0005", "0006", "0007")
OTHER = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    "write",
    [
        f"UPDATE s.narrow SET parent_uuid = '{OTHER}' WHERE id = 11",
        "UPDATE s.narrow SET parent_uuid = NULL WHERE id = 11",
        "UPDATE s.narrow SET parent_uuid = (SELECT n.parent_uuid FROM s.narrow AS n"
        " WHERE n.id = 12)"
        " WHERE id = 11",
        "INSERT INTO s.narrow (id, person_id, programme, curriculum, parent_uuid)"
        f" VALUES (90001, 1, 1, 1, '{OTHER}')",
        "INSERT INTO s.narrow (id, person_id, programme, curriculum) VALUES (11, 1, 1, 1)"
        f" ON CONFLICT (id) DO UPDATE SET parent_uuid = '{OTHER}'",
    ],
)
def test_a_link_that_is_not_the_keys_is_refused(
    revision: str, write: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at(revision))

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused:
        execute(url, write)

    assert refused.value.diag.column_name == "parent_uuid"
    assert query(url, wrong_links(COPY)) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_writes_that_leave_the_link_or_give_the_right_one_go_on(
    revision: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at(revision))

    execute(
        url,
        "UPDATE s.narrow SET parent_uuid = parent_uuid, programme = 7 WHERE id = 11",
        "UPDATE s.narrow SET rotation = 'x', parent_uuid = parent_uuid WHERE id = 12",
        "INSERT INTO s.narrow (id, person_id, programme, kind, began, curriculum, parent_uuid)"
        " SELECT 90001, person_id, programme, kind, began, 1, parent_uuid FROM s.narrow"
        " WHERE id = 14",
    )

    assert query(url, wrong_links(COPY)) == []
    if revision == "0004":
        assert_equal(url)
