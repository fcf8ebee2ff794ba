"""What the world brings along, with one protection removed: roles, triggers, references, DDL."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.errors import CheckFailed
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, called, made_idle, mutant, never_asked, replaced
from tests.mutants.scenes import RR, Scene, to
from tests.races import test_unchanged_rows, test_watched_columns
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.tables import COPY, PLAN, SOURCE, assert_equal, execute, query

FAMILY = (
    "UPDATE s.wide SET (person_id, programme, kind, began, rotation, score)"
    " = (1, 1, 'k', NULL, 'r', 1) WHERE id < 5",
)
UUID_41 = "SELECT parent_uuid FROM s.narrow WHERE id = 41"
OWN = "00000000-0000-4000-8000-000000000001"


def batch(function: str) -> str:
    return rf'SELECT "s_refactor"\."m_{function}"\('


def an_old_snapshot_sets_a_parent_back(pilot: Pilot, stage: Stage) -> None:
    """It sees the child as it was before the refresh, and would carry nothing to it."""
    to(pilot, "0009")
    execute(pilot.url, f"UPDATE s.wide SET rotation = 'new' WHERE uuid = ({UUID_41})")
    old = stage.session("old", RR)
    pilot.start(lambda r: r.downgrade("stop_parallel_save"), until=batch("refresh"), before=True)
    old.begin()
    old.run("SELECT FROM s.person")
    pilot.until("LOCK TABLE", before=True)
    old.outcome(f"UPDATE s.wide SET rotation = 'r41' WHERE uuid = ({UUID_41})")
    old.commit()
    pilot.finish()
    assert_families(pilot.url)


def an_old_snapshot_sets_a_key_back(pilot: Pilot, stage: Stage) -> None:
    """The note that the batch made of the moved parent cannot be seen, and so not be deleted."""
    to(pilot, "0008")
    ((kind,),) = query(
        pilot.url, f"SELECT quote_nullable(kind) FROM s.wide WHERE uuid = ({UUID_41})"
    )
    execute(pilot.url, f"UPDATE s.wide SET kind = 'moved' WHERE uuid = ({UUID_41})")
    old = stage.session("old", RR)
    pilot.start(lambda r: r.downgrade("link_children"), until=batch("fill_kept"), before=True)
    old.begin()
    old.run("SELECT FROM s.person")
    pilot.until(batch("fill_uuid_map"), before=True)
    old.outcome(f"UPDATE s.wide SET kind = {kind} WHERE uuid = ({UUID_41})")
    old.commit()
    pilot.finish()
    execute(
        pilot.url,
        "INSERT INTO s.narrow (person_id, programme, kind, began, curriculum)"
        " SELECT person_id, programme, 'moved', began, 1 FROM s.narrow WHERE id = 41",
    )
    assert query(
        pilot.url, f"SELECT count(DISTINCT kind) FROM s.narrow WHERE parent_uuid = ({UUID_41})"
    ) == [(1,)]


def a_family_comes_after_the_children_were_noted(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0008")
    pilot.start(lambda r: r.downgrade("link_children"), until=batch("fill_uuid_map"), before=True)
    pilot.until(r'LOCK TABLE "s"\."narrow" IN ACCESS', before=True)
    execute(
        pilot.url,
        f"INSERT INTO s.wide (uuid, person_id, programme, kind) VALUES ('{OWN}', 1, 77, 'one')",
        f"INSERT INTO s.narrow (id, curriculum, parent_uuid) VALUES (90001, 1, '{OWN}')",
    )
    pilot.finish()
    for revision in ("0007", "0006", "0005", "0004", "0003"):
        pilot.downgrade(revision)
    to(pilot, "0008")
    assert query(pilot.url, "SELECT parent_uuid::text FROM s.narrow WHERE id = 90001") == [(OWN,)]


def an_owner_sees_less(pilot: Pilot, stage: Stage) -> None:
    """FORCE ROW LEVEL SECURITY comes to the copy; a write that is not carried has to fail."""
    to(pilot, "0003")
    execute(
        pilot.url,
        "DO $$ BEGIN IF to_regrole('mr_mutant_owner') IS NULL THEN CREATE ROLE mr_mutant_owner;"
        " END IF; END $$",
        "GRANT ALL ON SCHEMA s, s_refactor TO mr_mutant_owner",
        f"ALTER TABLE {SOURCE} OWNER TO mr_mutant_owner",
        f"ALTER TABLE {COPY} OWNER TO mr_mutant_owner",
        "DO $$ DECLARE f record; BEGIN FOR f IN SELECT oid::regprocedure AS p FROM pg_proc WHERE"
        " pronamespace = 's_refactor'::regnamespace LOOP"
        " EXECUTE format('ALTER FUNCTION %s OWNER TO mr_mutant_owner', f.p); END LOOP; END $$",
        f"ALTER TABLE {COPY} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {COPY} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY one ON {COPY} USING (id = 1)",
    )
    writer = stage.session("writer")
    writer.outcome(f"UPDATE {SOURCE} SET rotation = 'x' WHERE id = 11")
    assert_equal(pilot.url)


def a_trigger_stamps_every_update(pilot: Pilot, stage: Stage) -> None:
    """Up and down again the rows have their own times: no batch of ours fired it."""
    execute(
        pilot.url,
        "UPDATE s.wide SET (person_id, programme, kind, began) = (1, 1, 'k', NULL) WHERE id < 30",
        "CREATE FUNCTION s.stamp() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.amended := now(); RETURN NEW; END'",
        "CREATE TRIGGER stamp BEFORE UPDATE ON s.wide FOR EACH ROW EXECUTE FUNCTION s.stamp()",
    )
    rows = "SELECT id, amended, rotation FROM s.wide ORDER BY id"
    before = query(pilot.url, rows)
    to(pilot, "0008")
    for revision in ("0008", "0007", "0006", "0005", "0004", "0003"):
        pilot.downgrade(revision)
    assert query(pilot.url, rows) == before


def a_note_refers_to_a_parent(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0008")
    execute(
        pilot.url,
        "CREATE TABLE s.note (n int, parent uuid REFERENCES s.wide (uuid) ON DELETE CASCADE)",
        f"INSERT INTO s.note SELECT 1, ({UUID_41})",
        "DELETE FROM s.narrow WHERE id = 41",
    )
    assert query(pilot.url, "SELECT count(*) FROM s.note") == [(1,)]


def somebody_writes_the_link(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    writer = stage.session("writer")
    assert writer.outcome(f"UPDATE {COPY} SET parent_uuid = '{OWN}' WHERE id = 11") == "55000"


def triggers_were_disabled_and_enabled(pilot: Pilot, stage: Stage) -> None:
    """A write of a replica session slips past; the next step must not take it for granted."""
    to(pilot, "0003")
    execute(
        pilot.url,
        f"ALTER TABLE {SOURCE} DISABLE TRIGGER USER",
        f"ALTER TABLE {SOURCE} ENABLE TRIGGER USER",
    )
    try:
        pilot.upgrade("0004")
    except CheckFailed:
        return
    execute(
        pilot.url,
        "SET session_replication_role = replica;"
        f" UPDATE {SOURCE} SET rotation = 'slipped' WHERE id = 11",
    )
    assert_equal(pilot.url)


def a_row_gets_another_id(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    execute(
        pilot.url,
        f"CREATE TABLE s.note (n int, row bigint REFERENCES {COPY} ON UPDATE CASCADE"
        " ON DELETE CASCADE)",
        "INSERT INTO s.note VALUES (1, 11)",
        f"UPDATE {SOURCE} SET id = 9911 WHERE id = 11",
    )
    assert query(pilot.url, "SELECT row FROM s.note") == [(9911,)]


def a_final_value_stands_at(
    revision: str, table: str, write: str, *, column: str = "kind"
) -> Scene:
    """A trigger refuses UPDATE OF one column; a write of another one is carried all the same."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        execute(pilot.url, *FAMILY)
        to(pilot, revision)
        execute(
            pilot.url,
            test_watched_columns.FINAL,
            test_watched_columns.final(column, table),
            write,
        )
        (assert_equal if revision == "0004" else assert_families)(pilot.url)

    return called(f"a final value at {revision}: {write}", scene)


