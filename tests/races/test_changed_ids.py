"""A changed id is an UPDATE of the id on the other side: references fare as on one table.

Each statement runs on the captured tables and on a plain table beside them that refers and is
written alike; the outcome, the rows and the references have to be the same.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, execute, query

PLAIN = "s.plain"
STATEMENTS = {
    "one": "UPDATE {t} SET id = 99 WHERE id = 1",
    "one, with values": "UPDATE {t} SET id = 99, rotation = 'moved', score = 7.50 WHERE id = 1",
    "several": "UPDATE {t} SET id = id + 5, rotation = 'w' WHERE id BETWEEN 1 AND 4",
    "down by one": "UPDATE {t} SET id = id - 1 WHERE id IN (1, 2, 3, 4)",
    "up by one": "UPDATE {t} SET id = id + 1 WHERE id IN (1, 2, 3, 4)",
    "swap": "UPDATE {t} SET id = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2)",
    "chain": "UPDATE {t} SET id = CASE id WHEN 2 THEN 9 ELSE 2 END WHERE id IN (1, 2)",
    "there and back": "UPDATE {t} SET id = 99 WHERE id = 1; UPDATE {t} SET id = 1 WHERE id = 99",
    "with a unique value": "UPDATE {t} SET id = id + 5, badge = 'new' || id WHERE id IN (1, 2)",
}
ACTIONS = (
    "ON UPDATE CASCADE ON DELETE CASCADE",
    "ON UPDATE SET NULL ON DELETE SET NULL",
    "ON DELETE CASCADE",
    "ON UPDATE CASCADE ON DELETE RESTRICT",
    "DEFERRABLE INITIALLY DEFERRED",
)
PLACES = (
    ("0003", SOURCE, COPY),
    ("0004", SOURCE, COPY),
    ("0004", COPY, SOURCE),
    ("0004", COPY, COPY),
)
"""The revision, the table that is written, and the one that others refer to."""


def referring(table: str, name: str, action: str) -> tuple[str, ...]:
    """A table whose rows refer to the first ids of ``table``."""
    return (
        f"CREATE TABLE s.{name} (n bigint PRIMARY KEY, ref bigint REFERENCES {table} {action})",
        f"INSERT INTO s.{name} SELECT id, id FROM {table} WHERE id IN (1, 2)",
    )


def outcome(url: str, text: str) -> str:
    try:
        execute(url, text)
    except psycopg.Error as error:
        return error.sqlstate or "error"
    return ""


def every_case() -> list[Any]:
    """The whole product; a plain run takes a fifth of it, with every statement and place."""
    made = []
    for n, (name, (action, place)) in enumerate(
        product(STATEMENTS, list(product(ACTIONS, PLACES)))
    ):
        marks = () if (n + n // 20) % 5 == 0 else pytest.mark.slow
        said = f"{name}, {' '.join(place)}, {action}"
        made.append(pytest.param(*place, STATEMENTS[name], action, id=said, marks=marks))
    return made


@pytest.mark.parametrize("revision, written, referred, statement, action", every_case())
def test_references_to_a_row_whose_id_changes_fare_as_on_one_table(
    revision: str,
    written: str,
    referred: str,
    statement: str,
    action: str,
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at(revision))
    execute(
        url,
        f"CREATE TABLE {PLAIN} (LIKE {SOURCE} INCLUDING ALL)",
        "INSERT INTO s.plain (id, person_id, programme, kind, began, rotation, score, curriculum,"
        " note, code, ratio, tags, badge, label, mentor_id, amended) OVERRIDING SYSTEM VALUE"
        " SELECT id, person_id, programme, kind, began, rotation, score, curriculum, note, code,"
        f" ratio, tags, badge, label, mentor_id, amended FROM {SOURCE} ORDER BY id",
        *referring(PLAIN, "of_plain", action),
        *referring(referred, "of_captured", action),
    )

    said = outcome(url, statement.format(t=written))

    assert said == outcome(url, statement.format(t=PLAIN))
    assert_equal(url)
    rows = "SELECT id, rotation, score::text, badge FROM {} WHERE id < 200 ORDER BY id"
    assert query(url, rows.format(written)) == query(url, rows.format(PLAIN))
    refs = "SELECT n, ref FROM {} ORDER BY n"
    assert query(url, refs.format("s.of_captured")) == query(url, refs.format("s.of_plain"))


@pytest.mark.parametrize("written", [SOURCE, COPY])
def test_a_thousand_changed_ids_keep_their_references_in_a_moment(
    written: str, template_database: TemplateDatabase
) -> None:
    url = template_database(tables_at("0004"))
    other = COPY if written == SOURCE else SOURCE
    execute(
        url,
        f"INSERT INTO {SOURCE} (id, person_id, programme, curriculum)"
        " SELECT n, 1, 1, 1 FROM generate_series(300001, 303000) AS n",
        "CREATE TABLE s.refers (n bigint PRIMARY KEY,"
        f" ref bigint REFERENCES {other} ON UPDATE CASCADE ON DELETE CASCADE)",
        "CREATE INDEX ON s.refers (ref)",
        "INSERT INTO s.refers SELECT n, n FROM generate_series(300001, 303000) AS n",
    )

    execute(url, f"SET statement_timeout = '20s'; UPDATE {written} SET id = id + 100000, "
                 "rotation = 'x' WHERE id > 300000")  # fmt: skip

    assert_equal(url)
    assert query(url, "SELECT count(*), min(ref), max(ref) FROM s.refers") == [
        (3000, 400001, 403000)
    ]


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("first, second", [(SOURCE, COPY), (COPY, SOURCE), (COPY, COPY)])
@pytest.mark.parametrize(
    "rival",
    [
        "INSERT INTO {t} (id, person_id, programme, curriculum) VALUES (99, 1, 1, 1)",
        "UPDATE {t} SET rotation = 'rival' WHERE id = 1",
        "UPDATE {t} SET id = 99 WHERE id = 2",
        "UPDATE {t} SET id = 77 WHERE id = 1",
        "DELETE FROM {t} WHERE id = 1",
    ],
)
def test_rivals_of_a_changed_id_leave_both_tables_equal(
    rival: str,
    first: str,
    second: str,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(tables_at("0004"))
    execute(url, *referring(COPY, "refers", "ON UPDATE CASCADE"))
    outcomes = on_stage(url).race(
        f"UPDATE {first} SET id = 99 WHERE id = 1", rival.format(t=second), isolation
    )
    assert set(outcomes) <= {"", "40001", "40P01", "23505", "23503"}, outcomes
    assert "" in outcomes
    assert_equal(url)
    with psycopg.connect(libpq_url(url)) as connection:
        dangling = connection.execute(
            b"SELECT count(*) FROM s.refers r LEFT JOIN s.narrow c ON c.id = r.ref "
            b"WHERE r.ref IS NOT NULL AND c.id IS NULL"
        ).fetchone()
    assert dangling == (0,)
