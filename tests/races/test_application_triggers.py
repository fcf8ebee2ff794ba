"""Application triggers that rewrite, refuse or spread a write, before and after capture came."""

from __future__ import annotations

from itertools import product
from typing import Any

import psycopg
import pytest

from membership_refactor.errors import CannotCarry, CheckFailed
from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, apart, assert_equal, assert_parents, execute, query

BODIES = {
    "rewrites the row before": ("BEFORE INSERT OR UPDATE", "NEW.rotation := 'app' || coalesce("
                                "NEW.rotation, ''); NEW.kind := 'app'; RETURN NEW;"),
    "sets the time before": ("BEFORE INSERT OR UPDATE", "NEW.amended := now(); RETURN NEW;"),
    "refuses inserts in silence": ("BEFORE INSERT", "RETURN NULL;"),
    "refuses updates in silence": ("BEFORE UPDATE", "RETURN NULL;"),
    "refuses deletes in silence": ("BEFORE DELETE", "RETURN NULL;"),
    "reverts every value": ("BEFORE UPDATE", "NEW.rotation := OLD.rotation; RETURN NEW;"),
    "rewrites the row after": ("AFTER INSERT OR UPDATE", "UPDATE {t} SET rotation = 'app',"
                               " kind = 'app' WHERE id = NEW.id AND rotation <> 'app'; RETURN"
                               " NULL;"),
    "updates siblings": ("AFTER INSERT OR UPDATE", "UPDATE {t} SET score = 77.70"
                         " WHERE id IN (NEW.id + 1, NEW.id - 1) AND score <> 77.7; RETURN NULL;"),
    "deletes a sibling": ("AFTER UPDATE", "DELETE FROM {t} WHERE id = NEW.id + 1; RETURN NULL;"),
    "deletes the row itself": ("AFTER UPDATE", "DELETE FROM {t} WHERE id = NEW.id; RETURN NULL;"),
    "inserts a sibling": ("AFTER DELETE", "INSERT INTO {t} (id, person_id, programme, curriculum)"
                          " VALUES (OLD.id + 300000, 1, 1, 1) ON CONFLICT (id) DO NOTHING;"
                          " RETURN NULL;"),
    "puts the row back": ("AFTER DELETE", "INSERT INTO {t} (id, person_id, programme, curriculum)"
                          " VALUES (OLD.id, 2, 2, 2); RETURN NULL;"),
    "hands a unique value on": ("AFTER DELETE", "UPDATE {t} SET badge = OLD.badge WHERE id = 591;"
                                " RETURN NULL;"),
    "changes the id": ("AFTER INSERT OR UPDATE", "UPDATE {t} SET id = id + 400000"
                       " WHERE id = NEW.id AND id < 400000; RETURN NULL;"),
    "writes another table": ("AFTER INSERT OR UPDATE OR DELETE", "INSERT INTO s.other VALUES"
                             " (coalesce(NEW.id, OLD.id), 1) ON CONFLICT (id) DO UPDATE SET x = 2;"
                             " RETURN NULL;"),
}  # fmt: skip
WRITES = (
    "UPDATE {t} SET rotation = 'w' WHERE id = {b} + 11",
    "UPDATE {t} SET rotation = 'w', amended = '2030-01-01' WHERE id BETWEEN {b} + 51 AND {b} + 64",
    "INSERT INTO {t} (id, person_id, programme, curriculum, rotation, score) VALUES"
    " ({b} + 108, 5, 5, 5, 'i', 1.0)",
    "INSERT INTO {t} (id, person_id, programme, curriculum, rotation, score) VALUES"
    " ({b} + 116, 5, 5, 5, 'i', 1.0), ({b} + 118, 6, 6, 6, 'i', 1.0)",
    "DELETE FROM {t} WHERE id = {b} + 131",
    "DELETE FROM {t} WHERE id BETWEEN {b} + 141 AND {b} + 153",
    "UPDATE {t} SET id = {b} + 165 WHERE id = {b} + 161",
    "MERGE INTO {t} AS t USING (VALUES ({b} + 171), ({b} + 172), ({b} + 175)) AS v (id)"
    " ON t.id = v.id WHEN MATCHED AND t.id = {b} + 171 THEN DELETE"
    " WHEN MATCHED THEN UPDATE SET rotation = 'm'"
    " WHEN NOT MATCHED THEN INSERT (id, person_id, programme, curriculum) VALUES (v.id, 1, 1, 1)",
)


def trigger(table: str, name: str, body: str) -> str:
    event, text = BODIES[body]
    return (
        f"CREATE FUNCTION s.app() RETURNS trigger LANGUAGE plpgsql AS $app$ BEGIN"
        f" {text.replace('{t}', table)} END $app$;"
        f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION s.app()"
    )


def filled(text: str, table: str, base: int = 0) -> str:
    return text.replace("{t}", table).replace("{b}", str(base))


