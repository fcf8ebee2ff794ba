"""Rules of applications: carried where they rewrite nothing, refused by name where they would."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest

from membership_refactor.errors import CannotCarry, CheckFailed
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.steps import IDS
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, apart, assert_equal, assert_parents, execute, query

ALSO = "CREATE RULE noted AS ON DELETE TO {t} DO ALSO INSERT INTO s.other VALUES (OLD.id, 1)"
REWRITING = {
    "swallows inserts": "CREATE RULE r AS ON INSERT TO {t} DO INSTEAD NOTHING",
    "adds to inserts": "CREATE RULE r AS ON INSERT TO {t} DO ALSO SELECT 1",
    "adds to updates": "CREATE RULE r AS ON UPDATE TO {t} DO ALSO SELECT 1",
    "swallows deletes": "CREATE RULE r AS ON DELETE TO {t} WHERE OLD.id = 21 DO INSTEAD NOTHING",
}


def delete(url: str, table: str, id: int) -> None:
    execute(url, f"DELETE FROM {table} WHERE id = {id}")
    assert (id, 1) in query(url, "SELECT id, x FROM s.other"), f"{id} of {table} is not noted"


def test_a_rule_that_adds_to_deletes_fires_once_for_each_row_in_every_stage(
    template_database: TemplateDatabase,
) -> None:
    """The table of the rule has a primary key, so that firing twice would be an error."""
    url = template_database(tables_at("0001"))
    execute(url, ALSO.replace("{t}", SOURCE))
    with Pilot(url) as pilot:
        delete(url, SOURCE, 11)
        pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
        delete(url, SOURCE, 12)
        pilot.finish()
        delete(url, SOURCE, 13)
        pilot.upgrade("0004")
        delete(url, SOURCE, 14)
        delete(url, COPY, 21)
        assert_equal(url)
        for id, revision in zip((22, 23, 24, 31), IDS[2:], strict=False):
            pilot.upgrade(revision)
            delete(url, COPY, id)
            if revision == "0007":
                assert_parents(url)
        for id, revision in zip((32, 33, 34, 41), ("0008", "0007", "0006", "0005"), strict=True):
            pilot.downgrade(revision)
            delete(url, COPY, id)
        delete(url, SOURCE, 42)
        assert_equal(url)
        pilot.downgrade("0004", "0003")
    delete(url, SOURCE, 43)
    gone = query(url, f"SELECT id FROM s.other WHERE id IN (SELECT id FROM {SOURCE})")
    assert gone == []


@pytest.mark.parametrize("rule", REWRITING)
def test_a_rule_that_would_rewrite_what_is_carried_is_refused_by_name(
    rule: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0001"))
    execute(url, REWRITING[rule].replace("{t}", SOURCE))
    with Pilot(url) as pilot:
        with pytest.raises(CannotCarry, match='has the rule "r" on'):
            pilot.upgrade("0003")
        assert query(url, "SELECT pg_catalog.to_regclass('s.narrow')") == [(None,)]
        execute(url, f"ALTER TABLE {SOURCE} DISABLE RULE r")
        pilot.upgrade("0003", "0004")
    assert_equal(url)


LATER = [
    pytest.param(*case, marks=() if n % 3 == 0 else pytest.mark.slow)
    for n, case in enumerate(product(REWRITING, ("0003", "0004"), (SOURCE, COPY)))
]


@pytest.mark.parametrize("rule, revision, table", LATER)
def test_a_rule_that_comes_later_is_named_before_the_next_step(
    rule: str, revision: str, table: str, template_database: TemplateDatabase
) -> None:
    """What it swallows may part the tables until then, as a trigger on the copy may; a write that
    it makes impossible is refused."""
    url = template_database(tables_at(revision))
    execute(url, REWRITING[rule].replace("{t}", table))
    for side in (SOURCE, COPY):
        for text in (
            f"INSERT INTO {side} (person_id, programme, curriculum) VALUES (1, 1, 1)",
            f"UPDATE {side} SET rotation = 'w' WHERE id = 11",
            f"UPDATE {side} SET id = 200001 WHERE id = 12",
            f"DELETE FROM {side} WHERE id = 21",
        ):
            try:
                execute(url, text)
            except psycopg.Error as error:
                assert error.sqlstate in ("0A000", "55000", "23505"), (text, error)
    following = "0004" if revision == "0003" else "0005"
    with Pilot(url) as pilot:
        with pytest.raises(CannotCarry, match=r"rules?\b[^\n]*\br\b"):
            pilot.upgrade(following)
        execute(url, f"DROP RULE r ON {table}")
        if not query(url, apart(SOURCE, COPY)):
            pilot.upgrade(following)
            return
        if revision == "0003":
            pilot.upgrade("0004")
        with pytest.raises(CheckFailed, match="bit for bit"):
            pilot.upgrade("0005")
