"""The engine of moves with one protection removed: bound, batches, checkpoints, log, drain."""

from __future__ import annotations

from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, called, instead, mutant, replaced
from tests.mutants.scenes import Scene, to, while_recording
from tests.races.pilot import Pilot
from tests.races.tables import assert_equal, assert_parents, execute, query

BUILD = r'SELECT .*_copy_build"\('
SWITCH = r'LOCK TABLE "s"\."wide" IN SHARE ROW'


class BoundFirst:
    """The bound of the copy is the one that was read before writers were recorded."""

    def __call__(self, text: str) -> str:
        if 'CREATE TABLE IF NOT EXISTS "s_refactor"."m_copy_log"' in text:
            return f"{text}; CREATE TABLE s_refactor.early AS SELECT max(id)::text AS b FROM s.wide"
        if "SET bound = (" in text:
            head, tail = text.split("SET bound = (", 1)
            return f"{head}SET bound = (SELECT b FROM s_refactor.early{tail[tail.index('),') :]}"
        return text


def a_row_comes_before_writers_are_recorded(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=SWITCH, before=True)
    execute(pilot.url, "INSERT INTO s.wide (person_id, programme, curriculum) VALUES (1, 1, 1)")
    pilot.finish()
    assert_equal(pilot.url)


def a_mover_dies_before_a_batch(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=BUILD, before=True)
    pilot.kill()
    pilot.go()
    pilot.wait()
    pilot.upgrade("0003")
    assert_equal(pilot.url)


def two_movers_come_to_one_batch(pilot: Pilot, stage: Stage) -> None:
    """One has claimed it, and was cut off from its lock. The other is at it, and then dies."""
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=TAKE_RANGE, before=True)
    with Pilot(pilot.url) as other:
        other.start(lambda runner: runner.upgrade("copy_table"), until=BUILD)
        # There are two ranges.
        pilot.until(BUILD)
        other.until("SELECT claimed, bound", before=True)
        other.kill()
        other.go()
        other.wait()
        pilot.finish()
    assert_equal(pilot.url)


