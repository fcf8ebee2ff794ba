"""Version, ledger and tables of unlike origin: one line, nothing changed, on every verb."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from membership_refactor.database import libpq_url
from tests.cli.in_process import in_process
from tests.cli.processes import REFUSED, query, version
from tests.fixtures.databases import NewDatabase, TemplateDatabase

VERBS = [
    ("plan",), ("plan", "--compare-keys"), ("status",), ("checks",), ("verify",), ("repair",),
    ("repair", "--apply"), ("abandon",), ("upgrade", "head"), ("upgrade", "+1"),
    ("downgrade", "base"), ("downgrade", "-1"),
]  # fmt: skip
FEW = [("status",), ("verify",), ("abandon",), ("upgrade", "head"), ("downgrade", "-1")]
ROWS = """
INSERT INTO person (surname) SELECT 'P' || i FROM generate_series(1, 5) AS i;
INSERT INTO programme (programme_name) VALUES ('One');
INSERT INTO curriculum (name) VALUES ('A');
INSERT INTO programme_membership (person_id, programme_id, curriculum_id, rotation)
SELECT i % 5 + 1, 1, 1, 'R' || i FROM generate_series(1, 20) AS i;
"""


def stood_at(last: str) -> Callable[[str], None]:
    """For ``template_database``: the chain went up to ``last`` by Alembic, over some rows."""

    def build(url: str) -> None:
        for revision in ("0002", last):
            done = in_process(url, "upgrade", revision, x=("accept-usage=a test",))
            assert done.status == 0, done.out + done.err
            if revision == "0002":
                query(url, ROWS)

    return build


def everything(url: str) -> list[tuple[Any, ...]]:
    """Every relation, trigger and function of the database, and Alembic's version."""
    return [
        (version(url),),
        *query(url, "SELECT oid, relname, relkind FROM pg_class WHERE oid >= 16384 ORDER BY 1"),
        *query(url, "SELECT oid, tgname, tgenabled FROM pg_trigger ORDER BY 1"),
        *query(url, "SELECT oid, xmin::text FROM pg_proc WHERE oid >= 16384 ORDER BY 1"),
    ]


def assert_refused(url: str, said: str, verbs: Sequence[tuple[str, ...]] = FEW) -> None:
    """One line says so, whatever the verb, and nothing is changed."""
    before = everything(url)
    for verb in verbs:
        done = in_process(url, *verb)
        assert done.status == REFUSED, (verb, done)
        assert re.search(said, done.said), (verb, done.said)
        assert done.said.strip().count("\n") == 0
        assert everything(url) == before, verb


@pytest.mark.parametrize("foreign", ["abc123", "0001", "0003", "0005", "0011"])
def test_the_version_of_another_project_is_left_alone(
    foreign: str, new_database: NewDatabase
) -> None:
    url = new_database()
    query(
        url,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        f"INSERT INTO alembic_version VALUES ('{foreign}')",
    )
    said = (
        "is no revision of this project"
        if foreign == "abc123"
        else f"no ledger says that {foreign}"
    )
    assert_refused(url, f'the version of schema "public" is {foreign}.*{said}', VERBS)


