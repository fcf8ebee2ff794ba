"""Staged interleavings: whoever comes first, parents and children agree, or somebody retries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from membership_refactor.sql.parallel.lost_values import list_losers
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED, ISOLATIONS, RETRYABLE, Stage
from tests.sql.parallel import playground

OnStage = Callable[[str], Stage]

START = (
    "INSERT INTO tis.cm (id, person, type, rotation) VALUES"
    " (1, 7, 'a', 'r'), (2, 7, 'a', 'r'), (3, 8, NULL, 's'), (4, 9, 'c', 't');"
    "INSERT INTO tis.pm (uuid, person, type, rotation)"
    " VALUES ('11111111-1111-4111-8111-111111111111', 5, 'n', 'n')"
)
OF_7 = "(SELECT uuid FROM tis.pm WHERE person = 7)"
OF_8 = "(SELECT uuid FROM tis.pm WHERE person = 8)"


@dataclass(frozen=True)
class Race:
    """Two statements, and what the second may end with beside success and a retry."""

    name: str
    first: str
    second: str
    also: frozenset[str] = frozenset()


NEW_CHILD = "INSERT INTO tis.cm (id, pm_uuid) SELECT 10, uuid FROM tis.pm WHERE person = 7"
RACES = (
    Race("both last children deleted", "DELETE FROM tis.cm WHERE id = 1",
         "DELETE FROM tis.cm WHERE id = 2"),
    Race("both last children moved away", "UPDATE tis.cm SET type = 'x' WHERE id = 1",
         "UPDATE tis.cm SET type = 'y' WHERE id = 2"),
    Race("both last children moved to one new key", "UPDATE tis.cm SET type = 'x' WHERE id = 1",
         "UPDATE tis.cm SET type = 'x' WHERE id = 2"),
    Race("one last child deleted, the other given away", "DELETE FROM tis.cm WHERE id = 1",
         f"UPDATE tis.cm SET pm_uuid = {OF_8} WHERE id = 2"),
    Race("one last child given away, the other deleted",
         f"UPDATE tis.cm SET pm_uuid = {OF_8} WHERE id = 1", "DELETE FROM tis.cm WHERE id = 2"),
    Race("new-style insert, parent's value", NEW_CHILD,
         "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
    Race("parent's value, new-style insert", "UPDATE tis.pm SET rotation = 'z' WHERE person = 7",
         NEW_CHILD),
    Race("new-style insert, parent's key", NEW_CHILD,
         "UPDATE tis.pm SET type = 'z' WHERE person = 7"),
    Race("parent's key, new-style insert", "UPDATE tis.pm SET type = 'z' WHERE person = 7",
         NEW_CHILD),
    Race("parent's key, old-style insert of the old key",
         "UPDATE tis.pm SET type = 'z' WHERE person = 7",
         "INSERT INTO tis.cm (id, person, type) VALUES (10, 7, 'a')"),
    Race("old-style insert, parent's key to it",
         "INSERT INTO tis.cm (id, person, type) VALUES (10, 7, 'z')",
         "UPDATE tis.pm SET type = 'z' WHERE person = 7", frozenset({"23505"})),
    Race("last child deleted, old-style insert", "DELETE FROM tis.cm WHERE id = 3",
         "INSERT INTO tis.cm (id, person) VALUES (10, 8)"),
    Race("old-style insert, last child deleted", "INSERT INTO tis.cm (id, person) VALUES (10, 8)",
         "DELETE FROM tis.cm WHERE id = 3"),
    Race("last child deleted, new-style insert", "DELETE FROM tis.cm WHERE id = 3",
         f"INSERT INTO tis.cm (id, pm_uuid) VALUES (10, {OF_8})", frozenset({"23503"})),
    Race("two inserts of a new key with gaps", "INSERT INTO tis.cm (id, person) VALUES (10, 99)",
         "INSERT INTO tis.cm (id, person) VALUES (11, 99)"),
    Race("value, sibling's move", "UPDATE tis.cm SET rotation = 'z' WHERE id = 1",
         "UPDATE tis.cm SET type = 'x' WHERE id = 2"),
    Race("move, sibling's value", "UPDATE tis.cm SET type = 'x' WHERE id = 1",
         "UPDATE tis.cm SET rotation = 'z' WHERE id = 2"),
    Race("two values of siblings", "UPDATE tis.cm SET rotation = 'y' WHERE id = 1",
         "UPDATE tis.cm SET rotation = 'z' WHERE id = 2"),
    Race("group merged, target's value",
         "UPDATE tis.cm SET person = 9, type = 'c' WHERE person = 7",
         "UPDATE tis.pm SET rotation = 'z' WHERE person = 9"),
    Race("target's value, group merged", "UPDATE tis.pm SET rotation = 'z' WHERE person = 9",
         "UPDATE tis.cm SET person = 9, type = 'c' WHERE person = 7"),
    Race("target's last child deleted, group merged", "DELETE FROM tis.cm WHERE id = 4",
         "UPDATE tis.cm SET person = 9, type = 'c' WHERE person = 7"),
    Race("group merged, target's last child deleted",
         "UPDATE tis.cm SET person = 9, type = 'c' WHERE person = 7",
         "DELETE FROM tis.cm WHERE id = 4"),
    Race("group moved, insert of its new key", "UPDATE tis.cm SET type = 'q' WHERE id < 3",
         "INSERT INTO tis.cm (id, person, type) VALUES (10, 7, 'q')"),
    Race("insert of a key, group moved to it",
         "INSERT INTO tis.cm (id, person, type) VALUES (10, 7, 'q')",
         "UPDATE tis.cm SET type = 'q' WHERE id < 3"),
    Race("parent deleted, new-style insert", "DELETE FROM tis.pm WHERE person = 5",
         "INSERT INTO tis.cm (id, pm_uuid) SELECT 10, uuid FROM tis.pm WHERE person = 5",
         frozenset({"23503"})),
    Race("new-style insert, parent deleted",
         "INSERT INTO tis.cm (id, pm_uuid) SELECT 10, uuid FROM tis.pm WHERE person = 5",
         "DELETE FROM tis.pm WHERE person = 5", frozenset({"23503"})),
    Race("given away, parent's value", f"UPDATE tis.cm SET pm_uuid = {OF_8} WHERE id = 1",
         "UPDATE tis.pm SET rotation = 'z' WHERE person = 8"),
    Race("parent's value, given away", "UPDATE tis.pm SET rotation = 'z' WHERE person = 8",
         f"UPDATE tis.cm SET pm_uuid = {OF_8} WHERE id = 1"),
    Race("given away beside a sibling, sibling deleted",
         f"UPDATE tis.cm SET pm_uuid = CASE id WHEN 1 THEN {OF_8} ELSE pm_uuid END WHERE id < 3",
         "DELETE FROM tis.cm WHERE id = 2"),
    Race("child's value, parent's value", "UPDATE tis.cm SET rotation = 'y' WHERE id = 1",
         "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
    Race("parent's value, child's value", "UPDATE tis.pm SET rotation = 'z' WHERE person = 7",
         "UPDATE tis.cm SET rotation = 'y' WHERE id = 1"),
    Race("truncate, old-style insert", "TRUNCATE tis.cm",
         "INSERT INTO tis.cm (id, person) VALUES (10, 8)"),
    Race("batch, new-style value",
         "; ".join([*(s.text for s in list_losers(playground.NAMES, playground.CHILD)),
                    "SELECT tis_refactor.m_replace_listed(1, 9)"]),
         "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
)  # fmt: skip


def run(race: Race, isolation: str, stage: Stage) -> None:
    """The race ends in agreement, whatever each ended with."""
    stage.query(START)
    one, two = stage.race(race.first, race.second, isolation)
    if "TRUNCATE" in race.first and isolation != "READ COMMITTED":
        assert one == "0A000"
    else:
        assert one == "", (race.name, one)
    assert two in {"", *RETRYABLE, *race.also}, (race.name, two)
    if isolation == "READ COMMITTED":
        assert two not in {"40001"}, "READ COMMITTED waits instead"
    assert playground.broken(stage.query) == {}, (race.name, isolation, one, two)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_two_writers_end_in_agreement(
    race: Race, isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    run(race, isolation, on_stage(template_database("parallel", playground.build)))


def zombie(isolation: str, stage: Stage) -> None:
    """Somebody deletes a child, an old snapshot inserts it anew: both versions are visible."""
    stage.query(START)
    a, b = stage.session("deletes"), stage.session("inserts again", isolation)
    b.begin()
    a.run("DELETE FROM tis.cm WHERE id = 1")
    end = b.outcome("INSERT INTO tis.cm (id, person, type, rotation) VALUES (1, 6, 'z', 'new')")
    end = b.commit() or end
    assert end == ("" if isolation == "READ COMMITTED" else "40001")
    assert playground.broken(stage.query) == {}


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_an_id_inserted_again_under_an_old_snapshot_is_not_settled_from_its_dead_version(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    zombie(isolation, on_stage(template_database("parallel", playground.build)))


def fenced(isolation: str, stage: Stage) -> None:
    """The triggers come while a transaction with a snapshot is open; a child came before them."""
    from membership_refactor.sql.snapshot_fence import raise_fence

    stage.query(START)
    b = stage.session("old", isolation)
    b.begin()
    # As before the switch: a child that no touch of its parent announces.
    stage.query("ALTER TABLE tis.cm DISABLE TRIGGER ALL")
    stage.query(
        f"INSERT INTO tis.cm (id, person, type, rotation, pm_uuid) VALUES (10, 7, 'a', 'r', {OF_7})"
    )
    stage.query("ALTER TABLE tis.cm ENABLE TRIGGER ALL")
    for name in ("insert", "update", "left_update", "left_delete", "truncate"):
        stage.query(f'ALTER TABLE tis.cm ENABLE ALWAYS TRIGGER "AA_refactor_parallel_{name}"')
    stage.query(raise_fence(playground.NAMES).text)
    end = b.outcome("UPDATE tis.pm SET rotation = 'z' WHERE person = 7")
    end = b.commit() or end
    assert end == ("" if isolation == "READ COMMITTED" else "40001")
    assert playground.broken(stage.query) == {}


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_snapshot_older_than_the_switch_is_told_to_retry(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    fenced(isolation, on_stage(template_database("parallel", playground.build)))


def survives(stage: Stage) -> None:
    """A new-style child waits for a parent whose value is being written: the value is not undone
    by what the child was filled with."""
    stage.query(START)
    a, b = stage.session("a"), stage.session("b")
    a.begin()
    a.run("UPDATE tis.pm SET rotation = 'z' WHERE person = 7")
    step = b.start(NEW_CHILD)
    assert step.settled() == BLOCKED
    a.commit()
    assert step.outcome() == ""
    assert stage.query("SELECT rotation FROM tis.pm WHERE person = 7") == [("z",)]
    assert playground.broken(stage.query) == {}


def test_what_a_new_style_child_was_filled_with_never_undoes_a_parent_s_change(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    survives(on_stage(template_database("parallel", playground.build)))


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_two_groups_written_in_opposite_order_end_with_one_victim_at_most(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    stage = on_stage(template_database("parallel", playground.build))
    stage.query(START)
    a, b = stage.session("a", isolation), stage.session("b", isolation)
    a.begin()
    b.begin()
    a.run("UPDATE tis.cm SET rotation = 'x' WHERE id = 1")
    b.run("UPDATE tis.pm SET rotation = 'y' WHERE person = 8")
    one = a.start("UPDATE tis.pm SET leaving = 'x' WHERE person = 8")
    assert one.settled() == BLOCKED
    two = b.start("UPDATE tis.cm SET leaving = 'y' WHERE id = 1")
    # Whoever the detector chose is rolled back, and lets the other one go on.
    ends = set()
    for session, step in ((a, one), (b, two)):
        if step.settled() != BLOCKED:
            ends.add(session.commit() or step.outcome())
    for session, step in ((a, one), (b, two)):
        ends.add(step.outcome())
        session.commit()
    assert "40P01" in ends
    assert playground.broken(stage.query) == {}


def test_a_prepared_transaction_holds_the_others_up_and_then_counts(
    template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    stage = on_stage(template_database("parallel", playground.build))
    if stage.query("SHOW max_prepared_transactions") == [("0",)]:
        pytest.skip("this server takes no prepared transactions")
    stage.query(START)
    a, b = stage.session("a"), stage.session("b")
    a.begin()
    a.run("DELETE FROM tis.cm WHERE id = 1")
    a.run("PREPARE TRANSACTION 'parallel'")
    step = b.start("DELETE FROM tis.cm WHERE id = 2")
    assert step.settled() == BLOCKED
    a.run("COMMIT PREPARED 'parallel'")
    assert step.outcome() == ""
    assert playground.broken(stage.query) == {}
