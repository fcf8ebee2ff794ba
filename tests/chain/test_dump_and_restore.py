"""A dump taken at any revision is a whole one: everything of ours stands in it, and captures."""

from __future__ import annotations

import shutil
import subprocess

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.sql.ledger.own_objects import broken_own_objects
from membership_refactor.sql.names import Names
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.fixtures.steps import IDS
from tests.races.families import assert_families
from tests.races.stages import tables_at
from tests.races.tables import COPY, OLD_SHAPE, SOURCE, assert_equal, assert_parents, execute, query

OBJECTS = r"""
SELECT format('%s %s %s', t.tgrelid::regclass, t.tgenabled, pg_get_triggerdef(t.oid)) AS text
FROM pg_trigger AS t WHERE NOT t.tgisinternal
UNION ALL
SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p
WHERE p.pronamespace = 's_refactor'::regnamespace
ORDER BY 1
"""
WRITES = (
    "UPDATE {t} SET score = 1.50, rotation = 'later' WHERE id = 11",
    "UPDATE {t} SET score = 1.500 WHERE id = 11",
    "UPDATE {t} SET programme = 5 WHERE id = 12",
    "DELETE FROM {t} WHERE id = 13",
)


def restore(url: str, restored: str) -> None:
    """Dump the one database, and restore the dump into the other."""
    programs = shutil.which("pg_dump"), shutil.which("pg_restore")
    if None in programs:
        pytest.skip("no pg_dump on this machine")
    dump = subprocess.run(
        [str(programs[0]), "-Fc", "-d", libpq_url(url)], capture_output=True, check=True
    )
    done = subprocess.run(
        [str(programs[1]), "-d", libpq_url(restored)],
        input=dump.stdout,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize("revision", ["0005", "0009"])
def test_the_view_of_the_old_shape_is_restored_as_it_was(
    revision: str, template_database: TemplateDatabase, new_database: NewDatabase
) -> None:
    url = template_database(tables_at(revision, OLD_SHAPE))
    restored = new_database()
    restore(url, restored)
    with psycopg.connect(libpq_url(restored)) as connection:
        connection.execute("SET search_path = pg_catalog")
        broken = connection.execute(broken_own_objects(Names(OLD_SHAPE, "s")).encode())
        assert broken.fetchall() == []
    rows = "SELECT w::text FROM s_old.wide AS w ORDER BY id"
    assert query(restored, rows) == query(url, rows)


@pytest.mark.parametrize("revision", IDS)
def test_a_restored_database_has_every_trigger_and_function_and_goes_on_capturing(
    revision: str, template_database: TemplateDatabase, new_database: NewDatabase
) -> None:
    url = template_database(tables_at(revision))
    restored = new_database()
    restore(url, restored)
    assert query(restored, OBJECTS) == query(url, OBJECTS)

    if revision <= "0004":
        execute(restored, *(text.format(t=SOURCE) for text in WRITES))
        assert_equal(restored)
    elif revision == "0007":
        execute(restored, *(text.format(t=COPY) for text in WRITES))
        assert_parents(restored)
    elif revision == "0008":
        execute(restored, *(text.format(t=COPY) for text in WRITES))
        execute(restored, f"UPDATE {SOURCE} SET score = 2.50 WHERE programme = 1")
        execute(restored, f"UPDATE {SOURCE} SET score = 2.500 WHERE programme = 1")
        assert_families(restored)
