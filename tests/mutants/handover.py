"""Hand-over, catalog and locks of others, with one protection removed."""

from __future__ import annotations

from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, instead, mutant, replaced
from tests.mutants.scenes import to
from tests.races.pilot import Pilot
from tests.races.tables import execute, query


def keys_are_valid(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0003")
    left = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE NOT convalidated"
    assert query(pilot.url, left) == []


def one_id_is_drawn_by_one(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    drawn = query(pilot.url, "SELECT nextval('s.wide_id_seq')")
    pilot.upgrade("0005")
    ((again,),) = query(pilot.url, "SELECT nextval(pg_get_serial_sequence('s.narrow', 'id'))")
    assert int(str(again)) > int(str(drawn[0][0]))


PRIVATE = "SELECT has_table_privilege('mr_race_writer', 's.{}', 'SELECT')"


def default_privileges_are_generous(pilot: Pilot, stage: Stage) -> None:
    """Who may not read the source may at no moment read the copy."""
    execute(
        pilot.url,
        "DO $$ BEGIN IF to_regrole('mr_race_writer') IS NULL THEN CREATE ROLE mr_race_writer;"
        " END IF; END $$",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO mr_race_writer",
    )
    pilot.start(lambda runner: runner.upgrade("copy_table"), until=r'SELECT .*_copy_build"\(')
    assert query(pilot.url, PRIVATE.format("narrow")) == [(False,)]
    pilot.finish()


def a_batch_waits_for_a_writer_who_comes_to_wait_for_it(pilot: Pilot, stage: Stage) -> None:
    """In a deadlock the tool is the victim: it gives its lock up before anybody looks for one."""
    execute(
        pilot.url,
        "INSERT INTO s.wide (id, person_id, programme, curriculum, rotation, amended) SELECT"
        " 90000 + n, 500 + n % 2, 9, 9, 'r' || n, timestamptz '2020-01-01' + n * interval '1 day'"
        " FROM generate_series(1, 4) AS n",
    )
    to(pilot, "0007")
    writer = stage.session("writer")
    writer.run("SET deadlock_timeout = '1s'")
    pair = "SELECT uuid::text FROM s.wide WHERE person_id > 499 ORDER BY uuid"
    first, second = (uuid for (uuid,) in query(pilot.url, pair))
    touch = "UPDATE s.wide SET rotation = rotation WHERE uuid = '{}'"
    pilot.start(
        lambda runner: runner.upgrade("link_children"),
        until=r'SELECT .*"m_replace_listed"\(',
        before=True,
    )
    writer.begin()
    writer.run(touch.format(second))
    pilot.go()
    looked = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname ="
        " current_database() AND clock_timestamp() - query_start > interval '1.5 s'"
    )
    before = pilot.setbacks
    while pilot.setbacks == before and stage.query(looked) == [(0,)]:
        pass
    assert writer.outcome(touch.format(first)) == "", "the writer lost"
    writer.commit()
    pilot.finish()


MUTANTS: tuple[Mutant, ...] = (
    mutant("a foreign key is not validated", instead("VALIDATE CONSTRAINT"), keys_are_valid),
    mutant("the sequence begins anew", replaced(r"PERFORM pg_catalog\.setval\([^;]*;", ""),
           one_id_is_drawn_by_one),
    mutant("default privileges are not taken away",
           replaced(r"FOR given IN[\s\S]*?END LOOP;", "", 'CREATE TABLE "s"."narrow"'),
           default_privileges_are_generous),
    mutant("a batch waits until a deadlock is looked for",
           replaced(r"least\(2000, s\.setting::int / 2\)", "60000"),
           a_batch_waits_for_a_writer_who_comes_to_wait_for_it),
)  # fmt: skip
