"""One statement that writes both tables: by a WITH, or by a trigger on one that writes the other.

Either side's capture comes when its own statement ends; until then the other side holds writes
that it does not know yet, and must leave alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
ROW = "SELECT rotation, curriculum FROM {} WHERE id = 11"

GIVES_AWAY = f"UPDATE {SOURCE} SET badge = OLD.badge WHERE id = 591"
MOVES = f"UPDATE {COPY} SET id = 90001 WHERE id = 11"


def trigger(table: str, event: str, text: str) -> tuple[str, str]:
    return (
        "CREATE FUNCTION s.app() RETURNS trigger LANGUAGE plpgsql AS"
        f" $app$ BEGIN {text}; RETURN NULL; END $app$",
        f'CREATE TRIGGER "AA" AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION s.app()',
    )


def both(url: str) -> Sequence[tuple[object, ...]]:
    """What stands in row 11, which is the same in both."""
    assert_equal(url)
    return query(url, ROW.format(COPY))


def insert_beside_a_trigger_that_inserts(url: str) -> None:
    execute(url, *trigger(SOURCE, "INSERT", f"INSERT INTO {COPY} (id, person_id, programme,"
                          " curriculum) VALUES (NEW.id, 1, 1, 1)"))  # fmt: skip
    execute(url, f"INSERT INTO {SOURCE} (id, person_id, programme, curriculum, rotation)"
                 " VALUES (90001, 1, 1, 1, 'A')")  # fmt: skip


def write_both(url: str, one: str, other: str, isolation: str) -> None:
    execute(
        url,
        f"BEGIN ISOLATION LEVEL {isolation};"
        f" WITH x AS (UPDATE {one} SET rotation = 'A' WHERE id = 11 RETURNING 1)"
        f" UPDATE {other} SET curriculum = 77 WHERE id = 11; COMMIT",
    )


@pytest.mark.parametrize("isolation", ISOLATION)
@pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])
def test_two_columns_of_a_row_are_written_one_in_each_table_and_both_stay(
    one: str, other: str, isolation: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    write_both(url, one, other, isolation)
    assert both(url) == [("A", 77)]


@pytest.mark.parametrize("rows", ["id = 11", "id BETWEEN 11 AND 14", "id BETWEEN 1 AND 250"])
@pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])
def test_a_trigger_that_writes_the_other_table_leaves_what_its_statement_wrote(
    one: str, other: str, rows: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, *trigger(one, "UPDATE OF rotation",
                          f"UPDATE {other} SET curriculum = 77 WHERE id = NEW.id"))  # fmt: skip
    execute(url, f"UPDATE {one} SET rotation = 'A' WHERE {rows}")
    assert both(url) == [("A", 77)]
    unlike = "rotation IS DISTINCT FROM 'A' OR curriculum IS DISTINCT FROM 77"
    assert query(url, f"SELECT count(*) FROM {COPY} WHERE {rows} AND ({unlike})") == [(0,)]


def test_a_trigger_reaches_another_row_of_the_statement_by_way_of_a_third_table(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, "CREATE TABLE s.tally (n int)", "INSERT INTO s.tally VALUES (0)",
            *trigger(SOURCE, "UPDATE OF rotation", "UPDATE s.tally SET n = n + 1"),
            "CREATE FUNCTION s.more() RETURNS trigger LANGUAGE plpgsql AS"
            f" $app$ BEGIN UPDATE {COPY} SET curriculum = 77 WHERE id = 11; RETURN NULL; END $app$",
            "CREATE TRIGGER t AFTER UPDATE ON s.tally FOR EACH ROW EXECUTE FUNCTION s.more()",
            )  # fmt: skip
    execute(url, f"UPDATE {SOURCE} SET rotation = 'A' WHERE id BETWEEN 10 AND 12")
    assert both(url) == [("A", 77)]


@pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])
def test_a_row_that_is_deleted_in_one_table_and_updated_in_the_other_is_gone(
    one: str, other: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, f"WITH x AS (DELETE FROM {one} WHERE id = 11 RETURNING 1)"
                 f" UPDATE {other} SET rotation = 'A' WHERE id = 11")  # fmt: skip
    assert both(url) == []


@pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])
def test_a_row_whose_deletion_makes_a_trigger_update_it_in_the_other_table_is_gone(
    one: str, other: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, *trigger(one, "DELETE", f"UPDATE {other} SET rotation = 'A' WHERE id = OLD.id"))
    execute(url, f"DELETE FROM {one} WHERE id = 11")
    assert both(url) == []


@pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])
def test_55000_a_row_that_gets_another_id_here_is_not_written_there_by_the_same_statement(
    one: str, other: str, template_database: TemplateDatabase
) -> None:
    """The change of the id is a deletion there, and would take what was written along."""
    url = template_database(tables_at("0004"))
    execute(url, f"UPDATE {SOURCE} SET rotation = 'B', curriculum = 1 WHERE id = 11")
    for text in (
        f"WITH x AS (UPDATE {one} SET rotation = 'A' WHERE id = 11 RETURNING 1)"
        f" UPDATE {other} SET id = 90001 WHERE id = 11",
        f"WITH x AS (UPDATE {one} SET id = 90001 WHERE id = 11 RETURNING 1)"
        f" UPDATE {other} SET rotation = 'A' WHERE id = 11",
    ):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            execute(url, text)
        assert both(url) == [("B", 1)]
    execute(
        url,
        f"BEGIN; UPDATE {one} SET rotation = 'A' WHERE id = 11;"
        f" UPDATE {other} SET id = 90001, curriculum = 2 WHERE id = 11; COMMIT",
    )
    assert_equal(url)
    assert query(url, f"SELECT rotation, curriculum FROM {COPY} WHERE id = 90001") == [("A", 2)]


def test_23505_a_trigger_that_inserts_the_row_into_the_other_table_itself_is_told(
    template_database: TemplateDatabase,
) -> None:
    """Which of two unlike rows would be the right one nobody can say."""
    url = template_database(tables_at("0004"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert_beside_a_trigger_that_inserts(url)
    assert_equal(url)


def test_a_row_that_changes_its_id_on_the_copy_fires_no_delete_trigger_of_the_source(
    template_database: TemplateDatabase,
) -> None:
    """A changed id is an UPDATE on either side. The trigger that would hand the unique value of a
    deleted row on stays silent, as on one table."""
    url = template_database(tables_at("0004"))
    execute(url, *trigger(SOURCE, "DELETE", GIVES_AWAY))
    execute(url, MOVES)
    assert_equal(url)


def test_a_trigger_that_writes_the_copy_at_0003_is_refused(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0003"))
    execute(url, *trigger(SOURCE, "UPDATE OF rotation",
                          f"UPDATE {COPY} SET curriculum = 77 WHERE id = NEW.id"))  # fmt: skip
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(url, f"UPDATE {SOURCE} SET rotation = 'A' WHERE id = 11")
    assert_equal(url)