def an_update_changes_no_value(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    execute(
        pilot.url,
        *test_unchanged_rows.AUDIT,
        test_unchanged_rows.EACH_ROW,
        f"UPDATE {COPY} SET score = score WHERE id = 11",
    )
    assert query(pilot.url, "SELECT id FROM s.audit") == [(11,)]


def a_sibling_is_saved_with_a_stale_version(pilot: Pilot, stage: Stage) -> None:
    execute(pilot.url, *FAMILY, "ALTER TABLE s.wide ADD tally int NOT NULL DEFAULT 1")
    plan = replace(PLAN, version="tally")
    with Pilot(pilot.url, mutation=pilot.mutation, plan=plan) as versioned:
        to(versioned, "0008")
        pilot.mutated += versioned.mutated
    execute(
        pilot.url, f"UPDATE {COPY} SET rotation = 'first', tally = 2 WHERE id = 1 AND tally = 1"
    )
    stale = f"UPDATE {COPY} SET rotation = 'stale', tally = 2 WHERE id = 2 AND tally = 1"
    execute(pilot.url, stale)
    assert query(pilot.url, f"SELECT DISTINCT rotation FROM {COPY} WHERE id < 5") == [("first",)]


WATCHED = replaced(r"(t\.tgattr::pg_catalog\.int2\[\]\)) > 0", r"\1 > 99")
MUTANTS: tuple[Mutant, ...] = (
    mutant("dual writing names columns that did not change", WATCHED,
           a_final_value_stands_at("0004", SOURCE, f"UPDATE {COPY} SET score = 7 WHERE id = 1")),
    mutant("columns of siblings are named that did not change", WATCHED,
           a_final_value_stands_at("0008", COPY, f"UPDATE {COPY} SET score = 7 WHERE id = 1")),
    mutant("columns of the parent are named that did not change", WATCHED,
           a_final_value_stands_at("0008", SOURCE, f"UPDATE {COPY} SET score = 7 WHERE id = 1",
                                   column="rotation")),
    mutant("a row without a change is not carried",
           replaced(r"own_touches := pg_catalog[^;]*;", "", 'm_to_source_update"'),
           an_update_changes_no_value),
    mutant("a carried value leaves the version as it is",
           replaced(r'("tally" = c\."tally") \+ 1', r"\1", 'm_parent_updated"'),
           a_sibling_is_saved_with_a_stale_version),
    mutant("children are compared without a lock",
           replaced(r"PERFORM 1 FROM \S+ AS c WHERE c\.\S+ = NEW\.\S+ FOR NO KEY UPDATE;", "",
                    'm_parent_refill"'),
           an_old_snapshot_sets_a_parent_back),
    mutant("a note is deleted and not put first",
           replaced(r"INSERT INTO \S+ AS k \(key_uuid, uuid\) VALUES \(\S+\([^;]*?OLD\.[^;]*;", "",
                    'm_keep_uuid"'),
           an_old_snapshot_sets_a_key_back),
    mutant("children are not noted as they change", made_idle("m_note_child"),
           a_family_comes_after_the_children_were_noted),
    mutant("nobody asks whether rows are hidden",
           replaced(r"pg_catalog\.row_security_active\([^)]*\)", "false", "m_to_copy_"),
           an_owner_sees_less),
    mutant("batches fire the application's triggers",
           replaced(r"t\.tgenabled IN \('O', 'A'\)", "false", 'm_silence"'),
           a_trigger_stamps_every_update),
    mutant("nobody asks who refers to a parent",
           replaced(r"RETURN own_found;", "RETURN '{}';", 'm_referred"'),
           a_note_refers_to_a_parent),
    mutant("a written link is put back in silence",
           replaced(r"RAISE object_not_in_prerequisite_state[\s\S]*?;(?=\n)",
                    'NEW."parent_uuid" := OLD."parent_uuid";', 'm_keep_link"'),
           somebody_writes_the_link),
    mutant("our own triggers are not compared", never_asked("own_object"),
           triggers_were_disabled_and_enabled),
    mutant("an id moves by DELETE and INSERT",
           replaced(r"UPDATE \S+ AS b SET \([^;]*?a\.\S+ = m\.own_new",
                    'DELETE FROM "s"."narrow" AS b WHERE b."id" = ANY (own_olds)',
                    'm_to_copy_moved"'),
           a_row_gets_another_id),
)  # fmt: skip
