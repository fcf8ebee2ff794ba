"""Triggers ``UPDATE OF column`` fire for the columns that a write of the other table changed, and
for no others: of the source at 0004, of child and parent at 0008."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.families import assert_families
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

AUDIT = (
    "CREATE TABLE s.audit (n bigserial, id bigint, what text)",
    "CREATE FUNCTION s.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO s.audit (id, what) VALUES (NEW.id, TG_ARGV[0]); RETURN NULL; END $$",
)
FINAL = (
    "CREATE FUNCTION s.final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION '% is final', TG_ARGV[0]; END $$"
)


def watch(column: str, *, when: str = "AFTER", table: str = SOURCE) -> str:
    return (
        f"CREATE TRIGGER watch_{column} {when} UPDATE OF {column} ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION s.audit('{column}')"
    )


def final(column: str, table: str) -> str:
    return (
        f"CREATE TRIGGER final_{column} BEFORE UPDATE OF {column} ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION s.final('{column}')"
    )


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database(tables_at("0004"))


def fired(url: str, text: str) -> list[tuple[object, ...]]:
    execute(url, "DELETE FROM s.audit", text)
    assert_equal(url)
    return [*query(url, "SELECT id, what FROM s.audit ORDER BY id, what")]


@pytest.mark.parametrize("column", ["kind", "note", "badge", "mentor_id"])
def test_a_value_that_is_final_stops_no_write_of_another_column(column: str, url: str) -> None:
    execute(url, FINAL, final(column, SOURCE))
    for text in (
        f"UPDATE {COPY} SET score = 1.50 WHERE id = 11",
        f"UPDATE {COPY} SET score = score + 1, rotation = 'x' WHERE id < 40",
        f"UPDATE {COPY} SET score = score + 1",
        f"UPDATE {COPY} SET id = 15, score = 2.5 WHERE id = 11",
        f"UPDATE {COPY} SET id = id + 5 WHERE id BETWEEN 21 AND 24",
    ):
        execute(url, text)
        assert_equal(url)
    value = {"note": "'[1]'", "mentor_id": "3"}.get(column, "'new'")
    with pytest.raises(psycopg.errors.RaiseException, match=f"{column} is final"):
        execute(url, f"UPDATE {COPY} SET {column} = {value} WHERE id = 31")
    assert_equal(url)


def test_each_row_fires_for_the_columns_that_it_changed(url: str) -> None:
    execute(url, *AUDIT, watch("rotation"), watch("score"), watch("id"))
    each = (
        "UPDATE s.narrow SET rotation = CASE WHEN id % 3 = 0 THEN 'new' ELSE rotation END,"
        " score = CASE WHEN id % 3 < 2 THEN score + 1 ELSE score END,"
        " label = CASE WHEN id % 3 = 2 THEN 'new' ELSE label END"
    )
    for some in ("", " WHERE id < 60", " WHERE id = 33"):
        ids = [row[0] for row in query(url, f"SELECT id FROM s.narrow{some} ORDER BY id")]
        changed = [
            (id, what)
            for id in ids
            for what, rest in (("rotation", (0,)), ("score", (0, 1)))
            if isinstance(id, int) and id % 3 in rest
        ]
        execute(url, "UPDATE s.wide SET rotation = 'old' WHERE rotation = 'new'")
        assert fired(url, f"{each}{some}") == changed
    assert fired(url, f"UPDATE {COPY} SET id = 35 WHERE id = 32") == [(35, "id")]
    assert fired(url, f"UPDATE {COPY} SET id = 36, score = 0.5 WHERE id = 33") == [
        (36, "id"),
        (36, "score"),
    ]


def test_a_unique_value_that_wanders_fires_for_itself_only(url: str) -> None:
    execute(url, *AUDIT, watch("badge"), watch("rotation"), watch("label", when="BEFORE"))
    swap = (
        "UPDATE s.narrow SET badge = CASE id WHEN 11 THEN 'b12' ELSE 'b11' END,"
        " score = CASE WHEN id = 12 THEN 5.5 ELSE score END WHERE id IN (11, 12)"
    )
    assert fired(url, swap) == [(11, "badge"), (12, "badge")]


def test_a_trigger_that_always_fires_counts_and_a_disabled_one_does_not(url: str) -> None:
    execute(url, *AUDIT, watch("rotation"), f"ALTER TABLE {SOURCE} DISABLE TRIGGER watch_rotation")
    assert fired(url, f"UPDATE {COPY} SET rotation = 'a', score = 1 WHERE id = 11") == []
    execute(url, f"ALTER TABLE {SOURCE} ENABLE ALWAYS TRIGGER watch_rotation")
    assert fired(url, f"UPDATE {COPY} SET score = 2 WHERE id = 11") == []
    assert fired(url, f"UPDATE {COPY} SET rotation = 'b', score = 3 WHERE id = 11") == [
        (11, "rotation")
    ]


WRITES = {
    "another column of the row": "UPDATE {t} SET score = 9.25 WHERE id = 11",
    "the watched column": "UPDATE {t} SET rotation = 'theirs' WHERE id = 11",
    "the id": "UPDATE {t} SET id = 16 WHERE id = 11",
    "the row away": "DELETE FROM {t} WHERE id = 11",
    "the row anew": "DELETE FROM {t} WHERE id = 11; INSERT INTO {t} (id, person_id, programme,"
    " curriculum) VALUES (11, 1, 1, 1)",
}


@pytest.mark.parametrize(
    ("isolation", "name", "table"), [*product(ISOLATIONS, WRITES, (SOURCE, COPY))]
)
def test_two_writers_of_a_watched_row_part_no_tables(
    isolation: str,
    name: str,
    table: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, *AUDIT, watch("rotation"))
    stage = on_stage(url)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    one.run(f"UPDATE {COPY} SET curriculum = 5, label = 'mine' WHERE id = 11")
    step = other.start(WRITES[name].format(t=table))
    step.settled()
    one.commit()
    outcome = step.outcome() or other.commit() or ""
    allowed = {"", "40001"} if isolation != "READ COMMITTED" else {""}
    # Source and copy are locked in the other order.
    allowed |= {"40P01"} if table == SOURCE else set()
    assert outcome in allowed
    assert_equal(url)
    watched = [*query(url, "SELECT id, what FROM s.audit")]
    assert watched == ([(11, "rotation")] if name == "the watched column" and not outcome else [])


CHILD, PARENT = COPY, SOURCE
FAMILY = "(person_id, programme, kind, began) = (1, 1, 'k', NULL)"
OF_FAMILY = "person_id = 1 AND programme = 1 AND kind = 'k' AND began IS NULL"
FINALS = (
    (CHILD, "kind"), (CHILD, "began"), (CHILD, "note"), (PARENT, "kind"), (PARENT, "began"),
)  # fmt: skip


@pytest.fixture
def families(template_database: TemplateDatabase) -> str:
    """0008, with one large family of the rows 1 to 24."""
    url = template_database(tables_at("0008"))
    execute(url, f"UPDATE {CHILD} SET {FAMILY}, rotation = 'r', score = 1 WHERE id < 30")
    execute(url, *AUDIT)
    assert_families(url)
    return url


@pytest.mark.parametrize(("table", "column"), FINALS)
def test_a_final_value_of_child_or_parent_stops_no_write_of_another_column(
    table: str, column: str, families: str
) -> None:
    execute(families, FINAL, final(column, table))
    for text in (
        f"UPDATE {CHILD} SET score = 1.50 WHERE id = 11",
        f"UPDATE {CHILD} SET score = score + id, curriculum = 1 WHERE id < 40",
        f"UPDATE {PARENT} SET rotation = 'p' WHERE {OF_FAMILY}",
        f"UPDATE {CHILD} SET programme = 77 WHERE id = 11",
        f"UPDATE {CHILD} SET programme = 1 WHERE id = 11",
        f"UPDATE {CHILD} SET programme = 78, score = 5 WHERE id IN (12, 13, 14)",
        f"UPDATE {CHILD} SET id = 15 WHERE id = 13",
        f"DELETE FROM {CHILD} WHERE id = 14",
        f"INSERT INTO {CHILD} (person_id, programme, kind, began, curriculum, rotation, score)"
        " VALUES (1, 1, 'k', NULL, 1, 'old-style', 8.25)",
    ):
        execute(families, text)
        assert_families(families)
    value = {"began": "'2024-01-01'", "note": "'[1]'"}.get(column, "'new'")
    where = "id = 21" if table == CHILD else OF_FAMILY
    with pytest.raises(psycopg.errors.RaiseException, match=f"{column} is final"):
        execute(families, f"UPDATE {table} SET {column} = {value} WHERE {where}")
    assert_families(families)


def test_a_carried_value_fires_for_its_own_column(families: str) -> None:
    columns = ("kind", "rotation", "score", "amended", "label")
    execute(families, *(f"UPDATE {t} SET amended = '2040-01-01'" for t in (CHILD, PARENT)))
    execute(families, *(watch(column, table=CHILD) for column in columns))
    ids = [row[0] for row in query(families, f"SELECT id FROM {CHILD} WHERE id < 30 ORDER BY id")]

    def fired_in(text: str) -> list[tuple[object, ...]]:
        execute(families, "DELETE FROM s.audit", text)
        assert_families(families)
        return [*query(families, "SELECT id, what FROM s.audit ORDER BY id, what")]

    write = f"UPDATE {CHILD} SET score = 9, label = 'x' WHERE id = 11"
    expected = [(id, "score") for id in ids]
    assert fired_in(write) == sorted([*expected, (11, "label")])
    assert fired_in(f"UPDATE {PARENT} SET rotation = 'q' WHERE {OF_FAMILY}") == [
        (id, "rotation") for id in ids
    ]
    assert fired_in(f"UPDATE {PARENT} SET kind = 'l' WHERE kind = 'k' AND began IS NULL"
                    " AND person_id = 1") == [(id, "kind") for id in ids]  # fmt: skip
    assert fired_in(f"UPDATE {CHILD} SET amended = '2041-01-01' WHERE id = 11") == [(11, "amended")]


def test_a_parent_fires_for_the_columns_that_a_child_changed(families: str) -> None:
    execute(
        families,
        "ALTER TABLE s.audit ALTER id TYPE text",
        "CREATE FUNCTION s.audit_parent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO s.audit (id, what) VALUES (NEW.kind, TG_ARGV[0]); RETURN NULL; END $$",
        *(
            f"CREATE TRIGGER watch_{c} AFTER UPDATE OF {c} ON {PARENT} FOR EACH ROW"
            f" EXECUTE FUNCTION s.audit_parent('{c}')"
            for c in ("kind", "rotation", "score")
        ),
    )
    for text, expected in (
        (f"UPDATE {CHILD} SET score = 9, label = 'x' WHERE id = 11", [("k", "score")]),
        (f"UPDATE {CHILD} SET label = 'y' WHERE id = 11", []),
        (f"UPDATE {CHILD} SET rotation = 'z' WHERE id = 12", [("k", "rotation")]),
    ):
        execute(families, "DELETE FROM s.audit", text)
        assert_families(families)
        assert query(families, "SELECT id, what FROM s.audit ORDER BY what") == expected


SIBLING_WRITES = {
    "another value": f"UPDATE {CHILD} SET rotation = 'theirs' WHERE id = 12",
    "the same value": f"UPDATE {CHILD} SET score = 77 WHERE id = 12",
    "the parent": f"UPDATE {PARENT} SET rotation = 'theirs' WHERE {OF_FAMILY}",
    "a key away": f"UPDATE {CHILD} SET programme = 99 WHERE id = 12",
    "a row away": f"DELETE FROM {CHILD} WHERE id = 12",
    "a new row": f"INSERT INTO {CHILD} (person_id, programme, kind, began, curriculum, rotation,"
    " score) VALUES (1, 1, 'k', NULL, 1, 'theirs', 4)",
}


@pytest.mark.parametrize(
    ("isolation", "name"),
    [
        pytest.param(isolation, name, marks=() if n % 2 == 0 else pytest.mark.slow)
        for n, (isolation, name) in enumerate(product(ISOLATIONS, SIBLING_WRITES))
    ],
)
def test_two_writers_of_a_watched_family_agree(
    isolation: str, name: str, families: str, on_stage: OnStage
) -> None:
    execute(families, watch("rotation", table=CHILD), watch("kind", table=PARENT))
    stage = on_stage(families)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    one.run(f"UPDATE {CHILD} SET score = 55, label = 'mine' WHERE id = 11")
    step = other.start(SIBLING_WRITES[name])
    step.settled()
    one.commit()
    outcome = step.outcome() or other.commit() or ""
    assert outcome in ({""} if isolation == "READ COMMITTED" else {"", "40001"})
    assert_families(families)
    assert query(families, "SELECT FROM s.audit WHERE what = 'kind'") == []
