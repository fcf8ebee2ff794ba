"""Writers with a snapshot from before a batch of a downgrade: they are told to retry, or seen.

What a batch fills, a trigger never deletes by what its own snapshot sees; what a trigger compares,
it locks. Without that a repeatable read writer undoes a batch in silence.
"""

from __future__ import annotations

import pytest

from tests.fixtures.databases import Layer, TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import assert_parents, execute, query

OWN = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
ONE = "SELECT parent_uuid::text FROM s.narrow WHERE id = 41"
"""A parent with one child, in the first batch."""


def family(uuid: str, child: int, kind: str) -> tuple[str, str]:
    """A parent with a uuid of its own, and its one child, as a new-style application writes."""
    return (
        f"INSERT INTO s.wide (uuid, person_id, programme, kind) VALUES ('{uuid}', 1, 77, '{kind}')",
        "INSERT INTO s.narrow (id, curriculum, parent_uuid, person_id, programme, kind)"
        f" VALUES ({child}, 1, '{uuid}', 1, 77, '{kind}')",
    )


def batch(function: str) -> str:
    """The call of a batch function, as against the statement that makes it."""
    return rf'SELECT "s_refactor"\."m_{function}"\('


def told_to_retry(isolation: str, outcome: str) -> bool:
    """READ COMMITTED sees the batch and goes on; the others are told 40001."""
    assert outcome == ("" if isolation == "READ COMMITTED" else "40001")
    return outcome != ""


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("written", ["rotation = 'was'", "score = 1.5", "kind = 'was'"])
def test_a_parent_set_back_under_a_snapshot_older_than_the_refresh_is_not_apart_from_its_child(
    isolation: str, written: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """S3: the child that the writer sees has the old value still, so it would carry nothing."""
    url = template_database(tables_at("0009"))
    ((uuid,),) = query(url, ONE)
    column = written.partition(" ")[0]
    ((was,),) = query(url, f"SELECT quote_nullable({column}) FROM s.wide WHERE uuid = '{uuid}'")
    execute(url, f"UPDATE s.wide SET {written} WHERE uuid = '{uuid}'")
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.downgrade("stop_parallel_save"),
            until=batch("refresh"),
            before=True,
        )
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        writer.run("SELECT FROM s.person")
        pilot.until(r"LOCK TABLE", before=True)
        back = f"UPDATE s.wide SET {column} = {was} WHERE uuid = '{uuid}'"
        if told_to_retry(isolation, writer.outcome(back)):
            writer.run("ROLLBACK")
            writer.run(back)
        else:
            writer.run("COMMIT")
        pilot.finish()
    assert_families(url)
    assert query(url, f"SELECT quote_nullable({column}) FROM s.wide WHERE uuid = '{uuid}'") == [
        (was,)
    ]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_parent_set_back_while_0008_carries_winning_values_is_not_apart_from_its_children(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """The same on the way up: the batch writes the losers, and locks the parent only."""

    def build(url: str) -> None:
        execute(
            url,
            "UPDATE s.narrow SET (person_id, programme, kind, began) = (1, 88, NULL, NULL),"
            " rotation = 'won', amended = '2031-01-01' WHERE id = 41",
            "UPDATE s.narrow SET (person_id, programme, kind, began) = (1, 88, NULL, NULL),"
            " rotation = 'lost', amended = '2030-01-01' WHERE id = 42",
        )

    url = template_database(Layer("races at 0007, a loser", build, tables_at("0007")))
    ((uuid,),) = query(url, ONE)
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.upgrade("link_children"),
            until=batch("replace_listed"),
            before=True,
        )
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        writer.run("SELECT FROM s.person")
        pilot.until(r"DELETE FROM \"s_refactor\".\"m_losers\"", before=True)
        lost = f"UPDATE s.wide SET rotation = 'lost' WHERE uuid = '{uuid}'"
        if told_to_retry(isolation, writer.outcome(lost)):
            writer.run("ROLLBACK")
            writer.run(lost)
        else:
            writer.run("COMMIT")
        pilot.finish()
    assert_families(url)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_key_set_back_under_a_snapshot_older_than_its_note_leaves_no_second_key(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """S2: back at its own key the parent needs no note, and the batch's cannot be seen."""
    url = template_database(tables_at("0008"))
    ((uuid,),) = query(url, ONE)
    ((kind,),) = query(url, f"SELECT quote_nullable(kind) FROM s.wide WHERE uuid = '{uuid}'")
    execute(url, f"UPDATE s.wide SET kind = 'moved' WHERE uuid = '{uuid}'")
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.downgrade("link_children"),
            until=batch("fill_kept"),
            before=True,
        )
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        writer.run("SELECT FROM s.person")
        pilot.until(batch("fill_uuid_map"), before=True)
        back = f"UPDATE s.wide SET kind = {kind} WHERE uuid = '{uuid}'"
        if told_to_retry(isolation, writer.outcome(back)):
            writer.run("ROLLBACK")
            writer.run(back)
        else:
            writer.run("COMMIT")
        pilot.finish()
    execute(
        url,
        "INSERT INTO s.narrow (person_id, programme, kind, began, curriculum)"
        " SELECT person_id, programme, 'moved', began, 1 FROM s.narrow WHERE id = 41",
    )
    assert query(
        url,
        "SELECT count(DISTINCT kind) FROM s.narrow WHERE parent_uuid IN ("
        + ONE.replace("::text", "")
        + ")",
    ) == [(1,)]
    assert_parents(url)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_uuids_written_after_the_children_were_noted_come_back_on_the_next_way_up(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """S5: a new parent with its own uuid, a moved one, and one whose child got another id."""
    url = template_database(tables_at("0008"))
    execute(url, *family(OWN, 90_001, "one"))
    ((moved,),) = query(url, ONE)
    stage = on_stage(url)
    fresh, writer = stage.session("fresh", isolation), stage.session("writer", isolation)
    wanted = {
        90_001: (OWN, "one"),
        90_002: (OTHER, "two"),
        41: (moved, "moved"),
    }
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.downgrade("link_children"),
            until=batch("fill_uuid_map"),
            before=True,
        )
        writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
        writer.run("SELECT FROM s.person")
        pilot.until(r'LOCK TABLE "s"\."narrow" IN ACCESS', before=True)
        for text in family(OTHER, 90_002, "two"):
            fresh.run(text)
        fresh.run(f"UPDATE s.wide SET kind = 'moved' WHERE uuid = '{moved}'")
        # Seen with a snapshot from before the batch: the note of 90001 has to go along.
        renamed = "UPDATE s.narrow SET id = 90003 WHERE id = 90001"
        if told_to_retry(isolation, writer.outcome(renamed)):
            writer.run("ROLLBACK")
            writer.run(renamed)
        else:
            writer.run("COMMIT")
        pilot.finish()
        pilot.downgrade("0007", "0006", "0005", "0004", "0003")
        pilot.upgrade("0003", "0004", "0005", "0006", "0007", "0008")
    wanted[90_003] = wanted.pop(90_001)
    found = {
        child: (uuid, kind)
        for child, uuid, kind in query(
            url, "SELECT id, parent_uuid::text, kind FROM s.narrow WHERE id = 41 OR id > 90000"
        )
    }
    assert {child: found[child] for child in wanted} == wanted
    assert_families(url)


@pytest.mark.parametrize("table", ["s.wide", "s.narrow"])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("isolation", ISOLATIONS[1:])
def test_40001_an_id_that_is_given_again_under_a_snapshot_that_sees_both_rows(
    table: str, rows: int, isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """S7: on an analysed table the look-up found one of the two, and the write failed 21000."""
    url = template_database(tables_at("0004"))
    execute(url, "ANALYZE s.wide", "ANALYZE s.narrow")
    stage = on_stage(url)
    writer, other = stage.session("writer", isolation), stage.session("other", "READ COMMITTED")
    writer.run(f"BEGIN ISOLATION LEVEL {isolation}")
    writer.run("SELECT FROM s.person")
    ids = range(41, 41 + rows)
    other.run(f"DELETE FROM {table} WHERE id IN ({', '.join(map(str, ids))})")
    values = ", ".join(f"({n}, 1, 1, 1)" for n in ids)
    again = f"INSERT INTO {table} (id, person_id, programme, curriculum) VALUES {values}"
    assert writer.outcome(again) == "40001"
    writer.run("ROLLBACK")
    writer.run(again)
