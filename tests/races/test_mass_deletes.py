"""A DELETE of many rows of one table: the same rows go from the other table, and no others."""

from __future__ import annotations

from itertools import product

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COMPOSITE, COPY, SOURCE, assert_equal, execute, query
from tests.races.test_both_tables import trigger
from tests.races.test_statement_triggers import COUNTED, both, fired

NEW = "(id, person_id, programme, curriculum)"
GAP = 1_000_150
IDS = {
    "in a row": "generate_series(1000001, 1000300)",
    "with a gap": f"generate_series(1000001, 1000300) AS n WHERE n <> {GAP}",
    "more than an array holds": "generate_series(1000002, 1200601, 2)",
    "far apart": "(SELECT generate_series(1, 200) UNION SELECT 9223372036854775807"
    " UNION SELECT -9223372036854775808) AS g (n) WHERE n NOT BETWEEN 1 AND 5",
}
MINE = "curriculum = -7"
MOST = pytest.param("more than an array holds", marks=pytest.mark.slow)
SHAPES = ["in a row", "with a gap", MOST]
TABLES = pytest.mark.parametrize(("one", "other"), [(SOURCE, COPY), (COPY, SOURCE)])


def filled(ids: str) -> str:
    listed = ids if " AS " in ids else f"{ids} AS n"
    return (
        f"DELETE FROM {SOURCE}; INSERT INTO {SOURCE} {NEW} SELECT n, 1, 1, -7 FROM {listed};"
        f" INSERT INTO {SOURCE} {NEW} VALUES (1000000, 1, 1, 1), (1000301, 1, 1, 1)"
    )


def left(url: str) -> list[object]:
    assert_equal(url)
    return [id for (id,) in query(url, f"SELECT id FROM {COPY} ORDER BY 1")]


@TABLES
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize("ids", [*SHAPES, "far apart"])
def test_many_deleted_rows_are_deleted_from_the_other_table_and_no_others(
    ids: str, isolation: str, one: str, other: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, filled(IDS[ids]))
    execute(url, f"BEGIN ISOLATION LEVEL {isolation}; DELETE FROM {one} WHERE {MINE}; COMMIT")
    assert left(url) == [1000000, 1000301]


@TABLES
def test_many_deleted_rows_with_an_id_of_two_columns_are_deleted_from_the_other_table(
    one: str, other: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004", COMPOSITE))
    execute(url, filled(IDS["in a row"]))
    execute(url, f"DELETE FROM {one} WHERE {MINE}")
    assert left(url) == [1000000, 1000301]


@pytest.mark.parametrize("table", [SOURCE, COPY])
@pytest.mark.parametrize("ids", SHAPES)
def test_triggers_for_each_statement_of_the_source_fire_once_for_many_deleted_rows(
    ids: str, table: str, template_database: TemplateDatabase
) -> None:
    """The answer of the other direction has nothing to delete."""
    url = template_database(tables_at("0004"))
    execute(url, filled(IDS[ids]), *COUNTED)
    assert fired(url, f"DELETE FROM {table} WHERE {MINE}") == both("DELETE")


def insert_between_deleted_ids(url: str, one: str, other: str, id: int) -> None:
    execute(url, filled(IDS["with a gap"]), f"DELETE FROM {SOURCE} WHERE id = {id}")
    inserted = f"WITH x AS (INSERT INTO {other} {NEW} VALUES ({id}, 1, 1, 1))"
    execute(url, f"{inserted} DELETE FROM {one} WHERE {MINE}")
    assert id in left(url)


def delete_and_put_back(url: str, one: str, ids: str) -> None:
    # Once: what is deleted after that stays deleted.
    chosen = "OLD.id = 1000012 AND OLD.curriculum = -7"
    again = f"INSERT INTO {one} {NEW} SELECT OLD.id, 1, 1, 2 WHERE {chosen}"
    execute(url, filled(IDS[ids]), *trigger(one, "DELETE", again))
    execute(url, f"DELETE FROM {one} WHERE {MINE}")
    assert left(url) == [1000000, 1000012, 1000301]


@TABLES
@pytest.mark.parametrize("id", [GAP, 1000301])
def test_a_row_that_the_same_statement_inserts_into_the_other_table_stays(
    id: int, one: str, other: str, template_database: TemplateDatabase
) -> None:
    """Its id lies between those of the deleted rows, or right behind them."""
    insert_between_deleted_ids(template_database(tables_at("0004")), one, other, id)


@pytest.mark.parametrize("table", [SOURCE, COPY])
@pytest.mark.parametrize("ids", SHAPES)
def test_a_row_that_a_trigger_puts_back_stays_in_both_tables(
    ids: str, table: str, template_database: TemplateDatabase
) -> None:
    delete_and_put_back(template_database(tables_at("0004")), table, ids)


RIVALS = {
    "inserts a deleted row": f"INSERT INTO {{t}} {NEW} VALUES (1000012, 1, 1, 3)",
    "inserts the missing row": f"INSERT INTO {{t}} {NEW} VALUES ({GAP}, 1, 1, 3)",
    "updates a row": "UPDATE {t} SET rotation = 'r' WHERE id = 1000012",
    "deletes a row": "DELETE FROM {t} WHERE id = 1000012",
    "moves a row out": "UPDATE {t} SET id = 2000000 WHERE id = 1000012",
    "moves a row into the gap": f"UPDATE {{t}} SET id = {GAP} WHERE id = 1000301",
    "deletes many rows": f"DELETE FROM {{t}} WHERE {MINE} AND id > 1000100",
}


@pytest.mark.parametrize(
    ("first", "isolation", "ids", "name", "table"),
    [
        pytest.param(*each, marks=() if n % 9 == 0 else pytest.mark.slow)
        for n, each in enumerate(
            product((True, False), ISOLATIONS, ("in a row", "with a gap"), RIVALS, (SOURCE, COPY))
        )
    ],
)
def test_a_rival_of_a_mass_delete_parts_no_tables(
    first: bool,
    isolation: str,
    ids: str,
    name: str,
    table: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """The DELETE is ``first``, or finds what the rival has written."""
    url = template_database(tables_at("0004"))
    execute(url, filled(IDS[ids]))
    stage = on_stage(url)
    texts = f"DELETE FROM {SOURCE} WHERE {MINE}", RIVALS[name].format(t=table)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    earlier = one.outcome(texts[not first])
    step = other.start(texts[first])
    step.settled()
    earlier = one.commit() or earlier
    later = step.outcome() or other.commit() or ""
    allowed = {"", "23505", "40P01", *({"40001"} if isolation != "READ COMMITTED" else ())}
    assert {earlier or "", later} <= allowed
    assert_equal(url)
