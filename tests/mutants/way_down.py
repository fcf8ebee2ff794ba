"""The way down, and what the ledger keeps for the next way up, with one protection removed."""

from __future__ import annotations

from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, made_idle, mutant, replaced
from tests.mutants.scenes import to
from tests.races import test_the_way_down
from tests.races.pilot import Pilot
from tests.races.tables import assert_equal, execute, query

UUID = "11111111-1111-4111-8111-111111111111"
PARENTS = "SELECT uuid::text FROM s.wide ORDER BY 1"
LINKS = "SELECT id, parent_uuid::text FROM s.narrow ORDER BY 1"
BACK = ("0008", "0007", "0006", "0005", "0004", "0003")
SIBLING = (
    "INSERT INTO s.narrow (id, person_id, programme, kind, began, curriculum)"
    " SELECT 90001, person_id, programme, kind, began, 1 FROM s.narrow WHERE id = 11"
)


def down(pilot: Pilot, *revisions: str) -> None:
    for revision in revisions:
        pilot.downgrade(revision)


def an_opaque_parent_comes_back(pilot: Pilot, stage: Stage) -> None:
    """Down to where there are neither parents nor links, and up again."""
    to(pilot, "0008")
    execute(
        pilot.url,
        f"INSERT INTO s.wide (uuid, person_id, programme) VALUES ('{UUID}', 1, 77)",
        f"INSERT INTO s.narrow (parent_uuid, curriculum) VALUES ('{UUID}', 1)",
        "UPDATE s.narrow SET programme = 78 WHERE id = 11",
    )
    parents, links = query(pilot.url, PARENTS), query(pilot.url, LINKS)
    down(pilot, *BACK)
    to(pilot, "0008")
    assert query(pilot.url, PARENTS) == parents
    assert query(pilot.url, LINKS) == links