def more_is_written_than_one_round_replays(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
    ids = [row[0] for row in query(pilot.url, "SELECT id FROM s.wide ORDER BY id LIMIT 250")]
    execute(pilot.url, *(f"UPDATE s.wide SET rotation = 'new' WHERE id = {n}" for n in ids))
    pilot.finish()
    assert_equal(pilot.url)


def something_is_written_after_the_last_round(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
    pilot.until(SWITCH, before=True)
    execute(pilot.url, "UPDATE s.wide SET rotation = 'late' WHERE id = 11")
    pilot.finish()
    assert_equal(pilot.url)


def while_parents_are_recorded(*texts: str) -> Scene:
    """The texts are committed when every parent is built and nothing has been replayed."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, "0006")
        pilot.start(lambda runner: runner.upgrade("rebuild_parent"), until="ANALYZE")
        execute(pilot.url, *texts)
        pilot.finish()
        assert_parents(pilot.url)

    return called(f"recorded at 0007: {texts[0]}", scene)


def two_insert_one_new_key(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0007")
    same = "INSERT INTO s.narrow (id, person_id, programme, curriculum) VALUES ({}, 500, 9, 9)"
    outcomes = stage.race(same.format(90001), same.format(90002), "READ COMMITTED")
    assert outcomes == ("", "")
    assert_parents(pilot.url)


def gaps_and_empty_strings_are_two_keys(pilot: Pilot, stage: Stage) -> None:
    same = "INSERT INTO s.wide (person_id, programme, curriculum, kind) VALUES (500, 9, 9, {})"
    execute(pilot.url, same.format("NULL"), same.format("''"))
    to(pilot, "0007")
    keys = "SELECT count(DISTINCT (person_id, programme, kind, began)) FROM s.narrow"
    assert query(pilot.url, keys) == query(pilot.url, "SELECT count(*) FROM s.wide")


def whatever_is_recorded_survives_a_crash(pilot: Pilot, stage: Stage) -> None:
    """PostgreSQL empties an unlogged table when it recovers."""
    pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
    lost = "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'i')"
    assert query(pilot.url, lost) == []
    pilot.finish()


def a_reader_stays_for_long(pilot: Pilot, stage: Stage) -> None:
    """While the mover waits for the reader, writers wait for the mover: a moment, and not more."""
    to(pilot, "0004")
    reader = stage.session("reader")
    reader.begin()
    reader.run("SELECT count(*) FROM s.wide")
    pilot.start(lambda runner: runner.upgrade("retire_source"))
    waited = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database() AND clock_timestamp() - query_start > interval '2 s'"
    )
    while pilot.setbacks < 5:
        assert stage.query(waited) == [(0,)], "a lock is waited for without an end"
    assert stage.session("writer").outcome("UPDATE s.wide SET rotation = 'w' WHERE id = 11") == ""
    reader.commit()
    pilot.finish()


TAKE = (
    r"WITH gone AS \(\s*DELETE FROM (\S+) AS l WHERE l\.ctid = ANY \(ARRAY\(\s*"
    r"SELECT m\.ctid FROM \S+ AS m LIMIT entries\)\) RETURNING l\.keys\)"
    r"([\s\S]*?INTO taken, marks, consumed);"
)
TAKE_RANGE = "SELECT first, last FROM"
CHECKPOINT = r"SELECT first, last FROM (\S+) WHERE ([\s\S]*) FOR UPDATE SKIP LOCKED"
FIND = r'ON CONFLICT \("uuid"\) DO UPDATE SET "uuid" = excluded\."uuid"'
MUTANTS = (
    Mutant("the bound is read before capture", BoundFirst, a_row_comes_before_writers_are_recorded),
    mutant("a checkpoint before its batch",
           replaced(CHECKPOINT, r"UPDATE \1 SET done = true, rows = 0 WHERE \2 "
                                "RETURNING first, last; COMMIT; BEGIN"),
           a_mover_dies_before_a_batch),
    mutant("a batch without its row's lock",
           replaced(CHECKPOINT, r"SELECT first, last FROM \1 WHERE \2"),
           two_movers_come_to_one_batch),
    mutant("the log is cleared before it is replayed",
           replaced(TAKE, r"DELETE FROM \1; \g<0>", 'm_copy_drain"('),
           while_recording("UPDATE s.wide SET rotation = 'x' WHERE id = 11")),
    mutant("log rows are deleted that were not read",
           replaced(TAKE, r"WITH gone AS (SELECT l.keys FROM \1 AS l LIMIT entries)\2;"
                          r" DELETE FROM \1;", 'm_copy_drain"('),
           more_is_written_than_one_round_replays),
    mutant("the log is not drained under the lock", instead(r'_copy_drain"\(NULL'),
           something_is_written_after_the_last_round),
    mutant("the mark of a TRUNCATE is ignored",
           replaced("IF marks > 0 THEN", "IF false THEN", 'm_copy_drain"('),
           while_recording("TRUNCATE s.wide")),
    mutant("the mark of a TRUNCATE is ignored by the parents",
           replaced("IF marks > 0 THEN", "IF false THEN", 'm_parent_drain"('),
           while_parents_are_recorded("TRUNCATE s.narrow")),
    mutant("the link before a change is not recorded",
           replaced(r'SELECT "parent_uuid" AS k FROM o\s*UNION ALL ', "",
                    'm_parent_log_update"()'),
           while_parents_are_recorded("UPDATE s.narrow SET kind = 'moved' WHERE id = 11")),
    mutant("SELECT-then-INSERT", replaced(FIND, "", 'm_settle"('), two_insert_one_new_key),
    mutant("an unlogged log", replaced("CREATE TABLE IF NOT EXISTS",
                                       "CREATE UNLOGGED TABLE IF NOT EXISTS", 'm_copy_log" ('),
           whatever_is_recorded_survives_a_crash),
    mutant("a lock is waited for without an end", replaced(r"SET LOCAL lock_timeout = 50;", ""),
           a_reader_stays_for_long),
)  # fmt: skip
