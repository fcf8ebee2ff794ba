"""The stages around parallel saving: children that still disagree, the freeze, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.checks.parents import parents_have_children
from membership_refactor.sql.parallel.install import (
    drop_own_functions,
    drop_triggers,
    emptied_statement,
    freeze,
    install,
    install_refresh,
    remove,
    remove_refresh,
    unfreeze,
)
from membership_refactor.sql.parallel.lost_values import list_losers
from membership_refactor.sql.snapshot_fence import raise_fence
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import BLOCKED, ISOLATIONS, Stage
from tests.sql.parallel import playground
from tests.sql.parallel.playground import CHILD, NAMES, PLAN
from tests.sql.parallel.test_events import Play, old

OnStage = Callable[[str], Stage]
SWITCH = "LOCK TABLE tis.cm, tis.pm IN SHARE ROW EXCLUSIVE MODE"
UNEQUAL = """
INSERT INTO tis.cm (id, person, type, rotation, leaving, score, extra, pm_uuid)
  SELECT n, 7, 'a', r, l, s, e, tis_refactor.m_uuid(7, NULL, 'a', NULL)
  FROM (VALUES (1, 'win', 'l', 1.0, '{"a":1}'::json), (2, 'own', 'l', 1.00, '{"a": 1}'),
    (3, 'win', 'l', 1.0, '{"a":1}')) AS v (n, r, l, s, e);
INSERT INTO tis.pm (uuid, person, type, rotation, leaving, score, extra)
  SELECT pm_uuid, person, type, rotation, leaving, score, extra FROM tis.cm WHERE id = 1;
