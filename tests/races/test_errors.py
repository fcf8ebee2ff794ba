"""Every error that an application may see, in the stage in which it sees it."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import LockNotObtained
from membership_refactor.execution.options import Options
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED
from tests.races.actions import COPY, Flight
from tests.races.pilot import HALTED, Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import SOURCE, assert_equal, execute

SWITCH = next(m for m in COPY if m.name == "switch")


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_40001_a_transaction_older_than_the_switch_is_told_to_retry_and_may(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0001"))
    old = on_stage(url).session("old", isolation)
    with Pilot(url) as pilot:
        flight = Flight(pilot, SWITCH, seeded=SOURCE)
        old.begin()
        flight.middle()
        flight.end()
        step = old.start("DELETE FROM s.wide WHERE id = 11")
        assert step.outcome() == "40001"
        assert step.error is not None
        assert "older than the switch" in str(step.error)
        assert step.error.diag.message_hint == "Retry the transaction."
        old.rollback()
        old.begin()
        assert old.outcome("DELETE FROM s.wide WHERE id = 11") == ""
        assert old.commit() == ""
        pilot.finish()
    assert_equal(url)


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_40001_an_id_that_another_transaction_freed_cannot_be_given_again_from_an_old_snapshot(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0003"))
    old = on_stage(url).session("old", isolation)
    old.begin()
    execute(url, "DELETE FROM s.wide WHERE id = 11")
    outcome = old.outcome(
        "INSERT INTO s.wide (id, person_id, programme, curriculum) VALUES (11, 1, 1, 1)"
    )
    assert (old.commit() and "") or outcome == "40001"
    assert_equal(url)


def test_40p01_writers_of_one_row_from_two_sides_deadlock_and_one_survives(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0004"))
    stage = on_stage(url)
    a, b = stage.session("a"), stage.session("b")
    # The rows themselves first: capture then wants the other's.
    a.begin()
    b.begin()
    a.run("SELECT 1 FROM s.wide WHERE id = 11 FOR UPDATE")
    b.run("SELECT 1 FROM s.narrow WHERE id = 11 FOR UPDATE")
    one = a.start("UPDATE s.wide SET rotation = 'a' WHERE id = 11")
    assert one.settled() == BLOCKED
    two = b.start("UPDATE s.narrow SET score = 9 WHERE id = 11")
    assert sorted([one.outcome(), two.outcome()]) == ["", "40P01"]
    a.commit()
    b.commit()
    assert_equal(url)


def test_55p03_a_writer_with_a_lock_timeout_may_meet_it_during_the_switch(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0001"))
    writer = on_stage(url).session("writer")
    writer.run("SET lock_timeout = '20ms'")
    with Pilot(url) as pilot:
        flight = Flight(pilot, SWITCH, seeded=SOURCE)
        flight.middle()
        assert writer.outcome("DELETE FROM s.wide WHERE id = 11") == "55P03"
        flight.end()
        assert writer.outcome("DELETE FROM s.wide WHERE id = 11") == ""
        pilot.finish()
    assert_equal(url)


def test_the_mover_gives_up_honestly_and_names_who_is_in_the_way(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0001"))
    stage = on_stage(url)
    holder = stage.session("month end")
    holder.begin()
    holder.run("UPDATE s.wide SET rotation = 'x' WHERE id = 11")
    options = Options(batch_rows=150, lock_timeout=1)
    with Pilot(url, options=options) as pilot:
        with pytest.raises(LockNotObtained, match="month end"):
            pilot.upgrade("0003")
        holder.run("PREPARE TRANSACTION 'orphan'")
        with pytest.raises(LockNotObtained, match='prepared transaction "orphan"'):
            pilot.upgrade("0003")
        execute(url, "COMMIT PREPARED 'orphan'")
        pilot.upgrade("0003")
    assert_equal(url)


def test_a_prepared_transaction_that_is_pending_at_the_switch_holds_it_up_and_is_not_lost(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0001"))
    stage = on_stage(url)
    with Pilot(url) as pilot:
        flight = Flight(pilot, SWITCH, seeded=SOURCE)
        for n, level in enumerate(("READ COMMITTED", "SERIALIZABLE")):
            writer = stage.session(f"two-phase {n}", level)
            writer.begin()
            writer.run(f"DELETE FROM s.wide WHERE id = {11 + n}")
            writer.run(f"UPDATE s.wide SET kind = 'two', id = id + 5 WHERE id = {311 + n}")
            writer.run(f"PREPARE TRANSACTION 'race {n}'")
        flight.middle()
        assert not flight.worked
        execute(url, "COMMIT PREPARED 'race 0'", "ROLLBACK PREPARED 'race 1'")
        pilot.finish()
        assert_equal(url)
        pilot.upgrade("0004")
    assert_equal(url)


def test_23505_a_named_constraint_deferred_on_one_table_is_not_deferred_on_the_other(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0003"))
    writer = on_stage(url).session("writer")
    swap = (
        "UPDATE s.wide SET badge = 'b12' WHERE id = 11",
        "UPDATE s.wide SET badge = 'b11' WHERE id = 12",
    )
    writer.begin()
    writer.run("SET CONSTRAINTS s.uq_wide_badge DEFERRED")
    assert writer.outcome(swap[0]) == "23505"
    writer.rollback()
    writer.begin()
    writer.run("SET CONSTRAINTS ALL DEFERRED")
    for text in swap:
        writer.run(text)
    assert writer.commit() == ""
    assert_equal(url)


@pytest.mark.parametrize("table", ["s.wide", "s.narrow"])
def test_23505_an_id_that_is_in_use_is_refused_on_either_side(
    table: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(
            url, f"INSERT INTO {table} (id, person_id, programme, curriculum) VALUES (11, 1, 1, 1)"
        )
    assert_equal(url)


@pytest.mark.parametrize("table", ["s.wide", "s.narrow"])
def test_23514_a_check_that_came_after_the_copy_speaks_on_both_sides(
    table: str, template_database: TemplateDatabase
) -> None:
    """The copy's constraints are those of the moment when it was made."""
    url = template_database(tables_at("0004"))
    execute(url, "ALTER TABLE s.narrow ADD CONSTRAINT later CHECK (score < 1000)")
    with pytest.raises(psycopg.errors.CheckViolation):
        execute(url, f"UPDATE {table} SET score = 2000 WHERE id = 11")
    assert_equal(url)


