"""What a script refuses: with psql's status 3, before anything or at the step's end."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.script import Pace, print_head
from membership_refactor.sql.names import tenant_lock
from tests.chain.driver import REVISIONS, snapshot
from tests.fixtures.databases import NewDatabase
from tests.fixtures.steps import step_of
from tests.inspect.tables import tamper
from tests.offline.scripts import DOWN, PACE, UP, Script, psql, run_psql, wait_until

LEDGER = "SELECT to_regnamespace('public_refactor') IS NOT NULL"


def state(script: Script, revision: str) -> list[tuple[str, str]]:
    return script.chain.query(
        f"SELECT direction, state FROM public_refactor.step WHERE step = '{step_of(revision)}'"
    )


def test_tables_of_another_portrait_are_refused_before_anything_is_changed(
    script: Script,
) -> None:
    script.chain.run(
        "ALTER TABLE programme_membership ADD COLUMN surplus int",
        "ALTER TABLE programme_membership ALTER COLUMN rotation TYPE varchar(99)",
        "ALTER TABLE programme_membership ALTER COLUMN curriculum_id DROP NOT NULL",
        "DROP INDEX ix_programme_membership_person_id",
        "ALTER TABLE programme_membership DROP CONSTRAINT fk_programme_membership_rotation_id",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER touch BEFORE UPDATE ON programme_membership "
        "FOR EACH ROW EXECUTE FUNCTION touch()",
    )
    table = 'table "programme_membership": '
    script.up().stopped(
        "not the tables that the script was made for; nothing has been changed",
        f'{table}column "surplus" is not expected',
        f'{table}column "rotation" is character varying(99), expected text',
        f'{table}column "curriculum_id" is bigint, expected bigint NOT NULL',
        f'{table}index "ix_programme_membership_person_id" is missing',
        f'{table}constraint "fk_programme_membership_rotation_id" is missing',
        f'{table}trigger "touch" is not expected',
    )
    assert not script.chain.value(LEDGER)


def test_tables_that_have_to_be_absent_are_refused_where_they_are(
    script: Script, new_database: NewDatabase
) -> None:
    nothing = replace(legacy_tables("public"), tables=())
    head = print_head(script.chain.names, nothing, "0001", UP, tables=("person",))
    refused = run_psql(script.chain.url, head)
    refused.stopped(
        'table "person" is not expected\ntable "programme_membership" is not expected\nHINT'
    )
    assert not script.chain.value(LEDGER)
    empty = new_database()
    run_psql(empty, head).fine()
    run_psql(empty, script.text(REVISIONS)).stopped('table "programme_membership" is missing')


def test_a_step_that_stands_open_is_compared_with_what_it_began_with(script: Script) -> None:
    script.chain.run(
        "CREATE INDEX another ON programme_membership (amended_date)",
    )
    script.chain.up("0003")
    script.up("0003").stopped('index "another" is not expected')


def test_a_script_does_not_run_inside_a_transaction(script: Script) -> None:
    run_psql(script.chain.url, script.text(REVISIONS), "-1").stopped("without -1")
    assert not script.chain.value(LEDGER)


def test_a_script_does_not_run_beside_another_migration(script: Script) -> None:
    with psycopg.connect(libpq_url(script.chain.url)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (tenant_lock("public"),))
        script.up().stopped('another migration of schema "public" is running')
    assert not script.chain.value(LEDGER)


def test_a_check_that_fails_before_a_step_leaves_it_not_begun(script: Script) -> None:
    chain = script.chain
    script.up("0003", "0004").fine()
    tamper(chain, "UPDATE curriculum_membership SET intrepid_id = 'spoilt' WHERE id IN (5, 6)")
    script.up("0005").stopped('check "copy is exact" failed', "2 rows, first keys: 5; 6")
    assert state(script, "0005") == []
    results = chain.query(
        "SELECT name, broken, keys FROM public_refactor.check_result WHERE step = 'retire_source'"
    )
    assert ("copy is exact", 2, ["5", "6"]) in results


def test_a_check_that_fails_after_a_step_leaves_it_open(script: Script) -> None:
    chain = script.chain
    text = script.text(["0003"])
    place = text.index("-- Open the copy to readers\n")
    spoil = (
        "ALTER TABLE public.curriculum_membership DISABLE TRIGGER ALL;\n"
        "UPDATE public.curriculum_membership SET intrepid_id = 'spoilt' WHERE id = 7;\n"
        "SELECT format('ALTER TABLE public.curriculum_membership ENABLE ALWAYS TRIGGER %I', tgname)"
        " FROM pg_trigger WHERE tgrelid = 'public.curriculum_membership'::regclass"
        " AND NOT tgisinternal \\gexec\n"
    )
    run_psql(chain.url, text[:place] + spoil + text[place:]).stopped(
        'check "copy is exact" failed', "1 row, first keys: 7"
    )
    assert state(script, "0003") == [("up", "open")]
    script.up("0004").stopped("step 0003 copy_table is open: it went up")
    script.down("0003").stopped("step 0003 copy_table is open", "alembic upgrade 0003")
    chain.run(
        "UPDATE curriculum_membership c SET intrepid_id = p.intrepid_id "
        "FROM programme_membership p WHERE p.id = c.id AND c.id = 7"
    )
    script.up("0003").fine()
    assert state(script, "0003") == [("up", "done")]


def test_a_gate_without_evidence_stays_closed_until_somebody_accepts(script: Script) -> None:
    asking = replace(script, pace=replace(PACE, accept_usage=None))
    asking.up("0003", "0004", "0005").stopped(
        'check "gate retire_source" failed', "no unbroken watch of 14 days", "accept-usage"
    )
    assert state(script, "0005") == []
    accepting = replace(script, pace=replace(PACE, accept_usage="o'clock \\ seen by hand"))
    accepting.up("0005").fine()
    reasons = script.chain.query("SELECT step, reason FROM public_refactor.acceptance")
    assert reasons == [("retire_source", "o'clock \\ seen by hand")]


def test_steps_out_of_order_are_refused(script: Script) -> None:
    script.up("0003", "0004").fine()
    before = snapshot(script.chain)
    later = script.text(["0006"])
    later = later[later.index("-- 0006 create_parent up") :]
    run_psql(script.chain.url, "\\set ON_ERROR_STOP on\n" + later).stopped(
        "0006 create_parent cannot go up: 0005 has not been applied"
    )
    lower = script.text(["0003"], DOWN)
    lower = lower[lower.index("-- 0003 copy_table down") :]
    run_psql(script.chain.url, "\\set ON_ERROR_STOP on\n" + lower).stopped(
        "0003 copy_table cannot go down: 0004 is still applied"
    )
    assert snapshot(script.chain) == before


def test_another_plan_of_the_same_name_is_refused(script: Script) -> None:
    script.up("0003").fine()
    plan = replace(script.chain.plan, evidence_days=3)
    changed = replace(script.chain, subject=replace(script.chain.subject, plan=plan))
    replace(script, chain=changed).up("0003").stopped("is not the one the chain began with")


def test_the_first_way_down_asks_the_refusals_of_all(script: Script) -> None:
    script.up().fine()
    script.chain.run(
        "INSERT INTO programme_membership (person_id, programme_id) "
        "SELECT min(p.id), (SELECT min(id) FROM programme) FROM person p",
    )
    script.down().stopped('check "parents have children" failed')
    assert state(script, "0011") == [("up", "done")]


def test_a_lock_that_is_never_given_names_who_is_in_the_way(script: Script) -> None:
    impatient = replace(script, pace=Pace(lock_timeout=1))
    with psycopg.connect(libpq_url(script.chain.url)) as writer:
        writer.execute("UPDATE programme_membership SET rotation = rotation WHERE id = 1")
        pid = writer.info.backend_pid
        impatient.up("0003").stopped(
            'no lock on "public"."programme_membership" in', f"in the way: pid {pid} (", "HINT"
        )
        assert state(script, "0003") == [("up", "open")]
    script.up("0003").fine()


def test_writers_wait_behind_a_script_for_a_moment_only(script: Script) -> None:
    """While the script tries for its lock behind a long reader, writers go on."""
    url = script.chain.url
    script.up("0003").fine()
    with (
        psycopg.connect(libpq_url(url)) as reader,
        psycopg.connect(libpq_url(url), autocommit=True) as writer,
    ):
        reader.execute("SELECT 1 FROM curriculum_membership LIMIT 1")
        last = "SELECT EXISTS (SELECT FROM public_refactor.action WHERE step = 'dual_write'"
        with psql(url, script.text(["0004"])) as process:
            wait_until(lambda: script.chain.value(f"{last} AND key = 'open_copy')"))
            writer.execute("SET lock_timeout = '1s'")
            for _ in range(50):
                writer.execute("UPDATE curriculum_membership SET rotation = 'x' WHERE id = 1")
            assert process.poll() is None
            reader.rollback()
            assert process.wait(30) == 0


def test_a_view_made_after_the_script_stops_0010_before_anything_is_dropped(
    script: Script,
) -> None:
    script.up(*(r for r in REVISIONS if r < "0010")).fine()
    script.chain.run("CREATE VIEW report AS SELECT rotation FROM curriculum_membership")
    before = snapshot(script.chain)
    script.up("0010").stopped(
        'check "nothing stops the drop" failed', "view public.report uses rotation"
    )
    assert snapshot(script.chain) == before
    assert state(script, "0010") == []
    script.chain.run("DROP VIEW report")
    script.up("0010").fine()