ALTER TABLE tis.cm ADD CONSTRAINT fk_cm_pm_uuid FOREIGN KEY (pm_uuid) REFERENCES tis.pm (uuid);
"""


def switch(play: Play, *steps: Any) -> None:
    """What the runner does: the lock, the statements, the fence; one transaction."""
    texts = [SWITCH, *(s.text for step in steps for s in step), raise_fence(NAMES).text]
    with play.connection.transaction():
        for text in texts:
            play(text)


@pytest.fixture
def unequal(template_database: TemplateDatabase) -> Iterator[Play]:
    """Parallel saving has just begun; child 2 still has its own value."""
    play = Play(template_database("parallel_bare", playground.build_bare))
    play("ALTER TABLE cm DROP CONSTRAINT fk_cm_pm_uuid")
    play(UNEQUAL)
    switch(play, install(NAMES, CHILD))
    yield play
    play.connection.close()


@pytest.fixture
def play(template_database: TemplateDatabase) -> Iterator[Play]:
    made = Play(template_database("parallel", playground.build))
    yield made
    made.connection.close()


def own_values(play: Play) -> list[Any]:
    return play(
        'SELECT "child id", was_rotation, by_rotation FROM tis_refactor.m_replaced'
        " WHERE lost_rotation ORDER BY 1"
    )


REPLACE = "SELECT tis_refactor.m_replace_listed(1, 100)"


def winners_written(play: Play) -> list[Any]:
    """Lists the children that lose a value, and overwrites those values."""
    for statement in list_losers(NAMES, CHILD):
        play(statement.text)
    return play(REPLACE)


def test_the_batch_writes_the_winner_and_keeps_what_lost_and_may_be_repeated(
    unequal: Play,
) -> None:
    assert winners_written(unequal) == [(1,)]
    assert winners_written(unequal) == [(0,)]
    unequal.sound()
    assert unequal("SELECT DISTINCT rotation, score::text, extra::text FROM cm") == [
        ("win", "1.0", '{"a":1}')
    ]
    assert unequal(
        "SELECT was_rotation, by_rotation, was_score::text, was_extra::text, lost_leaving"
        " FROM tis_refactor.m_replaced"
    ) == [("own", "win", "1.00", '{"a": 1}', False)]


@pytest.mark.parametrize(
    "write",
    ["UPDATE cm SET rotation = 'new' WHERE id = 1", "UPDATE pm SET rotation = 'new'",
     "INSERT INTO cm (id, person, type, rotation) VALUES (9, 7, 'a', 'new')"],
)  # fmt: skip
def test_a_value_that_reaches_a_sibling_before_the_batch_leaves_its_own_in_the_ledger(
    unequal: Play, write: str
) -> None:
    unequal(write)
    assert own_values(unequal) == [(2, "own", "new")]
    winners_written(unequal)
    unequal.sound()
    assert own_values(unequal) == [(2, "own", "new")]


def test_a_row_with_an_own_value_that_writes_another_column_keeps_the_winner(
    unequal: Play,
) -> None:
    unequal("UPDATE cm SET leaving = 'new' WHERE id = 2")
    assert unequal("SELECT rotation, leaving FROM pm") == [("win", "new")]
    assert unequal("SELECT rotation FROM cm ORDER BY id") == [("win",), ("own",), ("win",)]


def test_a_row_with_an_own_value_that_moves_leaves_it_in_the_ledger(unequal: Play) -> None:
    unequal("UPDATE cm SET type = 'b' WHERE id = 2")
    unequal.sound()
    assert own_values(unequal) == [(2, "own", "win")]


def test_a_group_that_moves_before_the_batch_keeps_its_winner(unequal: Play) -> None:
    unequal("UPDATE cm SET type = 'b'")
    assert unequal("SELECT type, rotation FROM pm") == [("b", "win")]
    winners_written(unequal)
    unequal.sound()
    assert own_values(unequal) == [(2, "own", "win")]


def test_a_row_with_an_own_value_given_to_another_parent_leaves_it_in_the_ledger(
    unequal: Play,
) -> None:
    unequal("INSERT INTO pm (person, rotation) VALUES (8, 'other')")
    unequal("UPDATE cm SET pm_uuid = (SELECT uuid FROM pm WHERE person = 8) WHERE id = 2")
    winners_written(unequal)
    unequal.sound()
    assert own_values(unequal) == [(2, "own", "other")]


def test_own_values_come_back_only_where_the_column_still_holds_what_replaced_them(
    unequal: Play,
) -> None:
    unequal("INSERT INTO cm (id, person, type, rotation) VALUES (5, 8, 'a', 'x'), (6, 8, 'a', 'x')")
    winners_written(unequal)
    unequal("UPDATE cm SET score = 5 WHERE id = 3")
    switch(unequal, remove(NAMES, CHILD))
    assert unequal("SELECT tis_refactor.m_restore_own(1, 100)") == [(1,)]
    assert unequal("SELECT tis_refactor.m_restore_own(1, 100)") == [(0,)]
    assert unequal("SELECT rotation, score::text, extra::text FROM cm WHERE id = 2") == [
        ("own", "5", '{"a": 1}')
    ]


def test_what_the_ledger_holds_of_a_child_goes_with_it_and_follows_its_id(unequal: Play) -> None:
    winners_written(unequal)
    unequal("UPDATE cm SET id = 22 WHERE id = 2")
    assert own_values(unequal) == [(22, "own", "win")]
    unequal("DELETE FROM cm WHERE id = 22")
    assert own_values(unequal) == []


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_batch_waits_for_a_writer_and_records_what_it_wrote(
    unequal: Play, isolation: str, on_stage: OnStage
) -> None:
    stage = on_stage(unequal.url)
    writer, batch = stage.session("writer", isolation), stage.session("batch")
    for statement in list_losers(NAMES, CHILD):
        unequal(statement.text)
    writer.begin()
    writer.run("UPDATE tis.pm SET leaving = 'new' WHERE person = 7")
    step = batch.start(REPLACE)
    assert step.settled() == BLOCKED
    assert writer.commit() == ""
    assert step.outcome() == ""
    unequal.sound()
    assert own_values(unequal) == [(2, "own", "win")]


def test_uuids_that_are_not_computed_are_kept_for_the_next_way_up(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 8, 'a', 'r')")
    play("UPDATE cm SET type = 'b' WHERE id = 1")
    play("INSERT INTO pm (person) VALUES (9)")
    play("INSERT INTO cm (id, pm_uuid) SELECT 3, uuid FROM pm WHERE person = 9")
    assert play("SELECT tis_refactor.m_fill_uuid_map(1, 100)") == [(2,)]
    # What stands is left alone: a trigger may have noted it since.
    assert play("SELECT tis_refactor.m_fill_uuid_map(1, 100)") == [(0,)]
    assert play(
        'SELECT m."child id", m."kept uuid" = c.pm_uuid, m.person, m.type'
        ' FROM tis_refactor.m_uuid_map AS m JOIN cm AS c ON c.id = m."child id" ORDER BY 1'
    ) == [(1, True, 7, "b"), (3, True, 9, None)]


def frozen(play: Play) -> None:
    switch(play, remove(NAMES, CHILD), freeze(NAMES, CHILD))


@pytest.mark.parametrize("column", PLAN.deprecated)
def test_a_frozen_column_refuses_values_by_name(play: Play, column: str) -> None:
    old(play, "(1, 7, 'a', 'r')")
    frozen(play)
    value = {"begun": "'2020-01-01'", "extra": "'{}'"}.get(column, "'5'")
    for write in (
        f"INSERT INTO cm (id, pm_uuid, {column}) SELECT 2, uuid, {value} FROM pm",
        f"UPDATE cm SET {column} = {value}",
    ):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as raised:
            play(write)
        assert f'"{column}" of cm is frozen' in str(raised.value)
        assert "pm_uuid" in (raised.value.diag.message_hint or "")


def test_new_style_writes_go_on_while_the_old_columns_are_frozen(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 8, 'a', 'r')")
    frozen(play)
    play("INSERT INTO cm (id, pm_uuid, curriculum) SELECT 3, uuid, 1 FROM pm WHERE person = 7")
    play("UPDATE cm SET curriculum = 2, rotation = rotation WHERE id = 1")
    play("UPDATE pm SET rotation = 'new'")
    play("DELETE FROM cm WHERE id = 2")
    assert play("SELECT rotation, curriculum FROM cm ORDER BY id") == [("r", 2), (None, 1)]
    assert len(play.parents()) == 2
    assert play("SELECT person FROM pm AS p WHERE NOT EXISTS"
                " (SELECT FROM cm WHERE pm_uuid = p.uuid)") == [(8,)]  # fmt: skip
    (uuid,) = play("SELECT uuid::text FROM pm WHERE person = 8")
    assert play(parents_have_children(NAMES).query) == [(f"{uuid[0]}, 8, NULL, a, NULL",)]


def thawing(play: Play) -> None:
    switch(play, unfreeze(NAMES, CHILD), install_refresh(NAMES, CHILD))


def test_the_way_back_refreshes_every_child_and_ends_in_parallel_saving(play: Play) -> None:
    old(play, *(f"({n}, {n % 3}, NULL, 'r')" for n in range(1, 10)))
    frozen(play)
    play("UPDATE pm SET rotation = 'changed', type = 't' WHERE person = 1")
    play("INSERT INTO cm (id, pm_uuid) SELECT 20, uuid FROM pm WHERE person = 2")
    play("UPDATE cm SET pm_uuid = (SELECT uuid FROM pm WHERE person = 1) WHERE id = 3")
    play("DELETE FROM cm WHERE id IN (6, 9)")
    thawing(play)
    # Writers go on: new-style ones are carried to the children at once, old-style ones refused.
    play("UPDATE pm SET leaving = 'while' WHERE person = 2")
    play("INSERT INTO cm (id, pm_uuid) SELECT 21, uuid FROM pm WHERE person = 1")
    play("UPDATE cm SET pm_uuid = (SELECT uuid FROM pm WHERE person = 2) WHERE id = 1")
    assert play("SELECT person, type FROM cm WHERE id = 21") == [(1, "t")]
    assert play("SELECT person, leaving FROM cm WHERE id = 1") == [(2, "while")]
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        play("UPDATE cm SET rotation = 'old-style' WHERE id = 2")
    play(emptied_statement(NAMES, CHILD).text)
    written = play("SELECT tis_refactor.m_refresh(1, 5)")[0][0]
    written += play("SELECT tis_refactor.m_refresh(6, 100)")[0][0]
    assert written > 0
    assert play("SELECT tis_refactor.m_refresh(1, 100)") == [(0,)]
    switch(play, remove_refresh(NAMES, CHILD), install(NAMES, CHILD))
    play.sound()
    assert play("SELECT count(*) FROM tis_refactor.m_emptied") == [(1,)]
    play("UPDATE cm SET rotation = 'two-way' WHERE id = 2")
    play.sound()
    # The listed parent is one of ours again as soon as it has had a child.
    play("INSERT INTO cm (id, person, rotation) VALUES (30, 0, 'again')")
    play("DELETE FROM cm WHERE id = 30")
    play.sound()
    assert play("SELECT count(*) FROM tis_refactor.m_emptied") == [(0,)]


THAW_RACES = (
    ("INSERT INTO tis.cm (id, pm_uuid) SELECT 10, uuid FROM tis.pm WHERE person = 7",
     "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
    ("UPDATE tis.pm SET rotation = 'z' WHERE person = 7",
     "INSERT INTO tis.cm (id, pm_uuid) SELECT 10, uuid FROM tis.pm WHERE person = 7"),
    ("UPDATE tis.cm SET pm_uuid = (SELECT uuid FROM tis.pm WHERE person = 7) WHERE id = 2",
     "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
    ("UPDATE tis.pm SET rotation = 'z' WHERE person = 7", "SELECT tis_refactor.m_refresh(1, 9)"),
    ("SELECT tis_refactor.m_refresh(1, 9)", "UPDATE tis.pm SET rotation = 'z' WHERE person = 7"),
)  # fmt: skip


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(("first", "second"), THAW_RACES)
def test_writers_that_meet_on_the_way_back_end_in_agreement(
    play: Play, first: str, second: str, isolation: str, on_stage: OnStage
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 8, 'a', 'r')")
    frozen(play)
    play("UPDATE pm SET leaving = 'stale' WHERE person = 7")
    thawing(play)
    stage = on_stage(play.url)
    one, two = stage.race(first, second, isolation)
    assert one == ""
    assert two in ({""} if isolation == "READ COMMITTED" else {"", "40001"})
    play("SELECT tis_refactor.m_refresh(1, 100)")
    play(emptied_statement(NAMES, CHILD).text)
    play.sound()


def test_triggers_and_functions_can_be_dropped_and_made_again(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    for statement in (*drop_triggers(NAMES, CHILD), *drop_own_functions(NAMES)):
        play(statement.text)
    assert play("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]
    assert play(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'tis_refactor'::regnamespace"
        # The capture before parallel saving needs `referred` too.
        " AND proname !~ 'uuid(_bytes)?$|fence|referred'"
    ) == [(0,)]
    switch(play, install(NAMES, CHILD))
    switch(play, install(NAMES, CHILD))
    old(play, "(2, 7, 'a', 'r')")


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        ("UPDATE cm SET type = NULL WHERE id = 1", "same key"),
        ("UPDATE cm SET rotation = NULL WHERE id = 1", "same values"),
        ("UPDATE cm SET score = 1.00 WHERE id = 1", "same values"),
        ("UPDATE cm SET pm_uuid = gen_random_uuid() WHERE id = 1", "every child has its parent"),
        ("DELETE FROM cm WHERE person = 8", "no abandoned parent"),
        ("ALTER TABLE pm DROP CONSTRAINT uq_pm_key; INSERT INTO pm (person, type, rotation)"
         " SELECT person, type, rotation FROM pm WHERE person = 7", "keys are unique"),
    ],
)  # fmt: skip
def test_damage_behind_the_triggers_breaks_the_invariant_of_that_name(
    play: Play, damage: str, name: str
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, NULL, 's')")
    play("UPDATE cm SET score = 1.0 WHERE person = 7")
    play("ALTER TABLE cm DISABLE TRIGGER ALL; ALTER TABLE pm DISABLE TRIGGER ALL")
    play(damage)
    assert list(playground.broken(play)) == [name]