def test_a_version_that_was_stamped_by_hand_is_named_and_can_be_stamped_back(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("history 0002", stood_at("0002"))
    assert in_process(url, "stamp", "0005").status == 0
    assert_refused(url, "no ledger says that 0005 ran here")
    assert in_process(url, "stamp", "base").status == 0
    assert in_process(url, "upgrade", "0004").status == 0
    assert in_process(url, "stamp", "0002").status == 0
    assert_refused(url, "is 0002, and the ledger stands at 0004.*alembic stamp 0004")
    assert in_process(url, "stamp", "0004").status == 0
    assert in_process(url, "verify").status == 0


def test_a_version_one_step_beside_the_ledger_is_a_command_that_was_killed(
    template_database: TemplateDatabase,
) -> None:
    """Alembic writes its version after the step has ended; between the two it may be killed."""
    url = template_database("history 0004", stood_at("0004"))
    query(url, "UPDATE alembic_version SET version_num = '0003'")
    assert in_process(url, "checks").status == 0
    assert in_process(url, "upgrade", "0004").status == 0
    assert in_process(url, "downgrade", "0003").status == 0
    query(url, "UPDATE alembic_version SET version_num = '0004'")
    assert in_process(url, "downgrade", "0002").status == 0
    assert version(url) == "0002"


# --- restored without the other half ---------------------------------------------------------


def dumped(url: str, schema: str) -> bytes:
    program = shutil.which("pg_dump")
    if program is None or shutil.which("psql") is None:
        pytest.skip("no pg_dump and psql on this machine")
    command = [program, "-d", libpq_url(url), "-n", schema]
    done = subprocess.run(command, capture_output=True, check=False)
    if b"server version mismatch" in done.stderr:
        pytest.skip("the pg_dump of this machine is older than the server")
    assert done.returncode == 0, done.stderr
    return done.stdout


def restore(url: str, *dumps: bytes) -> None:
    """Triggers whose functions are missing are left out, as psql does."""
    for dump in dumps:
        subprocess.run(
            ["psql", "-qX", "-d", libpq_url(url)], input=dump, capture_output=True, check=True
        )


@pytest.fixture
def empty(new_database: NewDatabase) -> str:
    url = new_database()
    query(url, "DROP SCHEMA public CASCADE")
    return url


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "revision",
    ["0004", *(pytest.param(r, marks=slow) for r in ("0003", "0005", "0009", "0011"))],
)
def test_tables_restored_without_the_ledger_are_named_and_the_ledger_mends_it(
    revision: str, template_database: TemplateDatabase, empty: str
) -> None:
    url = template_database(f"history {revision}", stood_at(revision))
    restore(empty, dumped(url, "public"))
    assert_refused(
        empty,
        'table "curriculum_membership" is there, and no ledger says that a step made it.*'
        "pg_restore --schema=public_refactor",
        VERBS if revision == "0004" else FEW,
    )
    restore(empty, dumped(url, "public_refactor"))
    assert in_process(empty, "repair", "--apply").status == 0
    assert in_process(empty, "checks").status == 0
    down = in_process(empty, "downgrade", "0002")
    assert (down.status, version(empty)) == (0, "0002"), down.out + down.err


@pytest.mark.parametrize(
    ("tables", "ledger", "said"),
    [
        ("0004", "0002", "is there, and no ledger.*DROP SCHEMA \"public_refactor\" CASCADE"),
        ("0002", "0004", "version of schema \"public\" is 0002, and the ledger stands at 0004"),
        ("0004", "0005", 'after 0005 retire_source: table "programme_membership" is there, '
                         'table "programme_membership_retired" is missing'),
        pytest.param("0005", "0009", "is 0005, and the ledger stands at 0009", marks=slow),
        pytest.param("0009", "0005", "no ledger says that a step made it", marks=slow),
    ],
)  # fmt: skip
def test_a_ledger_of_another_moment_is_named(
    tables: str, ledger: str, said: str, template_database: TemplateDatabase, empty: str
) -> None:
    older = template_database(f"history {ledger}", stood_at(ledger))
    newer = template_database(f"history {tables}", stood_at(tables))
    restore(empty, dumped(older, "public_refactor"), dumped(newer, "public"))
    assert_refused(empty, said)


def test_tables_of_a_split_are_no_legacy_tables_where_nothing_is_recorded(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("history 0003", stood_at("0003"))
    query(url, "DROP SCHEMA public_refactor CASCADE; DELETE FROM alembic_version")
    assert_refused(url, "no ledger says that a step made it", FEW[:-1])


def test_a_step_that_is_up_already_is_not_up_over_tables_without_the_copy(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("history 0003", stood_at("0003"))
    query(url, "DROP TABLE curriculum_membership CASCADE")
    query(url, "UPDATE alembic_version SET version_num = '0002'")
    assert_refused(url, 'after 0003 copy_table: table "curriculum_membership" is missing')