def an_opaque_parent_stays_at_0007(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0008")
    execute(pilot.url, "UPDATE s.wide SET programme = 78 WHERE uuid = (SELECT parent_uuid"
            " FROM s.narrow WHERE id = 11)")  # fmt: skip
    parents = query(pilot.url, PARENTS)
    down(pilot, "0008")
    execute(pilot.url, SIBLING)
    assert query(pilot.url, PARENTS) == parents


def a_key_changes_while_uuids_are_noted(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0008")
    note = r'SELECT .*"m_fill_uuid_map"\('
    pilot.start(lambda r: r.downgrade("link_children"), until=note, before=True)
    execute(pilot.url, "UPDATE s.wide SET programme = 78 WHERE uuid = (SELECT parent_uuid"
            " FROM s.narrow WHERE id = 11)")  # fmt: skip
    parents = query(pilot.url, PARENTS)
    pilot.finish()
    execute(pilot.url, SIBLING)
    assert query(pilot.url, PARENTS) == parents


def a_row_has_another_key_since(pilot: Pilot, stage: Stage) -> None:
    """It left the key whose uuid was noted for it; a row with that key is somebody else's."""
    to(pilot, "0008")
    execute(pilot.url, "UPDATE s.narrow SET programme = 78 WHERE id = 11")
    down(pilot, *BACK)
    execute(pilot.url, SIBLING.replace("narrow", "wide"),
            "UPDATE s.wide SET programme = 79 WHERE id = 11")  # fmt: skip
    to(pilot, "0003")
    computed = "parent_uuid = s_refactor.m_uuid(person_id, programme, kind, began)"
    assert query(pilot.url, f"SELECT {computed} FROM s.narrow WHERE id = 90001") == [(True,)]


TWO = (
    "INSERT INTO s.wide (id, person_id, programme, curriculum, rotation, amended) VALUES"
    " (90001, 500, 9, 9, 'early', '2020-01-01'), (90002, 500, 9, 9, 'late', '2021-01-01')"
)


def a_loser_gets_its_value_back(pilot: Pilot, stage: Stage) -> None:
    execute(pilot.url, TWO)
    own = "SELECT id, rotation, amended FROM s.narrow WHERE id > 90000 ORDER BY 1"
    to(pilot, "0007")
    before = query(pilot.url, own)
    to_0008 = "SELECT DISTINCT rotation FROM s.narrow WHERE id > 90000"
    pilot.upgrade("0008")
    assert query(pilot.url, to_0008) == [("late",)]
    down(pilot, "0008")
    assert query(pilot.url, own) == before


def frozen_columns_are_refreshed(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0009")
    execute(pilot.url, "UPDATE s.wide SET rotation = 'new' WHERE uuid = (SELECT parent_uuid"
            " FROM s.narrow WHERE id = 11)")  # fmt: skip
    down(pilot, "0009")
    assert query(pilot.url, "SELECT rotation FROM s.narrow WHERE id = 11") == [("new",)]


def a_parent_changes_after_its_children_were_refreshed(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0009")
    pilot.start(lambda r: r.downgrade("stop_parallel_save"), until=r'SELECT .*"m_refresh"\(')
    pilot.until(r"(?s)remove|DROP TRIGGER|LOCK TABLE", before=True)
    execute(pilot.url, "UPDATE s.wide SET rotation = 'new' WHERE uuid = (SELECT parent_uuid"
            " FROM s.narrow WHERE id = 11)")  # fmt: skip
    pilot.finish()
    assert query(pilot.url, "SELECT rotation FROM s.narrow WHERE id = 11") == [("new",)]


def the_archive_holds_what_has_gone_since(pilot: Pilot, stage: Stage) -> None:
    """Beyond the last row, where no range of the reconciliation comes."""
    execute(pilot.url, "INSERT INTO s.wide (id, person_id, programme, curriculum)"
            " VALUES (95000, 1, 1, 1)")  # fmt: skip
    to(pilot, "0005")
    execute(pilot.url, "DELETE FROM s.narrow WHERE id = 95000", *test_the_way_down.SINCE[:2])
    down(pilot, "0005")
    assert_equal(pilot.url)


def the_last_child_goes_after_parents_were_asked(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0008")
    execute(
        pilot.url,
        f"INSERT INTO s.wide (uuid, person_id, programme) VALUES ('{UUID}', 1, 77)",
        f"INSERT INTO s.narrow (id, parent_uuid, curriculum) VALUES (96000, '{UUID}', 1)",
    )
    note = r'SELECT .*"m_fill_kept"\('
    pilot.start(lambda r: r.downgrade("link_children"), until=note, before=True)
    execute(pilot.url, "DELETE FROM s.narrow WHERE id = 96000")
    pilot.finish()
    assert query(pilot.url, f"SELECT 1 FROM s.wide WHERE uuid = '{UUID}'") == []


NOTHING = r"(RETURNS bigint[\s\S]*?\nBEGIN\n)"
MUTANTS: tuple[Mutant, ...] = (
    mutant("the uuids of parents are not kept",
           replaced(NOTHING, r"\1  RETURN 0;\n", 'FUNCTION "s_refactor"."m_fill_kept"('),
           an_opaque_parent_stays_at_0007),
    mutant("the uuids of children are not noted",
           replaced(NOTHING, r"\1  RETURN 0;\n", 'FUNCTION "s_refactor"."m_fill_uuid_map"('),
           an_opaque_parent_comes_back),
    mutant("the map does not follow a key that changes", made_idle("m_keep_uuid"),
           a_key_changes_while_uuids_are_noted),
    mutant("a note counts though its row has another key",
           replaced(r'WHERE (\S+\([^()]*\)) = (\S+\([^()]*\)) ORDER BY 1, m\."child id"',
                    'WHERE true ORDER BY 1, m."child id"', "DO $kept$"),
           a_row_has_another_key_since),
    mutant("a loser's own value is not written down",
           replaced(r'INSERT INTO \S*m_replaced" AS r[\s\S]*?;', "", 'm_replace_listed"('),
           a_loser_gets_its_value_back),
    mutant("values that lost are not given back",
           replaced(NOTHING, r"\1  RETURN 0;\n", 'FUNCTION "s_refactor"."m_restore_own"('),
           a_loser_gets_its_value_back),
    mutant("frozen columns are not refreshed",
           replaced(NOTHING, r"\1  RETURN 0;\n", 'FUNCTION "s_refactor"."m_refresh"('),
           frozen_columns_are_refreshed),
    mutant("the refresh has no capture", made_idle("m_parent_refill"),
           a_parent_changes_after_its_children_were_refreshed),
    mutant("the archive keeps ghosts",
           replaced(r'^\s*INSERT INTO "s_refactor"\."m_retired_log" \(keys\) VALUES \(NULL\)\s*$',
                    "SELECT 1"),
           the_archive_holds_what_has_gone_since),
    mutant("a parent left meanwhile stays",
           replaced(NOTHING, r"\1  RETURN 0;\n", 'FUNCTION "s_refactor"."m_delete_childless"('),
           the_last_child_goes_after_parents_were_asked),
)  # fmt: skip
