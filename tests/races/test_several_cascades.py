"""One statement whose cascades write a row several times: the row stands several times in the
transition tables, and what triggers of the application made of each write reaches the other table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.tables import (
    COMPOSITE_KEPT,
    COPY,
    KEPT,
    PLAN,
    SOURCE,
    assert_equal,
    build_tables,
    execute,
    query,
)

TWO_KEYS = replace(
    KEPT,
    id=("curriculum", "person_id"),
    child_columns=tuple(c for c in PLAN.child_columns if c != "curriculum"),
)
"""Two cascades of one statement change both columns of the id, one after the other."""
CASCADES = (
    "ALTER TABLE s.wide DROP CONSTRAINT fk_wide_mentor",
    "ALTER TABLE s.wide ADD CONSTRAINT fk_wide_mentor FOREIGN KEY (mentor_id) REFERENCES s.person"
    " ON UPDATE CASCADE ON DELETE SET NULL",
)
CURRICULUM = (
    "ALTER TABLE s.wide ADD CONSTRAINT fk_wide_curriculum FOREIGN KEY (curriculum)"
    " REFERENCES s.person ON UPDATE CASCADE"
)
BOTH = (11, 12)
"""The person and the mentor of the rows 20 and 21."""


def fills(table: str, watched: str, filled: str) -> str:
    """A trigger that writes one column where another one is written."""
    return (
        f"CREATE FUNCTION s.fill_{filled}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" NEW.{filled} := 'of ' || coalesce(NEW.{watched}::text, 'nobody'); RETURN NEW; END $$;"
        f"CREATE TRIGGER fill_{filled} BEFORE UPDATE OF {watched} ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION s.fill_{filled}()"
    )


def triggers(table: str) -> tuple[str, ...]:
    return fills(table, "person_id", "rotation"), fills(table, "mentor_id", "label")


def built(plan: TableSplit, *also: str, to: str = "") -> Callable[[str], None]:
    def build(url: str) -> None:
        build_tables(url, plan)
        execute(url, *CASCADES, *also)
        with Pilot(url, plan=plan) as pilot:
            pilot.upgrade(*(r for r in pilot.revisions if r <= to))

    return build


WRITES = {
    "two columns": f"UPDATE s.person SET id = id + 5000 WHERE id IN {BOTH}",
    "many rows": "UPDATE s.person SET id = id + 5000 WHERE id < 250",
    "one statement, two tables": "WITH x AS (UPDATE s.person SET id = 5011 WHERE id = 11)"
    " UPDATE s.wide SET score = 9 WHERE id IN (20, 21)",
    "a person who goes": "DELETE FROM s.person WHERE id = 12",
    "one row, one cascade": "UPDATE s.person SET id = 5299 WHERE id = 299",
}


AT = [("0003", SOURCE), ("0004", SOURCE), ("0004", COPY)]
"""The step, and the table with the triggers. At 0003 the copy belongs to the tool."""


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("revision", "table"), AT)
def test_what_triggers_make_of_each_cascade_reaches_the_other_table(
    revision: str, write: str, table: str, template_database: TemplateDatabase
) -> None:
    url = template_database(f"cascades at {revision}", built(PLAN, to=revision))
    execute(url, *triggers(table), WRITES[write].replace("s.wide", table))
    assert_equal(url)
    if write == "two columns":
        row = query(url, f"SELECT rotation, label::text FROM {COPY} WHERE id = 21")
        assert row == [("of 5011", "of 5012")]


@pytest.mark.parametrize("when", ["AFTER", "BEFORE"])
def test_a_trigger_that_watches_a_column_of_the_other_table_fires_once_for_each_row(
    when: str, template_database: TemplateDatabase
) -> None:
    url = template_database("cascades at 0004", built(PLAN, to="0004"))
    execute(
        url,
        *triggers(COPY),
        "CREATE TABLE s.audit (id bigint)",
        "CREATE FUNCTION s.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO s.audit VALUES (NEW.id); RETURN NEW; END $$",
        f"CREATE TRIGGER watch {when} UPDATE OF rotation, label ON {SOURCE} FOR EACH ROW"
        " EXECUTE FUNCTION s.audit()",
        WRITES["two columns"],
    )
    assert_equal(url)
    assert query(url, "SELECT id, count(*) FROM s.audit WHERE id = 21 GROUP BY id") == [(21, 1)]


PERSON_LAST = (
    "ALTER TABLE s.wide DROP CONSTRAINT fk_wide_person",
    "ALTER TABLE s.wide ADD CONSTRAINT fk_wide_person FOREIGN KEY (person_id) REFERENCES s.person"
    " ON UPDATE CASCADE",
)
IDS = {
    "first": (COMPOSITE_KEPT, ()),
    "last": (COMPOSITE_KEPT, PERSON_LAST),
    "twice": (TWO_KEYS, (CURRICULUM,)),
}
"""When the cascade comes that changes the id, beside the one that changes another column."""


@pytest.mark.parametrize("order", IDS)
@pytest.mark.parametrize(("revision", "table"), AT)
def test_an_id_that_cascades_change_reaches_the_other_table_or_is_refused(
    revision: str, table: str, order: str, template_database: TemplateDatabase
) -> None:
    plan, also = IDS[order]
    url = template_database(
        f"cascades of ids, {order}, at {revision}", built(plan, *also, to=revision)
    )
    execute(url, *triggers(table))
    for ids in ("(11, 12)", "(11, 12, 21)", "(33, 17, 18)"):
        try:
            execute(url, f"UPDATE s.person SET id = id + 5000 WHERE id IN {ids}")
        except psycopg.Error as error:
            assert error.sqlstate == "55000", error
        assert_equal(url)


def give_the_same_new_id(url: str, first: str, last: str) -> None:
    execute(
        url,
        f"WITH x AS (UPDATE {first} SET id = 25, score = 1 WHERE id = 21)"
        f" UPDATE {last} SET id = 25, rotation = 'z' WHERE id = 21",
    )


@pytest.mark.parametrize("first", [SOURCE, COPY])
def test_both_tables_give_a_row_the_same_new_id_and_each_another_value(
    first: str, template_database: TemplateDatabase
) -> None:
    url = template_database("cascades at 0004", built(PLAN, to="0004"))
    give_the_same_new_id(url, first, COPY if first == SOURCE else SOURCE)
    assert_equal(url)
    assert query(url, f"SELECT score::int, rotation FROM {COPY} WHERE id = 25") == [(1, "z")]
