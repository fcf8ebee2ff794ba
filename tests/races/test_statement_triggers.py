"""Triggers of the source that fire for each statement see a write of the copy as what it is."""

from __future__ import annotations

from itertools import product

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

COUNTED = (
    "CREATE TABLE s.fired (n bigserial, what text)",
    "CREATE FUNCTION s.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO s.fired (what) VALUES (TG_WHEN || ' ' || TG_OP); RETURN NULL; END $$",
    *(
        f"CREATE TRIGGER {when.lower()}_{event.lower()} {when} {event} ON {SOURCE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION s.fired()"
        for when, event in product(("BEFORE", "AFTER"), ("INSERT", "UPDATE", "DELETE"))
    ),
)
ROW = "(id, person_id, programme, curriculum, rotation, score) VALUES"


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database(tables_at("0004"))


def fired(url: str, text: str) -> list[str]:
    execute(url, "DELETE FROM s.fired", text)
    assert_equal(url)
    return [str(what) for (what,) in query(url, "SELECT what FROM s.fired ORDER BY n")]


def both(event: str) -> list[str]:
    return [f"BEFORE {event}", f"AFTER {event}"]


WRITES = {
    "one row": (f"INSERT INTO {{t}} {ROW} (2000001, 5, 5, 5, 'i', 1.0)", "INSERT"),
    "some rows": (
        f"INSERT INTO {{t}} {ROW} (2000001, 5, 5, 5, 'i', 1.0), (2000002, 6, 6, 6, 'i', 1.0)",
        "INSERT",
    ),
    "many rows": (
        "INSERT INTO {t} (id, person_id, programme, curriculum)"
        " SELECT 2000000 + n, 1, 1, 1 FROM generate_series(1, 300) AS n",
        "INSERT",
    ),
    "changed values": ("UPDATE {t} SET score = score + 1 WHERE id < 60", "UPDATE"),
    "a deleted row": ("DELETE FROM {t} WHERE id = 11", "DELETE"),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_of_the_copy_fires_what_the_same_write_of_the_source_fires(
    name: str, url: str
) -> None:
    text, event = WRITES[name]
    execute(url, *COUNTED)
    assert fired(url, text.format(t=COPY)) == both(event)


def test_a_changed_id_fires_no_trigger_of_inserts(url: str) -> None:
    execute(url, *COUNTED)
    assert {*fired(url, f"UPDATE {COPY} SET id = 2000001 WHERE id = 11")} == {*both("UPDATE")}


@pytest.mark.parametrize("rewrite", ["NEW.rotation := 'app'", "NEW.score := NEW.score + 1"])
def test_a_row_that_the_source_rewrites_on_its_way_is_inserted_once(rewrite: str, url: str) -> None:
    execute(
        url,
        *COUNTED,
        "CREATE FUNCTION s.app() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {rewrite}; RETURN NEW; END $$",
        f"CREATE TRIGGER app BEFORE INSERT ON {SOURCE} FOR EACH ROW EXECUTE FUNCTION s.app()",
    )
    assert fired(url, WRITES["some rows"][0].format(t=COPY)) == both("INSERT")
    rows = query(url, f"SELECT rotation, score FROM {COPY} WHERE id > 2000000")
    assert {*rows} == ({("app", 1)} if "app" in rewrite else {("i", 2)})


def test_a_row_that_the_same_transaction_put_there_is_not_written_twice(url: str) -> None:
    execute(url, *COUNTED)
    again = "DELETE FROM {t} WHERE id = 11; " + WRITES["one row"][0].replace("2000001", "11")
    assert fired(url, again.format(t=COPY)) == [*both("DELETE"), *both("INSERT")]


OTHERS = {
    "inserts the row too": WRITES["one row"][0],
    "inserts another row": WRITES["one row"][0].replace("2000001", "2000009"),
    "deletes the row": "DELETE FROM {t} WHERE id = 2000001",
    "updates the row": "UPDATE {t} SET score = 7.5 WHERE id = 2000001",
    "moves an id there": "UPDATE {t} SET id = 2000001 WHERE id = 12",
}


@pytest.mark.parametrize(
    ("again", "isolation", "name", "table"),
    [
        pytest.param(*each, marks=() if n % 5 == 0 else pytest.mark.slow)
        for n, each in enumerate(product((False, True), ISOLATIONS, OTHERS, (SOURCE, COPY)))
    ],
)
def test_two_writers_of_a_new_row_part_no_tables(
    again: bool,
    isolation: str,
    name: str,
    table: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(tables_at("0004"))
    new = WRITES["one row"][0]
    execute(url, *COUNTED, *([new.format(t=SOURCE)] if again else []))
    stage = on_stage(url)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    if again:
        one.run(f"DELETE FROM {COPY} WHERE id = 2000001")
    one.run(new.format(t=COPY))
    step = other.start(OTHERS[name].format(t=table))
    step.settled()
    one.commit()
    outcome = step.outcome() or other.commit() or ""
    assert outcome in {"", "23505", "40P01", *({"40001"} if isolation != "READ COMMITTED" else ())}
    assert_equal(url)


@pytest.mark.parametrize(("isolation", "table"), [*product(ISOLATIONS, (SOURCE, COPY))])
def test_a_row_that_another_session_deletes_is_put_back_in_both_tables_or_in_none(
    isolation: str, table: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """The same row again, value by value: an old snapshot must not take it for the deleted one."""
    url = template_database(tables_at("0004"))
    new = WRITES["one row"][0]
    execute(url, *COUNTED, new.format(t=SOURCE))
    stage = on_stage(url)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    one.run(f"DELETE FROM {table} WHERE id = 2000001")
    step = other.start(new.format(t=COPY))
    step.settled()
    one.commit()
    outcome = step.outcome() or other.commit() or ""
    assert outcome in {"", *({"40001"} if isolation != "READ COMMITTED" else ())}
    assert_equal(url)
    there = query(url, f"SELECT id FROM {COPY} WHERE id = 2000001")
    assert bool(there) is (outcome == "")
