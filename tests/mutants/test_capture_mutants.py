"""The live copy and its capture with one protection removed: the named scene notices."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage
from tests.races import test_application_triggers, test_privileges, test_the_way_down
from tests.races.pilot import Pilot
from tests.races.tables import (
    COLUMNS,
    COPY,
    SOURCE,
    assert_equal,
    assert_parents,
    build_tables,
    execute,
)

pytestmark = pytest.mark.mutants

Mutation = Callable[[str], str]
Scene = Callable[[Pilot, Stage], None]
RR = "REPEATABLE READ"


def to(pilot: Pilot, revision: str) -> None:
    chain = ("0003", "0004", "0005", "0006", "0007")
    pilot.upgrade(*(r for r in chain if r <= revision))


def while_recording(*texts: str) -> Scene:
    """The texts are committed when every batch is done and nothing has been replayed."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        pilot.start(lambda runner: runner.upgrade("0003"), until="ANALYZE")
        execute(pilot.url, *texts)
        pilot.finish()
        assert_equal(pilot.url)

    return scene


def followed(revision: str, *texts: str) -> Scene:
    """The texts are committed at that revision."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, revision)
        for text in texts:
            execute(pilot.url, text)
            (assert_parents if revision == "0007" else assert_equal)(pilot.url)

    return scene


def an_old_snapshot_deletes(pilot: Pilot, stage: Stage) -> None:
    old = stage.session("old", RR)
    pilot.start(lambda runner: runner.upgrade("0003"), until=r'SELECT .*_copy_build"', before=True)
    old.begin()
    pilot.finish()
    old.outcome("DELETE FROM s.wide WHERE id = 11")
    old.commit()
    assert_equal(pilot.url)


def a_zombie_returns(pilot: Pilot, stage: Stage) -> None:
    """The same row once more: to the old snapshot the copy's dead version looks like its twin."""
    to(pilot, "0003")
    columns = ", ".join(c for c in COLUMNS if c != "twice")
    old = stage.session("old", RR)
    old.begin()
    execute(pilot.url, "DELETE FROM s.wide WHERE id = 11")
    old.outcome(f"INSERT INTO s.wide ({columns}) SELECT {columns} FROM s.wide WHERE id = 11")
    old.commit()
    assert_equal(pilot.url)


def a_write_between_drain_and_capture(pilot: Pilot, stage: Stage) -> None:
    writer = stage.session("writer")
    pilot.start(lambda runner: runner.upgrade("0003"), until=r'_copy_drain"\(NULL')
    step = writer.start("UPDATE s.wide SET rotation = 'w' WHERE id = 11")
    step.settled()
    pilot.finish()
    step.outcome()
    assert_equal(pilot.url)


def a_mover_dies_after_a_batch(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("0003"), until=r'SELECT .*_copy_build"')
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

    return scene


def with_trigger(table: str, body: str, revision: str, *texts: str, name: str = '"AA"') -> Scene:
    made = test_application_triggers.trigger(table, name, body)
    return followed(revision, made, *texts)


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
    pilot.start(lambda runner: runner.upgrade("0003"), until=build, before=True)
    pilot.until(build, before=True)
    execute(pilot.url, "UPDATE s.wide SET badge = NULL WHERE id = 11",
            "UPDATE s.wide SET badge = 'b11' WHERE id = 591")  # fmt: skip
    pilot.finish()
    assert_equal(pilot.url)


class CaptureLast:
    """The log's triggers come after the batches, not before them."""

    def __init__(self) -> None:
        self.kept = ""

    def __call__(self, text: str) -> str:
        if "CREATE TRIGGER" in text and "_copy_log_insert" in text and not self.kept:
            self.kept = text
            return "SELECT 1"
        if text.startswith("ANALYZE") and self.kept:
            return f"{text}; {self.kept}"
        return text


def replaced(pattern: str, by: str | Callable[[re.Match[str]], str], within: str = "") -> Mutation:
    """A regular expression, only in the text that makes ``within``."""

    def mutate(text: str) -> str:
        return re.sub(pattern, by, text) if within in text else text

    return mutate


