"""What each event on one side does to the other, one session at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.sql.parallel import playground

Rows = list[tuple[Any, ...]]


class Play:
    """A connection to the playground, and what one wants to know there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: psycopg.Connection[Any] = psycopg.connect(
            libpq_url(url), autocommit=True, options="-c search_path=tis"
        )

    def __call__(self, text: str) -> Rows:
        cursor = self.connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []

    def fails(self, text: str) -> psycopg.Error:
        with pytest.raises(psycopg.Error) as raised:
            self(text)
        self.sound()
        return raised.value

    def sound(self) -> None:
        assert playground.broken(self) == {}

    def uuid_of(self, child: int) -> Any:
        return self(f"SELECT pm_uuid FROM cm WHERE id = {child}")[0][0]

    def parents(self) -> Rows:
        return self("SELECT person, type, rotation, leaving FROM pm ORDER BY 1, 2, 3, 4")

    def children(self) -> Rows:
        return self("SELECT id, person, type, rotation, leaving FROM cm ORDER BY 1")


@pytest.fixture
def play(template_database: TemplateDatabase) -> Iterator[Play]:
    made = Play(template_database("parallel", playground.build))
    yield made
    made.connection.close()


def old(play: Play, *rows: str) -> None:
    """Old-style children: (id, person, type, rotation)."""
    play(f"INSERT INTO cm (id, person, type, rotation) VALUES {', '.join(rows)}")
    play.sound()


