"""Scenes with a pilot: what is done around the mover's statements, and what has to hold after."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import called
from tests.races import (
    test_application_triggers,
    test_both_tables,
    test_mass_deletes,
    test_privileges,
    test_several_cascades,
    test_the_way_down,
)
from tests.races.pilot import Pilot
from tests.races.tables import COLUMNS, COPY, SOURCE, assert_equal, assert_parents, execute, query

Scene = Callable[[Pilot, Stage], None]
RR = "REPEATABLE READ"


def to(pilot: Pilot, revision: str) -> None:
    chain = ("0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
    pilot.upgrade(*(r for r in chain if r <= revision))


def while_recording(*texts: str) -> Scene:
    """The texts are committed when every batch is done and nothing has been replayed."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
        execute(pilot.url, *texts)
        pilot.finish()
        assert_equal(pilot.url)

    return called(f"recorded at 0003: {texts[0]}", scene)


def followed(revision: str, *texts: str) -> Scene:
    """The texts are committed at that revision."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, revision)
        for text in texts:
            execute(pilot.url, text)
            (assert_parents if revision == "0007" else assert_equal)(pilot.url)

    return called(f"followed at {revision}: {texts[0]}", scene)


def one_statement_writes_both_tables(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    for one, other in ((SOURCE, COPY), (COPY, SOURCE)):
        test_both_tables.write_both(pilot.url, one, other, RR)
        assert test_both_tables.both(pilot.url) == [("A", 77)]
        execute(pilot.url, f"UPDATE {SOURCE} SET rotation = 'B', curriculum = 1 WHERE id = 11")


def two_cascades_write_a_row(pilot: Pilot, stage: Stage) -> None:
    """Each fires a trigger that fills a column of its own."""
    execute(pilot.url, *test_several_cascades.CASCADES)
    to(pilot, "0004")
    execute(
        pilot.url,
        *test_several_cascades.triggers(SOURCE),
        test_several_cascades.WRITES["two columns"],
    )
    assert_equal(pilot.url)


def both_tables_give_a_row_the_same_new_id(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    test_several_cascades.give_the_same_new_id(pilot.url, SOURCE, COPY)
    assert_equal(pilot.url)


def a_trigger_inserts_the_row_into_the_other_table(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    with pytest.raises(psycopg.errors.UniqueViolation):
        test_both_tables.insert_beside_a_trigger_that_inserts(pilot.url)


def one_statement_inserts_between_the_ids_that_it_deletes(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    test_mass_deletes.insert_between_deleted_ids(pilot.url, SOURCE, COPY, test_mass_deletes.GAP)


def a_trigger_puts_back_one_of_many(ids: str) -> Scene:
    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, "0004")
        test_mass_deletes.delete_and_put_back(pilot.url, SOURCE, ids)

    return called(f"a trigger puts back one of many deleted rows {ids}", scene)


def one_statement_gives_a_unique_value_to_two_rows(pilot: Pilot, stage: Stage) -> None:
    """To one row in each table. On one table that would be an error, so it is one here."""
    to(pilot, "0004")
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(
            pilot.url,
            "WITH there AS (UPDATE s.narrow SET badge = 'given twice' WHERE id = 12)"
            " UPDATE s.wide SET badge = 'given twice' WHERE id = 11",
        )
    assert_equal(pilot.url)


def an_old_snapshot_deletes(pilot: Pilot, stage: Stage) -> None:
    old = stage.session("old", RR)
    pilot.start(
        lambda runner: runner.upgrade("copy_table"), until=r'SELECT .*_copy_build"', before=True
    )
    old.begin()
    pilot.finish()
    old.outcome("DELETE FROM s.wide WHERE id = 11")
    old.commit()
    assert_equal(pilot.url)


def a_zombie_returns(pilot: Pilot, stage: Stage) -> None:
    """The same row once more: to the old snapshot its dead version stands beside its new one.
    What it gets is 40001, which applications know how to answer."""
    to(pilot, "0003")
    columns = ", ".join(c for c in COLUMNS if c != "twice")
    old = stage.session("old", RR)
    old.begin()
    execute(pilot.url, "DELETE FROM s.wide WHERE id = 11")
    again = f"INSERT INTO s.wide ({columns}) SELECT {columns} FROM s.wide WHERE id = 11"
    outcome = old.outcome(again)
    assert (old.commit() or outcome) in ("", "40001"), outcome
    assert_equal(pilot.url)


def a_write_between_drain_and_capture(pilot: Pilot, stage: Stage) -> None:
    writer = stage.session("writer")
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=r'_copy_drain"\(NULL')
    step = writer.start("UPDATE s.wide SET rotation = 'w' WHERE id = 11")
    step.settled()
    pilot.finish()
    step.outcome()
    assert_equal(pilot.url)


def a_mover_dies_after_a_batch(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=r'SELECT .*_copy_build"')
    pilot.kill()
    pilot.go()
    pilot.wait()
    pilot.upgrade("0003")
    assert_equal(pilot.url)


def a_writer_without_rights(pilot: Pilot, stage: Stage) -> None:
    execute(pilot.url, test_privileges.WRITER, test_privileges.HOSTILE)
    to(pilot, "0004")
    with psycopg.connect(libpq_url(pilot.url), autocommit=True) as connection:
        connection.execute("SET ROLE mr_race_writer; SET search_path = evil, pg_catalog, s")
        for text in test_privileges.WRITES:
            connection.execute(text.replace("{t}", SOURCE).encode())
            assert_equal(pilot.url)


def a_truncate_that_sees_nothing(revision: str, table: str) -> Scene:
    def scene(pilot: Pilot, stage: Stage) -> None:
        execute(pilot.url, "TRUNCATE s.wide")
        to(pilot, revision)
        old = stage.session("old", RR)
        old.begin()
        execute(
            pilot.url, f"INSERT INTO {table} (person_id, programme, curriculum) VALUES (1, 1, 1)"
        )
        old.outcome(f"TRUNCATE {table}")
        old.commit()
        (assert_parents if revision == "0007" else assert_equal)(pilot.url)

    return called(f"a truncate of {table} that sees nothing", scene)


def with_trigger(table: str, body: str, revision: str, *texts: str, name: str = '"AA"') -> Scene:
    made = test_application_triggers.trigger(table, name, body)
    scene = followed(revision, made, *texts)
    return called(f"followed at {revision}, an application trigger {body}: {texts[0]}", scene)


def both_last_children_go(pilot: Pilot, stage: Stage) -> None:
    same = "INSERT INTO s.wide (id, person_id, programme, curriculum) VALUES ({}, 500, 9, 9)"
    execute(pilot.url, same.format(90001), same.format(90002))
    to(pilot, "0007")
    stage.race("DELETE FROM s.narrow WHERE id = 90001", "DELETE FROM s.narrow WHERE id = 90002",
               "READ COMMITTED")  # fmt: skip
    assert_parents(pilot.url)


def a_direct_write_to_the_copy(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0003")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(pilot.url, "DELETE FROM s.narrow WHERE id = 11")


def a_unique_value_wanders_through_the_archive(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0005")
    execute(pilot.url, *test_the_way_down.SINCE)
    pilot.downgrade("0005")
    assert_equal(pilot.url)


def a_unique_value_wanders_while_it_is_copied(pilot: Pilot, stage: Stage) -> None:
    build = r'SELECT .*_copy_build"'
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=build, before=True)
    pilot.until(build, before=True)
    execute(pilot.url, "UPDATE s.wide SET badge = NULL WHERE id = 11",
            "UPDATE s.wide SET badge = 'b11' WHERE id = 591")  # fmt: skip
    pilot.finish()
    assert_equal(pilot.url)


def past_all_triggers(url: str, table: str, *texts: str) -> None:
    """What only the owner can: no trigger of the tool notices, and none is left changed."""
    own = (
        f"SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = '{table}'::regclass"
        " AND NOT tgisinternal AND tgenabled = 'A'"
    )
    names = [name for (name,) in query(url, own)]
    execute(url, f"ALTER TABLE {table} DISABLE TRIGGER USER", *texts)
    execute(url, *(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for name in names))