def made_idle(function: str) -> Mutation:
    """The trigger function does nothing."""
    return replaced(r"\nBEGIN\n", "\nBEGIN RETURN NULL;\n", f'FUNCTION "s_refactor"."{function}"()')


@dataclass(frozen=True)
class Mutant:
    """What is taken away, and the scene that notices."""

    name: str
    mutation: Callable[[], Mutation]
    noticed: Scene


def mutant(name: str, mutation: Mutation, noticed: Scene) -> Mutant:
    return Mutant(name, lambda: mutation, noticed)


DELETE_11, ID_11 = "DELETE FROM s.wide WHERE id = 11", "UPDATE s.wide SET id = 15 WHERE id = 11"
SCALE = "UPDATE s.wide SET score = 1.5, rotation = 'x' WHERE id = 11"
HANDED_ON = (
    "WITH d AS (DELETE FROM s.wide WHERE id = 11 RETURNING *),"
    " e AS (DELETE FROM s.wide WHERE id = 12)"
    " INSERT INTO s.wide (id, person_id, programme, curriculum, rotation)"
    " SELECT id, person_id, programme, curriculum, 'again' FROM d"
)
TRUNCATE = r"BEGIN\n    TRUNCATE (\S+);\n  EXCEPTION[\s\S]*?\n  END;\n"
MUTANTS = (
    mutant("no fence", replaced(r"IF NOT \S*fence\"\(\)[^;]*? THEN", "IF false THEN"),
           an_old_snapshot_deletes),
    mutant("no key-share guard", replaced(r"PERFORM 1 FROM [^;]* FOR KEY SHARE;", ""),
           a_zombie_returns),
    Mutant("capture after the copy", CaptureLast, while_recording(DELETE_11)),
    mutant("depth guard", replaced(r"\nBEGIN\n", "\nBEGIN IF pg_catalog.pg_trigger_depth() > 1 THEN"
                                   " RETURN NULL; END IF;\n", "m_to_copy_update"),
           with_trigger(SOURCE, "updates siblings", "0003",
                        "UPDATE s.wide SET rotation = 'x' WHERE id = 11")),
    mutant("no ALWAYS", replaced("ENABLE ALWAYS", "ENABLE"),
           followed("0003", "SET session_replication_role = replica; " + DELETE_11)),
    mutant("no ALWAYS on the log", replaced("ENABLE ALWAYS", "ENABLE"),
           while_recording("SET session_replication_role = replica; " + DELETE_11)),
    mutant("DO NOTHING for reconcile",
           replaced(r"DO UPDATE SET \([^)]*\) =\s*ROW \([^)]*\)\s*WHERE \([\s\S]*?\*<>\)[^;$]*\)",
                    "DO NOTHING", "m_to_copy_insert"), followed("0003", HANDED_ON)),
    mutant("checkpoint in its own transaction",
           replaced(r'^(SELECT "s_refactor"."m_copy_build".*)$', r"\1; COMMIT; BEGIN"),
           a_mover_dies_after_a_batch),
    mutant("no TRUNCATE trigger", made_idle("m_to_copy_truncate"),
           followed("0003", "TRUNCATE s.wide")),
    mutant("no TRUNCATE mark", made_idle("m_copy_log_truncate"), while_recording("TRUNCATE"
                                                                                 " s.wide")),
    mutant("no trigger for a changed id", made_idle("m_to_copy_moved"), followed("0003", ID_11)),
    mutant("no mark for a changed id", made_idle("m_copy_log_moved"), while_recording(ID_11)),
    mutant("unlocked switch", replaced(r'^LOCK TABLE "s"\."(wide|narrow)" IN SHARE ROW.*',
                                                            "SELECT 1"),
           a_write_between_drain_and_capture),
    mutant("invoker rights", replaced("SECURITY DEFINER", "SECURITY INVOKER"),
           a_writer_without_rights),
    mutant("unpinned search_path", replaced(r"SET search_path = pg_catalog, pg_temp", "",
                                            "SECURITY DEFINER"), a_writer_without_rights),
    mutant("EXISTS instead of the size",
           replaced(r"pg_catalog\.pg_relation_size\([^)]*\) > 0",
                                                    'EXISTS (SELECT FROM "s"."narrow")',
                    "m_to_copy_truncate"), a_truncate_that_sees_nothing("0003", SOURCE)),
    mutant("NEW instead of a re-read", replaced(r'FROM "s"\."wide" AS a', "FROM n AS a",
                                                'm_to_copy_update"()'),
           with_trigger(SOURCE, "rewrites the row after", "0003",
                        "UPDATE s.wide SET rotation = 'x' WHERE id = 11")),
    mutant("IS DISTINCT FROM on numeric",
           replaced(r"ROW\((\w+)\.\"score\"[^()]*\)::pg_catalog.record"
                    r" OPERATOR\(pg_catalog\.\*<>\) "
                    r"ROW\((\w+)\.[^()]*\)::pg_catalog.record",
                    r'\1."score" IS DISTINCT FROM \2."score"', "m_to_copy_"),
           followed("0003", SCALE, "UPDATE s.wide SET score = 1.500 WHERE id = 11")),
    mutant("drain without a re-read", replaced(r"INSERT INTO \"s\"\.\"narrow\" AS"
                                               r" b[^;]*taken[^;]*;",
                                               "", 'm_copy_drain"('),
           while_recording("UPDATE s.wide SET rotation = 'x' WHERE id = 11",
                           "UPDATE s.wide SET rotation = 'x' WHERE id = 12")),
    mutant("no refusal", made_idle("m_refuse"), a_direct_write_to_the_copy),
    mutant("link not kept", replaced(r"NEW\.\"parent_uuid\" := [^;]*;", "", "m_keep_link"),
           followed("0003", "UPDATE s.wide SET kind = 'moved' WHERE id = 11")),
    mutant("what a BEFORE trigger did is not adopted", replaced(r"t\.tgtype & 3 = 3", "false"),
           with_trigger(SOURCE, "refuses deletes in silence", "0004",
                        "DELETE FROM s.narrow WHERE id = 11")),
    mutant("no way round unique values", replaced(
        r"EXCEPTION WHEN unique_violation OR exclusion_violation THEN", "EXCEPTION WHEN no_data"
                                                                        " THEN",
        "m_to_copy_"), with_trigger(SOURCE, "rewrites the row after", "0003", ID_11)),
    mutant("no catching up before unique indexes", replaced(r"^WITH gone AS[\s\S]*$", "SELECT 1"),
           a_unique_value_wanders_while_it_is_copied),
    mutant("reconciling stops at a unique value", replaced(
        r"EXCEPTION WHEN unique_violation OR exclusion_violation THEN", "EXCEPTION WHEN no_data"
                                                                        " THEN",
        'm_retired_build"('), a_unique_value_wanders_through_the_archive),
    mutant("parents are not touched", replaced(r"IF shared THEN[\s\S]*?END IF;", "", "m_settle"),
           both_last_children_go),
    mutant("parents emptied by DELETE", replaced(TRUNCATE, r"DELETE FROM \1;\n",
                                                 "m_derive_truncate"),
           a_truncate_that_sees_nothing("0007", COPY)),
    mutant("no capture of deleted children", made_idle("m_derive_delete"),
           followed("0007", "DELETE FROM s.narrow WHERE id BETWEEN 10 AND 20")),
    mutant("cascades refused at the closed parent",
           replaced(r"pg_catalog\.pg_trigger_depth\(\) > 1", "false", "m_closed"),
           followed("0007", "DELETE FROM s.person WHERE id = 6")),
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_removed_protection_is_noticed(
    mutant: Mutant, template_database: TemplateDatabase
) -> None:
    url = template_database("races tables", build_tables)
    with Stage(url) as stage, Pilot(url, mutation=mutant.mutation()) as pilot:
        with pytest.raises((AssertionError, psycopg.Error, RefactorError)):
            mutant.noticed(pilot, stage)
        assert pilot.mutated, "the mutation found nothing to change"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_without_a_mutation_nobody_notices_anything(
    mutant: Mutant, template_database: TemplateDatabase
) -> None:
    """Else the tests above would prove nothing."""
    url = template_database("races tables", build_tables)
    with Stage(url) as stage, Pilot(url) as pilot:
        mutant.noticed(pilot, stage)