def test_an_old_style_insert_makes_its_parent_with_the_computed_uuid(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    assert play.parents() == [(7, "a", "r", None)]
    assert play("SELECT uuid = tis_refactor.m_uuid(person, programme, type, begun) FROM pm") == [
        (True,)
    ]


def test_rows_with_the_same_gaps_share_a_parent_whether_together_or_apart(play: Play) -> None:
    old(play, "(1, 7, NULL, 'r')", "(2, 7, NULL, 'r')", "(3, 7, '', 'r')")
    old(play, "(4, 7, NULL, 'r')")
    assert play.uuid_of(1) == play.uuid_of(2) == play.uuid_of(4) != play.uuid_of(3)


def test_an_old_style_insert_into_a_group_gives_it_its_values(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("INSERT INTO cm (id, person, type, rotation, amended) VALUES (3, 7, 'a', 's', '2030-1-1')")
    play.sound()
    assert play.parents() == [(7, "a", "s", None)]
    assert play("SELECT DISTINCT rotation, amended::date::text FROM cm") == [("s", "2030-01-01")]


def test_a_value_written_to_one_child_reaches_parent_and_siblings(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, 'a', 'r')")
    play("UPDATE cm SET leaving = 'x', amended = '2031-01-01' WHERE id = 2")
    play.sound()
    assert [row[4] for row in play.children()] == ["x", "x", None]
    stamps = play("SELECT amended::date::text FROM cm ORDER BY id")
    assert stamps[0] == stamps[1] == ("2031-01-01",) != stamps[2]
    assert play("SELECT amended::date::text FROM pm WHERE person = 7") == [("2031-01-01",)]


def test_a_statement_that_writes_other_columns_of_two_siblings_keeps_both(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play(
        "UPDATE cm SET rotation = CASE id WHEN 1 THEN 'one' ELSE rotation END,"
        " leaving = CASE id WHEN 2 THEN 'two' ELSE leaving END"
    )
    play.sound()
    assert play.parents() == [(7, "a", "one", "two")]


def test_a_contradiction_within_one_statement_is_settled_and_the_loser_written_down(
    play: Play,
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("UPDATE cm SET rotation = 'v' || id")
    play.sound()
    [(_, _, winner, _)] = play.parents()
    lost = play("SELECT was_rotation, by_rotation FROM tis_refactor.m_replaced")
    assert len(lost) == 1
    assert {winner, lost[0][0]} == {"v1", "v2"}
    assert lost[0][1] == winner


def test_a_number_that_changes_only_its_scale_and_json_that_changes_its_blanks_are_carried(
    play: Play,
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("UPDATE cm SET score = 1.0, extra = '{\"a\":1}' WHERE id = 1")
    play("UPDATE cm SET score = 1.00, extra = '{\"a\": 1}' WHERE id = 1")
    play.sound()
    assert play("SELECT score::text, extra::text FROM cm WHERE id = 2") == [("1.00", '{"a": 1}')]


def test_one_of_several_moves_to_a_new_parent(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    before = play.uuid_of(2)
    play("UPDATE cm SET type = 'b' WHERE id = 1")
    play.sound()
    assert play.parents() == [(7, "a", "r", None), (7, "b", "r", None)]
    assert play.uuid_of(2) == before != play.uuid_of(1)


def test_a_key_change_from_a_gap_and_to_a_gap_is_a_key_change(play: Play) -> None:
    old(play, "(1, 7, NULL, 'r')", "(2, 7, NULL, 'r')")
    play("UPDATE cm SET type = 'b' WHERE id = 1")
    play.sound()
    assert play.uuid_of(1) != play.uuid_of(2)
    play("UPDATE cm SET type = NULL WHERE id = 1")
    play.sound()
    assert play.uuid_of(1) == play.uuid_of(2)
    assert len(play.parents()) == 1


def test_who_joins_a_group_takes_its_values(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 7, 'b', 's')")
    play("UPDATE cm SET type = 'b' WHERE id = 1")
    play.sound()
    assert play.parents() == [(7, "a", "r", None), (7, "b", "s", None)]


def test_who_joins_a_group_and_sets_a_value_in_the_same_statement_gives_it(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 7, 'b', 's')")
    play("UPDATE cm SET type = 'b', rotation = 'new' WHERE id = 1")
    play.sound()
    assert play.parents() == [(7, "a", "r", None), (7, "b", "new", None)]


@pytest.mark.parametrize("how", ["one statement", "row by row", "row by row in savepoints"])
def test_a_whole_group_that_moves_to_an_unused_key_keeps_its_uuid(play: Play, how: str) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 7, 'a', 'r')")
    before = play.uuid_of(1)
    if how == "one statement":
        play("UPDATE cm SET type = 'b', leaving = 'x'")
    else:
        play("BEGIN")
        for child in (1, 2, 3):
            if "savepoints" in how:
                play("SAVEPOINT s")
            play(f"UPDATE cm SET type = 'b', leaving = 'x' WHERE id = {child}")
            if "savepoints" in how:
                play("RELEASE s")
        play("COMMIT")
    play.sound()
    assert play.parents() == [(7, "b", "r", "x")]
    assert play.uuid_of(1) == before
    assert play("SELECT count(*) FROM tis_refactor.m_born") == [(0,)]


def test_a_group_that_moves_in_two_transactions_gets_a_new_parent(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    before = play.uuid_of(1)
    play("UPDATE cm SET type = 'b' WHERE id = 1")
    play("UPDATE cm SET type = 'b' WHERE id = 2")
    play.sound()
    assert play.uuid_of(1) == play.uuid_of(2) != before
    assert len(play.parents()) == 1


def test_a_group_that_moves_onto_an_existing_key_is_merged_into_it(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 7, 'b', 's')")
    target = play.uuid_of(3)
    play("UPDATE cm SET type = 'b'")
    play.sound()
    assert play.parents() == [(7, "b", "s", None)]
    assert play.uuid_of(1) == target


def test_a_new_row_with_a_left_key_gets_another_uuid_and_again_one(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    for n, child in enumerate((2, 3, 4)):
        play(f"UPDATE cm SET type = 'b{n}' WHERE type = 'a'")
        old(play, f"({child}, 7, 'a', 'r')")
    uuids = {play.uuid_of(n) for n in (1, 2, 3, 4)}
    assert len(uuids) == 4
    assert {u.version for u in uuids} == {8}


def test_rows_of_the_left_key_and_of_the_new_one_in_one_statement_do_not_mix(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    play("UPDATE cm SET type = 'b'")
    old(play, "(2, 7, 'b', 'p')", "(3, 7, 'a', 'q')", "(4, 7, 'b', 'p')", "(5, 7, 'a', 'q')")
    assert play.parents() == [(7, "a", "q", None), (7, "b", "p", None)]


def test_a_parent_of_ours_goes_with_its_last_child_and_another_stays(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("INSERT INTO pm (person, type) VALUES (8, 'n')")
    play("INSERT INTO cm (id, pm_uuid) SELECT 3, uuid FROM pm WHERE person = 8")
    play.sound()
    play("DELETE FROM cm WHERE id = 1")
    play.sound()
    assert len(play.parents()) == 2
    play("DELETE FROM cm")
    play.sound()
    assert play.parents() == [(8, "n", None, None)]


def test_a_new_style_child_is_filled_from_its_parent(play: Play) -> None:
    play("INSERT INTO pm (person, type, rotation, leaving) VALUES (8, 'n', 'r', 'l')")
    play("INSERT INTO cm (id, pm_uuid) SELECT 3, uuid FROM pm")
    play.sound()
    assert play.children() == [(3, 8, "n", "r", "l")]


def test_a_new_style_child_of_a_computed_parent_leaves_its_values_alone(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    play("INSERT INTO cm (id, pm_uuid, person, type) SELECT 2, uuid, person, type FROM pm")
    play.sound()
    assert play.children()[1] == (2, 7, "a", "r", None)


def test_parent_and_child_may_come_in_one_statement_in_either_order(play: Play) -> None:
    one, two = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    play(
        f"WITH p AS (INSERT INTO pm (uuid, person) VALUES ('{one}', 1) RETURNING uuid)"
        " INSERT INTO cm (id, pm_uuid) SELECT 1, uuid FROM p"
    )
    play(
        f"WITH p AS (INSERT INTO pm (uuid, person, rotation) VALUES ('{two}', 2, 'r'))"
        f" INSERT INTO cm (id, pm_uuid) VALUES (2, '{two}')"
    )
    play.sound()
    assert [row[:2] for row in play.children()] == [(1, 1), (2, 2)]


def test_a_link_that_contradicts_a_deprecated_value_is_refused_by_name(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    error = play.fails("INSERT INTO cm (id, pm_uuid, person) SELECT 2, uuid, 9 FROM pm")
    assert error.sqlstate == "23514"
    assert '"person"' in str(error)
    old(play, "(3, 8, 'a', 'r')")
    error = play.fails(
        "UPDATE cm SET person = 9, pm_uuid = (SELECT uuid FROM pm WHERE person = 8) WHERE id = 1"
    )
    assert error.sqlstate == "23514"


@pytest.mark.parametrize(
    "write",
    ["INSERT INTO cm (id, pm_uuid) VALUES (9, gen_random_uuid())",
     "UPDATE cm SET pm_uuid = gen_random_uuid()"],
)  # fmt: skip
def test_a_link_to_no_parent_is_a_foreign_key_error(play: Play, write: str) -> None:
    old(play, "(1, 7, 'a', 'r')")
    assert play.fails(write).sqlstate == "23503"


def test_a_child_given_to_another_parent_takes_everything_from_it(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 8, 'b', 's')")
    play("UPDATE cm SET pm_uuid = (SELECT uuid FROM pm WHERE person = 8) WHERE id = 1")
    play.sound()
    assert play.parents() == [(8, "b", "s", None)]
    assert play.children()[0] == (1, 8, "b", "s", None)


def test_a_parent_s_key_and_values_reach_its_children_and_no_one_else(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, 'b', 's')")
    play("UPDATE pm SET person = 9, leaving = 'x', amended = '2031-01-01' WHERE person = 7")
    play.sound()
    assert play.children() == [(1, 9, "a", "r", "x"), (2, 9, "a", "r", "x"), (3, 8, "b", "s", None)]
    assert play("SELECT amended::date::text FROM cm WHERE id = 1") == [("2031-01-01",)]


def test_a_parent_cannot_take_another_parent_s_key(play: Play) -> None:
    old(play, "(1, 7, NULL, 'r')", "(2, 8, NULL, 's')")
    assert play.fails("UPDATE pm SET person = 8 WHERE person = 7").sqlstate == "23505"


def test_a_parent_with_children_cannot_be_deleted(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    assert play.fails("DELETE FROM pm").sqlstate == "23503"


def test_where_the_plan_cascades_the_children_go_with_their_parent(
    template_database: TemplateDatabase,
) -> None:
    play = Play(template_database("parallel_cascade", playground.build_cascading))
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, 'a', 'r')")
    play("DELETE FROM pm WHERE person = 7")
    play.sound()
    assert [row[0] for row in play.children()] == [3]
    play("UPDATE cm SET type = 'b'")
    play.sound()
    play.connection.close()


@pytest.mark.parametrize("what", ["TRUNCATE cm", "TRUNCATE pm CASCADE", "TRUNCATE cm, pm"])
def test_truncate_takes_our_parents_along(play: Play, what: str) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 8, 'a', 'r')")
    play(what)
    play.sound()
    assert play.parents() == []


def test_truncate_leaves_parents_that_are_not_ours_and_refuses_old_snapshots(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    play("INSERT INTO pm (person) VALUES (9)")
    play("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        play("TRUNCATE cm")
    play("ROLLBACK")
    play("TRUNCATE cm")
    play.sound()
    assert play.parents() == [(9, None, None, None)]


def test_a_dropped_row_and_a_savepoint_rolled_back_leave_no_parent(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')")
    play("INSERT INTO cm (id, person) VALUES (1, 99) ON CONFLICT DO NOTHING")
    play("BEGIN")
    play("SAVEPOINT s")
    play("INSERT INTO cm (id, person) VALUES (2, 98)")
    play("UPDATE cm SET person = 97 WHERE id = 1")
    play("ROLLBACK TO s")
    play("COMMIT")
    play.sound()
    assert play.parents() == [(7, "a", "r", None)]


def test_on_conflict_do_update_and_merge_are_old_style_updates(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play(
        "INSERT INTO cm (id, person, type, rotation) VALUES (1, 7, 'a', 's'), (3, 8, 'a', 't')"
        " ON CONFLICT (id) DO UPDATE SET rotation = excluded.rotation"
    )
    play.sound()
    play(
        "MERGE INTO cm USING (VALUES (2, 'u'), (4, 'v')) AS s (id, r) ON cm.id = s.id"
        " WHEN MATCHED THEN UPDATE SET leaving = s.r"
        " WHEN NOT MATCHED THEN INSERT (id, person, leaving) VALUES (s.id, 9, s.r)"
    )
    play.sound()
    assert play.parents() == [(7, "a", "s", "u"), (8, "a", "t", None), (9, None, None, "v")]


def test_a_child_that_gets_another_id_stays_with_its_parent(play: Play) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    before = play.uuid_of(1)
    play("UPDATE cm SET id = 11, leaving = 'x' WHERE id = 1")
    play.sound()
    assert play.uuid_of(11) == before
    assert play.parents() == [(7, "a", "r", "x")]


def test_a_session_in_replica_role_is_followed_too(play: Play) -> None:
    play("SET session_replication_role = replica")
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("UPDATE cm SET rotation = 's' WHERE id = 1")
    play.sound()
    play("UPDATE pm SET leaving = 'x'")
    play.sound()
    play("DELETE FROM cm")
    play.sound()
    assert play.parents() == []


APPLICATION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
CREATE TRIGGER "{trigger}" AFTER UPDATE OF curriculum ON cm FOR EACH ROW EXECUTE FUNCTION {name}();
"""


@pytest.mark.parametrize("trigger", ["0_first", "zzz_last"])
@pytest.mark.parametrize(
    ("body", "children"),
    [
        ("UPDATE tis.cm SET leaving = 'app' WHERE id = NEW.id;",
         [(1, 7, "a", "new", "app"), (2, 7, "a", "new", "app"), (3, 8, "b", "s", None)]),
        ("UPDATE tis.cm SET leaving = 'app' WHERE id = 2;",
         [(1, 7, "a", "new", "app"), (2, 7, "a", "new", "app"), (3, 8, "b", "s", None)]),
        ("UPDATE tis.cm SET leaving = 'app' WHERE id = 3;",
         [(1, 7, "a", "new", None), (2, 7, "a", "new", None), (3, 8, "b", "s", "app")]),
        ("UPDATE tis.pm SET leaving = 'app' WHERE person = 7;",
         [(1, 7, "a", "new", "app"), (2, 7, "a", "new", "app"), (3, 8, "b", "s", None)]),
        ("DELETE FROM tis.cm WHERE id = 3;",
         [(1, 7, "a", "new", None), (2, 7, "a", "new", None)]),
        ("UPDATE tis.cm SET person = 9 WHERE id = 3;",
         [(1, 7, "a", "new", None), (2, 7, "a", "new", None), (3, 9, "b", "s", None)]),
    ],
)  # fmt: skip
def test_writes_of_application_triggers_are_followed_as_well(
    play: Play, trigger: str, body: str, children: Rows
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, 'b', 's')")
    play(APPLICATION.format(name="app", trigger=trigger, body=body))
    play("UPDATE cm SET rotation = 'new', curriculum = 5 WHERE id = 1")
    play.sound()
    assert play.children() == children


def test_a_trigger_that_stamps_every_row_with_the_time_does_not_go_on_for_ever(play: Play) -> None:
    for table in ("cm", "pm"):
        play(
            f"CREATE FUNCTION stamp_{table}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.amended := clock_timestamp(); RETURN NEW; END $$;"
            f" CREATE TRIGGER stamp BEFORE UPDATE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION stamp_{table}()"
        )
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    play("UPDATE cm SET rotation = 's' WHERE id = 1")
    play("UPDATE pm SET rotation = 't'")
    play.sound()


def test_copy_from_is_followed(play: Play) -> None:
    with (
        play.connection.cursor() as cursor,
        cursor.copy("COPY cm (id, person, type, rotation) FROM STDIN") as copy,
    ):
        for child in range(1, 10):
            copy.write_row((child, child % 3, None, "r"))
    play.sound()
    assert len(play.parents()) == 3


def test_a_writer_who_may_touch_nothing_but_the_child_still_reaches_the_parent(play: Play) -> None:
    role = f"writer_{play('SELECT pg_backend_pid()')[0][0]}"
    play(
        f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA tis TO {role};"
        f" GRANT INSERT, SELECT, UPDATE, DELETE ON cm TO {role};"
        " ALTER TABLE pm ENABLE ROW LEVEL SECURITY"
    )
    try:
        play(f"SET ROLE {role}")
        play(
            "INSERT INTO cm (id, person, type, rotation) VALUES (1, 7, 'a', 'r'), (2, 7, 'a', 'r')"
        )
        play("UPDATE cm SET rotation = 's' WHERE id = 1")
        play("UPDATE cm SET type = 'b' WHERE id = 2")
        play("RESET ROLE")
        play.sound()
        assert play.parents() == [(7, "a", "s", None), (7, "b", "s", None)]
    finally:
        play(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")


def test_rows_of_an_opaque_parent_in_one_statement_find_it(play: Play) -> None:
    play("INSERT INTO pm (person, type, rotation) VALUES (7, NULL, 'n')")
    old(play, *(f"({n}, 7, NULL, 'r')" for n in range(1, 6)))
    assert play.parents() == [(7, None, "r", None)]
    assert {play.uuid_of(n).version for n in range(1, 6)} == {4}


@pytest.mark.parametrize("table", ["cm", "pm"])
@pytest.mark.parametrize("stubborn", ["RETURN NULL", "NEW.rotation := OLD.rotation; RETURN NEW"])
def test_a_trigger_that_undoes_the_tool_s_write_is_no_silent_difference(
    play: Play, table: str, stubborn: str
) -> None:
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')")
    condition = "OLD.id = 2" if table == "cm" else "true"
    play(
        "CREATE FUNCTION stubborn() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NEW.rotation = 'x' THEN {stubborn}; END IF; RETURN NEW; END $$;"
        f" CREATE TRIGGER stubborn BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION stubborn()"
    )
    assert play.fails("UPDATE cm SET rotation = 'x' WHERE id = 1").sqlstate == "55000"
    if table == "cm":
        assert play.fails("UPDATE pm SET rotation = 'x'").sqlstate == "55000"
    else:
        write = "INSERT INTO cm (id, person, type, rotation) VALUES (3, 7, 'a', 'x')"
        assert play.fails(write).sqlstate == "55000"
    assert play.children() == [(1, 7, "a", "r", None), (2, 7, "a", "r", None)]


@pytest.mark.parametrize("table", ["cm", "pm"])
def test_a_trigger_that_rewrites_what_it_gets_wins_on_both_sides(play: Play, table: str) -> None:
    play(
        "CREATE FUNCTION upper_case() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.rotation := upper(NEW.rotation); RETURN NEW; END $$;"
        f" CREATE TRIGGER upper_case BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
        " EXECUTE FUNCTION upper_case()"
    )
    old(play, "(1, 7, 'a', 'r')")
    old(play, "(2, 7, 'a', 'R')")
    for write in ("UPDATE cm SET rotation = 'x' WHERE id = 1", "UPDATE pm SET rotation = 'y'"):
        play(write)
        play.sound()
        assert play.parents()[0][2] in "XY"


@pytest.mark.parametrize("tables", [("cm", "pm"), ("pm", "cm")])
def test_what_a_foreign_key_sets_to_null_on_both_sides_ends_alike(
    play: Play, tables: tuple[str, str]
) -> None:
    play("CREATE TABLE programme (id bigint PRIMARY KEY); INSERT INTO programme VALUES (1), (2)")
    for table in tables:
        play(
            f"ALTER TABLE {table} ADD FOREIGN KEY (programme) REFERENCES programme"
            " ON DELETE SET NULL"
        )
    play("INSERT INTO cm (id, person, programme) VALUES (1, 7, 1), (2, 7, 1), (3, 7, 2)")
    before = play.uuid_of(1)
    play("DELETE FROM programme WHERE id = 1")
    play.sound()
    assert play.uuid_of(1) == play.uuid_of(2) == before
    assert play("SELECT programme FROM pm ORDER BY 1") == [(2,), (None,)]


def test_a_cascade_that_deletes_the_children_takes_their_parent(play: Play) -> None:
    play("CREATE TABLE person (id bigint PRIMARY KEY); INSERT INTO person VALUES (7), (8)")
    play("ALTER TABLE cm ADD FOREIGN KEY (person) REFERENCES person ON DELETE CASCADE")
    play("ALTER TABLE pm ADD FOREIGN KEY (person) REFERENCES person ON DELETE CASCADE")
    old(play, "(1, 7, 'a', 'r')", "(2, 7, 'b', 'r')", "(3, 8, 'a', 'r')")
    play("DELETE FROM person WHERE id = 7")
    play.sound()
    assert [row[0] for row in play.parents()] == [8]
