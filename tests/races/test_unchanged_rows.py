"""0004: an UPDATE of the copy that changes no value fires the source's triggers all the same."""

from __future__ import annotations

from itertools import product

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

AUDIT = (
    "CREATE TABLE s.audit (n bigserial, id bigint, rows bigint)",
    "CREATE FUNCTION s.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO s.audit (id) VALUES (NEW.id); RETURN NULL; END $$",
    "CREATE FUNCTION s.count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO s.audit (rows) SELECT count(*) FROM changed; RETURN NULL; END $$",
)
EACH_ROW = f"CREATE TRIGGER a AFTER UPDATE ON {SOURCE} FOR EACH ROW EXECUTE FUNCTION s.audit()"
EACH_STATEMENT = (
    f"CREATE TRIGGER a AFTER UPDATE ON {SOURCE} REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION s.count()"
)
WATCHING = (
    f"CREATE TRIGGER b AFTER UPDATE OF score ON {SOURCE} FOR EACH ROW EXECUTE FUNCTION s.audit()"
)
STAMP = (
    "CREATE FUNCTION s.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " NEW.amended := '2044-01-01'; RETURN NEW; END $$",
    f"CREATE TRIGGER stamp BEFORE UPDATE ON {SOURCE} FOR EACH ROW EXECUTE FUNCTION s.stamp()",
)
MIXED = "UPDATE s.narrow SET rotation = CASE WHEN id = 12 THEN 'new' ELSE rotation END"


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    made = template_database(tables_at("0004"))
    execute(made, *AUDIT)
    return made


@pytest.mark.parametrize("also", ["", WATCHING])
@pytest.mark.parametrize("where", ["id = 11", "id < 40", "true"])
def test_each_row_fires_once_whether_it_changed_or_not(where: str, also: str, url: str) -> None:
    execute(url, EACH_ROW, *([also] if also else []))
    ids = query(url, f"SELECT id FROM {COPY} WHERE {where} ORDER BY id")
    for text in (f"UPDATE {COPY} SET score = score WHERE {where}", f"{MIXED} WHERE {where}"):
        execute(url, "TRUNCATE s.audit", text)
        assert_equal(url)
        assert query(url, "SELECT id FROM s.audit ORDER BY id") == ids


def test_a_statement_fires_once_for_all_of_its_rows(url: str) -> None:
    execute(url, EACH_STATEMENT)
    for text, rows in (
        (f"UPDATE {COPY} SET score = score WHERE id < 20", [(9,)]),
        (f"{MIXED} WHERE id < 20", [(9,)]),
        (f"UPDATE {COPY} SET score = score WHERE false", []),
    ):
        execute(url, "TRUNCATE s.audit", text)
        assert_equal(url)
        assert query(url, "SELECT rows FROM s.audit") == rows


def test_what_a_trigger_stamps_comes_back_to_the_copy(url: str) -> None:
    execute(url, *STAMP, f"UPDATE {COPY} SET id = id WHERE id IN (11, 12)")
    assert_equal(url)
    stamped = f"SELECT id FROM {COPY} WHERE amended = '2044-01-01' ORDER BY id"
    assert query(url, stamped) == [(11,), (12,)]


def test_two_tables_whose_triggers_write_each_other_come_to_an_end(url: str) -> None:
    execute(
        url,
        EACH_ROW,
        "CREATE FUNCTION s.back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" UPDATE {COPY} SET score = score WHERE id = NEW.id; RETURN NULL; END $$",
        f"CREATE TRIGGER back AFTER UPDATE ON {SOURCE} FOR EACH ROW EXECUTE FUNCTION s.back()",
        f"UPDATE {COPY} SET score = score WHERE id = 11",
    )
    assert query(url, "SELECT id FROM s.audit") == [(11,)]
    assert_equal(url)


@pytest.mark.parametrize("triggers", [(), ("ALTER TABLE s.wide DISABLE TRIGGER a",)])
def test_without_such_a_trigger_the_source_is_not_written(
    triggers: tuple[str, ...], url: str
) -> None:
    if triggers:
        execute(url, EACH_ROW)
    execute(url, *triggers, WATCHING)
    before = query(url, "SELECT xmin FROM s.wide WHERE id = 11")
    execute(url, f"UPDATE {COPY} SET rotation = rotation WHERE id = 11")
    assert query(url, "SELECT xmin FROM s.wide WHERE id = 11") == before


OTHERS = {
    "a value": "UPDATE {t} SET score = 9.25 WHERE id = 11",
    "no value": "UPDATE {t} SET score = score WHERE id = 11",
    "the id": "UPDATE {t} SET id = 16 WHERE id = 11",
    "the row away": "DELETE FROM {t} WHERE id = 11",
}


@pytest.mark.parametrize(
    ("isolation", "name", "table"), [*product(ISOLATIONS, OTHERS, (SOURCE, COPY))]
)
def test_a_row_without_a_change_and_another_writer(
    isolation: str, name: str, table: str, url: str, on_stage: OnStage
) -> None:
    execute(url, EACH_ROW)
    stage = on_stage(url)
    one, other = stage.session("one", isolation), stage.session("other", isolation)
    for session in (one, other):
        session.begin()
        session.run("SELECT FROM s.person")
    one.run(f"UPDATE {COPY} SET rotation = rotation WHERE id = 11")
    step = other.start(OTHERS[name].format(t=table))
    step.settled()
    one.commit()
    outcome = step.outcome() or other.commit() or ""
    assert outcome in ({""} if isolation == "READ COMMITTED" else {"", "40001"})
    assert_equal(url)