def write_everything(url: str, table: str, *, also: tuple[str, ...] = ()) -> None:
    """Every write; both sides are equal after each, whether it was accepted or not."""
    for text in WRITES:
        try:
            execute(url, filled(text, table, 200 if table == COPY else 0))
        except psycopg.Error as error:
            assert error.sqlstate in also, error
        assert_equal(url)


# "AA" sorts before the tool's AFTER triggers, "zzz" after them.
CAME = ("before the copy", "while changes are recorded", "at 0004")


def every_trigger(*others: str) -> list[Any]:
    """Every trigger under both names, for each of ``others``; a plain run takes each body once."""
    made = []
    for (n, body), (m, other) in product(enumerate(BODIES), enumerate(others)):
        for name in ('"AA"', "zzz"):
            everyday = n % len(others) == m and (n // len(others)) % 2 == (name == "zzz")
            marks = () if everyday else pytest.mark.slow
            made.append(pytest.param(other, body, name, id=f"{other}, {body}, {name}", marks=marks))
    return made


@pytest.mark.parametrize("came, body, name", every_trigger(*CAME))
def test_what_a_trigger_of_the_source_does_reaches_the_copy(
    came: str, body: str, name: str, template_database: TemplateDatabase
) -> None:
    made = trigger(SOURCE, name, body)
    if came == "at 0004":
        url = template_database(tables_at("0004"))
        execute(url, made)
        write_everything(url, SOURCE)
    else:
        url = template_database(tables_at("0001"))
        with Pilot(url) as pilot:
            if came == "before the copy":
                execute(url, made)
            pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
            if came != "before the copy":
                execute(url, made)
            execute(url, *(filled(text, SOURCE) for text in WRITES))
            pilot.finish()
            assert_equal(url)
            pilot.upgrade("0004")
    # Where the source refuses to let a row go, or gives its unique value away, the value cannot go
    # to another id.
    also: tuple[str, ...] = ("23505",) if "deletes in" in body or "hands a unique" in body else ()
    # Where it drops every UPDATE, the row cannot get its new id there; made anew, it would lose
    # the rows that refer to it.
    also += ("55000",) if "updates in silence" in body else ()
    write_everything(url, COPY, also=also)


@pytest.mark.parametrize("body", ["deletes the row itself", "changes the id"])
def test_55000_a_row_that_goes_under_its_new_id_takes_no_row_along_that_refers_to_it(
    body: str, template_database: TemplateDatabase
) -> None:
    """The trigger comes before capture has given the row its new id on the other side. Nothing
    tells there whether the row was deleted or got a third id, so nothing may be deleted with it."""
    url = template_database(tables_at("0004"))
    execute(
        url,
        trigger(SOURCE, '"AA"', body).replace("id < 400000", "id = 165"),
        f"CREATE TABLE s.referring (id bigint REFERENCES {COPY} ON DELETE CASCADE)",
        "INSERT INTO s.referring VALUES (161)",
    )
    with pytest.raises(psycopg.Error) as error:
        execute(url, f"UPDATE {SOURCE} SET id = 165 WHERE id = 161")
    assert error.value.sqlstate in ("55000", "23505"), error.value
    assert_equal(url)
    assert query(url, "SELECT id FROM s.referring") == [(161,)]
    execute(url, "DROP TABLE s.referring", f"UPDATE {SOURCE} SET id = 165 WHERE id = 161")
    assert_equal(url)
    assert not query(url, f"SELECT 1 FROM {COPY} WHERE id = 161")


@pytest.mark.parametrize("revision, body, name", every_trigger("0003", "0004"))
def test_a_trigger_that_somebody_hangs_on_the_copy_is_named_before_the_copy_takes_over(
    revision: str, body: str, name: str, template_database: TemplateDatabase
) -> None:
    """Until 0005 application triggers fire on the source only. What one on the copy does may part
    the tables; it cannot stay unnoticed,
    for 0005 refuses it by name before it compares the rows."""
    url = template_database(tables_at(revision))
    execute(url, trigger(COPY, name, body))
    for text in WRITES:
        try:
            execute(url, filled(text, SOURCE))
        except psycopg.Error as error:
            assert error.sqlstate in ("55000", "23505"), error
    with Pilot(url) as pilot:
        if revision == "0003":
            pilot.upgrade("0004")
        with pytest.raises(CannotCarry, match=name.strip('"')):
            pilot.upgrade("0005")
        execute(url, f"DROP TRIGGER {name} ON {COPY}")
        if query(url, apart(SOURCE, COPY)):
            with pytest.raises(CheckFailed, match="bit for bit"):
                pilot.upgrade("0005")
        else:
            pilot.upgrade("0005")


@pytest.mark.parametrize("revision, body, name", every_trigger("0007"))
def test_what_a_trigger_of_the_child_does_reaches_the_parents(
    revision: str, body: str, name: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at(revision))
    execute(url, trigger(COPY, name, body))
    for text in WRITES:
        execute(url, filled(text, COPY))
        assert_parents(url)
    assert query(url, "SELECT 1 FROM s.wide LIMIT 1")