@pytest.mark.parametrize(
    "revision, write",
    [
        ("0003", "DELETE FROM s.narrow WHERE id = 11"),
        ("0005", "DELETE FROM s.wide_retired WHERE id = 11"),
        ("0006", "INSERT INTO s.wide (uuid, person_id, programme) VALUES"
                 " (gen_random_uuid(), 1, 1)"),
        ("0007", "DELETE FROM s.wide"),
    ],
)  # fmt: skip
def test_55000_a_table_that_cannot_be_written_yet_or_any_more_says_so(
    revision: str, write: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at(revision))
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as raised:
        execute(url, write)
    assert raised.value.diag.message_hint


def test_42p01_the_old_name_is_gone_from_0005_on_until_it_gets_its_new_meaning(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0005"))
    with pytest.raises(psycopg.errors.UndefinedTable):
        execute(url, "DELETE FROM s.wide WHERE id = 11")


@pytest.mark.parametrize("write", ["DELETE FROM s.person WHERE id = 6",
                                   "UPDATE s.person SET id = 70000 WHERE id = 51",
                                   "DELETE FROM s.person WHERE id = 9"])  # fmt: skip
def test_a_cascade_passes_the_closed_parent(
    write: str, template_database: TemplateDatabase
) -> None:
    from tests.races.tables import assert_parents

    url = template_database(tables_at("0007"))
    execute(url, write)
    assert_parents(url)


def test_a_lock_that_the_mover_holds_is_given_back_when_it_is_killed(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0001"))
    writer = on_stage(url).session("writer")
    with Pilot(url) as pilot:
        flight = Flight(pilot, SWITCH, seeded=SOURCE)
        flight.middle()
        assert flight.worked
        step = writer.start("DELETE FROM s.wide WHERE id = 11")
        assert step.settled() == BLOCKED
        pilot.kill()
        assert step.outcome() == ""
        pilot.go()
        assert pilot.wait() != HALTED
        assert pilot.error is not None
        pilot.upgrade("0003")
    assert_equal(url)
