"""The search finds the key by which a table was made, and counts planted errors exactly."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.propose.candidates import Candidate
from membership_refactor.propose.count import count_key, examined
from membership_refactor.propose.discover import discover
from tests.fixtures.databases import NewDatabase
from tests.propose.look import discovered, execute, measuring
from tests.propose.shapes import SHAPES, Shape

ROWS = 20_000


def _broken_groups(url: str, shape: Shape, column: str) -> set[tuple[str, ...]]:
    """The keys of the groups that disagree, asked in another way than the search asks."""
    key = ", ".join(shape.key)
    texts = ", ".join(f"coalesce({c}::text, 'NULL')" for c in shape.key)
    with psycopg.connect(libpq_url(url)) as connection:
        rows = connection.execute(
            f"SELECT {texts} FROM (SELECT DISTINCT {key}, {column} FROM {shape.table}) AS d "
            f"GROUP BY {key} HAVING count(*) > 1".encode()
        ).fetchall()
    return set(rows)


def _check(url: str, shape: Shape, found: Candidate) -> None:
    assert found.key == shape.key
    assert {d.column: d.groups for d in found.disagree} == shape.broken
    for disagreement in found.disagree:
        broken = _broken_groups(url, shape, disagreement.column)
        assert len(broken) == disagreement.groups
        assert len(disagreement.examples) == min(3, disagreement.groups)
        assert {e.key for e in disagreement.examples} <= broken
        assert all(one != other for one, other in (e.values for e in disagreement.examples))
    assert set(shape.child) <= {*found.differ, *found.hardly_vary}
    going = {*found.key, *found.agree, *found.agree_by_part, *shape.broken}
    assert going.isdisjoint(shape.child)
    assert set(shape.parent) == going - {*found.key}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.table)
def test_finds_the_key_and_every_planted_error(new_database: NewDatabase, shape: Shape) -> None:
    url = new_database()
    execute(url, shape.script(ROWS))

    found = discovered(url, shape.table)

    assert not found.out_of_time
    _check(url, shape, found.candidates[0])


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES[:2], ids=lambda s: s.table)
def test_a_million_rows_in_the_time_that_is_given(new_database: NewDatabase, shape: Shape) -> None:
    url = new_database()
    execute(url, shape.script(1_000_000))

    found = discovered(url, shape.table, seconds=60)

    assert found.rows > 900_000
    assert found.seconds < 60
    _check(url, shape, found.candidates[0])


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_rows_to_compare_has_no_candidates(
    new_database: NewDatabase, rows: int
) -> None:
    url = new_database()
    execute(url, "CREATE TABLE t (id int PRIMARY KEY, a int, b text)")
    execute(url, f"INSERT INTO t SELECT n, 2 FROM generate_series(1, {rows}) AS n")

    found = discovered(url, "t")

    assert (found.rows, found.candidates) == (rows, ())


def test_two_hundred_columns_of_which_most_are_deprecated(new_database: NewDatabase) -> None:
    dead = [f"old_{n} {('text', 'integer', 'timestamptz', 'jsonb')[n % 4]}" for n in range(120)]
    live = [f"item_{n} integer" for n in range(72)]
    values = ", ".join("(random() * 50)::int" for _ in live)
    url = new_database()
    execute(
        url,
        f"CREATE TABLE wide (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, grp integer, "
        f"who text, place text, old_flag text DEFAULT 'n', {', '.join(dead + live)});"
        f"INSERT INTO wide (grp, who, place, {', '.join(c.split()[0] for c in live)}) "
        f"SELECT g, 'w' || g, 'p' || (g % 7 * g), {values} "
        "FROM generate_series(1, 1000) AS g, generate_series(1, 4); ANALYZE wide;",
    )

    found = discovered(url, "wide", seconds=20)

    assert found.seconds < 25
    assert len(found.constant) == 121
    best = found.candidates[0]
    assert best.parents == 1000
    assert {*best.key, *best.agree} == {"grp", "who", "place"}


def test_a_table_that_was_never_analysed(new_database: NewDatabase) -> None:
    url = new_database()
    execute(url, SHAPES[1].script(ROWS).replace("ANALYZE", "-- "))

    assert discovered(url, SHAPES[1].table).candidates[0].key == SHAPES[1].key


def test_ends_with_what_there_is_when_the_time_is_over(new_database: NewDatabase) -> None:
    url = new_database()
    execute(url, SHAPES[1].script(ROWS))

    with (
        psycopg.connect(libpq_url(url)) as other,
        measuring(url, SHAPES[1].table, seconds=1) as measure,
    ):
        # Whoever waits for a lock uses up the time; the search must not wait for it.
        other.execute("LOCK TABLE order_line IN ACCESS EXCLUSIVE MODE")
        found = discover(measure)

    assert found.out_of_time
    assert found.candidates == ()


def test_equal_values_of_another_spelling_agree(new_database: NewDatabase) -> None:
    """1.0 and 1.00 are one value for the policy `agree`, and so for the search."""
    url = new_database()
    execute(
        url,
        "CREATE TABLE t (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, grp int, rate numeric, "
        "noise int); INSERT INTO t (grp, rate, noise) "
        "SELECT g, CASE WHEN n = 1 THEN trim_scale((g % 50)::numeric) ELSE (g % 50) + 0.00 END, "
        "(random() * 1000)::int FROM generate_series(1, 300) AS g, generate_series(1, 4) AS n",
    )
    with measuring(url, "t") as measure:
        counted = count_key(measure, measure.profiles(), ("grp",))

    assert counted.agree == ("rate",)
    assert counted.disagree == ()
    assert counted.differ == ("noise",)


def test_null_is_a_value_of_its_own(new_database: NewDatabase) -> None:
    url = new_database()
    execute(
        url,
        "CREATE TABLE t (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, grp int, place text, "
        "noise int); INSERT INTO t (grp, place, noise) "
        "SELECT nullif(g, 7), 'p' || g % 9, (random() * 1000)::int "
        "FROM generate_series(1, 300) AS g, generate_series(1, 4) AS n; "
        "UPDATE t SET place = NULL WHERE id = (SELECT min(id) FROM t WHERE grp = 5)",
    )
    with measuring(url, "t") as measure:
        counted = examined(measure, count_key(measure, measure.profiles(), ("grp",)))

    assert (counted.parents, counted.gaps, counted.largest) == (300, 1, 4)
    (disagreement,) = counted.disagree
    assert (disagreement.column, disagreement.groups) == ("place", 1)
    (example,) = disagreement.examples
    assert (example.key, example.values) == (("5",), ("p5", "NULL"))
